/** Work that takes long, the focus after a choice, messages, and phones, in a real browser. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { openBrowser } from "../browser/browser.js";
import { PAGES, PINK, TIMEOUT, choose, open, painted, press } from "./page.js";

/** @typedef {import("playwright-core").Page} Page */

const PHONE = { width: 390, height: 844 };

/** Wait for the message about slow work, and cancel the work. @param {Page} page */
async function cancel(page) {
  await page.getByText("Still working …").waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
}

test("loading that takes seconds can be canceled", async () => {
  const browser = await openBrowser();
  browser.setDefaultTimeout(TIMEOUT);
  await browser.route("**/generator.onnx", () => {}); // never answered
  const page = await browser.newPage();
  await page.goto(PAGES.site);
  assert.equal(await page.getByRole("button", { name: "Cancel" }).count(), 0);
  await cancel(page);
  await page.getByRole("alert").getByText("You canceled the loading.").waitFor();
  await browser.close();
});

test("images that take seconds can be canceled, and the next change makes them", async () => {
  const page = await open(PAGES.service + PINK);
  await page.route("**/v1/generate", () => {});
  await choose(page, "hair", "blue");
  await cancel(page);
  await page.getByText("Still working …").waitFor({ state: "detached" });
  await page.getByText("Stopped.").waitFor();
  await page.unroute("**/v1/generate");
  await choose(page, "hair", "red");
  await painted(page);
  await page.close();
});

test("the selected image has the focus after Enter in Table and in Favorites", async () => {
  const page = await open(PAGES.service + PINK);
  const selected = page.locator(".grid:visible .tile[aria-pressed=true]");
  const hasFocus = () => selected.evaluate((element) => element === document.activeElement);
  await press(page, "Table");
  await page.locator(".matrix .tile").first().focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  assert.ok(await hasFocus());
  await page.keyboard.press("f");
  await press(page, "Favorites");
  await page.locator(".grid:visible .tile").first().focus();
  await page.keyboard.press("Enter");
  assert.ok(await hasFocus());
  await page.close();
});

test("an error message covers neither the hint nor the images", async () => {
  const page = await open(PAGES.service + PINK);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.getByLabel("Seed", { exact: true }).fill("x");
  await page.keyboard.press("Enter");
  const notice = await page.getByRole("alert").locator(".notice").boundingBox();
  const hint = page.locator(".keys");
  await hint.scrollIntoViewIfNeeded();
  for (const part of [hint, page.locator(".stage"), page.locator(".inspector")]) {
    const box = await part.boundingBox();
    assert.ok(notice && box && box.y + box.height <= notice.y);
  }
  await page.close();
});

test("on a phone, the seed can be read and changed, and hearts can be tapped", async () => {
  const browser = await openBrowser();
  browser.setDefaultTimeout(TIMEOUT);
  const page = await open(PAGES.service + PINK, browser);
  await page.setViewportSize(PHONE);
  const seed = page.getByLabel("Seed", { exact: true });
  await seed.fill("4294967295");
  await page.keyboard.press("Enter");
  await painted(page);
  assert.match(page.url(), /seeds=4294967295\+8/);
  const [width, room, right, size] = await seed.evaluate((element) => {
    const { right } = element.getBoundingClientRect();
    const fontSize = parseFloat(getComputedStyle(element).fontSize);
    return [element.scrollWidth, element.clientWidth, right, fontSize];
  });
  assert.ok(width <= room && right <= PHONE.width && size >= 16);

  const heart = page.locator(".grid:visible .heart").nth(1);
  const box = await heart.boundingBox();
  assert.ok(box && box.width >= 24 && box.height >= 24);
  await heart.click();
  assert.equal(await page.locator(".is-favorite:visible").count(), 1);
  await heart.click();
  assert.equal(await page.locator(".is-favorite:visible").count(), 0);
  await browser.close();
});
