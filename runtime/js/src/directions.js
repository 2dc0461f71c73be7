/** Latent directions of flows. */

import { Bundle } from "./bundle/bundle.js";
import { noiseShape } from "./bundle/manifest.js";
import { readTensors } from "./bundle/safetensors.js";
import { openSource } from "./bundle/sources.js";
import { BundleError } from "./errors.js";

const FILE = "directions.safetensors";
const DTYPES = { F32: "float32", U8: "uint8" };

/**
 * Return the latent direction of each label of a bundle, by its name "group/label": numbers of the
 * shape `generator.zShape`. The noise of an image plus half a direction is halfway to the label.
 * Empty for a bundle without directions.
 *
 * Throws `BundleError` for a damaged bundle and for directions of another type or shape, or with NaN
 * or infinity, and the signal's reason.
 * @param {import("./bundle/sources.js").Source} source
 * @param {import("./bundle/sources.js").ReadOptions & {name?: string}} [options] `name`: of bytes
 * @returns {Promise<Record<string, Float32Array>>}
 */
export async function readDirections(source, options = {}) {
  const bundle = await Bundle.open(await openSource(source, options));
  if (!bundle.manifest.files.has(FILE)) return {};
  const place = `${bundle.place}/${FILE}`;
  const zShape = noiseShape(bundle.manifest);
  const tensors = readTensors(await bundle.read(FILE), place);
  return Object.fromEntries(
    tensors.map(({ name, dtype, shape, data }) => {
      const here = `${place}: ${name}`;
      if (dtype !== "F32" || formatShape(shape) !== formatShape(zShape)) {
        const found = `${DTYPES[dtype]} ${formatShape(shape)}`;
        throw new BundleError(here, `float32 ${formatShape(zShape)}`, found);
      }
      const numbers = new Float32Array(data.buffer);
      if (numbers.every(Number.isFinite)) return [name, numbers];
      throw new BundleError(here, "finite numbers", "NaN or infinity");
    }),
  );
}

/** Return a shape as Python writes a tuple. @param {readonly number[]} shape */
const formatShape = (shape) => `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
