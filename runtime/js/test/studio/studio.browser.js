/**
 * Images, controls and files of the studio in a real browser, from a service and as a static site.
 * `tests/runtime/studio/test_browser.py` reads what is saved.
 */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";

import { openBrowser } from "../browser/browser.js";
import {
  EXPECTED,
  PAGES,
  PINK,
  STUDIO_OUT,
  TIMEOUT,
  choose,
  context,
  open,
  painted,
  pixels,
  save,
} from "./page.js";

/** @typedef {import("playwright-core").Page} Page */

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PHONE = { width: 390, height: 844 };

for (const [kind, address] of Object.entries(PAGES)) {
  test(`${kind}: pink hair, black eyes and seed 7 show the pixels of Python`, async () => {
    const page = await open(address);
    await choose(page, "hair", "pink");
    await choose(page, "eyes", "black");
    await page.getByLabel("Seed", { exact: true }).fill("7");
    await page.keyboard.press("Enter");
    await painted(page);
    assert.deepEqual(await pixels(page, ".inspector canvas"), [EXPECTED.seed7]);
    assert.deepEqual(page.problems, []);
    await page.close();
  });

  test(`${kind}: a shared link shows the same images in a second profile`, async () => {
    const page = await open(address);
    await page.getByRole("button", { name: "More like this" }).click();
    await choose(page, "hair", "red");
    await painted(page);
    const link = page.url();
    const images = await pixels(page, ".grid canvas");
    const other = await openBrowser();
    other.setDefaultTimeout(TIMEOUT);
    const second = await open(link, other);
    assert.deepEqual(await pixels(second, ".grid canvas"), images);
    assert.equal(new Set(images).size, 12);
    await other.close();
    await page.close();
  });

  test(`${kind}: controls, undo and the back of a blend change the images`, async () => {
    const page = await open(address + PINK);
    const first = await pixels(page, ".inspector canvas");
    await page.getByRole("group", { name: "hair" }).getByRole("button", { name: "Mix" }).click();
    await choose(page, "hair", "black");
    await painted(page);
    assert.match(
      (await page.textContent(".inspector .caption")) ?? "",
      /50 % pink \+ 50 % black hair/,
    );
    const blended = await pixels(page, ".inspector canvas");
    assert.notDeepEqual(blended, first);
    await page.getByRole("slider", { name: "pink" }).fill("20");
    await painted(page);
    assert.match((await page.textContent(".inspector .caption")) ?? "", /20 % pink \+ 80 % black/);
    await page.keyboard.press("Control+z");
    await painted(page);
    assert.deepEqual(await pixels(page, ".inspector canvas"), blended);
    await page.keyboard.press("Control+z");
    await page.keyboard.press("Control+z");
    await painted(page);
    assert.deepEqual(await pixels(page, ".inspector canvas"), first);
    await page.close();
  });
}

test("locked images stay when the others are renewed", async () => {
  const page = await open(PAGES.service + PINK);
  const before = await pixels(page, ".grid canvas");
  await page.getByRole("button", { name: "New images" }).click();
  await painted(page);
  const after = await pixels(page, ".grid canvas");
  assert.deepEqual(
    after.map((image, index) => image === before[index]),
    [false, true, false, false],
  );
  await page.close();
});

test("the line between two images is the same from the service and in the browser", async () => {
  const ends = "&view=morph&start=seed%3D7%26.hair%3Dpink&end=seed%3D11%26.hair%3Dblue&at=40";
  const images = [];
  for (const address of Object.values(PAGES)) {
    const page = await open(address + PINK + ends);
    images.push(...(await pixels(page, ".morph > .large canvas")));
    await page.close();
  }
  const [one, two] = images.map((image) => Buffer.from(image, "base64"));
  const distance = one.reduce((most, value, at) => Math.max(most, Math.abs(value - two[at])), 0);
  assert.ok(distance <= 1, `${distance} levels`);
});

test("the keyboard moves, locks and marks images", async () => {
  const page = await open(PAGES.service + PINK);
  await page.locator(".tile").first().focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("l");
  await page.keyboard.press("f");
  assert.match(page.url(), /seeds=7\+8%21\+9%21\+10&selected=2/);
  await page.getByRole("button", { name: "Favorites", exact: true }).click();
  await painted(page);
  assert.equal(await page.locator(".grid:visible li").count(), 1);
  await page.reload();
  await page.getByRole("button", { name: "Favorites", exact: true }).click();
  assert.equal(await page.locator(".grid:visible li").count(), 1);
  const stored = await page.evaluate(() => Object.keys(localStorage));
  assert.deepEqual(stored, ["ganport-studio-favorites"]);
  assert.deepEqual(await context.cookies(), []);
  await page.close();
});

test("files hold the images that the page shows", async () => {
  const page = await open(PAGES.site + PINK);
  await save(page, "Save PNG");
  await save(page, "Sprite sheet", 2);
  await page.getByRole("button", { name: "Code" }).click();
  const code = page.getByRole("textbox", { name: "Python" });
  writeFileSync(join(STUDIO_OUT, "seed.py"), await code.inputValue());
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Morph to" }).click();
  await painted(page);
  await save(page, "GIF");
  await page
    .getByRole("button", { name: "Code", exact: true })
    .and(page.locator(":visible"))
    .click();
  writeFileSync(join(STUDIO_OUT, "morph.py"), await code.inputValue());
  const [image] = await pixels(page, ".morph > .large canvas");
  writeFileSync(join(STUDIO_OUT, "morph.txt"), image);
  await page.close();
});

test("axe finds no violation, and a phone needs no sideways scroll", async () => {
  const page = await context.newPage();
  await page.goto(PAGES.service + PINK);
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const size of [{ width: 1360, height: 860 }, { width: 900, height: 1100 }, PHONE]) {
      await page.setViewportSize(size);
      for (const view of ["Morph", "Table", "Favorites", "Images"]) {
        const place = `${colorScheme} ${size.width} ${view}`;
        await page.getByRole("navigation").getByRole("button", { name: view }).click();
        await page.evaluate(AXE);
        const found = await page.evaluate(async () => {
          const { violations } = await /** @type {any} */ (window).axe.run();
          const { scrollWidth } = document.documentElement;
          return { ids: violations.map((/** @type {any} */ one) => one.id), scrollWidth };
        });
        assert.deepEqual(found.ids, [], place);
        assert.ok(found.scrollWidth <= size.width, place);
      }
    }
  }
  await page.close();
});
