/**
 * The tagger and the page of a run in a real browser. `tests/train/pages/test_browser.py` starts
 * the servers, names them in the environment, and checks the files that remain.
 */

import assert from "node:assert/strict";
import { appendFileSync, copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { hostname } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { openBrowser } from "../browser/browser.js";

/** @typedef {import("playwright-core").Page} Page */

const { PAGES_TAGGER = "", PAGES_RUN = "", PAGES_RUN_FOLDER = "", PAGES_SHOTS } = process.env;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Milliseconds; far more than any step takes on a busy machine. */
const TIMEOUT = 60_000;
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const COLORS = ["red", "green", "blue"];

/** @type {Awaited<ReturnType<typeof openBrowser>>} */
let context;
before(async () => {
  context = await openBrowser();
  context.setDefaultTimeout(TIMEOUT);
});
after(() => context?.close());

/** Open a page; errors and requests to other hosts become problems. @param {string} address */
async function open(address) {
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
async function checkAccess(page, name) {
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
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+z");
  await counted(page, "36 images, saved");
  await counted(page, "36 of 36 tagged");
  assert.deepEqual(page.problems, []);
  await page.close();
});

test("an image has both labels of a group of several, or none", async () => {
  const page = await open(PAGES_TAGGER);
  await page.getByRole("button", { name: "Add a group" }).click();
  await page.locator("#group-name").fill("things");
  await page.locator("#group-labels").fill("bag, hat");
  await page.getByLabel("An image may have several of these labels").check();
  await checkAccess(page, "new group");
  await page.getByRole("button", { name: "Add the group" }).click();
  await counted(page, "0 of 36 tagged, 36 left");
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
  await page.getByRole("button", { name: "Add a group" }).click();
  await page.locator("#group-name").fill("marks");
  await page.locator("#group-labels").fill("dot, line");
  await page.getByLabel("An image may have several of these labels").check();
  await page.getByRole("button", { name: "Add the group" }).click();
  await counted(page, "0 of 36 tagged, 36 left");
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
  await page.getByRole("button", { name: "Edit marks" }).click();
  await page.getByRole("button", { name: "Remove marks" }).click();
  await page.getByRole("button", { name: "Edit marks" }).waitFor({ state: "detached" });
  assert.deepEqual(page.problems, []);
  await page.close();
});

test("all likely labels of an image are suggested and accepted at once", async () => {
  const page = await open(PAGES_TAGGER);
  await page.getByRole("button", { name: "Add a group" }).click();
  await page.locator("#group-name").fill("tones");
  await page.locator("#group-labels").fill("warm, cool, dark, striped");
  await page.getByLabel("An image may have several of these labels").check();
  await page.getByRole("button", { name: "Add the group" }).click();
  await counted(page, "0 of 36 tagged, 36 left");
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
  await page.getByRole("button", { name: "Edit tones" }).click();
  await page.getByRole("button", { name: "Remove tones" }).click();
  await page.getByRole("button", { name: "Edit tones" }).waitFor({ state: "detached" });
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
  await page.keyboard.press("Escape");
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

test("the page of a run shows it and follows it", async () => {
  const page = await open(PAGES_RUN);
  await page.getByText("Complete").waitFor();
  await page.getByText("after 1,200 training images").waitFor();
  await page.getByRole("img", { name: /^Losses: the last values are/ }).waitFor();
  await page.getByText("Changed from the recipe quick").waitFor();
  const icon = await page.locator("link[rel=icon]").getAttribute("href");
  assert.equal(await page.locator(`header img[src="${icon}"]`).count(), 1);
  assert.equal(icon, "/static/run-icon.svg");
  await page.getByText("More metrics").click();
  await checkAccess(page, "run");
  await page.locator("h1").click();
  await page.keyboard.press("ArrowLeft");
  await page.getByText("after 0 training images").waitFor();
  await page.keyboard.press("ArrowRight");

  const samples = join(PAGES_RUN_FOLDER, "samples");
  copyFileSync(join(samples, "000000000.png"), join(samples, "000001400.png"));
  const record = { step: 350, images: 1400, seconds: 15, d_loss: 0.125, images_per_second: 90 };
  appendFileSync(join(PAGES_RUN_FOLDER, "stats.jsonl"), JSON.stringify(record) + "\n");
  await page.getByText("after 1,400 training images").waitFor();
  await page.getByText("0.13").waitFor();
  assert.equal(await page.locator("details").getAttribute("open"), "");
  appendFileSync(join(PAGES_RUN_FOLDER, "stats.jsonl"), "corrupt\n");
  await page.getByText("stats.jsonl: line 8").waitFor();

  // A run that has just started has no line in its log, but it has a time.
  for (const name of ["stats.jsonl", "scores.jsonl"])
    writeFileSync(join(PAGES_RUN_FOLDER, name), "");
  const holder = { pid: process.pid, host: hostname(), since: "today" };
  writeFileSync(join(PAGES_RUN_FOLDER, ".lock.json"), JSON.stringify(holder));
  await page.getByText("Training", { exact: true }).waitFor();
  await page.getByText("The first curves appear after 200 training images.").waitFor();
  const time = page.locator("#progress-text");
  assert.match((await time.textContent()) ?? "", /^at most 1,200 images · started \d+:\d\d ago$/);
  const before = (await time.textContent()) ?? "";
  await page.waitForFunction(
    (text) => document.getElementById("progress-text")?.textContent !== text,
    before,
  );
  assert.equal(await page.getByText("Speed").count(), 0);
  await checkAccess(page, "new run");
  rmSync(join(PAGES_RUN_FOLDER, ".lock.json"));
  await page.getByText("The training stopped before the first line of its log.").waitFor();
  assert.equal(await time.textContent(), "at most 1,200 images");
  page.problems.splice(
    0,
    page.problems.length,
    ...page.problems.filter((text) => !text.includes("400")),
  );
  assert.deepEqual(page.problems, []);
  await page.close();
});
