/** The page's side of the worker: calls in, results out. */

import { DeviceError, RequestError, closedError, errorFromData } from "./errors.js";

/** A worker as both sides use it. @typedef {{onmessage: ((event: {data: any}) => void) | null, postMessage: (data: any, transfer?: Transferable[]) => void}} Port */
/** @typedef {import("./bundle/sources.js").OnProgress} OnProgress */
/** @typedef {{resolve: (result: any) => void, reject: (error: any) => void, onProgress?: OnProgress}} Call */
/** @typedef {{signal?: AbortSignal, onProgress?: OnProgress}} CallOptions */

/** An engine in a Web Worker; it has the methods of `Engine`. */
export class WorkerEngine {
  /** @type {Map<number, Call>} */
  #calls = new Map();
  #nextId = 0;
  #worker;
  /** @type {any} */
  #description;

  /** @param {Worker} worker */
  constructor(worker) {
    this.#worker = worker;
    worker.onmessage = ({ data }) => this.#receive(data);
    worker.onerror = (event) => {
      event.preventDefault();
      const found = event.message || "a worker that did not start";
      const fix = "Serve the page over HTTP, allow the worker's address, or pass worker: false.";
      this.#failAll(new DeviceError("worker", "a module worker", found, fix));
    };
  }

  /**
   * Load a bundle in a worker.
   * @param {import("./generation/engine.js").LoadArguments} args
   * @param {CallOptions} options
   */
  static async load(args, options) {
    const engine = new WorkerEngine(startWorker());
    try {
      engine.#description = await engine.#call("load", args, options);
      return engine;
    } catch (error) {
      engine.#worker.terminate();
      throw error;
    }
  }

  describe() {
    return this.#description;
  }

  /** @param {import("./generation/engine.js").GenerateArguments} args @param {AbortSignal} [signal] */
  generate(args, signal) {
    return this.#call("generate", args, { signal });
  }

  /** @param {import("./generation/engine.js").ImageArguments} args @param {AbortSignal} [signal] */
  translate(args, signal) {
    return this.#call("translate", args, { signal });
  }

  /** @param {import("./generation/engine.js").ImageArguments} args @param {AbortSignal} [signal] */
  encode(args, signal) {
    return this.#call("encode", args, { signal });
  }

  /** @param {{seeds: readonly import("./noise.js").Seed[], temperature?: number}} args */
  noise(args) {
    return this.#call("noise", args, {});
  }

  async dispose() {
    this.#worker.terminate();
    this.#failAll(closedError());
  }

  /** @param {string} method @param {any} args @param {CallOptions} options @returns {Promise<any>} */
  async #call(method, args, { signal, onProgress }) {
    signal?.throwIfAborted();
    const id = this.#nextId++;
    /** @type {(() => void) | undefined} */
    let cancel;
    try {
      return await new Promise((resolve, reject) => {
        this.#calls.set(id, { resolve, reject, onProgress });
        cancel = () => {
          this.#worker.postMessage({ id, isCancelled: true });
          reject(signal?.reason);
        };
        signal?.addEventListener("abort", cancel);
        try {
          this.#worker.postMessage({ id, method, args });
        } catch (error) {
          const found = /** @type {Error} */ (error).message;
          throw new RequestError("request", "plain values", found, "Pass texts and numbers.");
        }
      });
    } finally {
      this.#calls.delete(id);
      if (cancel) signal?.removeEventListener("abort", cancel);
    }
  }

  /** @param {{id: number, result?: any, error?: any, progress?: any}} answer */
  #receive({ id, result, error, progress }) {
    const call = this.#calls.get(id);
    if (progress) call?.onProgress?.(progress);
    else if (error) call?.reject(errorFromData(error));
    else call?.resolve(result);
  }

  /** @param {Error} error */
  #failAll(error) {
    for (const call of this.#calls.values()) call.reject(error);
  }
}

/** Start the worker; a page that takes the package from another host starts it by an import. */
function startWorker() {
  // Bundlers replace an expression with "./worker.js" and import.meta.url: it occurs once.
  const here = new URL(import.meta.url);
  if (here.origin === location.origin || here.protocol === "blob:") {
    return new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  }
  const { href } = new URL("worker.js", here);
  const code = new Blob([`import ${JSON.stringify(href)};`], { type: "text/javascript" });
  return new Worker(URL.createObjectURL(code), { type: "module" });
}
