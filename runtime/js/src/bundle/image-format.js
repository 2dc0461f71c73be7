/** The images of a bundle: size, color mode, palette, alpha, and the tensor that holds them. */

import { BundleError } from "../errors.js";
import { JsonObject, checkIntegerIn, checkNumber, checkText } from "../json-object.js";
import { reprShort } from "../messages.js";

/** Channels of a pixel, by color mode. */
export const CHANNELS = { gray: 1, rgb: 3, rgba: 4 };
const LAYOUTS = { uint8: "NHWC", signed: "NCHW", unit: "NCHW" };
const MAX_SIDE = 8192;
const MAX_PALETTE = 256;
const HEX = /^#[0-9a-f]{6}$/i;

/**
 * The format of images. `mode` is "gray", "rgb" or "rgba" (straight alpha). `pixelated`: scale by
 * whole numbers with nearest neighbor. `palette`: the colors of all visible pixels, if restricted.
 * `alphaLevels` is 2 or 256.
 * @typedef {object} ImageFormat
 * @property {number} height
 * @property {number} width
 * @property {keyof typeof CHANNELS} mode
 * @property {number} channels
 * @property {boolean} pixelated
 * @property {readonly string[]} palette
 * @property {number} alphaLevels
 * @property {"uint8" | "signed" | "unit"} range the values of the tensor `image`
 */

/**
 * Return the format of a manifest's `image`.
 * @param {unknown} value
 * @param {string} place
 * @param {number} version of the schema
 * @returns {ImageFormat}
 */
export function readImage(value, place, version) {
  const fields = new JsonObject(value, place);
  if (version === 1) return readSchema1(fields);
  const format = readFormat(fields);
  const range = /** @type {ImageFormat["range"]} */ (fields.oneOf("range", Object.keys(LAYOUTS)));
  fields.oneOf("layout", [LAYOUTS[range]]);
  return { ...format, range };
}

/**
 * Return the dtype and shape of the tensor `image`.
 * @param {ImageFormat} image
 * @returns {{dtype: string, shape: (number | string)[]}}
 */
export function imageSignature({ range, height, width, channels }) {
  if (range === "uint8") return { dtype: "uint8", shape: ["batch", height, width, channels] };
  return { dtype: "float32", shape: ["batch", channels, height, width] };
}

/** @param {JsonObject} fields @returns {ImageFormat} */
function readSchema1(fields) {
  const dtype = fields.oneOf("dtype", ["uint8", "float32"]);
  fields.oneOf("colour", ["RGB"]);
  const place = `${fields.place}: range`;
  const bounds = fields.items("range", 2).map((bound) => checkNumber(bound, place));
  const limits = dtype === "uint8" ? [0, 255] : [-1, 1];
  if (bounds.length !== 2 || bounds.some((bound, index) => bound !== limits[index])) {
    const expected = `${reprShort(limits)} for ${dtype}`;
    throw new BundleError(place, expected, reprShort(bounds, { float: true }));
  }
  const rgb = new JsonObject({ size: fields.value("size"), mode: "rgb" }, fields.place);
  return { ...readFormat(rgb), range: dtype === "uint8" ? "uint8" : "signed" };
}

/** @param {JsonObject} fields */
function readFormat(fields) {
  const { place } = fields;
  const size = fields.items("size", 2);
  const [height, width] = size.map((_, i) =>
    checkIntegerIn(size, i, `${place}: size`, 1, MAX_SIDE),
  );
  if (size.length !== 2) {
    throw new BundleError(`${place}: size`, "[height, width]", `${size.length} numbers`);
  }
  const pixelated = fields.has("pixelated") && fields.boolean("pixelated");
  const colors = fields.has("palette") ? fields.items("palette", MAX_PALETTE) : [];
  const palette = colors.map((color) => checkText(color, `${place}: palette`));
  const alphaLevels = fields.has("alpha_levels") ? fields.integer("alpha_levels", 2, 256) : 256;
  const mode = /** @type {ImageFormat["mode"]} */ (fields.text("mode"));
  if (mode === "rgba") fields.oneOf("alpha", ["straight"]);
  /** @type {(name: string, holds: boolean, expected: string, found: string) => void} */
  const check = (name, holds, expected, found) => {
    if (!holds) throw new BundleError(`${place}: image ${name}`, expected, found);
  };
  const modes = Object.keys(CHANNELS);
  check("mode", modes.includes(mode), `one of ${modes.join(", ")}`, reprShort(mode));
  const different = new Set(palette.filter((c) => HEX.test(c)).map((c) => c.toLowerCase())).size;
  check(
    "palette",
    different === palette.length && (mode !== "gray" || !different),
    `up to ${MAX_PALETTE} different #rrggbb, not for gray`,
    reprShort(palette, { tuple: true }),
  );
  const levels = mode === "rgba" ? [2, 256] : [256];
  check(
    "alpha_levels",
    levels.includes(alphaLevels),
    `one of ${reprShort(levels, { tuple: true })} for ${mode}`,
    `${alphaLevels}`,
  );
  return { height, width, mode, channels: CHANNELS[mode], pixelated, palette, alphaLevels };
}
