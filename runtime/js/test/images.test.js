/** PNG files, atlases, pixels of every mode, SHA-256. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { inflateSync } from "node:zlib";

import { crc32 } from "../src/images/crc32.js";
import { PixelImage, toRgba } from "../src/images/pixel-image.js";
import { applyFormat, toFloat, toUint8 } from "../src/images/pixels.js";
import { encodePng, store } from "../src/images/png.js";
import { packAtlas } from "../src/index.js";
import { sha256, sha256Own } from "../src/sha256.js";

/** @typedef {import("../src/bundle/image-format.js").ImageFormat} ImageFormat */
/** @typedef {import("../src/images/pixel-image.js").Pixels} Pixels */

/** @param {number} width @param {number} height @param {number} channels @returns {Pixels} */
function noisy(width, height, channels, seed = 1) {
  const data = new Uint8Array(width * height * channels);
  for (let i = 0; i < data.length; i++) data[i] = (seed = (seed * 48271) % 2147483647) & 255;
  return { width, height, channels, data };
}

/** Return the chunks of a PNG file, with their checksums checked. @param {Uint8Array} bytes */
function chunksOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  assert.deepEqual([...bytes.subarray(0, 8)], [137, 80, 78, 71, 13, 10, 26, 10]);
  const chunks = [];
  for (let at = 8; at < bytes.length;) {
    const length = view.getUint32(at);
    const body = bytes.subarray(at + 4, at + 8 + length);
    assert.equal(view.getUint32(at + 8 + length), crc32(body));
    chunks.push({ kind: Buffer.from(body.subarray(0, 4)).toString(), data: body.subarray(4) });
    at += 12 + length;
  }
  return chunks;
}

test("encodePng stores the colors of a palette by index, and others as they are", async () => {
  const palette = ["#0a141e", "#ffffff"];
  const data = Uint8Array.of(10, 20, 30, 255, 255, 255, 255, 255, 0, 0, 0, 0);
  const image = { width: 3, height: 1, channels: 4, data };
  const [header, entries, opacity, rows] = chunksOf(await encodePng(image, {}, palette));
  assert.equal(header.data[9], 3);
  assert.deepEqual([...entries.data], [10, 20, 30, 255, 255, 255, 0, 0, 0]);
  assert.deepEqual([...opacity.data], [255, 255, 0]);
  assert.deepEqual([...inflateSync(rows.data)], [2, 0, 1, 2]);
  for (const changed of [Uint8Array.of(10, 20, 31, 255), Uint8Array.of(10, 20, 30, 254)]) {
    const other = { ...image, width: 1, data: changed };
    assert.deepEqual(decode(await encodePng(other, {}, palette)), other);
  }
});

/** Return the pixels of a PNG file whose rows have the filter "up". @param {Uint8Array} bytes */
function decode(bytes) {
  const [header, ...rest] = chunksOf(bytes);
  const view = new DataView(header.data.buffer, header.data.byteOffset);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const channels = /** @type {Record<number, number>} */ ({ 0: 1, 2: 3, 6: 4 })[header.data[9]];
  const rows = inflateSync(/** @type {any} */ (rest.find(({ kind }) => kind === "IDAT")).data);
  const stride = width * channels;
  const data = new Uint8Array(stride * height);
  for (let i = 0; i < data.length; i++) {
    const row = Math.floor(i / stride);
    assert.equal(rows[row * (stride + 1)], 2);
    data[i] = rows[i + row + 1] + (row ? data[i - stride] : 0);
  }
  return { width, height, channels, data };
}

for (const channels of [1, 3, 4]) {
  test(`encodePng keeps every pixel of ${channels} channels`, async () => {
    const image = noisy(37, 11, channels);
    assert.deepEqual(decode(await encodePng(image)), image);
    const large = noisy(1024, 1100, channels);
    assert.deepEqual(decode(await encodePng(large)).data, large.data);
  });
}

test("encodePng without CompressionStream keeps every pixel", async () => {
  const { CompressionStream } = globalThis;
  Reflect.deleteProperty(globalThis, "CompressionStream");
  try {
    const image = noisy(300, 200, 3);
    assert.deepEqual(decode(await encodePng(image)), image);
  } finally {
    globalThis.CompressionStream = CompressionStream;
  }
});

test("store writes a zlib stream of any length", () => {
  for (const length of [0, 1, 65535, 65536, 200000]) {
    const { data } = noisy(length, 1, 1);
    assert.deepEqual(new Uint8Array(inflateSync(store(data))), data);
  }
});

test("text chunks are Latin-1 where that holds the text, else UTF-8", async () => {
  const bytes = await encodePng(noisy(1, 1, 1), { "ganport.bundle": "größe", name: "猫" });
  const [, latin, utf8] = chunksOf(bytes);
  assert.equal(latin.kind, "tEXt");
  assert.equal(Buffer.from(latin.data).toString("latin1"), "ganport.bundle\0größe");
  assert.equal(utf8.kind, "iTXt");
  assert.equal(Buffer.from(utf8.data).toString(), "name\0\0\0\0\0猫");
});

test("toRgba fills alpha and repeats gray", () => {
  const { data } = noisy(2, 1, 1);
  const [a, b] = data;
  assert.deepEqual([...toRgba(noisy(2, 1, 1))], [a, a, a, 255, b, b, b, 255]);
  assert.deepEqual(
    [...toRgba({ width: 1, height: 1, channels: 3, data: Uint8Array.of(1, 2, 3) })],
    [1, 2, 3, 255],
  );
});

/** @param {Partial<ImageFormat>} fields @returns {ImageFormat} */
const format = (fields) => ({
  height: 2,
  width: 3,
  mode: "rgba",
  channels: 4,
  pixelated: false,
  palette: [],
  alphaLevels: 256,
  range: "signed",
  ...fields,
});

test("toUint8 inverts toFloat for every visible level and every alpha", () => {
  for (let alpha = 1; alpha < 256; alpha++) {
    const data = Uint8Array.from({ length: 256 * 4 }, (_, i) => (i % 4 === 3 ? alpha : i >> 2));
    const image = format({ width: 256, height: 1 });
    assert.deepEqual(toUint8(toFloat(data, image), image), data);
  }
});

test("toUint8 refuses numbers that are not finite", () => {
  for (const value of [NaN, Infinity, -Infinity]) {
    const planes = new Float32Array(24).fill(value, 5, 6);
    assert.throws(() => toUint8(planes, format({})), {
      code: "BundleError",
      found: "NaN or infinity",
    });
  }
});

test("applyFormat takes the first of equally near colors, and clears transparent ones", () => {
  const image = format({ palette: ["#000000", "#020000", "#000002"], alphaLevels: 2 });
  const pixels = Uint8Array.of(1, 0, 0, 200, 0, 0, 9, 128, 255, 255, 255, 127);
  applyFormat(pixels, image);
  assert.deepEqual([...pixels], [0, 0, 0, 255, 0, 0, 2, 255, 0, 0, 0, 0]);
});

test("packAtlas puts images in row-major order and indexes them", async () => {
  const bundle = { name: "tiny", digest: "0", palette: [] };
  const images = [1, 2, 3, 4, 5].map(
    (seed) =>
      new PixelImage(noisy(4, 3, 4, seed), bundle, () => ({ seed: String(seed), condition: {} })),
  );
  const { width, height, data, png, index } = await packAtlas(images, { columns: 2 });
  assert.deepEqual([width, height], [8, 9]);
  assert.deepEqual(decode(png), { width, height, channels: 4, data });
  for (const [i, { frame }] of index.frames.entries()) {
    for (let row = 0; row < frame.h; row++) {
      const start = ((frame.y + row) * width + frame.x) * 4;
      const part = images[i].data.subarray(row * 16, (row + 1) * 16);
      assert.deepEqual(data.subarray(start, start + 16), part);
    }
  }
  assert.equal(index.meta.format, "RGBA8888");
  await assert.rejects(packAtlas(images, { columns: 0 }), {
    code: "RequestError",
    place: "columns",
  });
  await assert.rejects(packAtlas([]), { code: "RequestError" });
});

test("sha256Own equals the library for every length of a tail", async () => {
  for (let length = 0; length < 200; length++) {
    const { data } = noisy(length, 1, 1);
    const expected = createHash("sha256").update(data).digest("hex");
    assert.equal(sha256Own(data), expected);
    assert.equal(await sha256(data), expected);
  }
  const { data } = noisy(1_000_003, 1, 1);
  assert.equal(
    sha256Own(data.subarray(3)),
    createHash("sha256").update(data.subarray(3)).digest("hex"),
  );
});
