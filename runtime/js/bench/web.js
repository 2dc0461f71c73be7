/**
 * Measure the package in Chromium: the first image, images a second against a loop by hand, and
 * memory over many images. `benchmarks/web.py` runs it and prints the table. Prints one JSON object.
 */

import { readFileSync, readdirSync } from "node:fs";

import { ROOT, openBrowser, serve } from "../test/browser/browser.js";

const [rounds, total] = process.argv.slice(2).map(Number);
const ROWS = 16;
const WORKERS = 6;
const server = await serve({
  "/ganport/": `${ROOT}runtime/js/dist/`,
  "/source/": `${ROOT}runtime/js/src/`,
  "/onnxruntime-web/": `${ROOT}runtime/js/node_modules/onnxruntime-web/dist/`,
  "/starter.ganport": `${ROOT}runtime/ganport_runtime/starter.ganport`,
  "/starter/": `${ROOT}runtime/js/bench/`,
  "/": `${ROOT}runtime/js/bench/`,
});

/** Return the milliseconds from the start of a page to its first image, in a new browser. */
async function firstImage() {
  const context = await openBrowser();
  const page = await context.newPage();
  await page.goto(`${server.address}/page.html`);
  await page.waitForFunction(() => "firstImage" in window);
  const first = await page.evaluate(() => /** @type {any} */ (window).firstImage);
  // The second visit has the files in its cache.
  await page.reload();
  await page.waitForFunction(() => "firstImage" in window);
  const again = await page.evaluate(() => /** @type {any} */ (window).firstImage);
  return { context, page, first, again };
}

/**
 * Time both ways in turn; return milliseconds for 16 images each. Two workers that run the same code
 * differ by some percent for as long as they live, so there are several of each kind.
 * @param {import("playwright-core").Page} page
 */
const compareWithBare = (page) =>
  page.evaluate(async ([count, rows, workers]) => {
    const { Generator } = await import(/** @type {any} */ ("/ganport/ganport.js"));
    const { openZip } = await import(/** @type {any} */ ("/source/bundle/zip.js"));
    const data = new Uint8Array(await (await fetch("/starter.ganport")).arrayBuffer());
    const model = openZip(data, "starter")("generator.onnx");
    const { generator } = /** @type {any} */ (window);
    const { data: z } = await generator.noise(Array.from({ length: rows }, (_, i) => i));
    const vector = generator.conditions.encode("pink hair");
    const condition = new Float32Array(rows * vector.length);
    for (let row = 0; row < rows; row++) condition.set(vector, row * vector.length);
    const startBare = async () => {
      const worker = new Worker("/bare-worker.js", { type: "module" });
      const ask = (/** @type {any} */ message) =>
        new Promise((resolve) => {
          worker.onmessage = resolve;
          worker.postMessage(message);
        });
      await ask({ model });
      return { run: () => ask({ z, condition, rows }), end: () => worker.terminate() };
    };
    const startOurs = async () => {
      const own = await Generator.load("/starter.ganport");
      const run = () => own.generate("pink hair", { seed: 0, count: rows });
      return { run, end: () => own.dispose() };
    };
    const time = async (/** @type {{run: () => Promise<any>}} */ { run }) => {
      const start = performance.now();
      await run();
      return performance.now() - start;
    };
    const found = [];
    for (let worker = 0; worker < workers; worker++) {
      const starts = worker % 2 ? [startOurs, startBare] : [startBare, startOurs];
      const started = [await starts[0](), await starts[1]()];
      const [ours, bare] = worker % 2 ? started : started.reverse();
      for (let round = 0; round < count / workers + 2; round++) {
        const pair =
          round % 2
            ? [await time(ours), await time(bare)]
            : [await time(bare), await time(ours)].reverse();
        if (round > 1) found.push(pair);
      }
      ours.end();
      bare.end();
    }
    return found;
  }, /** @type {const} */ ([rounds, ROWS, WORKERS]));

/** Return the resident megabytes of the renderers that this program has started. */
function residentMegabytes() {
  /** @type {Map<string, {parent: string, command: string, bytes: number}>} */
  const processes = new Map();
  for (const id of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const read = (/** @type {string} */ name) => readFileSync(`/proc/${id}/${name}`, "utf8");
      const parent = read("stat")
        .replace(/^.*\) \S /, "")
        .split(" ")[0];
      const bytes = Number(read("statm").split(" ")[1]) * 4096;
      processes.set(id, { parent, command: read("cmdline"), bytes });
    } catch {
      // The process has ended.
    }
  }
  const isOurs = (/** @type {string} */ id) => {
    for (let at = processes.get(id); at; at = processes.get(at.parent)) {
      if (at.parent === String(process.pid)) return true;
    }
    return false;
  };
  const renderers = [...processes].filter(
    ([id, { command }]) => command.includes("--type=renderer") && isOurs(id),
  );
  return renderers.reduce((sum, [, { bytes }]) => sum + bytes, 0) / 1e6;
}

/** Return the memory after each tenth of many images. @param {import("playwright-core").Page} page */
async function memoryOverImages(page) {
  const steps = [];
  for (let step = 0; step < 10; step++) {
    await page.evaluate(async (count) => {
      const { generator } = /** @type {any} */ (window);
      for (let made = 0; made < count; made += 16) await generator.generate(null, { count: 16 });
    }, total / 10);
    steps.push(residentMegabytes());
  }
  return steps;
}

const visits = [];
for (let i = 0; i < 3; i++) {
  const { context, page, first, again } = await firstImage();
  visits.push([first, again]);
  if (i === 2) {
    const pairs = await compareWithBare(page);
    const memory = await memoryOverImages(page);
    console.log(JSON.stringify({ visits, pairs, memory, browser: context.browser()?.version() }));
  }
  await context.close();
}
server.close();
