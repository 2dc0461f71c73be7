/**
 * The studio in a real browser, from a service and as a static site. `tests/runtime/studio/
 * test_browser.py` starts the servers, names them in the environment, and reads what is saved.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { ROOT, openBrowser } from "../browser/browser.js";

/** @typedef {import("playwright-core").Page} Page */

const { STUDIO_SERVICE = "", STUDIO_SITE = "", STUDIO_KEYED = "", STUDIO_OUT = "" } = process.env;
const PAGES = { service: STUDIO_SERVICE, site: STUDIO_SITE };
const EXPECTED = JSON.parse(readFileSync(join(STUDIO_OUT, "expected.json"), "utf8"));
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const DATA = join(ROOT, "tests/runtime/data");
const PINK = "#.hair=pink&.eyes=black&seeds=7+8!+9+10";
/** Milliseconds; far more than any step takes on a busy machine. */
const TIMEOUT = 120_000;
const PHONE = { width: 390, height: 844 };

/** @type {Awaited<ReturnType<typeof openBrowser>>} */
let context;
before(async () => {
  context = await openBrowser();
  context.setDefaultTimeout(TIMEOUT);
});
after(() => context?.close());

/** Open a page and wait for its first image; errors and requests to other hosts fail the test. @param {string} address */
async function open(address, browser = context) {
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
const painted = (page) =>
  page.waitForFunction(() => {
    const shown = [...document.querySelectorAll("canvas")].filter((c) => c.offsetParent);
    const isBusy = document.querySelector("[aria-busy=true]");
    return shown.length > 0 && !isBusy && shown.every((canvas) => canvas.dataset.key);
  });

/** Return the RGBA bytes of the canvases that match, in base64. @param {Page} page @param {string} selector */
const pixels = (page, selector) =>
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
const choose = (page, group, label) =>
  page
    .getByRole("group", { name: group })
    .getByRole("button", { name: label, exact: true })
    .click();

/** @param {Page} page @param {string} name */
async function save(page, name, count = 1) {
  /** @type {import("playwright-core").Download[]} */
  const files = [];
  page.on("download", (file) => files.push(file));
  await page.getByRole("button", { name, exact: true }).and(page.locator(":visible")).click();
  while (files.length < count)
    await page.waitForEvent("download", { timeout: 10_000 }).catch(() => {});
  page.removeAllListeners("download");
  for (const file of files) await file.saveAs(join(STUDIO_OUT, file.suggestedFilename()));
}

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
  const { writeFileSync } = await import("node:fs");
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

for (const [kind, address] of Object.entries(PAGES)) {
  test(`${kind}: a bundle that is dropped on the page opens, with a control for each group`, async () => {
    const page = await open(address);
    await drop(page, "tiny-every-kind.onnx", readFileSync(join(DATA, "tiny-every-kind.onnx")));
    await page.getByRole("group", { name: "objects" }).waitFor();
    await painted(page);
    const kinds = await page.$$eval(".control", (controls) =>
      controls.map((control) => {
        const parts = {
          color: "[type=color]",
          slider: ".slider",
          swatch: ".swatch",
          chip: ".chip",
        };
        const found = Object.entries(parts).find(([, selector]) => control.querySelector(selector));
        return found?.[0];
      }),
    );
    const expected = ["color", "color", "swatch", "chip", "chip", "chip", "slider", "slider"];
    assert.deepEqual(kinds, expected);
    assert.deepEqual(page.problems, []);
    await page.close();
  });
}

test("a hostile bundle is an error message, and the page goes on", async () => {
  const page = await open(PAGES.site + PINK);
  const graph = readFileSync(join(DATA, "tiny.onnx"));
  const bundle = readFileSync(join(DATA, "../../../runtime/ganport_runtime/starter.ganport"));
  const damaged = Buffer.from(bundle);
  damaged[bundle.length >> 1] ^= 255; // inside the graph
  /** @type {[string, Buffer][]} */
  const files = [
    ["noise.ganport", Buffer.from(graph.map((byte, index) => (byte * 31 + index) % 256))],
    ["cut.onnx", graph.subarray(0, graph.length / 2)],
    ["empty.ganport", Buffer.alloc(0)],
    ["damaged.ganport", damaged],
    ["other.txt", Buffer.from("a letter")],
    ["large.onnx", readFileSync(join(STUDIO_OUT, "large.onnx"))],
  ];
  for (const [name, bytes] of files) {
    await drop(page, name, bytes);
    const text = name === "large.onnx" ? "too large for a page: 4096 × 4096" : name;
    const alert = page.getByRole("alert").getByText(text);
    await alert.waitFor();
    await page.getByRole("alert").getByRole("button", { name: "Close" }).click();
  }
  await choose(page, "hair", "blue");
  await painted(page);
  await page.close();
});

test("a site works without a network once it is loaded", async () => {
  const browser = await openBrowser();
  browser.setDefaultTimeout(TIMEOUT);
  const page = await open(PAGES.site + PINK, browser);
  const images = await pixels(page, ".grid canvas");
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await browser.setOffline(true);
  await page.reload();
  await painted(page);
  assert.deepEqual(await pixels(page, ".grid canvas"), images);
  await browser.close();
});

test("a site works over plain HTTP, without the cryptography of the browser", async () => {
  const page = await open(PAGES.site.replace("127.0.0.1", "insecure.test") + PINK);
  assert.equal(await page.evaluate(() => window.isSecureContext), false);
  assert.deepEqual(await pixels(page, ".inspector canvas"), [EXPECTED.seed7]);
  await page.close();
});

test("a service with keys asks for one and stores none", async () => {
  const page = await context.newPage();
  await page.goto(STUDIO_KEYED);
  await page.getByLabel("Key").fill("wrong");
  await page.keyboard.press("Enter");
  await page.getByText("does not know this key").waitFor();
  await page.getByLabel("Key").fill("secret");
  await page.keyboard.press("Enter");
  await painted(page);
  const stored = await page.evaluate(() =>
    JSON.stringify([{ ...localStorage }, { ...sessionStorage }]),
  );
  assert.ok(!stored.includes("secret"));
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

/** Drop a file on the page. @param {Page} page @param {string} name @param {Buffer} bytes */
async function drop(page, name, bytes) {
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
