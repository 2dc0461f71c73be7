/** The engine: a bundle on a device, in this thread. The worker and Node run it. */

import { ENCODE, GENERATE, TRANSLATE, VERBS, noiseShape } from "../bundle/manifest.js";
import { Bundle } from "../bundle/bundle.js";
import { openSource } from "../bundle/sources.js";
import { product } from "../bundle/tensor-math.js";
import { allocate } from "../checks.js";
import { BundleError, RequestError, closedError } from "../errors.js";
import { toFloat, toUint8 } from "../images/pixels.js";
import { normals } from "../noise.js";
import {
  checkNoise,
  checkTemperature,
  encodeConditions,
  joinImages,
  resolveCount,
  resolveSeeds,
} from "./request.js";
import { loadRuntime } from "./runtime.js";
import { openSession } from "./session.js";

/** @typedef {import("../bundle/manifest.js").Interface} Interface */
/** @typedef {import("./request.js").Tensor} Tensor */
/** @typedef {import("./request.js").InputImage} InputImage */
/** @typedef {import("../noise.js").Seed} Seed */
/** @typedef {import("../conditions/conditions.js").ConditionInput} ConditionInput */
/** What to load, and where it runs. @typedef {{source: import("../bundle/sources.js").Source, name?: string, device: string, precision: "fp32" | "fp16", ort?: any, threads?: number}} LoadArguments */
/** @typedef {{conditions: ConditionInput, seed?: Seed, seeds?: readonly Seed[], count?: number, temperature?: number, z?: Tensor}} GenerateArguments */
/** @typedef {{conditions: ConditionInput, images: readonly InputImage[]}} ImageArguments */
/** A checked request: `first` returns the rows of the first input. @typedef {{kind: Interface, count: number, vectors: Float32Array[], first: (start: number, stop: number) => Float32Array}} Job */

// 64 images of 64 x 64: larger runs are not faster, and a run cannot be interrupted.
const PIXELS_PER_RUN = 64 ** 3;

export class Engine {
  /** @type {Map<string, Promise<import("./session.js").GraphSession>>} */
  #sessions = new Map();
  /** @type {Promise<unknown>} */
  #queue = Promise.resolve();
  #isClosed = false;

  /** @param {Bundle} bundle @param {import("./runtime.js").Runtime} runtime @param {"fp32" | "fp16"} precision */
  constructor(bundle, runtime, precision) {
    this.bundle = bundle;
    this.runtime = runtime;
    this.precision = precision;
    this.zShape = noiseShape(bundle.manifest);
  }

  /**
   * Load a bundle and open its first graph, which checks the bundle and the device.
   * @param {LoadArguments} args
   * @param {import("../bundle/sources.js").ReadOptions} [options]
   */
  static async load(args, options = {}) {
    // Most of the time until the first image is onnxruntime's: it is requested before the bundle.
    const loading = loadRuntime(args);
    loading.catch(() => {}); // reported below, unless the bundle is refused first
    const { source, name, precision } = args;
    const bundle = await Bundle.open(await openSource(source, { name, ...options }));
    const [main] = bundle.interfaces;
    const graph = await bundle.readGraph(main, precision);
    const runtime = await loading;
    const engine = new Engine(bundle, runtime, precision);
    engine.#sessions.set(main, openSession(graph, runtime));
    await engine.#sessions.get(main);
    return engine;
  }

  /** Return what the page shows and needs to know. */
  describe() {
    const { manifest, digest, place, interfaces } = this.bundle;
    const { json, image, name } = manifest;
    const { device } = this.runtime;
    const capabilities = interfaces.map((kind) => VERBS[kind]);
    return { json, image, name, digest, place, device, capabilities, zShape: this.zShape };
  }

  /**
   * Return the pixels (N, H, W, C), their seeds, and the requested temperature.
   * @param {GenerateArguments} args
   * @param {AbortSignal} [signal]
   */
  async generate(args, signal) {
    this.#require(GENERATE);
    const { conditions, z, temperature } = args;
    const count = resolveCount(args.count, conditions, args);
    const vectors = encodeConditions(this.bundle.manifest.conditions, conditions);
    const size = product(this.zShape);
    if (z) {
      checkNoise(z, this.zShape, args);
      const first = (/** @type {number} */ a, /** @type {number} */ b) =>
        z.data.slice(a * size, b * size);
      const data = await this.#runBatches({ kind: GENERATE, count, vectors, first }, signal);
      return { data, seeds: [], count };
    }
    const seeds = resolveSeeds(args.seed, args.seeds, count);
    const factor = this.#temperature(temperature);
    const first = (/** @type {number} */ a, /** @type {number} */ b) =>
      normals(seeds.slice(a, b), size, factor);
    const data = await this.#runBatches({ kind: GENERATE, count, vectors, first }, signal);
    return { data, seeds: seeds.map(String), count };
  }

  /** Return the translated pixels (N, H, W, C). @param {ImageArguments} args @param {AbortSignal} [signal] */
  async translate(args, signal) {
    const job = this.#imageJob(TRANSLATE, args);
    return { data: await this.#runBatches(job, signal), seeds: [], count: job.count };
  }

  /** Return the noise that `generate` turns into these images. @param {ImageArguments} args @param {AbortSignal} [signal] @returns {Promise<Tensor>} */
  async encode(args, signal) {
    const job = this.#imageJob(ENCODE, args);
    const data = /** @type {Float32Array} */ (await this.#runBatches(job, signal));
    if (data.every(Number.isFinite)) return { dims: [job.count, ...this.zShape], data };
    throw new BundleError(
      this.bundle.place,
      "finite noise for these images",
      "NaN or infinity",
      "The network is broken: train it again or export it again.",
    );
  }

  /** Return the noise of each seed. @param {{seeds: readonly Seed[], temperature?: number}} args @returns {Promise<Tensor>} */
  async noise({ seeds, temperature }) {
    if (!this.zShape.length) throw this.#unsupported(GENERATE);
    const count = resolveCount(undefined, null, { seeds });
    const data = normals(
      resolveSeeds(undefined, seeds, count),
      product(this.zShape),
      this.#temperature(temperature),
    );
    return { dims: [count, ...this.zShape], data };
  }

  /** Free the memory; later calls throw `ClosedError`. */
  async dispose() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#queue.catch(() => {});
    for (const session of this.#sessions.values()) await (await session).release();
  }

  /** @param {Interface} kind @param {ImageArguments} args @returns {Job} */
  #imageJob(kind, { images, conditions }) {
    this.#require(kind);
    const { image, conditions: groups } = this.bundle.manifest;
    const pixels = joinImages(images, image);
    const count = resolveCount(undefined, conditions, { images });
    const size = image.width * image.height * image.channels;
    const first = (/** @type {number} */ a, /** @type {number} */ b) =>
      toFloat(pixels.subarray(a * size, b * size), image);
    return { kind, count, vectors: encodeConditions(groups, conditions), first };
  }

  /** @param {Job} job @param {AbortSignal} [signal] @returns {Promise<Uint8Array | Float32Array>} */
  async #runBatches(job, signal) {
    // A session runs one batch at a time.
    const turn = this.#queue.catch(() => {}).then(() => this.#runNow(job, signal));
    this.#queue = turn;
    return turn;
  }

  /** @param {Job} job @param {AbortSignal} [signal] */
  async #runNow({ kind, count, vectors, first }, signal) {
    this.#checkOpen();
    signal?.throwIfAborted();
    const { image, batch, conditions } = this.bundle.manifest;
    const area = image.width * image.height;
    const step = Math.max(1, Math.min(batch.max, Math.floor(PIXELS_PER_RUN / area)));
    const session = await this.#session(kind);
    const isNoise = kind === ENCODE;
    const size = isNoise ? product(this.zShape) : area * image.channels;
    // The output of a single run is the result, without a copy.
    const isSplit = step < count;
    const kept = isSplit ? count : 0;
    /** @type {Uint8Array | Float32Array} */
    let out = isNoise ? allocate(Float32Array, kept, size) : allocate(Uint8Array, kept, size);
    for (let start = 0; start < count; start += step) {
      const stop = Math.min(count, start + step);
      const rows = new Float32Array((stop - start) * conditions.size);
      for (let row = start; row < stop; row++) {
        rows.set(vectors[vectors.length === 1 ? 0 : row], (row - start) * conditions.size);
      }
      const found = await session.run(first(start, stop), rows, stop - start);
      const values = !isNoise && found instanceof Float32Array ? toUint8(found, image) : found;
      if (isSplit) out.set(values, start * size);
      else out = values;
      if (stop < count) await pause(); // so that a cancellation arrives
      signal?.throwIfAborted();
    }
    return out;
  }

  /** @param {Interface} kind */
  async #session(kind) {
    if (!this.#sessions.has(kind)) {
      // Only the main graph is exported in several precisions.
      const graph = await this.bundle.readGraph(kind, "fp32");
      this.#sessions.set(kind, openSession(graph, this.runtime));
    }
    return /** @type {Promise<import("./session.js").GraphSession>} */ (this.#sessions.get(kind));
  }

  /** @param {unknown} temperature */
  #temperature(temperature) {
    if (temperature !== undefined) return checkTemperature(temperature);
    return this.bundle.manifest.noise?.temperature ?? 1;
  }

  #checkOpen() {
    if (this.#isClosed) throw closedError();
  }

  /** @param {Interface} kind */
  #require(kind) {
    this.#checkOpen();
    if (!this.bundle.interfaces.includes(kind)) throw this.#unsupported(kind);
  }

  /** @param {Interface} kind */
  #unsupported(kind) {
    const able = this.bundle.interfaces.map((name) => VERBS[name]).join(" and ");
    const expected = `a bundle that can ${VERBS[kind]}`;
    return new RequestError(
      this.bundle.place,
      expected,
      `one that can ${able}`,
      "Use another bundle.",
    );
  }
}

/** Let other tasks of this thread run. */
const pause = () => new Promise((resolve) => setTimeout(resolve));
