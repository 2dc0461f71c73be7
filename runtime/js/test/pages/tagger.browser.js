/** The tagger in a real browser. Each test starts with the labels that the previous test left. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { PHONE, checkAccess, open } from "./page.js";

/** @typedef {import("playwright-core").Page} Page */

const { PAGES_TAGGER = "" } = process.env;
const COLORS = ["red", "green", "blue"];

/** Return the number of the current image from its name. @param {Page} page */
const current = async (page) =>
  Number(/(\d+)\.png/.exec((await page.textContent("#name")) ?? "")?.[1]);

/** Wait for the text that counts the tagged images. @param {Page} page @param {string} text */
const counted = (page, text) => page.getByText(text).waitFor();

/** Press the key of the color of the current image, and wait for the next one. @param {Page} page */
async function tagCurrent(page) {
  const index = await current(page);
  await page.keyboard.press(String((index % 3) + 1));
  await page.waitForFunction(
    (name) => !document.getElementById("name")?.textContent?.includes(name),
    `/${index}.png`,
  );
}

/** Add a group of which an image may have several labels. @param {Page} page @param {string} name @param {string} labels */
async function addGroup(page, name, labels) {
  await page.getByRole("button", { name: "Add a group" }).click();
  await page.locator("#group-name").fill(name);
  await page.locator("#group-labels").fill(labels);
  await page.getByLabel("An image may have several of these labels").check();
  await checkAccess(page, "new group");
  await page.getByRole("button", { name: "Add the group" }).click();
  await counted(page, "0 of 36 tagged, 36 left");
}

/** Remove a group from all images. @param {Page} page @param {string} name */
async function removeGroup(page, name) {
  await page.getByRole("button", { name: `Edit ${name}` }).click();
  await page.getByRole("button", { name: `Remove ${name}` }).click();
  await page.getByRole("button", { name: `Edit ${name}` }).waitFor({ state: "detached" });
}

/** Close the dialog by its key; Chromium may do so later. @param {Page} page */
async function closeDialog(page) {
  await page.keyboard.press("Escape");
  await page.locator("dialog[open]").waitFor({ state: "detached" });
}

test("an artist tags a folder by keys, suggestions and many at once", async () => {
  const page = await open(PAGES_TAGGER);
  await checkAccess(page, "start");
  await page.locator("#group-name").fill("color");
  await page.locator("#group-labels").fill("red, green, blue, dark gray");
  await page.getByRole("button", { name: "Add the group" }).click();
  await page.getByRole("button", { name: "dark-gray" }).waitFor();
  for (let index = 0; index < 24; index += 1) await tagCurrent(page);
  await counted(page, "24 of 36 tagged, 12 left");

  const accept = page.getByRole("button", { name: "Accept" });
  await accept.waitFor();
  await checkAccess(page, "suggestion");
  const expected = COLORS[(await current(page)) % 3];
  assert.ok((await accept.textContent())?.startsWith(`Accept ${expected} color`));
  await page.keyboard.press("Enter");
  await counted(page, "25 of 36 tagged");
  await page.keyboard.press("Control+z");
  await counted(page, "24 of 36 tagged");
  assert.equal(await current(page), 24);
  await page.keyboard.press("Control+y");
  await counted(page, "25 of 36 tagged");

  await page.keyboard.press("m");
  for (const color of COLORS) {
    await page.locator("#many-label").selectOption(color);
    await page.locator("#many-source").selectOption("likely");
    await page.getByText("Click the images that are wrong").waitFor();
    if (color === "green") await checkAccess(page, "many");
    await page.locator("#many-source").blur();
    const button = page.getByRole("button", { name: /^Label \d+ images/ });
    const text = `Label ${color === "red" ? 3 : 4} images ${color} color`;
    assert.ok((await button.textContent())?.startsWith(text), (await button.textContent()) ?? "");
    await page.keyboard.press("Enter");
    await page.waitForFunction(
      (name) => !document.getElementById("many-apply")?.textContent?.includes(name),
      text,
    );
  }
  await counted(page, "36 of 36 tagged, 0 left");

  // The title of this dialog is long: on a phone it must not touch the button.
  await page.keyboard.press("m");
  await page.keyboard.press("Delete");
  await page.getByText("All images have their labels").waitFor();
  await counted(page, "35 images, saved");
  await checkAccess(page, "finished");
  await page.setViewportSize(PHONE);
  const title = await page.locator("#dialog-title").boundingBox();
  const close = await page.getByRole("button", { name: "Close" }).boundingBox();
  assert.ok(title && close && close.x - (title.x + title.width) >= 8);
  await closeDialog(page);
  await page.keyboard.press("Control+z");
  await counted(page, "36 images, saved");
  await counted(page, "36 of 36 tagged");
  assert.deepEqual(page.problems, []);
  await page.close();
});

test("an image has both labels of a group of several, or none", async () => {
  const page = await open(PAGES_TAGGER);
  await addGroup(page, "things", "bag, hat");
  const first = await current(page);
  await page.keyboard.press("1");
  await page.locator('.chip[aria-pressed="true"]', { hasText: "bag" }).waitFor();
  await page.keyboard.press("2");
  await page.locator('.chip[aria-pressed="true"]', { hasText: "hat" }).waitFor();
  await checkAccess(page, "several");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "None of these" }).click();
  await counted(page, "2 of 36 tagged, 34 left");
  await page.locator("#filter").selectOption("done");
  assert.equal(await page.locator("#thumbnails .tile.done").count(), 2);

  await page.keyboard.press("m");
  await page.locator("#many-group").selectOption("things");
  await page.locator("#many-label").selectOption("hat");
  await page.locator("#many-source").selectOption("labeled");
  await page.getByRole("button", { name: `images/${first}.png` }).click();
  await page.getByRole("button", { name: "Remove hat from 1" }).click();
  await page.getByText("labeled hat (0)").waitFor({ state: "attached" });
  await counted(page, "2 of 36 tagged, 34 left");
  for (let step = 0; step < 5; step += 1) {
    await page.getByRole("button", { name: "Undo" }).click();
    await page.waitForTimeout(200);
  }
  await counted(page, "36 of 36 tagged");
  assert.deepEqual(page.problems, []);
  await page.close();
});

test("keys in fast order and a new label during a click lose nothing", async () => {
  const page = await open(PAGES_TAGGER);
  await addGroup(page, "marks", "dot, line");
  await Promise.all(["1", "2", "Enter"].map((key) => page.keyboard.press(key)));
  await counted(page, "1 of 36 tagged, 35 left");

  await page.getByRole("button", { name: "dot" }).hover();
  await page.mouse.down();
  const answer = page.waitForResponse("**/api/change");
  await page.keyboard.press("2");
  await (await answer).finished();
  await page.mouse.up();
  for (const label of ["dot", "line"]) {
    await page.locator('.chip[aria-pressed="true"]', { hasText: label }).waitFor();
    await page.locator("#filter").selectOption(JSON.stringify(["label", "marks", label]));
    assert.equal(await page.locator("#thumbnails .tile").count(), 2);
  }
  await removeGroup(page, "marks");
  assert.deepEqual(page.problems, []);
  await page.close();
});

test("all likely labels of an image are suggested and accepted at once", async () => {
  const page = await open(PAGES_TAGGER);
  await addGroup(page, "tones", "warm, cool, dark, striped");
  // Red images are warm, green ones have no tone, blue ones are cool and dark.
  const keys = [["1"], [], ["2", "3"]];
  for (let step = 0; step < 24; step += 1) {
    for (const key of keys[(await current(page)) % 3]) {
      await page.keyboard.press(key);
      await page.locator(`.chip[aria-pressed="true"][aria-keyshortcuts="${key}"]`).waitFor();
    }
    const name = await page.textContent("#name");
    await page.keyboard.press("Enter");
    await page.waitForFunction(
      (text) => document.getElementById("name")?.textContent !== text,
      name,
    );
  }
  await counted(page, "24 of 36 tagged, 12 left");

  const texts = ["Accept warm tones", "Accept no tones", "Accept cool and dark tones"];
  const accept = page.getByRole("button", { name: "Accept" });
  await page.getByText("Suggestions have no mistake for about").waitFor();
  await page.getByText("Not recognized yet: striped.").waitFor();
  for (let step = 0; step < 3; step += 1) {
    const number = await current(page);
    await accept.waitFor();
    assert.ok((await accept.textContent())?.startsWith(texts[number % 3]));
    if (number % 3 === 1) await checkAccess(page, "none likely");
    if (number % 3 === 2) await checkAccess(page, "several likely");
    await page.keyboard.press("Enter");
    await page.waitForFunction(
      (name) => !document.getElementById("name")?.textContent?.includes(name),
      `/${number}.png`,
    );
  }
  await counted(page, "27 of 36 tagged, 9 left");

  await page.keyboard.press("m");
  await page.locator("#many-group").selectOption("tones");
  for (const [label, button] of [
    ["cool", "Label 3 images cool tones"],
    ["(none)", "Label 3 images: no tones"],
    ["warm", "Label 3 images warm tones"],
  ]) {
    await page.locator("#many-label").selectOption(label);
    await page.locator("#many-source").selectOption("likely");
    const apply = page.getByRole("button", { name: button });
    await apply.waitFor();
    if (label === "cool") {
      assert.equal(await page.getByText(/^\d+ % \+ dark$/).count(), 3);
      await checkAccess(page, "many several");
    }
    await apply.click();
    await apply.waitFor({ state: "detached" });
  }
  await counted(page, "36 of 36 tagged, 0 left");
  await page.locator("#many-label").selectOption("dark");
  await page.locator("#many-source").selectOption("labeled");
  await page.getByText("labeled dark (12)").waitFor({ state: "attached" });
  await page.getByRole("button", { name: "One by one" }).click();
  await removeGroup(page, "tones");
  assert.deepEqual(page.problems, []);
  await page.close();
});

test("labels are renamed and removed, images are left out, and a second tab follows", async () => {
  const page = await open(PAGES_TAGGER);
  const other = await open(PAGES_TAGGER);
  await page.getByRole("button", { name: "Edit color" }).click();
  await page.getByRole("button", { name: "Remove dark-gray" }).click();
  await page.getByRole("button", { name: "Remove dark-gray" }).waitFor({ state: "detached" });
  await page.getByLabel("Name of the label of 12 images").first().fill("dark red");
  await page.getByLabel("Name of the label of 12 images").first().press("Enter");
  await page.getByRole("button", { name: "Remove dark-red" }).waitFor();
  await checkAccess(page, "dialog");
  await closeDialog(page);
  await page.locator("#filter").selectOption("all");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Delete");
  await page.getByRole("button", { name: "Left out", exact: true }).waitFor();

  // The second tab knows the old label; after its own change it shows what the first tab did.
  await other.locator("#filter").selectOption("all");
  await other.getByRole("button", { name: "blue" }).click();
  await other.getByRole("button", { name: "dark-red" }).waitFor();
  await other.getByRole("button", { name: "Undo" }).click();
  await other.waitForFunction(() =>
    document.querySelector('[aria-pressed="true"]')?.textContent?.includes("dark-red"),
  );
  await page.reload();
  await page.getByText("tagged, 0 left").waitFor();
  assert.deepEqual([...page.problems, ...other.problems], []);
  await page.close();
  await other.close();
});

test("a phone's touch tags an image", async () => {
  const page = await open(PAGES_TAGGER);
  await page.setViewportSize(PHONE);
  await page.locator("#filter").selectOption("all");
  const chip = page.getByRole("button", { name: "green" });
  await chip.click();
  await page.waitForFunction(() =>
    document.querySelector('.chip[aria-pressed="true"]')?.textContent?.includes("green"),
  );
  await page.getByRole("button", { name: "Undo" }).click();
  await page.waitForFunction(() =>
    document.querySelector('.chip[aria-pressed="true"]')?.textContent?.includes("dark-red"),
  );
  assert.deepEqual(page.problems, []);
  await page.close();
});
