/** Latent directions of a flow: what they do to images, and files that are refused. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { Generator, readDirections } from "../src/index.js";

const FLOW = fileURLToPath(
  new URL("../../../tests/runtime/data/tiny-flow.ganport", import.meta.url),
);
const FILE = "directions.safetensors";

/** Return a copy of the flow with one direction of the given shape. @param {number[]} shape @param {number} number */
function flowWith(shape, number) {
  const size = shape.reduce((total, length) => total * length, 1);
  const entry = { dtype: "F32", shape, data_offsets: [0, 4 * size] };
  const header = Buffer.from(JSON.stringify({ "face/young": entry }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const body = new Uint8Array(new Float32Array(size).fill(number).buffer);
  const file = Buffer.concat([length, header, body]);
  const folder = join(mkdtempSync(join(tmpdir(), "ganport-")), "flow");
  cpSync(FLOW, folder, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
  const sha256 = createHash("sha256").update(file).digest("hex");
  manifest.files[FILE] = { sha256, size: file.length };
  writeFileSync(join(folder, FILE), file);
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
  return folder;
}

test("a direction has the shape of the noise, and changes the image of a seed", async () => {
  const directions = await readDirections(FLOW);
  const generator = await Generator.load(FLOW);
  const z = await generator.noise([7]);
  const moved = { ...z, data: z.data.map((number, i) => number + directions["face/young"][i]) };
  const [before, after] = await generator.generate(null, {
    z: { dims: [2, ...generator.zShape], data: Float32Array.of(...z.data, ...moved.data) },
  });
  await generator.dispose();
  assert.equal(directions["face/young"].length, z.data.length);
  assert.notDeepEqual(after.data, before.data);
});

test("directions of another shape or with infinity are refused", async () => {
  const { "face/young": half } = await readDirections(flowWith([3, 8, 8], 0.5));
  assert.ok(half.every((number) => number === 0.5));
  for (const [folder, found] of /** @type {const} */ ([
    [flowWith([3, 8], 1), "float32 (3, 8)"],
    [flowWith([5], 1), "float32 (5,)"],
    [flowWith([3, 8, 8], Infinity), "NaN or infinity"],
  ])) {
    await assert.rejects(readDirections(folder), { code: "BundleError", found });
  }
});

test("a bundle without directions has none", async () => {
  assert.deepEqual(await readDirections(FLOW.replace("tiny-flow", "tiny")), {});
});
