/** The generator: a bundle whose graphs turn conditions, seeds and images into images. */

import { readConditions } from "./conditions/conditions.js";
import { closedError, RequestError } from "./errors.js";
import { Engine } from "./generation/engine.js";
import { checkOptions } from "./generation/request.js";
import { PixelImage } from "./images/pixel-image.js";
import { reprShort } from "./messages.js";
import { isNode } from "./platform.js";
import { WorkerEngine } from "./worker-client.js";

/** @typedef {import("./bundle/sources.js").Source} Source */
/** @typedef {import("./conditions/conditions.js").ConditionInput} ConditionInput */
/** @typedef {import("./conditions/conditions.js").ConditionRequest} ConditionRequest */
/** @typedef {import("./generation/request.js").InputImage} InputImage */
/** @typedef {import("./generation/request.js").Tensor} Tensor */
/** @typedef {import("./noise.js").Seed} Seed */
/**
 * @typedef {object} LoadOptions
 * @property {"auto" | "wasm" | "webgpu" | "cpu"} [device] "auto": "cpu" in Node with
 *   onnxruntime-node, else "wasm". Only "cpu" and "wasm" give the same pixels as Python.
 * @property {"fp32" | "fp16"} [precision]
 * @property {string} [name] the file name of bytes, for messages; a graph ends in ".onnx"
 * @property {import("./bundle/sources.js").OnProgress} [onProgress] called while bytes arrive
 * @property {AbortSignal} [signal]
 * @property {boolean} [worker] whether to work in a Web Worker: by default on pages
 * @property {string | URL} [ort] the address of onnxruntime-web's module, for pages without a
 *   bundler and without an import map
 * @property {number} [threads] of wasm, on pages that are cross-origin isolated; 1 by default
 */
/**
 * @typedef {object} GenerateOptions
 * @property {Seed} [seed] of the first image; image i has `seed + i`; random by default
 * @property {readonly Seed[]} [seeds] one for each image
 * @property {number} [count] images; the length of the lists, or 1, by default
 * @property {number} [temperature] above 0, to 10: below 1, images are more typical and less diverse
 * @property {Tensor} [z] noise that replaces seeds
 * @property {AbortSignal} [signal]
 */

const LOAD = ["device", "precision", "name", "onProgress", "signal", "worker", "ort", "threads"];
const GENERATE = ["seed", "seeds", "count", "temperature", "z", "signal"];

/** A loaded generator, with `generate`, `translate` and `encode` as far as its bundle has them. */
export class Generator {
  #engine;
  #isClosed = false;

  /** @param {Engine | WorkerEngine} engine */
  constructor(engine) {
    this.#engine = engine;
    const { json, image, name, digest, device, capabilities, zShape } = engine.describe();
    /** The manifest as it was written. @type {Record<string, any>} */
    this.manifest = json;
    /** The condition groups. */
    this.conditions = readConditions(json.conditions, "conditions");
    /** The format of the images: size, mode, palette. @type {import("./bundle/image-format.js").ImageFormat} */
    this.image = image;
    /** The name of the generator. @type {string} */
    this.name = name;
    /** The identity of the bundle: SHA-256 of its manifest, or of a single graph. @type {string} */
    this.digest = digest;
    /** Where it runs. @type {"wasm" | "webgpu" | "cpu"} */
    this.device = device;
    /** What the bundle can do. @type {readonly ("generate" | "translate" | "encode")[]} */
    this.capabilities = capabilities;
    /** The shape of the noise of one image; empty without noise. @type {readonly number[]} */
    this.zShape = zShape;
  }

  /**
   * Load a zipped bundle or a single `.onnx` file from an address, bytes or a `File`, or the files of
   * an unpacked bundle from an address that ends in "/". In Node, a path is taken too.
   *
   * Throws `BundleError` for a bundle that is damaged or not safe to run, `DeviceError` for a device
   * that is absent, `RequestError` for other options, and the signal's reason.
   * @param {Source} source
   * @param {LoadOptions} [options]
   */
  static async load(source, options = {}) {
    checkOptions(options, LOAD);
    const { device = "auto", precision = "fp32", name, onProgress, signal, threads } = options;
    if (!["fp32", "fp16"].includes(precision)) {
      const fix = "Use one of these names.";
      throw new RequestError("precision", "fp32 or fp16", reprShort(precision), fix);
    }
    const inWorker = options.worker ?? typeof document !== "undefined";
    const address = inWorker && typeof source === "string" ? absolute(source) : source;
    const ort = runtimeAddress(options.ort, device, inWorker);
    const args = {
      source: address instanceof URL ? address.href : address,
      name,
      device,
      precision,
      ort,
      threads,
    };
    const Kind = inWorker ? WorkerEngine : Engine;
    return new Generator(await Kind.load(args, { signal, onProgress }));
  }

  /**
   * Generate images. `conditions` is one request (an object or a text) for all images, or a list with
   * one for each. An image depends on its seed, request and temperature alone.
   *
   * Throws `ConditionError` or `RequestError` before anything runs, and the signal's reason.
   * @param {ConditionInput} [conditions]
   * @param {GenerateOptions} [options]
   * @returns {Promise<PixelImage[]>}
   */
  async generate(conditions = null, options = {}) {
    this.#check(options, GENERATE);
    const { signal, ...rest } = options;
    const result = await this.#engine.generate({ conditions, ...rest }, signal);
    return this.#images(result, conditions, options.temperature);
  }

  /**
   * Translate images of the bundle's size and mode to the given conditions.
   * @param {readonly InputImage[]} images
   * @param {ConditionInput} [conditions]
   * @param {{signal?: AbortSignal}} [options]
   * @returns {Promise<PixelImage[]>}
   */
  async translate(images, conditions = null, options = {}) {
    this.#check(options, ["signal"]);
    const args = { images: listed(images), conditions };
    return this.#images(await this.#engine.translate(args, options.signal), conditions);
  }

  /**
   * Return the noise that `generate` turns into these images, under the same conditions.
   * @param {readonly InputImage[]} images
   * @param {ConditionInput} [conditions]
   * @param {{signal?: AbortSignal}} [options]
   * @returns {Promise<Tensor>}
   */
  async encode(images, conditions = null, options = {}) {
    this.#check(options, ["signal"]);
    return this.#engine.encode({ images: listed(images), conditions }, options.signal);
  }

  /**
   * Return the `z` of each seed, scaled by the temperature (the bundle's by default).
   * @param {readonly Seed[]} seeds
   * @param {{temperature?: number}} [options]
   * @returns {Promise<Tensor>}
   */
  async noise(seeds, options = {}) {
    this.#check(options, ["temperature"]);
    return this.#engine.noise({ seeds, ...options });
  }

  /** Free the memory and end the worker; later calls throw `ClosedError`. */
  async dispose() {
    this.#isClosed = true;
    await this.#engine.dispose();
  }

  /** @param {object} options @param {readonly string[]} names */
  #check(options, names) {
    if (this.#isClosed) throw closedError();
    checkOptions(options, names);
  }

  /** @param {any} result @param {ConditionInput} conditions @param {number} [temperature] */
  #images({ data, seeds, count }, conditions, temperature) {
    const { width, height, channels, palette } = this.image;
    const size = width * height * channels;
    const bundle = { name: this.name, digest: this.digest, palette };
    return Array.from({ length: count }, (_, i) => {
      const pixels = { width, height, channels, data: data.subarray(i * size, (i + 1) * size) };
      const request = Array.isArray(conditions) ? conditions[i] : conditions;
      return new PixelImage(pixels, bundle, () => ({
        ...(seeds.length ? { seed: seeds[i] } : {}),
        condition: this.conditions.complete(request),
        ...(temperature === undefined ? {} : { temperature }),
      }));
    });
  }
}

/** Return the images as plain data, which a worker takes. @param {readonly InputImage[]} images */
function listed(images) {
  if (!Array.isArray(images)) {
    throw new RequestError("images", "a list of images", reprShort(images), "Pass [image].");
  }
  return images.map((image) =>
    image instanceof PixelImage ? { ...image, bundle: undefined } : image,
  );
}

/** @param {string} address */
const absolute = (address) => new URL(address, document.baseURI).href;

/**
 * Return the address of onnxruntime-web. A worker does not see the import map of its page.
 * @param {string | URL | undefined} ort
 * @param {string} device
 * @param {boolean} inWorker
 */
function runtimeAddress(ort, device, inWorker) {
  if (ort !== undefined) return isNode ? String(ort) : absolute(String(ort));
  if (!inWorker) return undefined;
  try {
    return import.meta.resolve(`onnxruntime-web/${device === "webgpu" ? "webgpu" : "wasm"}`);
  } catch {
    return undefined; // a bundler has put the package into the worker
  }
}
