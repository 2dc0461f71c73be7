/** onnxruntime: the package that a device needs, and sessions of graphs. */

import { isNode } from "../bundle/sources.js";
import { BundleError, DeviceError } from "../errors.js";
import { reprShort, suggestion } from "../messages.js";

/** "auto" is "cpu" in Node with onnxruntime-node, else "wasm". @typedef {"auto" | "wasm" | "webgpu" | "cpu"} Device */
/** The package onnxruntime-web or onnxruntime-node. @typedef {typeof import("onnxruntime-web/wasm")} Ort */
/** @typedef {import("onnxruntime-web/wasm").InferenceSession} OrtSession */
/** @typedef {import("../bundle/manifest.js").Graph} Graph */

const DEVICES = ["auto", "wasm", "webgpu", "cpu"];

/**
 * Return onnxruntime for a device, and the device that "auto" stands for.
 * @param {string} device
 * @param {{ort?: string | Ort, threads?: number}} options `ort`: the module, or its address
 * @returns {Promise<{ort: Ort, device: "wasm" | "webgpu" | "cpu"}>}
 */
export async function loadRuntime(device, { ort, threads = 1 }) {
  if (!DEVICES.includes(device)) {
    const fix = suggestion(device, DEVICES);
    throw new DeviceError("device", `one of ${DEVICES.join(", ")}`, reprShort(device), fix);
  }
  if (device === "auto") {
    const node = isNode && !ort ? await importRuntime("cpu").catch(() => undefined) : undefined;
    if (node) return { ort: node, device: "cpu" };
    device = "wasm";
  }
  const kind = /** @type {"wasm" | "webgpu" | "cpu"} */ (device);
  if (kind === "cpu" && !isNode) {
    const fix = "Use the device wasm in browsers.";
    throw new DeviceError("device", "cpu in Node only", "a browser", fix);
  }
  if (kind === "webgpu" && !(/** @type {any} */ (globalThis.navigator)?.gpu)) {
    const fix = "Use the device wasm, which every browser has.";
    throw new DeviceError("device", "a browser with WebGPU", "none", fix);
  }
  const runtime = typeof ort === "object" ? ort : await importRuntime(kind, ort);
  if (kind !== "cpu") {
    // More than one thread needs a page that is cross-origin isolated.
    runtime.env.wasm.numThreads = threads;
    // The first session loads the wasm file: an empty one does so while the bundle is downloaded.
    runtime.InferenceSession.create(new Uint8Array(0), sessionOptions(kind)).catch(() => {});
  }
  return { ort: runtime, device: kind };
}

/** @param {"wasm" | "webgpu" | "cpu"} kind @param {string} [address] @returns {Promise<Ort>} */
async function importRuntime(kind, address) {
  const name = kind === "cpu" ? "onnxruntime-node" : "onnxruntime-web";
  try {
    if (address) return await import(/* @vite-ignore */ /* webpackIgnore: true */ address);
    if (kind === "cpu") return /** @type {any} */ (await import("onnxruntime-node"));
    if (isNode) return /** @type {any} */ (await import("onnxruntime-web"));
    return kind === "webgpu"
      ? await import("onnxruntime-web/webgpu")
      : await import("onnxruntime-web/wasm");
  } catch (error) {
    const found = /** @type {Error} */ (error).message.split("\n")[0];
    const fix = `Run: npm install ${name}. A page without a bundler gives its address as ort.`;
    throw new DeviceError(`device ${kind}`, `the package ${name}`, found, fix);
  }
}

/** @param {string} device @returns {any} */
const sessionOptions = (device) => ({ logSeverityLevel: 4, executionProviders: [device] });

/** A graph in a session of onnxruntime. */
export class GraphSession {
  #session;
  #ort;
  #graph;
  #place;
  #device;

  /** @param {OrtSession} session @param {Ort} ort @param {Graph} graph @param {string} place @param {string} device */
  constructor(session, ort, graph, place, device) {
    this.#session = session;
    this.#ort = ort;
    this.#graph = graph;
    this.#place = place;
    this.#device = device;
  }

  /**
   * Open a checked graph; throw `BundleError` if onnxruntime cannot load it.
   * @param {{graph: Graph, data: Uint8Array, place: string}} checked
   * @param {{ort: Ort, device: string}} runtime
   */
  static async open({ graph, data, place }, { ort, device }) {
    try {
      const session = await ort.InferenceSession.create(data, sessionOptions(device));
      return new GraphSession(session, ort, graph, place, device);
    } catch (error) {
      const expected = "an ONNX graph that onnxruntime can load";
      throw new BundleError(place, expected, firstLine(error));
    }
  }

  /**
   * Return the output for a batch of `rows` rows of the first input and of condition vectors.
   * @param {Float32Array} first
   * @param {Float32Array} conditions
   * @param {number} rows
   * @returns {Promise<Uint8Array | Float32Array>}
   */
  async run(first, conditions, rows) {
    const { inputs, output } = this.#graph;
    const { Tensor } = this.#ort;
    const feeds = Object.fromEntries(
      inputs.map(({ name, shape }) => {
        const data = name === "condition" ? conditions : first;
        return [name, new Tensor("float32", data, [rows, ...shape.slice(1).map(Number)])];
      }),
    );
    let found;
    try {
      found = (await this.#session.run(feeds))[output.name];
    } catch (error) {
      const shapes = inputs.map(({ name }) => `${name} (${feeds[name].dims.join(", ")})`);
      const expected = `a graph that runs on ${this.#device} with ${shapes.join(", ")}`;
      const fix = "Request fewer images at a time, or export the bundle again.";
      throw new BundleError(this.#place, expected, firstLine(error), fix);
    }
    const wanted = [rows, ...output.shape.slice(1)].join(", ");
    if (found.dims.join(", ") !== wanted || found.type !== output.dtype) {
      throw new BundleError(
        this.#place,
        `${output.name} ${output.dtype} of shape (${wanted})`,
        `${found.type} of shape (${found.dims.join(", ")})`,
        "The graph does not match its declared shapes: export the bundle again.",
      );
    }
    return /** @type {Uint8Array | Float32Array} */ (found.data);
  }

  /** Free the memory of the session. */
  async release() {
    await this.#session.release();
  }
}

/** @param {unknown} error */
function firstLine(error) {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split("\n")[0].slice(0, 200).replace(/\.$/, "") || "an error";
}
