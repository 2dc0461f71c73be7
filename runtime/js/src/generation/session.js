/** Sessions of onnxruntime: a graph on a device. */

import { BundleError } from "../errors.js";
import { createSession, inTurn } from "./runtime.js";

/** @typedef {import("./runtime.js").Ort} Ort */
/** @typedef {import("onnxruntime-web/wasm").InferenceSession} OrtSession */
/** @typedef {import("../bundle/manifest.js").Graph} Graph */

/** A graph in a session of onnxruntime. @typedef {Awaited<ReturnType<typeof openSession>>} GraphSession */

/**
 * Open a checked graph; throw `BundleError` if onnxruntime cannot load it.
 * @param {{graph: Graph, data: Uint8Array, place: string}} checked
 * @param {import("./runtime.js").Runtime} runtime
 */
export async function openSession({ graph: { inputs, output }, data, place }, runtime) {
  const { ort, device } = runtime;
  /** @type {OrtSession} */
  let session;
  try {
    session = await createSession(runtime, data);
  } catch (error) {
    throw new BundleError(place, "an ONNX graph that onnxruntime can load", firstLine(error));
  }
  /**
   * Return the output for a batch of `rows` rows of the first input and of condition vectors.
   * @param {Float32Array} first
   * @param {Float32Array} conditions
   * @param {number} rows
   * @returns {Promise<Uint8Array | Float32Array>}
   */
  const run = async (first, conditions, rows) => {
    const feeds = Object.fromEntries(
      inputs.map(({ name, shape }) => {
        const data = name === "condition" ? conditions : first;
        return [name, new ort.Tensor("float32", data, [rows, ...shape.slice(1).map(Number)])];
      }),
    );
    let found;
    try {
      found = (await inTurn(device, () => session.run(feeds)))[output.name];
    } catch (error) {
      const shapes = inputs.map(({ name }) => `${name} (${feeds[name].dims.join(", ")})`);
      const expected = `a graph that runs on ${device} with ${shapes.join(", ")}`;
      const fix = "Request fewer images at a time, or export the bundle again.";
      throw new BundleError(place, expected, firstLine(error), fix);
    }
    const wanted = [rows, ...output.shape.slice(1)].join(", ");
    if (found.dims.join(", ") !== wanted || found.type !== output.dtype) {
      throw new BundleError(
        place,
        `${output.name} ${output.dtype} of shape (${wanted})`,
        `${found.type} of shape (${found.dims.join(", ")})`,
        "Export the bundle again.",
      );
    }
    return /** @type {Uint8Array | Float32Array} */ (found.data);
  };
  return { run, release: () => session.release() };
}

/** Return the first line of an error, without its location in onnxruntime's C++ code. @param {unknown} error */
export function firstLine(error) {
  const text = error instanceof Error ? error.message : String(error);
  const [line] = text
    .trim()
    .replace(/^.*ERROR_MESSAGE: /, "")
    .replace(/\S+\.(cc|h):\d+ ([^()]*\([^()]*\) (const )?)?/, "")
    .split("\n");
  return line.slice(0, 200).replace(/\.$/, "") || "an error";
}
