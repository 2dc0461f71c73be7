/** Links to favorites, and undo between views, in a real browser. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { openBrowser } from "../browser/browser.js";
import { PAGES, PINK, TIMEOUT, choose, open, painted, pixels, press } from "./page.js";

test("link of favorites shows them in a second profile, which stores only what is added", async () => {
  const page = await open(PAGES.service + PINK);
  await page.locator(".tile").first().focus();
  await page.keyboard.press("f");
  await choose(page, "hair", "blue");
  await page.getByRole("slider", { name: "Variety" }).fill("60");
  await page.locator(".tile").first().focus();
  await page.keyboard.press("f");
  await press(page, "Favorites");
  await painted(page);
  const images = await pixels(page, ".grid canvas:visible");
  assert.equal(new Set(images).size, 2);
  const other = await openBrowser();
  other.setDefaultTimeout(TIMEOUT);
  const second = await open(page.url(), other);
  assert.deepEqual(await pixels(second, ".grid canvas:visible"), images);
  assert.equal(await second.locator(".is-favorite:visible").count(), 0);
  assert.equal(await second.evaluate(() => localStorage.length), 0);
  await press(second, "Add all to favorites");
  assert.equal(await second.locator(".is-favorite:visible").count(), 2);
  await second.reload();
  await painted(second);
  await second
    .getByRole("button", { name: /^Remove/ })
    .first()
    .click();
  assert.equal(await second.locator(".grid:visible li").count(), 1);
  await other.close();
  await page.close();
});

test("copied link says how many of too many favorites it holds", async () => {
  const browser = await openBrowser();
  browser.setDefaultTimeout(TIMEOUT);
  const page = await open(PAGES.service + PINK, browser);
  await page.locator(".tile").first().focus();
  await page.keyboard.press("f");
  await page.evaluate(() => {
    const key = "ganport-studio-favorites";
    const [{ digest, recipe }] = JSON.parse(localStorage.getItem(key) ?? "");
    const entries = Array.from({ length: 300 }, (_, index) => {
      return { digest, recipe: { ...recipe, point: String(index) } };
    });
    localStorage.setItem(key, JSON.stringify(entries));
  });
  await page.reload();
  await press(page, "Favorites");
  await press(page, "Copy link");
  await page.getByText(/the first \d+ of 300 images/).waitFor();
  assert.ok(page.url().length < 8200);
  await browser.close();
});

test("undo stays in the open view", async () => {
  const page = await open(PAGES.service + PINK);
  await press(page, "Table");
  await choose(page, "hair", "blue");
  await press(page, "Images");
  await page.keyboard.press("Control+z");
  await painted(page);
  assert.equal(await page.locator("nav [aria-current=page]").textContent(), "Images");
  assert.match(page.url(), /\.hair=pink/);
  await page.close();
});
