/** Recipes to the inputs of a network: noise of points, and condition vectors. */

import { interpolateSpherical, normals, readConditions } from "./js/dist/ganport.js";
import { placeOf } from "./points.js";

/** @typedef {import("./backend.js").BundleInfo} BundleInfo */
/** @typedef {import("./backend.js").Recipe} Recipe */
/** @typedef {import("./points.js").Place} Place */

/** The noise and the condition vectors of one bundle. */
export class LatentSpace {
  /**
   * @param {Pick<BundleInfo, "noise" | "conditions">} info
   * @param {ReturnType<typeof readConditions>} [read] the conditions, if they were read before
   */
  constructor({ noise, conditions }, read = readConditions(conditions, "conditions")) {
    this.shape = noise.shape;
    this.size = noise.shape.reduce((product, length) => product * length, 1);
    this.temperature = noise.temperature;
    this.conditions = read;
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
  noise(recipe) {
    return this.placeNoise(placeOf(recipe), recipe.temperature ?? this.temperature);
  }

  /** @param {Place} place @param {number} temperature @returns {Float32Array} */
  placeNoise(place, temperature) {
    if (typeof place === "string") return normals([BigInt(place)], this.size, temperature);
    const [start, end] = place.seeds.map((seed) => this.placeNoise(seed, temperature));
    return between(start, end, place.share);
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
