/** The page of docs/web.md in a site that `ganport studio --out` wrote: its folder is $SITE. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";

import { ROOT, openBrowser, serve } from "./browser.js";

const SITE = process.env.SITE;

test("the page of the guide draws a face", { skip: !SITE }, async () => {
  const guide = readFileSync(`${ROOT}docs/web.md`, "utf8");
  const [, page] = /** @type {RegExpExecArray} */ (/```html\n(.*?)```/s.exec(guide));
  writeFileSync(`${SITE}/faces.html`, page.replace(/^ {3}/gm, ""));
  const server = await serve({ "/": `${SITE}/` });
  const context = await openBrowser();
  try {
    const opened = await context.newPage();
    /** @type {string[]} */
    const problems = [];
    opened.on("pageerror", (error) => problems.push(error.message));
    await opened.goto(`${server.address}/faces.html`);
    await opened.getByText(/pink hair, seed \d+/).waitFor();
    const before = await opened.getByRole("status").textContent();
    await opened.getByRole("button").click();
    await opened.waitForFunction(
      (text) => document.querySelector("#message")?.textContent !== text,
      before,
    );
    await opened.screenshot({ path: process.env.SCREENSHOT ?? "/dev/null", type: "png" });
    assert.deepEqual(problems, []);
  } finally {
    await context.close();
    server.close();
  }
});
