/**
 * Say for each line of standard input, `KIND BASE64`, whether the package takes it: a graph, a
 * manifest or a zip. `tests/vectors/test_mutations.py` compares the answers with those of Python.
 */

import { createInterface } from "node:readline";

import { Bundle } from "../src/bundle/bundle.js";
import { checkGraph } from "../src/bundle/graph-check.js";
import { readManifest } from "../src/bundle/manifest.js";
import { openSource } from "../src/bundle/sources.js";
import { GanportError } from "../src/errors.js";
import { parse } from "../src/json-parser.js";

/** @type {Record<string, (data: Uint8Array) => any>} */
const READERS = {
  graph: (data) => checkGraph(data, "graph"),
  manifest: (data) => readManifest(parse(data, "manifest"), "manifest"),
  bundle: async (data) => {
    const bundle = await Bundle.open(await openSource(data, { name: "bundle.ganport" }));
    await bundle.read("generator.onnx");
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [kind, data] = line.split(" ");
  try {
    await READERS[kind](new Uint8Array(Buffer.from(data, "base64")));
    console.log("allowed");
  } catch (error) {
    console.log(error instanceof GanportError ? "refused" : `crashed: ${error}`);
  }
}
