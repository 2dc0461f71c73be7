/** onnxruntime: the package that a device needs. */

import { DeviceError } from "../errors.js";
import { reprShort, suggestion } from "../messages.js";
import { isNode } from "../platform.js";

/** "auto" is "cpu" in Node with onnxruntime-node, else "wasm". @typedef {"auto" | "wasm" | "webgpu" | "cpu"} Device */
/** What `loadRuntime` returns. @typedef {{ort: Ort, device: "wasm" | "webgpu" | "cpu"}} Runtime */
/** The package onnxruntime-web or onnxruntime-node. @typedef {typeof import("onnxruntime-web/wasm")} Ort */

const DEVICES = ["auto", "wasm", "webgpu", "cpu"];

/**
 * Return onnxruntime for a device, and the device that "auto" stands for.
 * @param {{device: string, ort?: string | Ort, threads?: number}} options `ort`: the module, or its address
 * @returns {Promise<Runtime>}
 */
export async function loadRuntime({ device, ort, threads = 1 }) {
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
    createSession({ ort: runtime, device: kind }, new Uint8Array(0)).catch(() => {});
  }
  return { ort: runtime, device: kind };
}

/** Open a session. @param {Runtime} runtime @param {Uint8Array} data */
export const createSession = ({ ort, device }, data) =>
  inTurn(device, () =>
    ort.InferenceSession.create(data, { logSeverityLevel: 4, executionProviders: [device] }),
  );

/** The end of the last work on WebGPU. @type {Promise<unknown>} */
let last = Promise.resolve();

/**
 * Open a session or run one: on WebGPU after the work before, because onnxruntime-web refuses to
 * open two sessions at a time and mixes up two runs.
 * @template T
 * @param {string} device
 * @param {() => Promise<T>} work
 */
export function inTurn(device, work) {
  if (device !== "webgpu") return work();
  const result = last.then(work);
  last = result.catch(() => {});
  return result;
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
