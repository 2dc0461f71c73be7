/**
 * Points: places in the space of all images. A point is a seed, then steps toward other seeds.
 * "7" is the image of seed 7. "7~912@25" lies a quarter of the way from seed 7 to seed 912.
 */

/** @typedef {{seed: string, percent: number}} Step */
/** @typedef {{seed: string, steps: Step[]}} Point */
/**
 * A seed, or a share of the way from one place to another: docs/interface.md, section 6.
 * @typedef {string | {seeds: [Place, Place], share: number}} Place
 */

const MAX_SEED = 2n ** 64n - 1n;
const PATTERN = /^\d{1,20}(~\d{1,20}@\d{1,3})*$/;
const MAX_STEPS = 16;

/**
 * Return whether a text is a seed: a whole number from 0 to 2^64 - 1.
 * @param {string} text
 */
export const isSeed = (text) => /^\d{1,20}$/.test(text) && BigInt(text) <= MAX_SEED;

/**
 * Return the parts of a point, or null for another text.
 * @param {string} text
 * @returns {Point | null}
 */
export function parsePoint(text) {
  if (!PATTERN.test(text)) return null;
  const [seed, ...rest] = text.split("~");
  const steps = rest.map((part) => {
    const [toward, percent] = part.split("@");
    return { seed: toward, percent: Number(percent) };
  });
  const isValid =
    steps.length <= MAX_STEPS && steps.every((s) => s.percent <= 100 && isSeed(s.seed));
  return isValid && isSeed(seed) ? { seed, steps } : null;
}

/**
 * Return the place of an image.
 * @param {{point: string, mix?: {point: string, fraction: number}}} recipe
 * @returns {Place}
 */
export function placeOf({ point, mix }) {
  const start = placeOfPoint(point);
  return mix ? { seeds: [start, placeOfPoint(mix.point)], share: mix.fraction } : start;
}

/** @param {string} text @returns {Place} */
function placeOfPoint(text) {
  const { seed, steps } = /** @type {Point} */ (parsePoint(text));
  /** @type {Place} */
  let place = seed;
  for (const step of steps) place = { seeds: [place, step.seed], share: step.percent / 100 };
  return place;
}

/**
 * Return whether a point is a single seed.
 * @param {string} point
 */
export const isPlain = (point) => !point.includes("~");

/** Return a random seed that is short enough to read. */
export function randomSeed() {
  return String(crypto.getRandomValues(new Uint32Array(1))[0] % 1_000_000);
}

/**
 * Return points around a point: a small step from it toward random seeds.
 * @param {string} point
 * @param {number} count
 * @param {number} percent
 */
export function pointsAround(point, count, percent) {
  const steps = point.split("~");
  // A long chain of steps would make long links; its first steps matter least.
  const start = steps.length > 6 ? steps.slice(0, 6).join("~") : point;
  return Array.from({ length: count }, () => `${start}~${randomSeed()}@${percent}`);
}

/**
 * Return a point as a short name.
 * @param {string} point
 */
export function pointName(point) {
  const [seed, ...steps] = point.split("~");
  if (!steps.length) return `Seed ${seed}`;
  return `Seed ${seed}, ${steps.length === 1 ? "1 step" : `${steps.length} steps`} away`;
}
