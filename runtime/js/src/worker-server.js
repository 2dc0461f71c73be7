/** The worker's side of the calls of a page: it holds an engine, so that the page never waits. */

import { errorToData } from "./errors.js";
import { Engine } from "./generation/engine.js";

/** A call of the page, or the cancellation of one. @typedef {{id: number, method: "load" | "generate" | "translate" | "encode" | "noise" | "dispose", args?: any, isCancelled?: boolean}} Message */

/** Answer the calls of a page, in a Web Worker. */
export function serveWorker() {
  /** @type {Engine | undefined} */
  let engine;
  /** @type {Map<number, AbortController>} */
  const calls = new Map();
  const scope = /** @type {import("./worker-client.js").Port} */ (
    /** @type {unknown} */ (globalThis)
  );

  /** @param {Message} message @param {AbortSignal} signal */
  async function call({ id, method, args }, signal) {
    if (method === "load") {
      /** @type {import("./bundle/sources.js").OnProgress} */
      const onProgress = (progress) => scope.postMessage({ id, progress });
      engine = await Engine.load(args, { signal, onProgress });
      return engine.describe();
    }
    return /** @type {Engine} */ (engine)[method](args, signal);
  }

  scope.onmessage = async ({ data }) => {
    const { id, isCancelled } = data;
    if (isCancelled) {
      calls.get(id)?.abort();
      return;
    }
    const controller = new AbortController();
    calls.set(id, controller);
    try {
      const result = await call(data, controller.signal);
      const buffers = result && "data" in result ? [result.data.buffer] : [];
      scope.postMessage({ id, result }, /** @type {Transferable[]} */ (buffers));
    } catch (error) {
      scope.postMessage({ id, error: errorToData(error) });
    }
    calls.delete(id);
  };
}
