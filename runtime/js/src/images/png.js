/** PNG files (ISO/IEC 15948), with text chunks. */

import { RequestError } from "../errors.js";
import { crc32 } from "./crc32.js";

/** @typedef {import("./pixel-image.js").Pixels} Pixels */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const COLOR_TYPES = [0, 0, 4, 2, 6]; // gray, gray with alpha, RGB, RGBA by channels
const INDEXED = 3;
const FILTER_UP = 2; // each byte minus the byte above it
const MAX_STORED = 65535; // bytes of a deflate block without compression
const PART = 1 << 20; // bytes that are filtered without a pause

/**
 * Return the PNG file of an image, with `texts` in its text chunks. If all pixels are colors of the
 * `palette` of "#rrggbb" or invisible, it is stored by index.
 * @param {Pixels} image
 * @param {Record<string, string>} [texts]
 * @param {readonly string[]} [palette]
 */
export async function encodePng(image, texts = {}, palette = []) {
  const { width, height, channels } = image;
  const indices = palette.length ? indexColors(image, palette) : undefined;
  const data = indices ?? image.data;
  if (!COLOR_TYPES[channels] && channels !== 1) {
    throw new RequestError("channels", "1, 2, 3 or 4", `${channels}`, "Convert the image.");
  }
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  header.setUint8(8, 8);
  header.setUint8(9, indices ? INDEXED : COLOR_TYPES[channels]);
  const parts = [
    Uint8Array.from(SIGNATURE),
    chunk("IHDR", new Uint8Array(header.buffer)),
    ...(indices ? paletteChunks(palette, channels === 4) : []),
    ...Object.entries(texts).map(([key, text]) => textChunk(key, text)),
    chunk("IDAT", await deflate(filteredRows(data, data.length / height, height))),
    chunk("IEND", new Uint8Array(0)),
  ];
  return joined(parts);
}

/**
 * Return the index of each pixel in a palette, or undefined for another color or a partial alpha. The
 * index after the palette is invisible.
 * @param {Pixels} image
 * @param {readonly string[]} palette
 */
function indexColors({ channels, data }, palette) {
  const indexes = new Map(palette.map((color, i) => [parseInt(color.slice(1), 16), i]));
  if (channels === 4 && palette.length > 255) return undefined;
  const out = new Uint8Array(data.length / channels);
  for (let at = 0; at < data.length; at += channels) {
    const alpha = channels === 4 ? data[at + 3] : 255;
    const color = (data[at] << 16) | (data[at + 1] << 8) | data[at + 2];
    const index = alpha ? indexes.get(color) : palette.length;
    if (index === undefined || (alpha && alpha < 255)) return undefined;
    out[at / channels] = index;
  }
  return out;
}

/** @param {readonly string[]} palette @param {boolean} hasAlpha */
function paletteChunks(palette, hasAlpha) {
  const entries = palette.flatMap((color) =>
    [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16)),
  );
  if (!hasAlpha) return [chunk("PLTE", Uint8Array.from(entries))];
  const opacity = Uint8Array.from([...palette.map(() => 255), 0]);
  return [chunk("PLTE", Uint8Array.of(...entries, 0, 0, 0)), chunk("tRNS", opacity)];
}

/**
 * Yield the rows of an image, each filtered against the one above it.
 * @param {Uint8Array} data
 * @param {number} stride
 * @param {number} height
 * @returns {Generator<Uint8Array<ArrayBuffer>>}
 */
function* filteredRows(data, stride, height) {
  const rows = Math.max(1, Math.floor(PART / stride));
  for (let first = 0; first < height; first += rows) {
    const last = Math.min(height, first + rows);
    const part = new Uint8Array((last - first) * (stride + 1));
    let to = 0;
    for (let row = first; row < last; row++) {
      part[to++] = FILTER_UP;
      const from = row * stride;
      for (let i = from; i < from + stride; i++)
        part[to++] = data[i] - (row ? data[i - stride] : 0);
    }
    yield part;
  }
}

/** Return the zlib stream of bytes. @param {Iterable<Uint8Array<ArrayBuffer>>} parts */
async function deflate(parts) {
  if (typeof CompressionStream === "undefined") return store(joined([...parts]));
  const stream = new CompressionStream("deflate");
  const writer = stream.writable.getWriter();
  const compressed = new Response(stream.readable).arrayBuffer();
  for (const part of parts) await writer.write(part);
  await writer.close();
  return new Uint8Array(await compressed);
}

/**
 * Return a zlib stream without compression (RFC 1950, 1951), for browsers without CompressionStream.
 * @param {Uint8Array} bytes
 */
export function store(bytes) {
  /** @type {Uint8Array[]} */
  const parts = [Uint8Array.of(0x78, 0x01)];
  let [a, b] = [1, 0];
  for (let start = 0; start < bytes.length || !start; start += MAX_STORED) {
    const block = bytes.subarray(start, start + MAX_STORED);
    for (const byte of block) {
      a = (a + byte) % 65521;
      b = (b + a) % 65521;
    }
    const isLast = start + MAX_STORED >= bytes.length;
    const { length } = block;
    parts.push(Uint8Array.of(Number(isLast), length, length >> 8, ~length, ~length >> 8), block);
  }
  parts.push(Uint8Array.of(b >> 8, b, a >> 8, a));
  return joined(parts);
}

/** @param {string} key @param {string} text */
function textChunk(key, text) {
  const latin = /^[\x01-\xff]*$/.test(text);
  const encode = (/** @type {string} */ latin1) => Uint8Array.from(latin1, (c) => c.charCodeAt(0));
  if (latin) return chunk("tEXt", encode(`${key}\0${text}`));
  // iTXt: not compressed, no language, no translated key.
  return chunk("iTXt", joined([encode(`${key}\0\0\0\0\0`), new TextEncoder().encode(text)]));
}

/** @param {string} kind @param {Uint8Array} data */
function chunk(kind, data) {
  const part = new Uint8Array(12 + data.length);
  const view = new DataView(part.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) part[4 + i] = kind.charCodeAt(i);
  part.set(data, 8);
  view.setUint32(8 + data.length, crc32(part.subarray(4, 8 + data.length)));
  return part;
}

/** @param {Uint8Array[]} parts @returns {Uint8Array<ArrayBuffer>} */
function joined(parts) {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
