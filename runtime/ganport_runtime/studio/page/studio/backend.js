/** Sources of images: what the page needs from them. */

import { LatentSpace } from "./latent.js";
import { isPlain } from "./points.js";

/** @typedef {import("./values.js").Group} Group */
/** @typedef {import("./values.js").Values} Values */
/** @typedef {import("./js/dist/ganport.js").Pixels} Pixels */
/**
 * An image: the place `point`, or a fraction of the way from it to another point; condition values;
 * the scale of the noise, or null for that of the bundle.
 * @typedef {{point: string, values: Values, temperature: number | null,
 *   mix?: {point: string, fraction: number}}} Recipe
 */
/**
 * @typedef {{name: string, title: string, version: string, license: string, digest: string,
 *   width: number, height: number, pixelated: boolean, transparent: boolean,
 *   noise: {shape: number[], temperature: number},
 *   conditions: Group[]}} BundleInfo
 */

/** Images of one call. */
export const MAX_IMAGES = 64;
/** Numbers of the noise in one call. */
const MAX_NUMBERS = 1 << 20;

/** An error with its fix. */
export class StudioError extends Error {
  /**
   * @param {string} message
   * @param {string} [fix]
   */
  constructor(message, fix = "") {
    super(message);
    this.fix = fix;
  }
}

/**
 * A source of images.
 * @abstract
 */
export class Backend {
  constructor() {
    this.maxImages = MAX_IMAGES;
    /** @type {WeakMap<BundleInfo, LatentSpace>} */
    this.spaces = new WeakMap();
  }

  /** Return the bundles. @abstract @returns {Promise<BundleInfo[]>} */
  async open() {
    throw new Error("not implemented");
  }

  /**
   * Return images of plain seeds, all with one temperature.
   * @abstract
   * @param {BundleInfo} _info
   * @param {Recipe[]} _recipes
   * @param {AbortSignal} [_signal]
   * @returns {Promise<Pixels[]>}
   */
  async fromSeeds(_info, _recipes, _signal) {
    throw new Error("not implemented");
  }

  /**
   * Return images of noise that the page computes.
   * @abstract
   * @param {BundleInfo} _info
   * @param {Recipe[]} _recipes
   * @param {AbortSignal} [_signal]
   * @returns {Promise<Pixels[]>}
   */
  async fromNoise(_info, _recipes, _signal) {
    throw new Error("not implemented");
  }

  /** Free what the source holds. */
  close() {}

  /** Return the noise and the condition vectors of a bundle. @param {BundleInfo} info */
  space(info) {
    let space = this.spaces.get(info);
    if (!space) this.spaces.set(info, (space = new LatentSpace(info)));
    return space;
  }

  /**
   * Return an image for each recipe; throw the reason of the signal if it is aborted.
   * @param {BundleInfo} info
   * @param {readonly Recipe[]} recipes
   * @param {AbortSignal} [signal]
   */
  async generate(info, recipes, signal) {
    /** @type {Pixels[]} */
    const images = Array(recipes.length);
    /** @type {Map<string, number[]>} */
    const groups = new Map();
    for (const [index, { mix, point, temperature }] of recipes.entries()) {
      const form = mix || !isPlain(point) ? "noise" : `seeds ${temperature}`;
      groups.set(form, [...(groups.get(form) ?? []), index]);
    }
    const noiseRows = Math.max(1, Math.floor(MAX_NUMBERS / this.space(info).size));
    for (const [form, rows] of groups) {
      const isNoise = form === "noise";
      const most = Math.min(this.maxImages, isNoise ? noiseRows : Infinity);
      for (let start = 0; start < rows.length; start += most) {
        const part = rows.slice(start, start + most);
        const chosen = part.map((index) => recipes[index]);
        const make = isNoise ? this.fromNoise : this.fromSeeds;
        const made = await make.call(this, info, chosen, signal);
        part.forEach((index, at) => (images[index] = made[at]));
      }
    }
    return images;
  }
}
