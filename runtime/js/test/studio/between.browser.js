/**
 * Code and files of images near a seed and between two, in a real browser.
 * `tests/runtime/studio/test_browser.py` reads what is saved.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import * as ganport from "../../src/index.js";
import { runSnippet } from "../snippet.js";
import { PAGES, open, pixels, press, save } from "./page.js";

/** @typedef {import("playwright-core").Page} Page */

const STARTER = fileURLToPath(new URL("../../../ganport_runtime/starter.ganport", import.meta.url));
const NEAR = "#.hair=pink&.eyes=black&seeds=7~912@25~33@25+8&variety=0.7";
const ENDS = "&view=morph&start=seed%3D7~912@25%26.hair%3Dpink&end=seed%3D11%26.hair%3Dblue&at=40";

/** Return the RGBA bytes of the image of the JavaScript code that a page shows, in base64. @param {Page} page */
async function generateByCode(page) {
  await press(page, "Code");
  const code = await page.getByRole("textbox", { name: "JavaScript" }).inputValue();
  await page.keyboard.press("Escape");
  const [image] = await runSnippet(code, ganport, STARTER, { device: "wasm" });
  return Buffer.from(ganport.toRgba(image)).toString("base64");
}

for (const [name, link, canvas] of [
  ["near a seed", NEAR, ".inspector canvas"],
  ["of a morph", NEAR + ENDS, ".morph > .large canvas"],
]) {
  test(`JavaScript code of an image ${name} generates the pixels of the page`, async () => {
    const page = await open(PAGES.site + link);
    assert.deepEqual(await pixels(page, canvas), [await generateByCode(page)]);
    await save(page, "Save PNG");
    if (link !== NEAR) await save(page, "Sprite sheet", 2);
    assert.deepEqual(page.problems, []);
    await page.close();
  });
}
