/** The package on a page: workers, sources, cancellation, plain HTTP, hostile bundles. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { ROOT, openBrowser, serve } from "./browser.js";

/** @typedef {typeof import("../../src/index.js")} Package */

/** @type {Awaited<ReturnType<typeof openBrowser>>} */
let context;
/** @type {Awaited<ReturnType<typeof serve>>} */
let server;
/** @type {import("playwright-core").Page} */
let page;

before(async () => {
  server = await serve();
  context = await openBrowser();
  page = await open(`${server.address}/test/page.html`);
});
after(async () => {
  await context?.close();
  server?.close();
});

/** @param {string} address */
async function open(address) {
  const opened = await context.newPage();
  await opened.goto(address);
  await opened.waitForFunction(() => "ganport" in window);
  return opened;
}

/** Run a function with the package on the page. @template T, A @param {(ganport: Package, argument: A) => Promise<T>} body @param {A} argument @returns {Promise<T>} */
function run(body, argument, on = page) {
  const code = `((argument) => (${body})(window.ganport, argument))`;
  return on.evaluate(
    ([text, value]) => (0, eval)(text)(value),
    /** @type {const} */ ([code, argument]),
  );
}

test("load works in a worker and reports progress", async () => {
  const found = await run(async ({ Generator }) => {
    /** @type {{loaded: number, total?: number}[]} */
    const steps = [];
    const generator = await Generator.load("/starter.ganport", {
      onProgress: (step) => steps.push(step),
    });
    const images = await generator.generate(null, { seed: 1n, count: 3 });
    const png = await images[0].toPNG();
    await generator.dispose();
    const late = await generator.generate().catch((error) => error.code);
    return { steps, device: generator.device, seeds: images.map((i) => i.seed), png: png[1], late };
  }, null);
  assert.equal(found.device, "wasm");
  assert.deepEqual(found.seeds, ["1", "2", "3"]);
  assert.equal(found.png, 0x50);
  assert.equal(found.late, "ClosedError");
  assert.ok(found.steps.length > 0);
  // The browser reports the end of a worker a moment later.
  await Promise.all(page.workers().map((worker) => worker.waitForEvent("close")));
  assert.equal(page.workers().length, 0);
});

test("generate and load do not stall the page", async () => {
  // Other programs share the machine: the shortest of three counts, and an idle page is the measure.
  const gaps = [];
  const idle = [];
  for (let i = 0; i < 3; i++) {
    const [working, waiting] = await run(async ({ Generator }) => {
      const longestGap = async (/** @type {() => Promise<void>} */ work) => {
        let longest = 0;
        let last = performance.now();
        const timer = setInterval(() => {
          longest = Math.max(longest, performance.now() - last);
          last = performance.now();
        }, 5);
        await work();
        clearInterval(timer);
        return longest;
      };
      const start = performance.now();
      const working = await longestGap(async () => {
        const generator = await Generator.load("/starter.ganport");
        await generator.generate(null, { count: 200 });
        await generator.dispose();
      });
      const spent = performance.now() - start;
      const wait = () => new Promise((resolve) => setTimeout(resolve, spent));
      return [working, await longestGap(async () => void (await wait()))];
    }, null);
    gaps.push(working);
    idle.push(waiting);
  }
  const [texts, idleTexts] = [gaps, idle].map((list) => list.map(Math.round).join(", "));
  console.log(
    `# longest gaps between tasks of the page: ${texts} ms; when it is idle: ${idleTexts}`,
  );
  assert.ok(Math.min(...gaps) < Math.max(50, 2 * Math.max(...idle)));
});

test("an aborted call rejects with the reason, and the next one works", async () => {
  const found = await run(async ({ Generator }) => {
    const generator = await Generator.load("/starter.ganport");
    const controller = new AbortController();
    const call = generator.generate(null, { count: 2000, signal: controller.signal });
    setTimeout(() => controller.abort(new Error("enough")), 100);
    const started = performance.now();
    const reason = await call.catch((error) => error.message);
    const seconds = (performance.now() - started) / 1000;
    const images = await generator.generate(null, { seed: 1 });
    await generator.dispose();
    const loading = Generator.load("/starter.ganport", { signal: AbortSignal.abort("no") });
    return { reason, seconds, count: images.length, load: await loading.catch((error) => error) };
  }, null);
  assert.equal(found.reason, "enough");
  assert.ok(found.seconds < 2);
  assert.equal(found.count, 1);
  assert.equal(found.load, "no");
});

test("a file, its bytes and an unpacked bundle give the same images", async () => {
  const bytes = [...readFileSync(`${ROOT}tests/runtime/data/tiny.onnx`)];
  const found = await run(async ({ Generator }, data) => {
    const array = new Uint8Array(data);
    const sources = [
      "/data/tiny.ganport/",
      array,
      new File([array], "tiny.onnx"),
      "/data/tiny.onnx",
    ];
    const all = [];
    for (const source of sources) {
      const generator = await Generator.load(source);
      const [image] = await generator.generate("pink hair", { seed: "7" });
      all.push([...image.data].join());
      await generator.dispose();
    }
    return all;
  }, bytes);
  assert.equal(new Set(found).size, 1);
});

test("errors of a worker are those of the package", async () => {
  const found = await run(async ({ Generator, BundleError, ConditionError }) => {
    const page404 = await Generator.load("/missing.ganport").catch((error) => error);
    const html = await Generator.load("/index.html").catch((error) => error);
    const generator = await Generator.load("/data/tiny.ganport/");
    const label = await generator.generate({ hair: "pnik" }).catch((error) => error);
    const odd = /** @type {any} */ ({ hair: () => "pink" });
    const call = await generator.generate(odd).catch((error) => error);
    await generator.dispose();
    const isRight = page404 instanceof BundleError && label instanceof ConditionError;
    return { isRight, page404: page404.found, html: html.found, fix: label.fix, call: call.code };
  }, null);
  assert.ok(found.isRight);
  assert.equal(found.page404, "HTTP status 404");
  assert.match(found.html, /neither/);
  assert.equal(found.call, "RequestError");
  assert.equal(found.fix, "Did you mean 'pink'?");
});

test("hostile graphs are an error message and do not freeze the page", async () => {
  const { cases } = JSON.parse(readFileSync(`${ROOT}tests/vectors/graphs.json`, "utf8"));
  const models = cases
    .filter((/** @type {any} */ entry) => entry.error)
    .map((/** @type {any} */ entry) => entry.input.model);
  const codes = await run(async ({ Generator }, list) => {
    const found = [];
    for (const text of list) {
      const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
      const file = new File([bytes], "hostile.onnx");
      found.push(await Generator.load(file).catch((error) => error.code));
    }
    return found;
  }, models);
  assert.ok(codes.every((/** @type {string} */ code) => code === "BundleError"));
});

test("a page over plain HTTP has no WebCrypto and works", async () => {
  const { port } = new URL(server.address);
  const insecure = await open(`http://insecure.test:${port}/test/page.html`);
  const found = await run(
    async ({ Generator }) => {
      const generator = await Generator.load("/data/tiny.ganport/");
      const { digest } = generator;
      await generator.dispose();
      return { digest, hasCrypto: Boolean(crypto.subtle) };
    },
    null,
    insecure,
  );
  assert.equal(found.hasCrypto, false);
  assert.match(found.digest, /^[0-9a-f]{64}$/);
  await insecure.close();
});

test("worker: false works in the page, and webgpu is refused where it is absent", async () => {
  const found = await run(async ({ Generator }) => {
    const generator = await Generator.load("/data/tiny.ganport/", { worker: false });
    const [image] = await generator.generate("pink hair", { seed: 7 });
    const { width } = image.toImageData();
    const error = await Generator.load("/data/tiny.ganport/", { device: "webgpu" }).catch((e) => e);
    return { width, code: error.code, hasGpu: "gpu" in navigator };
  }, null);
  assert.equal(found.width, 8);
  if (!found.hasGpu) assert.equal(found.code, "DeviceError");
});
