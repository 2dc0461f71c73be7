/** The manifest of a bundle, checked when it is read: docs/interface.md, section 7. */

import { BundleError, UPGRADE } from "../errors.js";
import { JsonObject, checkIntegerIn } from "../json-object.js";
import { clip, formatNumber, quote, reprShort } from "../messages.js";
import { readConditions } from "../conditions/conditions.js";
import { imageSignature, readImage } from "./image-format.js";
import { product } from "./tensor-math.js";

export const SCHEMA_VERSION = 2;
export const GENERATE = "gan.generate/1";
export const TRANSLATE = "gan.translate/1";
export const ENCODE = "gan.encode/1";
/** The method of `Generator` that runs a graph of each interface. */
export const VERBS = { [GENERATE]: "generate", [TRANSLATE]: "translate", [ENCODE]: "encode" };
/** @typedef {keyof typeof VERBS} Interface */

const FIRST_AND_LAST = {
  [GENERATE]: ["z", "image"],
  [TRANSLATE]: ["image_in", "image"],
  [ENCODE]: ["image_in", "z"],
};
export const WRITE_ONNX = "Write the ONNX file: export-gan RUN --format onnx --out NAME.ganport";
/** Files that a manifest lists. */
export const MAX_FILES = 1024;
const MAX_FILE_BYTES = 2 ** 33;
const MAX_NOISE = 2 ** 24;
const ALGORITHM = "philox4x32-10/box-muller-f64/1";
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** @typedef {{name: string, dtype: string, shape: (number | string)[]}} Tensor */
/** @typedef {{path: string, role: string, precision: string, form?: string}} GraphFile */
/** @typedef {{interface: string, inputs: Tensor[], output: Tensor, files: GraphFile[]}} Graph */
/** @typedef {{sha256: string, size: number}} FileEntry */
/** @typedef {ReturnType<typeof readCommon>} Common */
/**
 * What a runtime must know about a bundle; `json` is the manifest as it was written.
 * @typedef {Common & {
 *   name: string,
 *   graphs: Graph[],
 *   batch: {min: number, opt: number, max: number},
 *   files: Map<string, FileEntry>,
 *   json: Record<string, any>,
 * }} Manifest
 */

/**
 * Return the manifest of parsed JSON; unknown keys are ignored. Throws `BundleError` for a key that
 * is missing, of the wrong type, out of range or inconsistent with others, and for a newer schema.
 * @param {unknown} value
 * @param {string} place
 * @returns {Manifest}
 */
export function readManifest(value, place) {
  const fields = new JsonObject(value, place);
  const common = readCommon(fields);
  const entries = fields.items("graphs", 16);
  const graphs = entries.map((entry, i) => readGraph(entry, `${place}: graphs[${i}]`));
  /** @type {Map<string, FileEntry>} */
  const files = new Map();
  for (const [name, entry] of Object.entries(fields.object("files").values)) {
    checkFileName(name, `${place}: files`);
    files.set(name, readFileEntry(entry, `${place}: files[${quote(name)}]`));
  }
  const name = fields.text("name");
  fields.text("version", 64);
  fields.text("family");
  const batch = readBatch(fields.value("batch"), `${place}: batch`);
  fields.object("parity");
  fields.object("provenance");
  fields.text("license", 1000);
  const manifest = { ...common, name, graphs, batch, files, json: fields.values };
  checkFiles(manifest, place);
  checkGraphs(manifest, place);
  return manifest;
}

/**
 * Return the manifest of a single graph file: its embedded interface, else defaults.
 * @param {unknown} value
 * @param {string} place
 * @param {string} file
 * @param {FileEntry} entry
 * @returns {Manifest}
 */
export function readInterface(value, place, file, entry) {
  const fields = new JsonObject(value, place);
  const graphFile = { path: file, role: "onnx", precision: "unstated" };
  const graph = readGraph(value, place, [graphFile]);
  const name = file.replace(/\.onnx$/, "");
  const batch = { min: 1, opt: 16, max: 256 };
  const { interface: kind, inputs, output, ...shared } = fields.values;
  const graphs = [{ interface: kind, inputs, output, files: [graphFile] }];
  const unstated = { version: "unstated", family: "unstated", license: "unspecified" };
  const files = { [file]: entry };
  const json = { ...shared, name, ...unstated, graphs, batch, files, parity: {}, provenance: {} };
  const own = { name, graphs: [graph], batch, files: new Map([[file, entry]]), json };
  const manifest = { ...readCommon(fields), ...own };
  checkFiles(manifest, place);
  checkGraphs(manifest, place);
  return manifest;
}

/** @param {JsonObject} fields */
function readCommon(fields) {
  const { place } = fields;
  const schemaVersion = fields.integer("schema_version", 1, 2 ** 31);
  if (schemaVersion > SCHEMA_VERSION) {
    throw new BundleError(
      place,
      `schema_version ${SCHEMA_VERSION} or lower`,
      `schema_version ${schemaVersion}`,
      UPGRADE,
    );
  }
  const noise = fields.value("noise");
  return {
    schemaVersion,
    conditions: readConditions(fields.value("conditions"), `${place}: conditions`),
    noise: noise === null ? null : readNoise(noise, `${place}: noise`),
    image: readImage(fields.value("image"), `${place}: image`, schemaVersion),
  };
}

/** @param {unknown} value @param {string} place */
function readNoise(value, place) {
  const fields = new JsonObject(value, place);
  const temperature = fields.number("temperature");
  if (!(temperature >= 0 && temperature <= 100)) {
    const found = formatNumber(temperature);
    throw new BundleError(`${place}.temperature`, "a number from 0 to 100", found);
  }
  fields.oneOf("algorithm", [ALGORITHM]);
  return { temperature };
}

/** @param {unknown} value @param {string} place @returns {Tensor} */
function readTensor(value, place) {
  const fields = new JsonObject(value, place);
  const shape = fields.items("shape", 8);
  if (shape[0] !== "batch") {
    throw new BundleError(
      `${place}.shape`,
      'a shape that starts with "batch"',
      clip(reprShort(shape)),
    );
  }
  const lengths = shape.map((_, i) =>
    i ? checkIntegerIn(shape, i, `${place}.shape`, 1, 2 ** 31 - 1) : "batch",
  );
  const dtype = fields.oneOf("dtype", ["float32", "uint8"]);
  return { name: fields.text("name"), dtype, shape: lengths };
}

/** @param {unknown} value @param {string} place @returns {GraphFile} */
function readGraphFile(value, place) {
  const fields = new JsonObject(value, place);
  const path = checkFileName(fields.text("path"), place);
  const role = fields.oneOf("role", ["onnx", "torchscript", "pt2"]);
  const precision = fields.oneOf("precision", ["fp32", "fp16"]);
  return fields.has("form")
    ? { path, role, precision, form: fields.text("form") }
    : { path, role, precision };
}

/** @param {unknown} value @param {string} place @param {GraphFile[]} [files] @returns {Graph} */
function readGraph(value, place, files) {
  const fields = new JsonObject(value, place);
  const entries = fields.items("inputs", 8);
  const inputs = entries.map((entry, i) => readTensor(entry, `${place}.inputs[${i}]`));
  const output = readTensor(fields.value("output"), `${place}.output`);
  files ??= fields
    .items("files", MAX_FILES)
    .map((entry, i) => readGraphFile(entry, `${place}.files[${i}]`));
  return { interface: fields.text("interface"), inputs, output, files };
}

/** @param {unknown} value @param {string} place @returns {FileEntry} */
function readFileEntry(value, place) {
  const fields = new JsonObject(value, place);
  const sha256 = fields.text("sha256");
  if (!/^[0-9a-f]{64}$/.test(sha256)) {
    throw new BundleError(`${place}.sha256`, "64 lower-case hex digits", clip(quote(sha256)));
  }
  return { sha256, size: fields.integer("size", 0, MAX_FILE_BYTES) };
}

/** @param {unknown} value @param {string} place */
function readBatch(value, place) {
  const fields = new JsonObject(value, place);
  const min = fields.integer("min", 1, 1); // every graph accepts a single image
  const max = fields.integer("max", 1, 65536);
  return { min, opt: fields.integer("opt", min, max), max };
}

/**
 * Return `name` if no system can take it for a path.
 * @param {string} name
 * @param {string} place
 */
export function checkFileName(name, place) {
  if (FILE_NAME.test(name) && !name.endsWith(".")) return name;
  throw new BundleError(place, "plain file names (letters, digits, . _ -)", clip(quote(name)));
}

/** @param {Manifest} manifest @param {string} place */
function checkFiles({ graphs, files }, place) {
  place = `${place}: files`;
  const lower = [...files.keys()].map((name) => name.toLowerCase());
  if (lower.length > MAX_FILES) {
    throw new BundleError(place, `at most ${MAX_FILES} files`, `${lower.length}`);
  }
  if (new Set(lower).size !== lower.length) {
    throw new BundleError(place, "names that differ in more than case", "two that do not");
  }
  for (const own of ["manifest.json", "sha256sums"]) {
    if (lower.includes(own)) throw new BundleError(place, `every file but ${own}`, own);
  }
  for (const { path } of graphs.flatMap((graph) => graph.files)) {
    if (!files.has(path)) throw new BundleError(place, `an entry for the graph ${path}`, "none");
  }
}

/** @param {Manifest} manifest @param {string} place */
function checkGraphs(manifest, place) {
  const { graphs } = manifest;
  place = `${place}: graphs`;
  if (!graphs.length) throw new BundleError(place, "at least one graph", "none");
  const interfaces = graphs.map((graph) => graph.interface);
  if (new Set(interfaces).size !== interfaces.length) {
    throw new BundleError(place, "each interface once", interfaces.join(", "));
  }
  for (const [index, graph] of graphs.entries()) {
    // Other interfaces belong to later versions.
    if (Object.hasOwn(VERBS, graph.interface)) checkGraph(graph, manifest, `${place}[${index}]`);
  }
}

/** @param {Graph} graph @param {Manifest} manifest @param {string} place */
function checkGraph(graph, { conditions, noise, image }, place) {
  const [first, last] = FIRST_AND_LAST[/** @type {Interface} */ (graph.interface)];
  const expected = (conditions.size ? [first, "condition"] : [first]).join(", ");
  const names = graph.inputs.map((tensor) => tensor.name).join(", ");
  if (names !== expected) throw new BundleError(`${place}.inputs`, expected, names || "none");
  if (graph.output.name !== last) {
    throw new BundleError(`${place}.output`, last, graph.output.name);
  }
  const { height, width, channels } = image;
  /** @type {Record<string, {dtype: string, shape: (number | string)[]}>} */
  const signatures = {
    condition: { dtype: "float32", shape: ["batch", conditions.size] },
    image_in: { dtype: "float32", shape: ["batch", channels, height, width] },
    image: imageSignature(image),
  };
  for (const tensor of [...graph.inputs, graph.output]) {
    const here = `${place}: ${tensor.name}`;
    if (tensor.name === "z") checkNoise(tensor, noise, here);
    else if (formatSignature(tensor) !== formatSignature(signatures[tensor.name])) {
      const wanted = formatSignature(signatures[tensor.name]);
      throw new BundleError(here, wanted, formatSignature(tensor));
    }
  }
}

/** @param {Tensor} z @param {object | null} noise @param {string} place */
function checkNoise(z, noise, place) {
  if (noise === null) {
    throw new BundleError(place, "a noise rule in the manifest", "noise: null");
  }
  const lengths = z.shape.slice(1).map(Number);
  if (z.dtype !== "float32" || ![1, 3].includes(lengths.length)) {
    throw new BundleError(place, "float32 [batch, Z] or [batch, C, H, W]", formatSignature(z));
  }
  const size = product(lengths);
  if (!(size <= MAX_NOISE)) {
    throw new BundleError(place, `at most ${MAX_NOISE} numbers for an image`, `${size}`);
  }
}

/**
 * Return the dtype and shape of a tensor as text.
 * @param {{dtype: string, shape: (number | string)[]}} tensor
 */
export const formatSignature = ({ dtype, shape }) => `${dtype} [${shape.join(", ")}]`;

/**
 * Return the shape of the noise of one image; empty if no graph has a `z`.
 * @param {Manifest} manifest
 */
export function noiseShape({ graphs }) {
  const known = graphs.filter((graph) => Object.hasOwn(VERBS, graph.interface));
  const tensors = known.flatMap((graph) => [...graph.inputs, graph.output]);
  const z = tensors.find((tensor) => tensor.name === "z");
  return z ? z.shape.slice(1).map(Number) : [];
}
