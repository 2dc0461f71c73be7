/**
 * What the studio loads in a real browser: dropped and hostile bundles, a site without a network or
 * without HTTPS, and a service with keys.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { ROOT, openBrowser } from "../browser/browser.js";
import {
  EXPECTED,
  PAGES,
  PINK,
  STUDIO_OUT,
  TIMEOUT,
  choose,
  context,
  drop,
  open,
  painted,
  pixels,
} from "./page.js";

const { STUDIO_KEYED = "" } = process.env;
const DATA = join(ROOT, "tests/runtime/data");

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
    ["failing.onnx", readFileSync(join(STUDIO_OUT, "failing.onnx"))],
  ];
  const texts = new Map([
    ["large.onnx", "too large for a page: 4096 × 4096"],
    ["failing.onnx", "cannot make an image of this bundle: Non-zero status code returned while"],
  ]);
  for (const [name, bytes] of files) {
    await drop(page, name, bytes);
    const alert = page.getByRole("alert").getByText(texts.get(name) ?? name);
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
