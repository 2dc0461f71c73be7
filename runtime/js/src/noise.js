/**
 * Seed to noise: `philox4x32-10/box-muller-f64/1`, the same numbers in every language.
 * Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011), section 3.3, and the
 * Box-Muller transform in float64. docs/interface.md, section 5, specifies the bytes.
 */

import { allocate, withType } from "./checks.js";
import { RequestError } from "./errors.js";

/** A seed from 0 to 2^64 - 1; a number is exact up to 2^53. @typedef {bigint | number | string} Seed */

const MAX_SEED = 2n ** 64n - 1n;
const ROUNDS = 10;

/**
 * Return a seed as a bigint. Throws `RequestError` unless it is a bigint, a safe integer or a text of
 * decimal digits, from 0 to 2^64 - 1.
 * @param {unknown} seed
 * @param {string} [place]
 */
export function checkSeed(seed, place = "seed") {
  let number;
  if (typeof seed === "bigint") number = seed;
  else if (typeof seed === "string" && /^\d{1,20}$/.test(seed)) number = BigInt(seed);
  else if (Number.isSafeInteger(seed)) number = BigInt(/** @type {number} */ (seed));
  if (number !== undefined && number >= 0n && number <= MAX_SEED) return number;
  const isLarge = typeof seed === "number" && Number.isInteger(seed) && seed > 0;
  const fix = isLarge
    ? "Give a seed above 2^53 as a bigint or a text."
    : "Give a whole number in that range.";
  throw new RequestError(place, `an integer from 0 to ${MAX_SEED}`, withType(seed), fix);
}

/**
 * Return the seeds `seed + i mod 2^64` for i in 0 .. count - 1.
 * @param {Seed} seed
 * @param {number} count
 */
export function seedRange(seed, count) {
  const first = checkSeed(seed);
  return Array.from({ length: count }, (_, i) => BigInt.asUintN(64, first + BigInt(i)));
}

/** Return a random seed. */
export const randomSeed = () => crypto.getRandomValues(new BigUint64Array(1))[0];

/**
 * Return standard normal noise of each seed: `size` numbers each, times `temperature`.
 * @param {readonly bigint[]} seeds
 * @param {number} size
 * @param {number} [stream] 0 to 2^32 - 1
 */
export function normals(seeds, size, temperature = 1, stream = 0) {
  const out = allocate(Float32Array, seeds.length, size);
  const words = new Uint32Array(4);
  const factor = Math.fround(temperature);
  const [scale, turn] = [2 ** -32, 2 * Math.PI];
  for (const [row, seed] of seeds.entries()) {
    const low = Number(seed & 0xffffffffn);
    const high = Number(seed >> 32n);
    const end = (row + 1) * size;
    let block = 0;
    for (let at = row * size; at < end; block++) {
      words[0] = block;
      words[1] = Math.floor(block / 2 ** 32);
      words[2] = stream;
      words[3] = 0;
      philox(words, low, high);
      for (let pair = 0; pair < 4 && at < end; pair += 2) {
        const radius = Math.sqrt(-2 * Math.log((words[pair] + 0.5) * scale));
        const angle = turn * ((words[pair + 1] + 0.5) * scale);
        // Rounded before and after the product, as in every language.
        out[at] = Math.fround(radius * Math.cos(angle)) * factor;
        if (at + 1 < end) out[at + 1] = Math.fround(radius * Math.sin(angle)) * factor;
        at += 2;
      }
    }
  }
  return out;
}

/**
 * Run ten rounds of Philox on a counter of four words, in place. A 64-bit product is built from the
 * 16-bit halves of its constant: every partial product is below 2^53, so it is exact.
 * @param {Uint32Array} words
 * @param {number} key0
 * @param {number} key1
 */
export function philox(words, key0, key1) {
  let [c0, c1, c2, c3] = words;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = ((c0 * 0xd251 + (((c0 * 0x1f53) / 65536) >>> 0)) / 65536) >>> 0;
    const high1 = ((c2 * 0xcd9e + (((c2 * 0x8d57) / 65536) >>> 0)) / 65536) >>> 0;
    const low0 = Math.imul(c0, 0xd2511f53) >>> 0;
    const low1 = Math.imul(c2, 0xcd9e8d57) >>> 0;
    c0 = (high1 ^ c1 ^ key0) >>> 0;
    c2 = (high0 ^ c3 ^ key1) >>> 0;
    c1 = low1;
    c3 = low0;
    key0 = (key0 + 0x9e3779b9) >>> 0;
    key1 = (key1 + 0xbb67ae85) >>> 0;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}
