/** The package: what it imports, how large its files are, and that its names are documented. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { EXTERNAL, buildFiles } from "../build.js";
import * as ganport from "../src/index.js";

const HERE = fileURLToPath(new URL("../", import.meta.url));
const SOURCES = readdirSync(`${HERE}src`, { recursive: true })
  .map(String)
  .filter((name) => name.endsWith(".js"));
const MAX_LINES = 300;
const MAX_BYTES = 30 * 1024;

/** @param {string} name */
const read = (name) => readFileSync(`${HERE}${name}`, "utf8");

for (const name of SOURCES) {
  test(`${name} imports own files only, and onnxruntime on demand`, () => {
    const text = read(`src/${name}`);
    const imports = [...text.matchAll(/^(?:import|export) [^;]*?from "(.*?)";/gms)].map(
      (m) => m[1],
    );
    assert.deepEqual(
      imports.filter((path) => !/^\.\.?\/.*\.js$/.test(path)),
      [],
    );
    const dynamic = [...text.matchAll(/[^.]import\("(.*?)"\)\)?;/g)].map((found) => found[1]);
    assert.deepEqual(
      dynamic.filter((path) => !EXTERNAL.includes(path) && !SOURCES.includes(path.slice(2))),
      [],
    );
    assert.ok(text.split("\n").length <= MAX_LINES);
  });
}

test("dist is what `npm run build` makes of src", async () => {
  for (const [name, text] of Object.entries(await buildFiles())) {
    assert.equal(read(`dist/${name}`), text, `${name}: run npm run build`);
  }
});

test("the files of a page are at most 30 KB when they are compressed", () => {
  const sizes = ["ganport.js", "worker.js"].map(
    (name) => gzipSync(read(`dist/${name}`), { level: 9 }).length,
  );
  console.log(`# ${sizes[0]} and ${sizes[1]} bytes`);
  assert.ok(sizes[0] + sizes[1] <= MAX_BYTES);
});

test("bundlers find the worker: the expression of its address occurs once, in new Worker", () => {
  for (const name of ["src/worker-client.js", "dist/ganport.js"]) {
    const parts = read(name).split(/new URL\("\.\/worker\.js", ?import\.meta\.url\)/);
    assert.equal(parts.length, 2);
    assert.ok(parts[0].endsWith("new Worker("));
  }
});

test("a program in TypeScript compiles against the declarations of the package", () => {
  const tsc = `${HERE}node_modules/.bin/tsc`;
  const options =
    "--noEmit --strict --skipLibCheck --target es2022 --module nodenext --lib es2023,dom";
  for (const args of [
    "-p tsconfig.types.json",
    `--ignoreConfig ${options} test/types/consumer.mts`,
  ]) {
    const done = spawnSync(tsc, args.split(" "), { cwd: HERE, encoding: "utf8" });
    assert.equal(done.status, 0, done.stdout);
  }
});

test("README.md names what the package exports", () => {
  const page = read("README.md");
  const names = Object.keys(ganport).filter(
    (name) => !name.endsWith("Error") && name !== "PixelImage",
  );
  assert.deepEqual(
    names.filter((name) => !page.includes(name)),
    [],
  );
});

test("package-lock.json holds no addresses of downloads", () => {
  assert.ok(!read("package-lock.json").includes('"resolved"'));
});
