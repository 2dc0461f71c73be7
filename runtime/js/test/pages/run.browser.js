/** The page of a run in a real browser. */

import assert from "node:assert/strict";
import { appendFileSync, copyFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { checkAccess, open } from "./page.js";

const { PAGES_RUN = "", PAGES_RUN_FOLDER = "" } = process.env;

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
