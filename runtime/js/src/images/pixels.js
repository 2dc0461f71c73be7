/** Pixels: float images of networks, uint8 images outside: docs/interface.md, section 6. */

import { BundleError } from "../errors.js";

/** @typedef {import("../bundle/image-format.js").ImageFormat} ImageFormat */

const { fround } = Math;
const MIN_ALPHA = fround(1 / 255);
const SCALE = fround(2 / 255);
const SCALE_OF_PRODUCT = fround(2 / 255 ** 2);

/**
 * Return the uint8 (N, H, W, C) images, with straight alpha, of float (N, C, H, W) ones. Every step
 * rounds to float32, as in every language.
 * @param {Float32Array} planes
 * @param {ImageFormat} image
 */
export function toUint8(planes, image) {
  const { channels, width, height, range } = image;
  const area = width * height;
  const out = new Uint8Array(planes.length);
  const pixel = new Float32Array(4);
  for (let row = 0; row < planes.length; row += area * channels) {
    for (let i = 0; i < area; i++) {
      for (let c = 0; c < channels; c++) pixel[c] = planes[row + c * area + i];
      if (range === "unit") for (let c = 0; c < channels; c++) pixel[c] = fround(pixel[c] * 2) - 1;
      else if (channels === 4) unpremultiply(pixel);
      for (let c = 0; c < channels; c++) {
        const level = fround(fround(pixel[c] * 127.5) + 128);
        if (!Number.isFinite(planes[row + c * area + i])) throw notFinite(range);
        out[row + i * channels + c] = Math.min(Math.max(level, 0), 255);
      }
    }
  }
  applyFormat(out, image);
  return out;
}

/** @param {string} range */
const notFinite = (range) =>
  new BundleError(
    "image",
    `finite numbers in ${range === "unit" ? "[0, 1]" : "[-1, 1]"}`,
    "NaN or infinity",
    "The network is broken: train it again or export it again.",
  );

/** Divide the premultiplied colors of a pixel in [-1, 1] by its alpha. @param {Float32Array} pixel */
function unpremultiply(pixel) {
  const alpha = Math.max(fround(fround(pixel[3] * 0.5) + 0.5), MIN_ALPHA);
  for (let c = 0; c < 3; c++) {
    const unit = fround(fround(pixel[c] * 0.5) + 0.5);
    const color = Math.min(Math.max(fround(unit / alpha), 0), 1);
    pixel[c] = fround(color * 2) - 1;
  }
}

/**
 * Give straight pixels, in place, the palette and the alpha levels of a format. Where alpha is 0, the
 * color is 0.
 * @param {Uint8Array} pixels
 * @param {ImageFormat} image
 */
export function applyFormat(pixels, { channels, palette, alphaLevels }) {
  const colors = palette.map((color) => parseInt(color.slice(1), 16));
  for (let at = 0; at < pixels.length; at += channels) {
    if (channels === 4 && alphaLevels === 2) pixels[at + 3] = pixels[at + 3] >= 128 ? 255 : 0;
    if (colors.length) setColor(pixels, at, nearest(pixels, at, colors));
    if (channels === 4 && !pixels[at + 3]) setColor(pixels, at, 0);
  }
}

/** @param {Uint8Array} pixels @param {number} at @param {number} color */
function setColor(pixels, at, color) {
  pixels[at] = color >> 16;
  pixels[at + 1] = color >> 8;
  pixels[at + 2] = color;
}

/** Return the nearest color, the first of several. @param {Uint8Array} pixels @param {number} at @param {number[]} colors */
function nearest(pixels, at, colors) {
  let best = colors[0];
  let least = Infinity;
  for (const color of colors) {
    const red = pixels[at] - (color >> 16);
    const green = pixels[at + 1] - ((color >> 8) & 255);
    const blue = pixels[at + 2] - (color & 255);
    const distance = red * red + green * green + blue * blue;
    if (distance < least) [best, least] = [color, distance];
  }
  return best;
}

/**
 * Return the float (N, C, H, W) images in [-1, 1], with premultiplied colors, of uint8 ones.
 * @param {Uint8Array} pixels
 * @param {ImageFormat} image
 */
export function toFloat(pixels, { channels, width, height }) {
  const area = width * height;
  const out = new Float32Array(pixels.length);
  for (let at = 0; at < pixels.length; at++) {
    const c = at % channels;
    const row = Math.floor(at / (area * channels));
    const i = Math.floor(at / channels) % area;
    const alpha = pixels[at - c + 3];
    const isColor = channels === 4 && c < 3;
    const level = isColor ? fround(pixels[at] * alpha) * SCALE_OF_PRODUCT : pixels[at] * SCALE;
    out[(row * channels + c) * area + i] = fround(level) - 1;
  }
  return out;
}
