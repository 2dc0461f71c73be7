/** The worker of a page: it holds an engine, so that the page never waits for a network. */

import { errorToData } from "./errors.js";
import { loadRuntime } from "./generation/runtime.js";

/** @typedef {import("./generation/engine.js").Engine} Engine */
/** A call of the page, or the cancellation of one. @typedef {{id: number, method: "load" | "generate" | "translate" | "encode" | "noise" | "dispose", args?: any, isCancelled?: boolean}} Message */

/** @type {Engine | undefined} */
let engine;
/** @type {Map<number, AbortController>} */
const calls = new Map();
const scope = /** @type {import("./worker-client.js").Port} */ (
  /** @type {unknown} */ (globalThis)
);

scope.onmessage = async ({ data: { id, method, args, isCancelled } }) => {
  if (isCancelled) {
    calls.get(id)?.abort();
    return;
  }
  const controller = new AbortController();
  calls.set(id, controller);
  try {
    const result = await call(id, method, args, controller.signal);
    const buffers = result && "data" in result ? [result.data.buffer] : [];
    scope.postMessage({ id, result }, /** @type {Transferable[]} */ (buffers));
  } catch (error) {
    scope.postMessage({ id, error: errorToData(error) });
  }
  calls.delete(id);
};

/** @param {number} id @param {Message["method"]} method @param {any} args @param {AbortSignal} signal */
async function call(id, method, args, signal) {
  if (method === "load") {
    /** @type {import("./bundle/sources.js").OnProgress} */
    const onProgress = (progress) => scope.postMessage({ id, progress });
    const loading = loadRuntime(args);
    // Most of the time until the first image is onnxruntime's: its large file is requested first, and
    // the other modules meanwhile. The engine reports an error of it.
    await loading.catch(() => {});
    const { Engine } = await import("./generation/engine.js");
    engine = await Engine.load(args, { signal, onProgress }, loading);
    return engine.describe();
  }
  return /** @type {Engine} */ (engine)[method](args, signal);
}
