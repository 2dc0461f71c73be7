/** A bundle with 240 groups, 10,000 labels and odd names, in a real browser. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { PAGES, PINK, STUDIO_OUT, choose, drop, open, painted, pixels, press } from "./page.js";

/** @typedef {import("playwright-core").Page} Page */

const PHONE = { width: 390, height: 844 };

/** Open the bundle in a page. */
async function openMany() {
  const page = await open(PAGES.site + PINK);
  await drop(page, "many.onnx", readFileSync(join(STUDIO_OUT, "many.onnx")));
  await page.getByRole("group", { name: "extras" }).waitFor();
  await painted(page);
  return page;
}

/** Show a link in an open page. @param {Page} page @param {string[][]} parameters */
async function follow(page, parameters) {
  const link = `#${new URLSearchParams(parameters)}`;
  await page.evaluate((hash) => (location.hash = hash), link);
}

/** @param {Page} page @param {string} name */
const group = (page, name) =>
  page.locator(".control").filter({ has: page.locator("legend", { hasText: name }) });

test("page with thousands of labels appears before all controls are built", async () => {
  const page = await open(PAGES.site + PINK);
  const counting = page.evaluate(
    () =>
      new Promise((resolve) => {
        const observer = new MutationObserver(() => {
          if (!document.querySelector(".panel [aria-label='Search large']")) return;
          observer.disconnect();
          resolve(document.querySelectorAll(".panel button").length);
        });
        observer.observe(document.body, { childList: true, subtree: true });
      }),
  );
  await drop(page, "many.onnx", readFileSync(join(STUDIO_OUT, "many.onnx")));
  assert.ok(Number(await counting) < 700);
  const last = group(page, "group 234");
  await last.getByRole("button", { name: "item 234-24", exact: true }).click();
  await painted(page);
  assert.match(page.url(), /\.group\+234=item\+234-24/);
  assert.ok((await page.locator(".panel button").count()) > 5000);
  assert.deepEqual(page.problems, []);
  await page.close();
});

test("labels named like parts of every object are labels like others", async () => {
  const page = await openMany();
  const before = await pixels(page, ".inspector canvas");
  for (const label of ["constructor", "__proto__"]) {
    const key = await page.locator(".inspector canvas").getAttribute("data-key");
    await choose(page, "odd", label);
    // A busy machine may report the click before the page starts to make the image.
    await page.locator(`.inspector canvas:not([data-key='${key}'])`).waitFor();
    await painted(page);
    assert.notDeepEqual(await pixels(page, ".inspector canvas"), before);
  }
  await group(page, "odd").getByRole("button", { name: "Mix" }).click();
  await choose(page, "odd", "constructor");
  await choose(page, "extras", "constructor");
  await painted(page);
  const caption = (await page.textContent(".inspector .caption")) ?? "";
  assert.ok(caption.includes("50 % __proto__ + 50 % constructor odd, constructor"));
  const link = [
    [".odd", '{"__proto__":0.25,"constructor":0.75}'],
    [".extras", '{"constructor":0.5}'],
    [".paint", "constructor"],
    [".__proto__", "yes"],
  ];
  await follow(page, link);
  await page.getByText("75 % constructor odd, 50 % constructor extras").waitFor();
  assert.match(page.url(), /\.__proto__=yes/);
  await painted(page);
  assert.equal(await page.locator(".notice").count(), 0);

  await follow(page, [
    [".odd", "toString"],
    [".paint", "__proto__"],
    [".hasOwnProperty", "1"],
  ]);
  const note = "does not have the values of the link for: odd, paint, hasOwnProperty.";
  await page.getByRole("alert").getByText(note).waitFor();
  await painted(page);
  assert.deepEqual(page.problems, []);
  await page.close();
});

test("table of a palette with hundreds of colors shows the first ones, and says so", async () => {
  const page = await openMany();
  await press(page, "Table");
  await page.getByLabel("Rows").selectOption("seeds");
  await page.getByLabel("Columns").selectOption("paint");
  await page.getByText("The table shows the first 24 of 256 columns.").waitFor();
  assert.equal(await page.locator("thead th").count(), 24);
  await page.getByLabel("Columns").selectOption("extras");
  await page.getByText("The table shows").waitFor({ state: "hidden" });
  await page.getByLabel("Rows").selectOption("odd");
  await painted(page);
  // The row of "plain" has one line of text, and a label of 100 letters does not widen the column.
  const heading = page.getByRole("rowheader", { name: "constructor" });
  const box = await heading.boundingBox();
  assert.ok(box && box.width > 80 && box.width < 180);
  await page.close();
});

test("weights of a group of several labels have sliders, and their sum has a limit", async () => {
  const page = await openMany();
  const extras = group(page, "extras");
  for (const label of ["hat", "scarf"]) await choose(page, "extras", label);
  await extras.getByRole("button", { name: "Weights" }).click();
  await extras.getByRole("slider", { name: "hat" }).fill("40");
  await page.getByText("40 % hat + scarf extras").waitFor();
  assert.match(decodeURIComponent(page.url()), /\.extras={"hat":0.4,"scarf":1}/);
  await choose(page, "extras", "constructor");
  await page.getByText("scarf + constructor extras").waitFor();
  await painted(page);
  await extras.getByRole("button", { name: "Weights" }).click();
  assert.match(decodeURIComponent(page.url()), /\.extras=\["scarf","constructor"\]/);
  assert.deepEqual(page.problems, []);
  await page.close();
});

test("long labels wrap, on a phone too", async () => {
  const page = await openMany();
  await choose(page, "odd", "L".repeat(100));
  for (const size of [{ width: 1280, height: 800 }, PHONE]) {
    await page.setViewportSize(size);
    await painted(page);
    for (const selector of [".panel", ".inspector"]) {
      const [width, room] = await page
        .locator(selector)
        .evaluate((element) => [element.scrollWidth, element.clientWidth]);
      assert.ok(width <= room, `${selector}: ${width} of ${room} at ${size.width}`);
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= size.width);
  }
  await page.close();
});
