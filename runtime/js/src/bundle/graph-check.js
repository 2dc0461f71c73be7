/**
 * The check of an ONNX graph before any library reads it: its operators, sizes and work. A graph of a
 * few bytes may take any amount of memory and time.
 */

import { BundleError } from "../errors.js";
import { sanitize } from "../messages.js";
import { Cost } from "./graph-cost.js";
import { FLOAT32, Graph, KINDS, UINT8, checkShape, readMetadata } from "./onnx-graph.js";
import { Message } from "./protobuf.js";
import { inferShapes } from "./shape-rules.js";
import {
  MAX_KNOWN,
  concatenate,
  mapBroadcast,
  product,
  slicePositions,
  take,
} from "./tensor-math.js";

/** @typedef {import("./onnx-graph.js").Node} Node */
/** @typedef {import("./tensor-math.js").Value} Value */
/** @typedef {import("./manifest.js").Tensor} Tensor */
/** Values by name; the prototype of those of a branch has those around it. @typedef {Record<string, Value>} Values */

const BATCHES = [1, 16];
const FIX = "The file is damaged, or breaks the rules for graphs: docs/interface.md, section 2.";
const DTYPES = { [FLOAT32]: "float32", [UINT8]: "uint8" };

/**
 * Return the inputs and outputs that a graph declares. Throws `BundleError` for a graph that the
 * contract forbids or whose cost is not bounded.
 * @param {Uint8Array} data
 * @param {string} place
 * @returns {{inputs: Tensor[], outputs: Tensor[]}}
 */
export function checkGraph(data, place) {
  try {
    const model = new Message([data]);
    checkModel(model);
    const graph = new Graph(model.message(7));
    const [small, large] = BATCHES.map((batch) => measure(graph, batch));
    small.forEach((one, i) => {
      if (large[i] > Math.max(1, one) * BATCHES[1]) {
        throw new Error("a tensor that grows faster than the batch");
      }
    });
    // An initializer with the name of an input is its default.
    const inputs = graph.inputs.filter((value) => !graph.tensors.has(value.text(1)));
    return { inputs: inputs.map(readSignature), outputs: graph.outputMessages.map(readSignature) };
  } catch (error) {
    const found = sanitize(/** @type {Error} */ (error).message, 200);
    throw new BundleError(place, "an ONNX graph that is safe to load", found, FIX);
  }
}

/** @param {Message} model */
function checkModel(model) {
  readMetadata(model); // onnxruntime decodes it without a check
  for (const opset of model.messages(8)) {
    const domain = opset.text(1);
    if (!["", "ai.onnx"].includes(domain)) throw new Error(`operators of the domain ${domain}`);
  }
  if (model.has(20)) throw new Error("a training graph");
  if (model.has(25)) throw new Error("functions of its own");
  const graph = model.message(7);
  if (!graph.has(12)) throw new Error("no output");
  for (const value of [...graph.messages(11), ...graph.messages(12)]) {
    const type = value.message(2).message(1);
    if (![FLOAT32, UINT8].includes(type.integer(1))) {
      throw new Error(`${value.text(1)} of another type than float32 and uint8`);
    }
    for (const length of type.message(2).messages(1)) length.text(2);
  }
}

/** @param {Message} value @returns {Tensor} */
function readSignature(value) {
  const type = value.message(2).message(1);
  const shape = type
    .message(2)
    .messages(1)
    .map((length) => {
      return length.has(1) ? length.integer(1) : length.text(2) || "?";
    });
  const dtype = /** @type {Record<number, string>} */ (DTYPES)[type.integer(1)];
  return { name: value.text(1), dtype, shape };
}

/** @param {Graph} graph @param {number} batch */
function measure(graph, batch) {
  const cost = new Cost(batch);
  /** @type {Values} */
  const inputs = Object.create(null);
  for (const value of graph.inputs)
    inputs[value.text(1)] = { shape: inputShape(value, batch), isConstant: false };
  cost.add(Object.values(inputs).map((value) => value.shape));
  evaluate(graph, inputs, cost);
  return cost.sizes;
}

/** Return the declared shape of an input with `batch` for its dynamic length, the first. @param {Message} value @param {number} batch */
function inputShape(value, batch) {
  const lengths = value.message(2).message(1).message(2).messages(1);
  if (lengths.slice(1).some((length) => !length.has(1))) {
    throw new Error(`${value.text(1)} with a dynamic length besides its batch`);
  }
  // A length that is both a number and a name, or below 1, would be dynamic for onnxruntime.
  if (lengths.some((length) => length.has(1) && (length.has(2) || length.integer(1) < 1))) {
    throw new Error(`${value.text(1)} with a length below 1`);
  }
  return checkShape(lengths.map((length) => (length.has(1) ? length.integer(1) : batch)));
}

/** Return the outputs of a graph; `outer` are the values that it does not compute itself. @param {Graph} graph @param {Values} outer @param {Cost} cost @returns {Value[]} */
function evaluate(graph, outer, cost) {
  /** @type {Values} */
  const values = Object.create(outer); // a copy for each branch would take quadratic time
  for (const [name, value] of graph.tensors) values[name] = { ...value, isConstant: true };
  cost.add([...graph.tensors.values()].map((value) => value.shape));
  /** @type {Record<string, number>} */
  const uses = Object.create(null);
  for (const name of graph.usedNames()) uses[name] = (uses[name] ?? 0) + 1;
  for (const node of graph.nodes) {
    const missing = node.inputNames.find((name) => name && !(name in values));
    if (missing !== undefined) {
      throw new Error(`the node ${node.label} before its input '${missing}'`);
    }
    let outputs;
    try {
      node.inputs = node.inputNames.map((name) => (name ? values[name] : undefined));
      outputs = evaluateNode(node, values, cost);
    } catch (error) {
      throw new Error(`the node ${node.label}: ${/** @type {Error} */ (error).message}`);
    }
    node.outputNames.forEach((name, i) => {
      if (outputs[i]) values[name] = outputs[i];
    });
    for (const name of node.usedNames()) {
      const value = values[name];
      if (!--uses[name] && value && !value.isConstant && !(name in outer)) {
        cost.live -= product(value.shape);
      }
    }
  }
  return graph.outputs.map((name) => values[name] ?? { shape: [] });
}

/** @param {Node} node @param {Values} values @param {Cost} cost @returns {Value[]} */
function evaluateNode(node, values, cost) {
  if (node.operator === "If") {
    const isConstant = node.usedNames().every((name) => values[name]?.isConstant ?? true);
    const results = node.branches.map((branch) => evaluate(branch, values, cost));
    const found = new Set(results.map((outputs) => JSON.stringify(outputs.map((v) => v.shape))));
    if (found.size !== 1) throw new Error("branches of different shapes");
    return results[0].map(({ shape }) => ({ shape, isConstant }));
  }
  if (node.operator === "Constant") {
    const value = node.constant();
    cost.add([value.shape]);
    return [{ ...value, isConstant: true }];
  }
  const shapes = inferShapes(node);
  const isConstant =
    ["Shape", "Size"].includes(node.operator) ||
    node.inputs.every((value) => value?.isConstant ?? true);
  cost.addNode(node, shapes, isConstant);
  return shapes.map((shape, i) => ({ shape, isConstant, ...(i ? {} : content(node, shape)) }));
}

/** Return the numbers of a small output that does not depend on the inputs of the graph. @param {Node} node @param {number[]} shape @returns {Pick<Value, "kind" | "data">} */
function content(node, shape) {
  if (node.operator === "Shape") return { kind: "int", data: node.shapePart() };
  if (node.operator === "Size") return { kind: "int", data: [product(node.shape(0))] };
  const known = /** @type {Value[]} */ (node.inputs.filter((value) => value?.data));
  const compute = CONTENT[node.operator];
  if (!compute || known.length !== node.inputs.length || !(product(shape) <= MAX_KNOWN)) return {};
  try {
    const kind = resultKind(node, known);
    const data = compute(node, known, shape);
    const limit = kind === "float" ? Number.MAX_VALUE : Number.MAX_SAFE_INTEGER;
    const isKnown = data.length === product(shape) && data.every((x) => Math.abs(x) <= limit);
    return isKnown && kind ? { kind, data } : {};
  } catch {
    return {};
  }
}

/** @param {Node} node @param {Value[]} inputs */
function resultKind(node, inputs) {
  if (node.operator === "Cast") return KINDS[node.integer("to")];
  if (node.operator === "Equal") return "bool";
  if (node.operator === "ConstantOfShape") return node.tensor("value").kind;
  return inputs[node.operator === "Where" ? 1 : 0].kind;
}

/** @param {(...numbers: number[]) => number} combine */
const each =
  (combine) =>
  (/** @type {Node} */ _, /** @type {Value[]} */ values, /** @type {number[]} */ shape) =>
    mapBroadcast(shape, values, combine);

/** @param {Node} _ @param {Value[]} values */
const unchanged = (_, [value]) => value.data ?? [];

/** @type {Record<string, (node: Node, inputs: Value[], shape: number[]) => number[]>} */
const CONTENT = {
  Add: each((a, b) => a + b),
  Cast: (node, [value]) => {
    const kind = KINDS[node.integer("to")];
    const data = value.data ?? [];
    if (kind === "bool") return data.map((x) => Number(x !== 0));
    return kind === "int" ? data.map(Math.trunc) : data.map(Math.fround);
  },
  Concat: (node, values) => concatenate(node.axis(0), values),
  ConstantOfShape: (node, _, shape) =>
    Array(product(shape)).fill((node.tensor("value").data ?? [])[0]),
  Div: (_, values, shape) => {
    const isInt = values[0].kind === "int"; // toward zero, as in C++
    return mapBroadcast(shape, values, (a, b) => (isInt ? Math.trunc(a / b) : a / b));
  },
  Equal: each((a, b) => Number(a === b)),
  Expand: (_, [value], shape) => mapBroadcast(shape, [value], (a) => a),
  Floor: each(Math.floor),
  Gather: (node, [value, picked]) => take(node.axis(0), value, picked.data ?? []),
  Identity: unchanged,
  Max: each(Math.max),
  Min: each(Math.min),
  Mul: each((a, b) => a * b),
  Range: (_, values, [count]) => {
    const [start, , step] = values.map((value) => (value.data ?? [])[0]);
    return Array.from({ length: count }, (_, i) => start + i * step);
  },
  Reshape: unchanged,
  Slice: (node, [value]) =>
    node.slices().reduce((current, slice, axis) => {
      const { first, count, step } = slicePositions(value.shape[axis], slice);
      const picked = Array.from({ length: count }, (_, i) => first + i * step);
      const shape = current.shape.toSpliced(axis, 1, count);
      return { shape, data: take(axis, current, picked) };
    }, value).data ?? [],
  Squeeze: unchanged,
  Sub: each((a, b) => a - b),
  Unsqueeze: unchanged,
  Where: each((a, b, c) => (a ? b : c)),
};
