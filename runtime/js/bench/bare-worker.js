/** A loop as one writes it by hand for one bundle: onnxruntime-web in a worker, noise given. */

// @ts-expect-error: an address of the server
import * as ort from "/onnxruntime-web/ort.wasm.bundle.min.mjs";

ort.env.wasm.numThreads = 1;
/** @type {import("onnxruntime-web/wasm").InferenceSession} */
let session;

self.onmessage = async ({ data: { model, z, condition, rows } }) => {
  if (model) {
    session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
    self.postMessage({});
    return;
  }
  const feeds = {
    z: new ort.Tensor("float32", z, [rows, z.length / rows]),
    condition: new ort.Tensor("float32", condition, [rows, condition.length / rows]),
  };
  const { image } = await session.run(feeds);
  const pixels = /** @type {Uint8Array} */ (image.data);
  self.postMessage({ pixels }, { transfer: [pixels.buffer] });
};
