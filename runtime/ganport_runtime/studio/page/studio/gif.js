/** GIF animations (GIF89a) with one palette for all frames, chosen by median cut. */

/** @typedef {import("./js/dist/ganport.js").Pixels} Pixels */
/** @typedef {{colors: number[][], indexOf: (color: number) => number}} Palette */

const MAX_COLORS = 255; // one more is transparent
const MAX_SAMPLES = 1 << 14;
const MAX_CODE = 4095;
const MIN_ALPHA = 128;

/**
 * Return a GIF that repeats without end.
 * @param {readonly Uint8ClampedArray[]} frames RGBA
 * @param {number} width
 * @param {number} height
 * @param {number} milliseconds per frame
 * @param {string} comment JSON
 */
export async function encodeGif(frames, width, height, milliseconds, comment) {
  const palette = choosePalette(frames);
  const table = Array.from({ length: 256 }, (_, index) => palette.colors[index] ?? [0, 0, 0]);
  const parts = [
    text("GIF89a"),
    words(width, height),
    Uint8Array.of(0xf7, 0, 0), // a table of 256 colors
    Uint8Array.from(table.flat()),
    Uint8Array.of(0x21, 0xff, 11),
    text("NETSCAPE2.0"),
    Uint8Array.of(3, 1, 0, 0, 0),
    Uint8Array.of(0x21, 0xfe),
    ...blocks(text(toAscii(comment))),
  ];
  for (const frame of frames) {
    await new Promise((resolve) => setTimeout(resolve)); // the page stays responsive
    // Each frame replaces the one before it; color 255 is transparent.
    parts.push(Uint8Array.of(0x21, 0xf9, 4, 0b1001), words(Math.round(milliseconds / 10)));
    parts.push(Uint8Array.of(MAX_COLORS, 0, 0x2c), words(0, 0, width, height), Uint8Array.of(0, 8));
    parts.push(...blocks(compress(toIndices(frame, palette))));
  }
  return new Blob([...parts, Uint8Array.of(0x3b)], { type: "image/gif" });
}

// A comment of a GIF is 7-bit ASCII.
/** @param {string} json */
const toAscii = (json) =>
  json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** @param {string} value */
const text = (value) => Uint8Array.from(value, (letter) => letter.charCodeAt(0));

/** @param {...number} values */
const words = (...values) => Uint8Array.from(values.flatMap((value) => [value & 255, value >> 8]));

/** @param {Uint8ClampedArray} frame @param {Palette} palette */
function toIndices(frame, { indexOf }) {
  const indices = new Uint8Array(frame.length / 4);
  for (let index = 0, at = 0; index < indices.length; index++, at += 4) {
    const isVisible = frame[at + 3] >= MIN_ALPHA;
    const color = (frame[at] << 16) | (frame[at + 1] << 8) | frame[at + 2];
    indices[index] = isVisible ? indexOf(color) : MAX_COLORS;
  }
  return indices;
}

/** @param {readonly Uint8ClampedArray[]} frames @returns {Palette} */
function choosePalette(frames) {
  let samples = distinctColors(frames, 1, MAX_COLORS + 1);
  const isExact = samples.size <= MAX_COLORS;
  if (!isExact) {
    const total = frames.reduce((sum, frame) => sum + frame.length / 4, 0);
    samples = distinctColors(frames, Math.max(1, Math.floor(total / MAX_SAMPLES)), Infinity);
  }
  const colors = medianCut(
    [...samples].map((color) => [color >> 16, (color >> 8) & 255, color & 255]),
  );
  /** @type {Map<number, number>} */
  const known = new Map();
  const indexOf = (/** @type {number} */ exact) => {
    // Close colors share an entry, so that large animations take no longer than small ones.
    const color = isExact ? exact : (exact & 0xf8fcf8) | 0x040204;
    let index = known.get(color);
    if (index === undefined) known.set(color, (index = nearest(colors, color)));
    return index;
  };
  return { colors, indexOf };
}

/**
 * Return the colors of every `stride`th visible pixel, at most `most` of them.
 * @param {readonly Uint8ClampedArray[]} frames
 * @param {number} stride
 * @param {number} most
 */
function distinctColors(frames, stride, most) {
  /** @type {Set<number>} */
  const found = new Set();
  for (const frame of frames) {
    for (let at = 0; at < frame.length && found.size < most; at += 4 * stride) {
      if (frame[at + 3] < MIN_ALPHA) continue;
      found.add((frame[at] << 16) | (frame[at + 1] << 8) | frame[at + 2]);
    }
  }
  return found;
}

/** @param {number[][]} colors @param {number} color */
function nearest(colors, color) {
  const [red, green, blue] = [color >> 16, (color >> 8) & 255, color & 255];
  let best = 0;
  let least = Infinity;
  for (let index = 0; index < colors.length; index++) {
    const [r, g, b] = colors[index];
    const distance = (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2;
    if (distance < least) [best, least] = [index, distance];
  }
  return best;
}

/** Heckbert, "Color Image Quantization for Frame Buffer Display" (1982). @param {number[][]} samples */
function medianCut(samples) {
  const boxes = [measure(samples)];
  while (boxes.length < MAX_COLORS) {
    const widest = boxes.reduce(
      (best, box, index) => (box.spread > boxes[best].spread ? index : best),
      0,
    );
    const { colors, axis, spread } = boxes[widest];
    if (!spread) break;
    colors.sort((one, two) => one[axis] - two[axis]);
    const middle = colors.length >> 1;
    boxes.splice(widest, 1, measure(colors.slice(0, middle)), measure(colors.slice(middle)));
  }
  return boxes.map(({ colors }) =>
    [0, 1, 2].map((axis) => {
      const sum = colors.reduce((total, color) => total + color[axis], 0);
      return colors.length ? Math.round(sum / colors.length) : 0;
    }),
  );
}

/** @param {number[][]} colors */
function measure(colors) {
  let [axis, spread] = [0, 0];
  for (const at of [0, 1, 2]) {
    let [low, high] = [255, 0];
    for (const color of colors) {
      if (color[at] < low) low = color[at];
      if (color[at] > high) high = color[at];
    }
    if (high - low > spread) [axis, spread] = [at, high - low];
  }
  return { colors, axis, spread };
}

/** Return the LZW codes of the indices of a frame. @param {Uint8Array} indices */
function compress(indices) {
  const [clear, end] = [256, 257];
  /** @type {number[]} */
  const bytes = [];
  let [buffer, bits, size, next] = [0, 0, 9, end + 1];
  /** @type {Map<number, number>} */
  let codes = new Map();
  const write = (/** @type {number} */ code) => {
    buffer |= code << bits;
    bits += size;
    for (; bits >= 8; bits -= 8, buffer >>>= 8) bytes.push(buffer & 255);
  };
  write(clear);
  let prefix = indices[0];
  for (let at = 1; at < indices.length; at++) {
    const key = (prefix << 8) | indices[at];
    const code = codes.get(key);
    if (code !== undefined) {
      prefix = code;
      continue;
    }
    write(prefix);
    prefix = indices[at];
    if (next > MAX_CODE) {
      write(clear);
      codes = new Map();
      [size, next] = [9, end + 1];
    } else {
      if (next === 1 << size) size++;
      codes.set(key, next++);
    }
  }
  write(prefix);
  write(end);
  if (bits) bytes.push(buffer & 255);
  return Uint8Array.from(bytes);
}

/** @param {Uint8Array} bytes @returns {Uint8Array<ArrayBuffer>[]} */
function blocks(bytes) {
  const parts = [];
  for (let start = 0; start < bytes.length; start += 255) {
    const part = bytes.slice(start, start + 255);
    parts.push(Uint8Array.of(part.length), part);
  }
  return [...parts, Uint8Array.of(0)];
}
