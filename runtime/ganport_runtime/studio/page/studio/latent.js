/** Recipes to the inputs of a network: noise of points, and condition vectors. */

import { interpolateSpherical, normals, readConditions } from "./js/dist/ganport.js";
import { parsePoint } from "./points.js";

/** @typedef {import("./backend.js").BundleInfo} BundleInfo */
/** @typedef {import("./backend.js").Recipe} Recipe */

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
    const tensors = [{ name: "z", shape: [count, ...this.shape], data: concatenate(rows) }];
    if (!this.conditions.size) return tensors;
    const vectors = recipes.map((recipe) => this.conditions.encode(recipe.values));
    const data = concatenate(vectors);
    return [...tensors, { name: "condition", shape: [count, this.conditions.size], data }];
  }

  /** Return the noise of an image. @param {Recipe} recipe */
  noise({ point, temperature, mix }) {
    const scale = temperature ?? this.temperature;
    const start = this.pointNoise(point, scale);
    return mix ? between(start, this.pointNoise(mix.point, scale), mix.fraction) : start;
  }

  /** @param {string} point @param {number} temperature */
  pointNoise(point, temperature) {
    const { seed, steps } = /** @type {import("./points.js").Point} */ (parsePoint(point));
    const of = (/** @type {string} */ text) => normals([BigInt(text)], this.size, temperature);
    let z = of(seed);
    for (const step of steps) z = between(z, of(step.seed), step.percent / 100);
    return z;
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
  const all = new Float32Array(rows.reduce((size, row) => size + row.length, 0));
  let start = 0;
  for (const row of rows) {
    all.set(row, start);
    start += row.length;
  }
  return all;
}

/** @param {Float32Array} one @param {Float32Array} two @param {number} fraction */
function between(one, two, fraction) {
  const [first, second] = [one, two].map((data) => ({
    dims: [1, data.length],
    data,
  }));
  return new Float32Array(interpolateSpherical(first, second, [fraction]).data);
}
