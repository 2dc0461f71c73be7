/** The device webgpu, on the adapter that Chromium emulates on a CPU. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { openBrowser, serve } from "./browser.js";

/** @typedef {typeof import("../../src/index.js")} Package */

const FLAGS = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];
const BUNDLES = ["/starter.ganport", "/data/tiny-gray.ganport/", "/data/tiny-rgba.ganport/"];
/** Values that may differ from those of wasm, each by one level. */
const MAX_SHARE = 1 / 10_000;

/** @type {Awaited<ReturnType<typeof openBrowser>>} */
let context;
/** @type {Awaited<ReturnType<typeof serve>>} */
let server;
/** @type {import("playwright-core").Page} */
let page;
let hasAdapter = false;

before(async () => {
  server = await serve();
  context = await openBrowser(FLAGS);
  page = await context.newPage();
  await page.goto(`${server.address}/test/page.html`);
  await page.waitForFunction(() => "ganport" in window);
  hasAdapter = await page.evaluate(async () => {
    const gpu = /** @type {any} */ (navigator).gpu;
    return Boolean(await gpu?.requestAdapter());
  });
});
after(async () => {
  await context?.close();
  server?.close();
});

for (const bundle of BUNDLES) {
  test(`${bundle} gives the pixels of wasm, a few of them one level apart`, async (t) => {
    if (!hasAdapter) return t.skip("no adapter");
    const { levels, values } = await page.evaluate(async (source) => {
      const { Generator } = /** @type {Package} */ (/** @type {any} */ (window).ganport);
      const sets = [];
      for (const device of /** @type {const} */ (["wasm", "webgpu"])) {
        const ort = `/onnxruntime-web/ort.${device}.bundle.min.mjs`;
        const generator = await Generator.load(source, { device, ort });
        const images = await generator.generate(null, { seed: 0, count: 8 });
        sets.push(images.flatMap(({ data }) => Array.from(data)));
        await generator.dispose();
      }
      const [wasm, webgpu] = sets;
      const levels = wasm.map((value, i) => Math.abs(value - webgpu[i])).filter(Boolean);
      return { levels, values: wasm.length };
    }, bundle);
    console.log(`# ${bundle}: ${levels.length} of ${values} values differ`);
    assert.deepEqual([...new Set(levels)], levels.length ? [1] : []);
    assert.ok(levels.length <= values * MAX_SHARE);
  });
}

test("two generators load at once, and two calls run at once", async (t) => {
  if (!hasAdapter) return t.skip("no adapter");
  const seeds = await page.evaluate(async () => {
    const { Generator } = /** @type {Package} */ (/** @type {any} */ (window).ganport);
    const options = /** @type {const} */ ({
      device: "webgpu",
      worker: false,
      ort: "/onnxruntime-web/ort.webgpu.bundle.min.mjs",
    });
    const load = () => Generator.load("/data/tiny-gray.ganport/", options);
    const [first, second] = await Promise.all([load(), load()]);
    const calls = [first, first, second].map((generator, seed) =>
      generator.generate(null, { seed }),
    );
    return (await Promise.all(calls)).map(([image]) => image.seed);
  });
  assert.deepEqual(seeds, ["0", "1", "2"]);
});
