/** The package and the example page in a real browser: `npm run test:browser`. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Generator } from "../../src/index.js";
import { ROOT, openBrowser, serve } from "./browser.js";

/** @type {Awaited<ReturnType<typeof openBrowser>>} */
let context;
/** @type {Awaited<ReturnType<typeof serve>>} */
let server;

before(async () => {
  server = await serve();
  context = await openBrowser();
});
after(async () => {
  await context?.close();
  server?.close();
});

/** Open a page whose errors and failed requests are a failure. @param {string} path */
async function openPage(path) {
  const page = await context.newPage();
  /** @type {string[]} */
  const problems = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(server.address) && !request.url().startsWith("blob:")) {
      problems.push(`a request to ${request.url()}`);
    }
  });
  await page.goto(`${server.address}${path}`);
  return { page, problems };
}

test("the creator draws the pixels that Node draws", async () => {
  const { page, problems } = await openPage("/");
  await page.getByText(/seed 7$/).waitFor();
  await page.getByLabel("hair").selectOption("pink");
  await page.getByLabel("eyes").selectOption("black");
  await page.getByText("pink hair black eyes, seed 7").waitFor();
  const drawn = await page.evaluate(() => {
    const canvas = /** @type {HTMLCanvasElement} */ (document.querySelector("canvas"));
    const { data } = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).getImageData(
      0,
      0,
      canvas.width,
      canvas.height,
    );
    return [...data];
  });
  const starter = `${ROOT}runtime/ganport_runtime/starter.ganport`;
  const generator = await Generator.load(starter, { device: "wasm" });
  const [image] = await generator.generate("pink hair black eyes", { seed: 7 });
  const expected = [...image.data].flatMap((x, i) => (i % 3 === 2 ? [x, 255] : [x]));
  assert.deepEqual(drawn, expected);
  assert.deepEqual(problems, []);
  await page.screenshot({ path: process.env.SCREENSHOT ?? "/dev/null", type: "png" });
  await page.close();
});
