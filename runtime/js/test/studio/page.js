/**
 * Pages of the studio in Chromium. `tests/runtime/studio/test_browser.py` starts the servers and
 * names them in the environment.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";

import { openBrowser } from "../browser/browser.js";

/** @typedef {import("playwright-core").Page} Page */

const { STUDIO_SERVICE = "", STUDIO_SITE = "" } = process.env;
export const { STUDIO_OUT = "" } = process.env;
export const PAGES = { service: STUDIO_SERVICE, site: STUDIO_SITE };
export const EXPECTED = JSON.parse(readFileSync(join(STUDIO_OUT, "expected.json"), "utf8"));
export const PINK = "#.hair=pink&.eyes=black&seeds=7+8!+9+10";
/** Milliseconds; far more than any step takes on a busy machine. */
export const TIMEOUT = 120_000;

/** The browser that the tests of a file share. @type {Awaited<ReturnType<typeof openBrowser>>} */
export let context;
before(async () => {
  context = await openBrowser();
  context.setDefaultTimeout(TIMEOUT);
});
after(() => context?.close());

/** Open a page and wait for its first image; errors and requests to other hosts fail the test. @param {string} address */
export async function open(address, browser = context) {
  const page = await browser.newPage();
  const { origin } = new URL(address);
  /** @type {string[]} */
  const problems = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !/^(blob|data):/.test(url)) problems.push(url);
  });
  await page.goto(address);
  await painted(page);
  return Object.assign(page, { problems });
}

/** @param {Page} page */
export const painted = (page) =>
  page.waitForFunction(() => {
    const shown = [...document.querySelectorAll("canvas")].filter((c) => c.offsetParent);
    const isBusy = document.querySelector("[aria-busy=true]");
    return shown.length > 0 && !isBusy && shown.every((canvas) => canvas.dataset.key);
  });

/** Return the RGBA bytes of the canvases that match, in base64. @param {Page} page @param {string} selector */
export const pixels = (page, selector) =>
  page.$$eval(selector, (canvases) =>
    canvases.map((canvas) => {
      const { width, height } = /** @type {HTMLCanvasElement} */ (canvas);
      const drawing = /** @type {HTMLCanvasElement} */ (canvas).getContext("2d");
      const data = /** @type {CanvasRenderingContext2D} */ (drawing).getImageData(
        0,
        0,
        width,
        height,
      );
      return btoa(String.fromCharCode(...data.data));
    }),
  );

/** @param {Page} page @param {string} group @param {string} label */
export const choose = (page, group, label) =>
  page
    .getByRole("group", { name: group })
    .getByRole("button", { name: label, exact: true })
    .click();

/** Press the visible button of a name. @param {Page} page @param {string} name */
export const press = (page, name) =>
  page.getByRole("button", { name, exact: true }).and(page.locator(":visible")).click();

/** Press a button, and keep the files that it saves. @param {Page} page @param {string} name */
export async function save(page, name, count = 1) {
  /** @type {import("playwright-core").Download[]} */
  const files = [];
  page.on("download", (file) => files.push(file));
  await press(page, name);
  while (files.length < count)
    await page.waitForEvent("download", { timeout: 10_000 }).catch(() => {});
  page.removeAllListeners("download");
  for (const file of files) await file.saveAs(join(STUDIO_OUT, file.suggestedFilename()));
}

/** Drop a file on the page. @param {Page} page @param {string} name @param {Buffer} bytes */
export async function drop(page, name, bytes) {
  const transfer = await page.evaluateHandle(
    ([file, text]) => {
      const data = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      const made = new DataTransfer();
      made.items.add(new File([data], file));
      return made;
    },
    [name, bytes.toString("base64")],
  );
  await page.dispatchEvent("body", "dragover", { dataTransfer: transfer });
  await page.dispatchEvent("body", "drop", { dataTransfer: transfer });
}
