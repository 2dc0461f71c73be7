/** The shared vectors: what the Python runtime recorded, this package makes of the same inputs. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, suite, test } from "node:test";
import { fileURLToPath } from "node:url";

import { checkGraph } from "../src/bundle/graph-check.js";
import { noiseShape, readManifest } from "../src/bundle/manifest.js";
import { readTensors } from "../src/bundle/safetensors.js";
import { readConditions } from "../src/conditions/conditions.js";
import { checkTemperature, resolveCount, resolveSeeds } from "../src/generation/request.js";
import { Generator, packAtlas, readDirections, seedRange } from "../src/index.js";
import { parse } from "../src/json-parser.js";
import { normals, philox } from "../src/noise.js";

/** @typedef {Record<string, any>} Json */

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const DEVICES = /** @type {const} */ (["wasm", "cpu"]);
const PLACEHOLDER = "@value@";
const encoder = new TextEncoder();

/** @param {string} text */
const bytesOf = (text) => new Uint8Array(Buffer.from(text, "base64"));

/** @param {Json} shared @param {Json} input */
function runConditions(shared, input) {
  const conditions = readConditions(shared.groups[input.groups], "conditions");
  if ("fraction" in input) {
    return { request: conditions.blend(input.first, input.second, input.fraction) };
  }
  return {
    vector: [...conditions.encode(input.request)],
    complete: conditions.complete(input.request),
    caption: conditions.caption(input.request),
  };
}

/** @param {Json} _ @param {Json} input */
function runSeeds(_, { seed, seeds, count }) {
  if (seeds !== undefined) {
    return resolveSeeds(undefined, seeds, resolveCount(undefined, null, { seeds })).map(String);
  }
  const number = BigInt(seed);
  return seedRange(number >> 64n ? number : seed, count).map(String);
}

/** @param {Json} _ @param {Json} input */
function runNoise(_, input) {
  const hex = (/** @type {number} */ word) => word.toString(16).padStart(8, "0");
  if (input.counter) {
    const words = Uint32Array.from(input.counter, (word) => parseInt(word, 16));
    const [one, two] = input.key.map((/** @type {string} */ word) => parseInt(word, 16));
    philox(words, one, two);
    return [...words].map(hex);
  }
  const temperature = "temperature" in input ? checkTemperature(input.temperature) : 1;
  const row = normals([BigInt(input.seed)], input.size, temperature, input.stream);
  return [...new Uint32Array(row.buffer)].map(hex);
}

/** @param {Json} shared @param {Json} input */
function manifestText(shared, { text, manifest, path, json }) {
  if (text !== undefined) return text;
  const value = structuredClone(shared.manifests[manifest]);
  const last = path.at(-1);
  const inner = path
    .slice(0, -1)
    .reduce((/** @type {any} */ at, /** @type {any} */ step) => at[step], value);
  if (json === undefined) delete inner[last];
  else inner[last] = PLACEHOLDER;
  return JSON.stringify(value).replace(`"${PLACEHOLDER}"`, () => json);
}

/** @param {Json} shared @param {Json} input */
function runManifests(shared, input) {
  const text = manifestText(shared, input);
  const manifest = readManifest(parse(encoder.encode(text), "manifest.json"), "manifest.json");
  const { height, width, channels, range } = manifest.image;
  return {
    schema_version: manifest.schemaVersion,
    condition_size: manifest.conditions.size,
    z_shape: noiseShape(manifest),
    image: [height, width, channels, range],
  };
}

/** @param {Json} shared @param {Json} input */
async function runBundles(shared, { file, patches, name = "bundle.ganport" }) {
  let data = Buffer.from(shared.files[file], "base64");
  for (const [start, stop, hex] of patches.toReversed()) {
    data = Buffer.concat([data.subarray(0, start), Buffer.from(hex, "hex"), data.subarray(stop)]);
  }
  const generator = await Generator.load(new Uint8Array(data), { device: "wasm", name });
  await generator.dispose();
  return { digest: generator.digest, capabilities: generator.capabilities };
}

/** @param {Json} _ @param {Json} input */
function runGraphs(_, { model }) {
  checkGraph(bytesOf(model), "graph.onnx");
  return "allowed";
}

/** @param {Json} _ @param {Json} input */
async function runTensors(_, { bundle, header, body, length }) {
  const hex = (/** @type {Uint8Array} */ bytes) => Buffer.from(bytes).toString("hex");
  if (bundle) {
    const directions = Object.entries(await readDirections(`${ROOT}${bundle}`));
    return Object.fromEntries(
      directions.map(([name, { buffer }]) => [name, hex(new Uint8Array(buffer))]),
    );
  }
  const text = encoder.encode(header);
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(length ?? text.length));
  const file = new Uint8Array(Buffer.concat([start, text, Buffer.from(body, "hex")]));
  const dtypes = { F32: "float32", U8: "uint8" };
  return readTensors(file, "tensors.safetensors").map(({ name, dtype, shape, data }) => [
    name,
    dtypes[dtype],
    shape,
    hex(data),
  ]);
}

/** @param {typeof DEVICES[number]} device @param {Json} input */
async function runImages(device, { bundle, call, conditions = null, columns, count, ...options }) {
  const path = bundle === "starter" ? "runtime/ganport_runtime/starter.ganport" : bundle;
  const generator = await Generator.load(`${ROOT}${path}`, { device });
  try {
    if (call === "generate") {
      const images = await generator.generate(conditions, { count, ...options });
      const result = joined(images);
      if (columns === undefined) return result;
      const { index } = await packAtlas(images, { columns });
      return { ...result, index };
    }
    const inputs = tiles(count, generator.image);
    if (call === "translate") return joined(await generator.translate(inputs, conditions));
    const { dims, data } = await generator.encode(inputs, conditions);
    return { shape: dims, numbers: [...data] };
  } finally {
    await generator.dispose();
  }
}

/** @param {import("../src/index.js").PixelImage[]} images */
function joined(images) {
  const [{ height, width, channels }] = images;
  const pixels = Buffer.concat(images.map((image) => image.data));
  return { shape: [images.length, height, width, channels], pixels };
}

/** Return images whose byte i of all is 37 * i mod 251; alpha is opaque. @param {number} count @param {import("../src/bundle/image-format.js").ImageFormat} format */
function tiles(count, { width, height, channels }) {
  const size = width * height * channels;
  return Array.from({ length: count }, (_, row) => {
    const data = Uint8Array.from({ length: size }, (_, i) => (37 * (row * size + i)) % 251);
    if (channels === 4) for (let i = 3; i < size; i += 4) data[i] = 255;
    return { width, height, channels, data };
  });
}

let compared = 0;
let different = 0;

/** Compare results; images may be one level apart and noise one unit in the last place. @param {string} kind @param {any} found @param {any} recorded */
function compare(kind, found, recorded) {
  if (kind === "noise") {
    const distances = recorded.map((/** @type {string} */ word, /** @type {number} */ i) =>
      Math.abs(parseInt(word, 16) - parseInt(found[i], 16)),
    );
    assert.equal(found.length, recorded.length);
    assert.ok(Math.max(...distances) <= 1, `${Math.max(...distances)} ulp`);
  } else if (recorded.pixels) {
    const { pixels, ...rest } = recorded;
    const { pixels: own, ...ownRest } = found;
    assert.deepEqual(ownRest, rest);
    const distances = [...bytesOf(pixels)].map((level, i) => Math.abs(level - own[i]));
    compared += distances.length;
    different += distances.filter(Boolean).length;
    assert.ok(Math.max(...distances) <= 1, `${Math.max(...distances)} levels`);
  } else if (recorded.numbers) {
    assert.deepEqual(found.shape, recorded.shape);
    recorded.numbers.forEach((/** @type {number} */ number, /** @type {number} */ i) =>
      assert.ok(Math.abs(number - found.numbers[i]) < 1e-5),
    );
  } else assert.deepEqual(found, recorded);
}

/** @param {() => any} run @returns {Promise<{result?: any, error?: any}>} */
async function outcomeOf(run) {
  try {
    return { result: await run() };
  } catch (error) {
    const { code, place, expected, found, fix } = /** @type {any} */ (error);
    if (!code) throw error;
    return { error: { code, place: place.replace(ROOT, ""), expected, found, fix } };
  }
}

/** @param {string} title @param {string} kind @param {(shared: Json, input: Json) => any} run */
function checkFile(title, kind, run) {
  const text = readFileSync(`${ROOT}tests/vectors/${kind}.json`, "utf8");
  /** @type {{shared: Json, cases: Json[]}} */
  const { shared, cases } = JSON.parse(text);
  suite(title, () => {
    for (const { name, input, result, error, open = [] } of cases) {
      test(name, async () => {
        const outcome = await outcomeOf(() => run(shared, input));
        if (error) {
          const kept = (/** @type {Json} */ fields) =>
            Object.fromEntries(Object.entries(fields).filter(([key]) => !open.includes(key)));
          assert.ok(outcome.error, `no error, but ${JSON.stringify(outcome.result)}`);
          assert.deepEqual(kept(outcome.error), kept(error));
        } else {
          assert.equal(outcome.error, undefined);
          compare(kind, outcome.result, result);
        }
      });
    }
  });
}

checkFile("conditions", "conditions", runConditions);
checkFile("seeds", "seeds", runSeeds);
checkFile("noise", "noise", runNoise);
checkFile("manifests", "manifests", runManifests);
checkFile("bundles", "bundles", runBundles);
checkFile("graphs", "graphs", runGraphs);
checkFile("tensors", "tensors", runTensors);
for (const device of DEVICES) {
  checkFile(`images on ${device}`, "images", (_, input) => runImages(device, input));
}
after(() => console.log(`# ${different} of ${compared} values of images differ, by one level`));
