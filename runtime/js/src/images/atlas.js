/** Atlases: several images in one, with an index in TexturePacker's JSON array form. */

import { checkInteger } from "../checks.js";
import { RequestError } from "../errors.js";
import { pngTexts } from "./pixel-image.js";
import { encodePng } from "./png.js";

/** @typedef {import("./pixel-image.js").PixelImage} PixelImage */
/** @typedef {import("./pixel-image.js").Pixels} Pixels */

const MAX_SIDE = 16384;
const FORMATS = { 1: "GRAY8", 3: "RGB888", 4: "RGBA8888" };

/**
 * Return an atlas of images of one size in row-major order without gaps: its pixels, a PNG file, and
 * the index that `serve-gan` writes, which game engines read.
 * @param {readonly PixelImage[]} images
 * @param {{columns?: number, image?: string}} [options] `columns`: nearly square by default; `image`:
 *   the file name that the index states
 */
export async function packAtlas(images, { columns, image = "sheet.png" } = {}) {
  const [first] = images;
  if (!first) throw new RequestError("images", "at least one image", "none", "Generate images.");
  const { width, height, channels } = first;
  const fits = images.every(
    (one) => one.width === width && one.height === height && one.channels === channels,
  );
  if (!fits) {
    const fix = "Pack the images of each bundle into an atlas of its own.";
    throw new RequestError("images", "images of one size and mode", "different ones", fix);
  }
  const wide = columns === undefined ? undefined : checkInteger("columns", columns, 1, MAX_SIDE);
  const across = Math.min(wide ?? Math.ceil(Math.sqrt(images.length)), images.length);
  const rows = Math.ceil(images.length / across);
  const size = { w: across * width, h: rows * height };
  if (Math.max(size.w, size.h) > MAX_SIDE) {
    throw new RequestError(
      columns === undefined ? "count" : "columns",
      `an atlas of at most ${MAX_SIDE} pixels per side`,
      `${size.w} x ${size.h}`,
      "Request fewer images at a time, or change columns.",
    );
  }
  const cells = images.map((one, i) => ({
    one,
    x: (i % across) * width,
    y: Math.floor(i / across) * height,
  }));
  const data = new Uint8Array(size.w * size.h * channels);
  for (const { one, x, y } of cells) copyCell(one, data, (y * size.w + x) * channels, size.w);
  const frames = cells.map(({ one, x, y }, i) => ({
    filename: String(i),
    frame: { x, y, w: width, h: height },
    spriteSourceSize: { x: 0, y: 0, w: width, h: height },
    sourceSize: { w: width, h: height },
    ...one.recipe,
    rotated: false,
    trimmed: false,
  }));
  const format = /** @type {Record<number, string>} */ (FORMATS)[channels];
  const { name: bundle, digest } = first.bundle;
  const grid = { columns: across, rows, bundle, digest };
  const meta = { image, size, ...grid, app: "ganport", version: "1", format, scale: "1" };
  const pixels = { width: size.w, height: size.h, channels, data };
  return {
    ...pixels,
    png: await encodePng(pixels, pngTexts(images), first.bundle.palette),
    index: { frames, meta },
  };
}

/** @param {Pixels} image @param {Uint8Array} data @param {number} start @param {number} wide */
function copyCell({ width, height, channels, data: from }, data, start, wide) {
  const stride = width * channels;
  for (let row = 0; row < height; row++) {
    const part = from.subarray(row * stride, (row + 1) * stride);
    data.set(part, start + row * wide * channels);
  }
}
