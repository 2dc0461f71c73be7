/** Bundles: the files and the manifest, untrusted until checked. */

import { BundleError, UPGRADE } from "../errors.js";
import { MAX_BYTES, parse } from "../json-parser.js";
import { sha256 } from "../sha256.js";
import { checkGraph } from "./graph-check.js";
import { WRITE_ONNX, VERBS, formatSignature, readInterface, readManifest } from "./manifest.js";
import { readMetadata } from "./onnx-graph.js";
import { Message } from "./protobuf.js";
import { MAX_LOADED } from "./sources.js";

/** @typedef {import("./manifest.js").Manifest} Manifest */
/** @typedef {import("./manifest.js").Graph} Graph */
/** @typedef {import("./manifest.js").Interface} Interface */
/** @typedef {import("./sources.js").Container} Container */

const METADATA_KEY = "ganport.interface";

/** @type {Record<string, string>} */
const FOR_TORCH = { torchscript: "TorchScript", pt2: "an ExportedProgram" };

/** The files of a bundle and its manifest; every file is read with its digest checked. */
export class Bundle {
  /**
   * @param {Container} container
   * @param {Manifest} manifest
   * @param {string} digest
   */
  constructor(container, manifest, digest) {
    this.container = container;
    this.manifest = manifest;
    /** The SHA-256 of `manifest.json`, or of the graph for a single file. */
    this.digest = digest;
    this.place = container.place;
    this.interfaces = /** @type {Interface[]} */ (
      Object.keys(VERBS).filter((name) => manifest.graphs.some((g) => g.interface === name))
    );
    if (!this.interfaces.length) {
      throw new BundleError(
        this.place,
        `a graph of interface ${Object.keys(VERBS).join(", ")}`,
        manifest.graphs.map((graph) => graph.interface).join(", "),
        UPGRADE,
      );
    }
  }

  /**
   * Open the bundle of a container; throw `BundleError` for one that is damaged.
   * @param {Container} container
   */
  static async open(container) {
    const { place, single } = container;
    if (single) return Bundle.openGraph(container, single);
    const here = `${place}/manifest.json`;
    const data = await container.read("manifest.json", MAX_BYTES);
    return new Bundle(container, readManifest(parse(data, here), here), await sha256(data));
  }

  /** @param {Container} container @param {Uint8Array} data */
  static async openGraph(container, data) {
    const { place } = container;
    let text;
    try {
      text = readMetadata(new Message([data])).get(METADATA_KEY);
    } catch (error) {
      throw new BundleError(place, "an ONNX file", /** @type {Error} */ (error).message);
    }
    if (text === undefined) {
      const fix = "Export it with export-gan, or load the whole bundle.";
      throw new BundleError(place, `a graph with the metadata '${METADATA_KEY}'`, "none", fix);
    }
    const entry = { sha256: await sha256(data), size: data.length };
    const here = `${place}: ${METADATA_KEY}`;
    const value = parse(new TextEncoder().encode(text), here);
    const file = place.replace(/^.*[/\\]/, "").replace(/[?#].*$/, "");
    const name = /\.onnx$/i.test(file) ? file : "graph.onnx";
    return new Bundle(container, readInterface(value, here, name, entry), entry.sha256);
  }

  /**
   * Return the content of a file that the manifest lists, with size and digest checked.
   * @param {string} name
   */
  async read(name) {
    const place = `${this.place}/${name}`;
    const entry = this.manifest.files.get(name);
    if (!entry) throw new BundleError(place, "a file that the manifest lists", "no entry for it");
    const { size, sha256: digest } = entry;
    if (size > MAX_LOADED) {
      throw new BundleError(place, `at most ${MAX_LOADED} bytes to load`, `${size} bytes`);
    }
    const data = await this.container.read(name, size);
    if (data.length !== size) throw new BundleError(place, `${size} bytes`, `${data.length} bytes`);
    const found = await sha256(data);
    if (found !== digest) throw new BundleError(place, `SHA-256 ${digest}`, found);
    return data;
  }

  /**
   * Return the graph of an interface and the bytes of its ONNX file, checked: its operators, its
   * sizes, and that its tensors are those of the manifest.
   * @param {Interface} kind
   * @param {"fp32" | "fp16"} precision
   */
  async readGraph(kind, precision) {
    const { graph, file } = this.findOnnx(kind, precision);
    const place = this.container.single ? this.place : `${this.place}/${file.path}`;
    const data = await this.read(file.path);
    const { inputs, outputs } = checkGraph(data, place);
    const format = (/** @type {readonly Graph["output"][]} */ tensors) =>
      tensors.map((tensor) => `${tensor.name} ${formatSignature(tensor)}`).join("; ");
    for (const [what, found, expected] of /** @type {const} */ ([
      ["inputs", inputs, graph.inputs],
      ["output", outputs, [graph.output]],
    ])) {
      if (format(found) !== format(expected)) {
        const fix = "The manifest describes another graph: export the bundle again.";
        throw new BundleError(`${place}: ${what}`, format(expected), format(found), fix);
      }
    }
    return { graph, data, place };
  }

  /** @param {Interface} kind @param {"fp32" | "fp16"} precision */
  findOnnx(kind, precision) {
    const { graphs } = this.manifest;
    const graph = graphs.find((candidate) => candidate.interface === kind);
    if (!graph) {
      const found = graphs.map((candidate) => candidate.interface).join(", ");
      throw new BundleError(this.place, `a graph of interface ${kind}`, found);
    }
    const files = graph.files.filter((file) => file.role === "onnx");
    if (!files.length) {
      const names = graph.files.map(({ role }) => FOR_TORCH[role] ?? role);
      const found = `${[...new Set(names)].join(" and ")} only`;
      throw new BundleError(this.place, "a bundle with an ONNX graph", found, WRITE_ONNX);
    }
    const file = files.find(
      (candidate) => [precision, "unstated"].includes(candidate.precision) && !candidate.form,
    );
    if (file) return { graph, file };
    const found = files.map(({ path, precision: own }) => `${path} in ${own}`).join(", ");
    const fix = `Export it with --precision ${precision}, or use another precision.`;
    throw new BundleError(this.place, `an ONNX graph in ${precision}`, found, fix);
  }
}
