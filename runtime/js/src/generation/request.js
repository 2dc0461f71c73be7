/** Requests: arguments of a call, checked and encoded into the inputs of a graph. */

import { checkInteger, toNumber } from "../checks.js";
import { RequestError } from "../errors.js";
import { isPlain, reprShort, suggestion } from "../messages.js";
import { checkSeed, randomSeed, seedRange } from "../noise.js";
import { product } from "../bundle/tensor-math.js";

/** @typedef {import("../conditions/conditions.js").Conditions} Conditions */
/** @typedef {import("../conditions/conditions.js").ConditionInput} ConditionInput */
/** @typedef {import("../conditions/conditions.js").ConditionRequest} ConditionRequest */
/** @typedef {import("../bundle/image-format.js").ImageFormat} ImageFormat */
/** @typedef {import("../noise.js").Seed} Seed */
/** Numbers of a shape; the first length is the number of images. @typedef {{dims: number[], data: Float32Array}} Tensor */
/** An image with its channels, or an `ImageData`. @typedef {{width: number, height: number, channels?: number, data: Uint8Array | Uint8ClampedArray}} InputImage */

const MAX_COUNT = 2 ** 20;
const MAX_TEMPERATURE = 10;

/**
 * Refuse options that a call does not have: a misspelled one must not be ignored.
 * @param {unknown} options
 * @param {readonly string[]} names
 */
export function checkOptions(options, names) {
  if (!isPlain(options)) {
    const fix = "Pass an object such as {seed: 7}.";
    throw new RequestError("options", "an object", reprShort(options), fix);
  }
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const fix = suggestion(unknown, names, "Leave it out.");
  throw new RequestError("options", `some of ${names.join(", ")}`, reprShort(unknown), fix);
}

/**
 * Return the condition vector of each image, or one for all.
 * @param {Conditions} conditions
 * @param {ConditionInput} requests
 */
export const encodeConditions = (conditions, requests) =>
  (Array.isArray(requests) ? requests : [requests]).map((request) => conditions.encode(request));

/**
 * Return the number of images: `count`, or the length of the given lists, or 1.
 * @param {number | undefined} count
 * @param {ConditionInput} conditions
 * @param {{images?: readonly unknown[], seeds?: unknown, z?: Tensor}} lists
 */
export function resolveCount(count, conditions, { images, seeds, z }) {
  /** @type {Record<string, number>} */
  const lengths = {};
  if (images) lengths.images = images.length;
  if (Array.isArray(conditions)) lengths.conditions = conditions.length;
  if (seeds !== undefined) {
    const isList = Array.isArray(seeds) || ArrayBuffer.isView(seeds);
    lengths.seeds = isList ? /** @type {ArrayLike<unknown>} */ (seeds).length : 0;
    if (!lengths.seeds) {
      const fix = "Give one seed for each image, or a seed for consecutive ones.";
      const expected = `a list of ${isList ? "at least one integer" : "integers"}`;
      throw new RequestError("seeds", expected, isList ? "an empty list" : reprShort(seeds), fix);
    }
  }
  if (z !== undefined) {
    if (!isPlain(z) || !Array.isArray(z.dims) || !(z.data instanceof Float32Array)) {
      const expected = "noise with dims and data (Float32Array)";
      throw new RequestError("z", expected, reprShort(z), "Start from generator.noise.");
    }
    lengths.z = z.dims[0];
  }
  const number = checkInteger("count", count ?? Object.values(lengths)[0] ?? 1, 1, MAX_COUNT);
  for (const [name, length] of Object.entries(lengths)) {
    if (length !== number) {
      const fix = "Leave count out, or give lists of that length.";
      throw new RequestError(name, `a list of ${number}, one for each image`, `${length}`, fix);
    }
  }
  return number;
}

/**
 * Return the seed of each image: `seeds`, or `seed + i mod 2^64`, or random ones.
 * @param {Seed | undefined} seed
 * @param {Iterable<Seed> | undefined} seeds
 * @param {number} count
 */
export function resolveSeeds(seed, seeds, count) {
  if (seeds === undefined) return seedRange(seed ?? randomSeed(), count);
  if (seed !== undefined) {
    throw new RequestError("seed", "seed or seeds", "both", "Leave one of them out.");
  }
  return Array.from(seeds, (value) => checkSeed(value, "seeds"));
}

/**
 * Check that `z` is finite, of the bundle's shape, and given alone.
 * @param {Tensor} z
 * @param {readonly number[]} shape
 * @param {{seed?: unknown, seeds?: unknown, temperature?: unknown}} others
 */
export function checkNoise(z, shape, { seed, seeds, temperature }) {
  if (seed !== undefined || seeds !== undefined) {
    throw new RequestError("z", "z or seeds", "both", "Leave one of them out.");
  }
  if (temperature !== undefined) {
    throw new RequestError("temperature", "z or a temperature", "both", "Multiply z by it.");
  }
  if (z.dims.slice(1).join() !== shape.join() || z.data.length !== product(z.dims)) {
    const expected = `float32 (N, ${shape.join(", ")})`;
    const found = `${z.data.length} numbers of (${z.dims.join(", ")})`;
    throw new RequestError("z", expected, found, "Start from generator.noise.");
  }
  if (!z.data.every(Number.isFinite)) {
    throw new RequestError("z", "finite numbers", "NaN or infinity", "Start from generator.noise.");
  }
}

/**
 * Return a number above 0 and at most 10.
 * @param {unknown} value
 */
export function checkTemperature(value) {
  const number = toNumber(value);
  if (number > 0 && number <= MAX_TEMPERATURE) return number;
  const expected = `a number above 0, at most ${MAX_TEMPERATURE}`;
  const fix = "Use 1 for noise as in training.";
  throw new RequestError("temperature", expected, reprShort(value), fix);
}

/**
 * Return the bytes of images, (N, H, W, C), that have the format of a bundle.
 * @param {readonly InputImage[]} images
 * @param {ImageFormat} format
 */
export function joinImages(images, format) {
  const { width, height, channels } = format;
  const size = width * height * channels;
  const out = new Uint8Array(images.length * size);
  for (const [row, image] of images.entries()) {
    const data = image?.data;
    const isImage = data instanceof Uint8Array || data instanceof Uint8ClampedArray;
    const own = image?.channels ?? 4; // an ImageData has no such field
    const fits = isImage && image.width === width && image.height === height;
    if (fits && own === channels && data.length === size) out.set(data, row * size);
    else if (!(fits && copyOpaque(image, out, row * size, channels)))
      throw wrongImage(image, format);
  }
  return out;
}

/** Copy an opaque `ImageData` without its alpha, which loses nothing. @param {InputImage} image @param {Uint8Array} out @param {number} start @param {number} channels */
function copyOpaque({ channels: own, data, width, height }, out, start, channels) {
  if (own !== undefined || channels !== 3 || data.length !== width * height * 4) return false;
  for (let from = 0, to = start; from < data.length; from += 4, to += 3) {
    if (data[from + 3] !== 255) return false;
    out.set(data.subarray(from, from + 3), to);
  }
  return true;
}

/** @param {any} image @param {ImageFormat} format */
function wrongImage(image, { width, height, channels, mode }) {
  const expected = `images of ${width} x ${height} pixels and ${channels} channels (${mode})`;
  const known = image?.data ? `${image.width} x ${image.height}, ${image.data.length} bytes` : "";
  const fix = `Crop, resize and convert the images to ${mode}.`;
  return new RequestError("images", expected, known || reprShort(image), fix);
}
