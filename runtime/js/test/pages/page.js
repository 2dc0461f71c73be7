/**
 * Local pages in a real browser. `tests/train/pages/test_browser.py` starts the servers, names them
 * in the environment, and checks the files that remain.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before } from "node:test";

import { openBrowser } from "../browser/browser.js";

/** @typedef {import("playwright-core").Page} Page */

const { PAGES_SHOTS } = process.env;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Milliseconds; far more than any step takes on a busy machine. */
const TIMEOUT = 60_000;
const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

/** @type {Awaited<ReturnType<typeof openBrowser>>} */
let context;
before(async () => {
  context = await openBrowser();
  context.setDefaultTimeout(TIMEOUT);
});
after(() => context?.close());

/** Open a page; errors and requests to other hosts become problems. @param {string} address */
export async function open(address) {
  const page = await context.newPage();
  const { origin } = new URL(address);
  /** @type {string[]} */
  const problems = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("request", (request) => {
    if (!request.url().startsWith(origin)) problems.push(request.url());
  });
  await page.setViewportSize(DESKTOP);
  await page.goto(address);
  return Object.assign(page, { problems });
}

/** Hold a page against axe in light and dark, wide and narrow. @param {Page} page @param {string} name */
export async function checkAccess(page, name) {
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    for (const size of [DESKTOP, PHONE]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize(size);
      await page.waitForTimeout(200);
      await page.evaluate(AXE);
      const found = await page.evaluate(async () => {
        const { violations } = await /** @type {any} */ (window).axe.run();
        const ids = violations.map((/** @type {any} */ one) => `${one.id}: ${one.nodes[0].html}`);
        const dialog = document.querySelector("dialog[open]") ?? document.body;
        const isCut = dialog.scrollWidth > dialog.clientWidth;
        return { ids, isCut, scrollWidth: document.documentElement.scrollWidth };
      });
      const place = `${name} ${colorScheme} ${size.width}`;
      if (PAGES_SHOTS) await page.screenshot({ path: join(PAGES_SHOTS, `${place}.png`) });
      assert.deepEqual(found.ids, [], place);
      assert.ok(found.scrollWidth <= size.width && !found.isCut, place);
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(DESKTOP);
}
