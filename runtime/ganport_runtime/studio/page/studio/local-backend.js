/** Images of a bundle that the browser runs, with onnxruntime-web. */

import { Backend, StudioError } from "./backend.js";
import { BundleError, DeviceError, Generator } from "./js/dist/ganport.js";
import { LatentSpace } from "./latent.js";
import { defaultsOf, fieldsOf } from "./values.js";

/** @typedef {import("./backend.js").BundleInfo} BundleInfo */
/** @typedef {import("./backend.js").Recipe} Recipe */
/** @typedef {import("./js/dist/ganport.js").Pixels} Pixels */
/** @typedef {(progress: {loaded: number, total?: number}) => void} OnProgress */

/** Pixels of an image; a page shows at least twelve. */
const MAX_PIXELS = 2048 ** 2;
const RUNTIME = "studio/ort/ort.wasm.bundle.min.mjs";

/** @param {unknown} error @returns {never} */
function explain(error) {
  if (!(error instanceof DeviceError)) throw error;
  const fix = "Install it where the page comes from: pip install 'ganport[studio]'";
  throw new StudioError("This page has no runtime for bundles.", fix);
}

/** Images of one bundle: the address of a file or a folder, or a file that a person chose. */
export class LocalBackend extends Backend {
  /**
   * @param {string | File} source
   * @param {OnProgress} [onProgress]
   * @param {AbortSignal} [signal] ends the loading
   */
  constructor(source, onProgress, signal) {
    super();
    this.source = source;
    this.onProgress = onProgress;
    this.signal = signal;
    /** @type {Generator | undefined} */
    this.generator = undefined;
  }

  async open() {
    const { source, onProgress, signal } = this;
    const address = typeof source === "string" ? new URL(source, document.baseURI).href : source;
    const ort = new URL(RUNTIME, document.baseURI).href;
    const options = /** @type {const} */ ({
      device: "wasm",
      ort,
      onProgress,
      signal,
    });
    this.generator = await Generator.load(address, options).catch(explain);
    const { manifest, image, digest, name, zShape, capabilities } = this.generator;
    if (!capabilities.includes("generate")) {
      const abilities = capabilities.join(" and ");
      throw new StudioError(`This bundle can ${abilities}, but not generate images from seeds.`);
    }
    if (image.width * image.height > MAX_PIXELS) {
      const size = `${image.width} × ${image.height}`;
      const message = `The images of this bundle are too large for a page: ${size} pixels.`;
      throw new StudioError(message, "Serve it: ganport studio BUNDLE");
    }
    const file = typeof source === "string" ? source : source.name;
    const { version = "", license = "unspecified", conditions, noise } = manifest;
    const info = {
      name: (file.match(/([^/]+)\/?$/) ?? [file, file])[1].replace(/\.(ganport|onnx|zip)$/i, ""),
      ...{ title: name, version, license, digest, conditions },
      width: image.width,
      height: image.height,
      pixelated: image.pixelated,
      transparent: image.mode === "rgba",
      noise: { shape: [...zShape], temperature: noise.temperature },
    };
    // Thousands of labels take a while to read, and the generator has read them.
    this.spaces.set(info, new LatentSpace(info, this.generator.conditions));
    return [info];
  }

  /** Make one image, which shows that the browser has enough memory for the bundle. @param {BundleInfo} info */
  async tryOut(info) {
    const values = defaultsOf(fieldsOf(info.conditions));
    try {
      await this.generate(info, [{ point: "0", values, temperature: null }], this.signal);
    } catch (error) {
      if (!(error instanceof BundleError)) throw error;
      const message = `The browser cannot make an image of this bundle: ${error.found}.`;
      throw new StudioError(message, "It may need more memory. Serve it: ganport studio BUNDLE");
    }
  }

  close() {
    void this.generator?.dispose();
  }

  /** @param {BundleInfo} _info @param {Recipe[]} recipes @param {AbortSignal} [signal] @returns {Promise<Pixels[]>} */
  async fromSeeds(_info, recipes, signal) {
    const { temperature } = recipes[0];
    const seeds = recipes.map((recipe) => recipe.point);
    return this.run(recipes, {
      seeds,
      signal,
      ...(temperature === null ? {} : { temperature }),
    });
  }

  /** @param {BundleInfo} info @param {Recipe[]} recipes @param {AbortSignal} [signal] @returns {Promise<Pixels[]>} */
  async fromNoise(info, recipes, signal) {
    const [{ shape, data }] = this.space(info).tensors(recipes);
    return this.run(recipes, { z: { dims: shape, data }, signal });
  }

  /** @param {Recipe[]} recipes @param {import("./js/dist/ganport.js").GenerateOptions} options */
  run(recipes, options) {
    const generator = /** @type {Generator} */ (this.generator);
    return generator.generate(
      recipes.map((recipe) => recipe.values),
      options,
    );
  }
}
