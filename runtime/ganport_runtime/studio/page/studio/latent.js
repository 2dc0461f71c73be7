/** Recipes to the inputs of a network: noise of points, and condition vectors. */

import { readConditions } from "./js/src/conditions/conditions.js";
import { normals } from "./js/src/noise.js";
import { parsePoint } from "./points.js";

/** @typedef {import("./service-backend.js").BundleInfo} BundleInfo */
/** @typedef {import("./service-backend.js").Recipe} Recipe */

const MIN_SINE = 1e-6;

/** The noise and the condition vectors of one bundle. */
export class LatentSpace {
  /** @param {Pick<BundleInfo, "noise" | "conditions">} info */
  constructor({ noise, conditions }) {
    this.shape = noise.shape;
    this.size = noise.shape.reduce((product, length) => product * length, 1);
    this.temperature = noise.temperature;
    this.conditions = readConditions(conditions, "conditions");
  }

  /**
   * Return the float32 inputs `z` and `condition` of images.
   * @param {readonly Recipe[]} recipes
   */
  tensors(recipes) {
    const count = recipes.length;
    const rows = recipes.map((recipe) => this.noise(recipe));
    const tensors = [
      { name: "z", shape: [count, ...this.shape], data: concatenate(rows) },
    ];
    if (!this.conditions.size) return tensors;
    const vectors = recipes.map((recipe) =>
      this.conditions.encode(recipe.values),
    );
    const data = concatenate(vectors);
    return [
      ...tensors,
      { name: "condition", shape: [count, this.conditions.size], data },
    ];
  }

  /** Return the noise of an image. @param {Recipe} recipe */
  noise({ point, temperature, mix }) {
    const scale = temperature ?? this.temperature;
    const start = this.pointNoise(point, scale);
    return mix
      ? spherical(start, this.pointNoise(mix.point, scale), mix.fraction)
      : start;
  }

  /** @param {string} point @param {number} temperature */
  pointNoise(point, temperature) {
    const { seed, steps } = /** @type {import("./points.js").Point} */ (
      parsePoint(point)
    );
    const of = (/** @type {string} */ text) =>
      normals([BigInt(text)], this.size, temperature);
    return steps.reduce(
      (z, step) => spherical(z, of(step.seed), step.percent / 100),
      of(seed),
    );
  }

  /**
   * Return the condition values at a fraction of the way between two.
   * @param {import("./values.js").Values} first
   * @param {import("./values.js").Values} second
   * @param {number} fraction
   * @returns {import("./values.js").Values}
   */
  blend(first, second, fraction) {
    return this.conditions.blend(first, second, fraction);
  }
}

/** @param {Float32Array[]} rows */
function concatenate(rows) {
  const all = new Float32Array(
    rows.reduce((size, row) => size + row.length, 0),
  );
  let start = 0;
  for (const row of rows) {
    all.set(row, start);
    start += row.length;
  }
  return all;
}

/**
 * Return the sample at a fraction of the great circle between two samples, as
 * `ganport_runtime.generation.interpolation.spherical` does.
 * White, "Sampling Generative Networks" (2016), section 2.1.
 * @param {Float32Array} one
 * @param {Float32Array} two
 * @param {number} fraction
 */
export function spherical(one, two, fraction) {
  const [first, second] = weights(one, two, fraction);
  return one.map((number, index) => first * number + second * two[index]);
}

/** @param {Float32Array} one @param {Float32Array} two @param {number} t */
function weights(one, two, t) {
  const product = (
    /** @type {Float32Array} */ a,
    /** @type {Float32Array} */ b,
  ) => a.reduce((sum, number, index) => sum + number * b[index], 0);
  const lengths = [Math.sqrt(product(one, one)), Math.sqrt(product(two, two))];
  if (!lengths[0] || !lengths[1]) return [1 - t, t];
  const cosine = product(one, two) / (lengths[0] * lengths[1]);
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  const sine = Math.sin(angle);
  if (sine < MIN_SINE) return [1 - t, t];
  const length = (1 - t) * lengths[0] + t * lengths[1];
  return [
    (Math.sin((1 - t) * angle) / sine) * (length / lengths[0]),
    (Math.sin(t * angle) / sine) * (length / lengths[1]),
  ];
}
