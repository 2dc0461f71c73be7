/** The generator in Node: sources, options, cancellation, images in, noise. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

import { allocate } from "../src/checks.js";
import { Generator, interpolateLinear, interpolateSpherical } from "../src/index.js";

const DATA = fileURLToPath(new URL("../../../tests/runtime/data/", import.meta.url));
const STARTER = fileURLToPath(
  new URL("../../../runtime/ganport_runtime/starter.ganport", import.meta.url),
);
const TINY = `${DATA}tiny.ganport`;

/** @type {Generator} */
let tiny;
/** @type {Generator} */
let flow;
before(async () => {
  tiny = await Generator.load(TINY);
  flow = await Generator.load(`${DATA}tiny-flow.ganport`, { device: "wasm" });
});
after(() => Promise.all([tiny.dispose(), flow.dispose()]));

test("auto is the CPU in Node with onnxruntime-node", () => {
  assert.equal(tiny.device, "cpu");
  assert.deepEqual(tiny.capabilities, ["generate"]);
  assert.deepEqual(tiny.zShape, [4]);
  assert.equal(tiny.manifest.name, "tiny");
  assert.equal(tiny.image.mode, "rgb");
});

test("paths, file addresses, bytes and blobs are the same bundle", async () => {
  const bytes = new Uint8Array(readFileSync(`${DATA}tiny.onnx`));
  const [expected] = await tiny.generate("pink hair", { seed: 7 });
  const sources = [
    pathToFileURL(TINY),
    pathToFileURL(TINY).href,
    bytes,
    bytes.buffer,
    new Blob([bytes]),
  ];
  for (const source of sources) {
    const generator = await Generator.load(/** @type {any} */ (source));
    const [image] = await generator.generate("pink hair", { seed: 7 });
    assert.deepEqual(image.data, expected.data);
    await generator.dispose();
  }
});

test("an address downloads a file with progress, and of a folder what is needed", async () => {
  /** @type {string[]} */
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(String(request.url));
    const path = String(request.url).replace(/[?].*/, "");
    try {
      const data = path === "/starter.ganport" ? readFileSync(STARTER) : readFileSync(DATA + path);
      response.writeHead(200, { "content-length": data.length }).end(data);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const address = `http://127.0.0.1:${port}`;
  try {
    const folder = await Generator.load(`${address}/tiny-flow.ganport/?v=2`);
    assert.deepEqual(asked, [
      "/tiny-flow.ganport/manifest.json?v=2",
      "/tiny-flow.ganport/generator.onnx?v=2",
    ]);
    await folder.dispose();
    /** @type {any[]} */
    const steps = [];
    const onProgress = (/** @type {any} */ step) => steps.push(step);
    const starter = await Generator.load(`${address}/starter.ganport`, { onProgress });
    assert.equal(steps.at(-1).loaded, steps.at(-1).total);
    await starter.dispose();
    await assert.rejects(Generator.load(`${address}/missing.ganport`), {
      found: "HTTP status 404",
    });
  } finally {
    server.close();
  }
  await assert.rejects(Generator.load(`${address}/starter.ganport`), { code: "BundleError" });
});

test("files that are no bundle are refused", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ganport-"));
  await symlink(`${TINY}/manifest.json`, join(folder, "manifest.json"));
  await writeFile(join(folder, "weights.pt"), "PK");
  const cases = {
    missing: /no such file/,
    [folder]: /a link/,
    [join(folder, "weights.pt")]: /TorchScript/,
  };
  for (const [path, message] of Object.entries(cases)) {
    await assert.rejects(Generator.load(path), (/** @type {any} */ error) => {
      assert.equal(error.code, "BundleError");
      return message.test(error.message);
    });
  }
  await assert.rejects(Generator.load(/** @type {any} */ (7)), { code: "RequestError" });
});

test("a misspelled option is refused, not ignored", async () => {
  const load = Generator.load(TINY, /** @type {any} */ ({ devise: "cpu" }));
  await assert.rejects(load, { code: "RequestError", fix: "Did you mean 'device'?" });
  const generate = tiny.generate(null, /** @type {any} */ ({ sead: 7 }));
  await assert.rejects(generate, { fix: "Did you mean 'seed'?" });
  await assert.rejects(tiny.generate(null, /** @type {any} */ (7)), { code: "RequestError" });
  const device = Generator.load(TINY, /** @type {any} */ ({ device: "wasn" }));
  await assert.rejects(device, { code: "DeviceError", fix: "Did you mean 'wasm'?" });
  await assert.rejects(Generator.load(TINY, { device: "webgpu" }), { code: "DeviceError" });
});

test("seeds are bigints, numbers or texts", async () => {
  const images = await Promise.all(
    [7, 7n, "7"].map(async (seed) => (await tiny.generate(null, { seed }))[0]),
  );
  for (const image of images) assert.deepEqual(image.data, images[0].data);
  for (const seed of [-1, 2 ** 64, 2 ** 53, 1.5, "x", "-1", "", true, {}]) {
    await assert.rejects(tiny.generate(null, { seed: /** @type {any} */ (seed) }), {
      place: "seed",
    });
  }
  const [random] = await tiny.generate();
  const [again] = await tiny.generate(null, { seeds: [/** @type {string} */ (random.seed)] });
  assert.deepEqual(again.data, random.data);
});

test("results that do not fit in memory are a request error", () => {
  const call = () => allocate(Float32Array, 2 ** 20, 2 ** 24);
  assert.throws(call, { code: "RequestError", found: "1048576 of 16,777,216 numbers each" });
});

test("an image does not depend on its batch", async () => {
  const many = await tiny.generate({ hair: "pink" }, { seed: 2n ** 64n - 3n, count: 130 });
  for (const i of [0, 2, 3, 64, 129]) {
    const [alone] = await tiny.generate(
      { hair: "pink" },
      { seed: /** @type {string} */ (many[i].seed) },
    );
    assert.deepEqual(alone.data, many[i].data);
  }
  assert.equal(many[3].seed, "0");
});

test("a list of requests gives each image its own, and its recipe", async () => {
  const images = await tiny.generate(["pink hair", { eyes: "green" }], {
    seed: 1,
    temperature: 0.5,
  });
  assert.deepEqual(images[1].recipe, {
    seed: "2",
    condition: { hair: "black", eyes: "green" },
    temperature: 0.5,
  });
  const lists = { count: 3 };
  await assert.rejects(tiny.generate(["pink hair"], lists), { place: "conditions", found: "1" });
  await assert.rejects(tiny.generate(null, { seed: 1, seeds: [1] }), { found: "both" });
  await assert.rejects(tiny.generate(null, { count: 2 ** 21 }), { place: "count" });
});

test("noise from encode is the image again, and interpolates", async () => {
  const images = await flow.generate("smiling", { seed: 1, count: 2 });
  const z = await flow.encode(images, "smiling");
  assert.deepEqual(z.dims, [2, 3, 8, 8]);
  const again = await flow.generate("smiling", { z });
  assert.deepEqual(
    again.map((image) => [...image.data]),
    images.map((image) => [...image.data]),
  );
  const [one, two] = [await flow.noise([1]), await flow.noise([2n])];
  for (const interpolate of [interpolateSpherical, interpolateLinear]) {
    const between = interpolate(one, two, [0, 0.5, 1]);
    assert.deepEqual(between.dims, [3, 3, 8, 8]);
    assert.deepEqual(between.data.subarray(0, 192), one.data);
    assert.deepEqual(between.data.subarray(384), two.data);
    assert.equal((await flow.generate(null, { z: between })).length, 3);
  }
  await assert.rejects(flow.generate(null, { z, seed: 1 }), { found: "both" });
  const short = { dims: [2, 3, 8, 8], data: z.data.subarray(1) };
  await assert.rejects(flow.generate(null, { z: short }), { place: "z" });
  const broken = { dims: [1, 3, 8, 8], data: new Float32Array(192).fill(NaN) };
  await assert.rejects(flow.generate(null, { z: broken }), { expected: "finite numbers" });
});

test("an ImageData without transparency is an image of an RGB bundle", async () => {
  const [image] = await flow.generate(null, { seed: 3 });
  const rgba = Uint8ClampedArray.from({ length: 256 }, (_, i) =>
    i % 4 === 3 ? 255 : image.data[(i >> 2) * 3 + (i % 4)],
  );
  const fromData = await flow.encode([{ width: 8, height: 8, data: rgba }]);
  assert.deepEqual(fromData, await flow.encode([image]));
  rgba[3] = 254;
  const transparent = flow.encode([{ width: 8, height: 8, data: rgba }]);
  await assert.rejects(transparent, { code: "RequestError", place: "images" });
  await assert.rejects(flow.encode(/** @type {any} */ (image)), { expected: "a list of images" });
});

test("an aborted call rejects with the reason", async () => {
  const controller = new AbortController();
  const call = tiny.generate(null, { count: 100_000, signal: controller.signal });
  setTimeout(() => controller.abort(new Error("enough")), 5);
  await assert.rejects(call, { message: "enough" });
  await assert.rejects(tiny.generate(null, { signal: AbortSignal.abort(new Error("no")) }), {
    message: "no",
  });
  assert.equal((await tiny.generate()).length, 1);
});

test("calls at the same time all succeed, and none after dispose", async () => {
  const generator = await Generator.load(TINY, { device: "wasm" });
  const calls = Array.from({ length: 8 }, (_, seed) =>
    generator.generate(null, { seed, count: 3 }),
  );
  const all = await Promise.all(calls);
  assert.deepEqual(
    all.map((images) => images[0].seed),
    ["0", "1", "2", "3", "4", "5", "6", "7"],
  );
  await generator.dispose();
  await generator.dispose();
  await assert.rejects(generator.generate(), { code: "ClosedError" });
});
