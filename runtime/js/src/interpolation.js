/**
 * Interpolation between noise samples: spherical and linear.
 * White, "Sampling Generative Networks" (2016), section 2.1.
 */

import { RequestError } from "./errors.js";

/** @typedef {import("./generation/request.js").Tensor} Tensor */
/** @typedef {(one: Float32Array, two: Float32Array) => (t: number) => [number, number]} Weights */

const MIN_SINE = 1e-6; // below it two samples are collinear and define no great circle

/**
 * Return the samples at `fractions` (0 to 1) of the great circle between two samples. The length
 * changes linearly, and the ends are returned bit for bit.
 * @param {Tensor} first one sample, from `generator.noise([seed])`
 * @param {Tensor} second
 * @param {readonly number[]} fractions
 */
export const interpolateSpherical = (first, second, fractions) =>
  interpolate(first, second, fractions, sphericalWeights);

/**
 * Return the samples at `fractions` (0 to 1) of the line between two samples: for encoded images,
 * whose noise is not on the sphere of random noise.
 * @param {Tensor} first
 * @param {Tensor} second
 * @param {readonly number[]} fractions
 */
export const interpolateLinear = (first, second, fractions) =>
  interpolate(first, second, fractions, () => (t) => [1 - t, t]);

/** @param {Tensor} first @param {Tensor} second @param {readonly number[]} fractions @param {Weights} weights @returns {Tensor} */
function interpolate(first, second, fractions, weights) {
  const size = first.data.length;
  if (first.dims.join() !== second.dims.join() || first.dims[0] !== 1) {
    const found = `(${first.dims.join(", ")}) and (${second.dims.join(", ")})`;
    const fix = "Use two samples of one generator.";
    throw new RequestError("interpolation", "two samples of one shape", found, fix);
  }
  const data = new Float32Array(fractions.length * size);
  const weigh = weights(first.data, second.data);
  for (const [row, t] of fractions.entries()) {
    const [left, right] = weigh(t);
    for (let i = 0; i < size; i++) {
      data[row * size + i] = left * first.data[i] + right * second.data[i];
    }
  }
  return { dims: [fractions.length, ...first.dims.slice(1)], data };
}

/** @type {Weights} */
function sphericalWeights(one, two) {
  const [a, b] = [one, two].map((sample) => Math.sqrt(dot(sample, sample)));
  const cosine = a && b ? dot(one, two) / (a * b) : 1;
  const angle = Math.acos(Math.min(Math.max(cosine, -1), 1));
  const sine = Math.sin(angle);
  if (sine < MIN_SINE) return (t) => [1 - t, t];
  return (t) => {
    const length = (1 - t) * a + t * b;
    // In this order of divisions the weight of an end is exactly 1.
    const left = (Math.sin((1 - t) * angle) / sine) * (length / a);
    return [left, (Math.sin(t * angle) / sine) * (length / b)];
  };
}

/** @param {Float32Array} one @param {Float32Array} two */
function dot(one, two) {
  let total = 0;
  for (let i = 0; i < one.length; i++) total += one[i] * two[i];
  return total;
}
