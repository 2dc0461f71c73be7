/**
 * The parts of an ONNX graph that decide its sizes, read from protobuf messages. The field numbers
 * are those of onnx.proto. Every constructor throws `Error` for what the contract forbids.
 */

import { exceed, sanitize } from "../messages.js";
import { MAX_KNOWN, invalid, product, wrap } from "./tensor-math.js";

/** @typedef {import("./protobuf.js").Message} Message */
/** @typedef {import("./tensor-math.js").Value} Value */
/** @typedef {import("./tensor-math.js").Kind} Kind */

const MAX_NODES = 50_000;
/** Nodes as which a branch counts, because each branch is measured as a graph. */
const BRANCH_NODES = 50;
const MAX_DEPTH = 8;
const MAX_LENGTH = 2 ** 40;
const DOMAINS = ["", "ai.onnx"];
const REFUSED = /^(Loop|Scan|SequenceMap|Random|Bernoulli|Multinomial)/;
const UNKNOWN_SIZE = "a size that does not follow from the shapes of the inputs";
export const FLOAT32 = 1;
export const UINT8 = 2;
/** The types of which contents are followed. @type {Record<number, Kind>} */
export const KINDS = { [FLOAT32]: "float", 6: "int", 7: "int", 9: "bool" };

/** A graph or a branch of `If`: its initializers, its nodes, the names of its outputs. */
export class Graph {
  /** @param {Message} message @param {number} [depth] @param {{left: number}} [budget] */
  constructor(message, depth = 0, budget = { left: MAX_NODES }) {
    if (depth > MAX_DEPTH) throw new Error(`branches nested deeper than ${MAX_DEPTH}`);
    if (depth) spend(budget, BRANCH_NODES);
    if (message.has(15)) throw new Error("a sparse tensor");
    this.inputs = message.messages(11);
    this.outputMessages = message.messages(12);
    this.outputs = this.outputMessages.map((value) => value.text(1));
    this.nodes = message.messages(1).map((node) => {
      spend(budget, 1);
      return new Node(node, depth, budget);
    });
    /** @type {Map<string, Value>} */
    this.tensors = new Map(
      message.messages(5).map((tensor) => [tensor.text(8), readTensor(tensor)]),
    );
  }

  /** Return the name of every tensor that a node or an output reads, once for each use. */
  usedNames() {
    return [...this.nodes.flatMap((node) => node.usedNames()), ...this.outputs];
  }
}

/** A node of a graph; `inputs` are its values, undefined for an optional one that is left out. */
export class Node {
  /** @param {Message} message @param {number} depth @param {{left: number}} budget */
  constructor(message, depth, budget) {
    this.operator = message.text(4);
    this.label = `${sanitize(this.operator)} ${sanitize(message.text(3))}`.trim();
    this.inputNames = message.texts(1);
    this.outputNames = message.texts(2);
    /** @type {(Value | undefined)[]} */
    this.inputs = [];
    const entries = message.messages(5);
    this.attributes = new Map(entries.map((entry) => [entry.text(1), entry]));
    this.check(message.text(7), entries.length);
    const graphs = entries.filter((entry) => entry.has(6)).map((entry) => entry.message(6));
    this.branches = graphs.map((graph) => new Graph(graph, depth + 1, budget));
  }

  /** Return the name of every tensor that the node and its branches read. @returns {string[]} */
  usedNames() {
    return [...this.inputNames.filter(Boolean), ...this.branches.flatMap((b) => b.usedNames())];
  }

  /** @param {string} domain @param {number} count of attributes */
  check(domain, count) {
    let found = "";
    if (!DOMAINS.includes(domain)) found = ` of the domain ${sanitize(domain)}`;
    else if (
      this.integer("training_mode") ||
      (this.operator === "Dropout" && this.inputNames.length > 2)
    ) {
      found = " in training mode";
    } else if (count !== this.attributes.size) found = " with an attribute twice";
    for (const entry of this.attributes.values()) {
      // Lists of tensors or graphs, sparse tensors, other types, references to a function.
      if ([10, 11, 14, 15, 21, 22, 23].some((field) => entry.has(field))) {
        found = " with an attribute of another type";
      }
      if (entry.has(6) && this.operator !== "If") found = " with a graph inside";
      if (entry.has(5)) readTensor(entry.message(5));
    }
    if (found || REFUSED.test(this.operator)) throw new Error(`the node ${this.label}${found}`);
  }

  /** Return the value of the node `Constant`. @returns {Value} */
  constant() {
    if (this.attributes.has("value")) return this.tensor("value");
    for (const [name, entry] of this.attributes) {
      const found = /^value_(int|float)(s?)$/.exec(name);
      if (!found) continue;
      const kind = /** @type {Kind} */ (found[1]);
      const [one, many] =
        kind === "int"
          ? [entry.integers(3), entry.integers(8)]
          : [entry.floats(2), entry.floats(7)];
      const data = one.length ? one : many;
      const shape = found[2] ? [data.length] : [];
      if (product(shape) !== data.length) invalid();
      return data.length <= MAX_KNOWN ? { shape, kind, data } : { shape };
    }
    throw new Error("a constant of another type");
  }

  /** Return a tensor attribute; by default a single zero. @param {string} name @returns {Value} */
  tensor(name) {
    const entry = this.attributes.get(name);
    return entry ? readTensor(entry.message(5)) : { shape: [1], kind: "float", data: [0] };
  }

  /** Return an integer attribute. @param {string} name */
  integer(name, fallback = 0) {
    return this.attributes.get(name)?.integer(3) ?? fallback;
  }

  /** Return an attribute of integers. @param {string} name @param {number[]} [fallback] */
  integers(name, fallback = []) {
    return this.attributes.get(name)?.integers(8) ?? fallback;
  }

  /** Return a text attribute. @param {string} name */
  text(name, fallback = "") {
    return this.attributes.get(name)?.text(4) ?? fallback;
  }

  /** Return the shape of a required input. @param {number} index */
  shape(index) {
    const value = this.inputs[index];
    if (!value) throw new Error(`no input ${index}`);
    return value.shape;
  }

  /** Return the numbers of an input that sets a size. @param {number} index */
  content(index) {
    const data = this.inputs[index]?.data;
    if (!data) throw new Error(UNKNOWN_SIZE);
    return data;
  }

  /** Return whole numbers from an input, or from the attribute of earlier opsets. @param {number} index */
  sizes(index, attribute = "") {
    if (!this.inputs[index] && attribute) return this.integers(attribute);
    return this.content(index).map(Math.trunc);
  }

  /** Return what the node `Slice` takes of every axis. */
  slices() {
    const shape = this.shape(0);
    const [starts, stops] = [this.sizes(1), this.sizes(2)];
    const axes = this.inputs[3] ? this.sizes(3) : starts.map((_, i) => i);
    const steps = this.inputs[4] ? this.sizes(4) : starts.map(() => 1);
    if ([stops, axes, steps].some((list) => list.length !== starts.length)) invalid();
    const slices = shape.map((stop) => ({ start: 0, stop, step: 1 }));
    for (const [i, given] of axes.entries()) {
      const axis = wrap(given, shape.length);
      // A stop before the first element is -1 after it was counted from the end.
      const isBefore = steps[i] < 0 && stops[i] < -shape[axis];
      slices[axis] = { start: starts[i], stop: isBefore ? -Infinity : stops[i], step: steps[i] };
    }
    return slices;
  }

  /** Return what the node `Shape` takes of the shape of its input. */
  shapePart() {
    const shape = this.shape(0);
    return shape.slice(this.integer("start"), this.integer("end", shape.length));
  }

  /** Return the attribute `axis`, counted from the first of `rank` axes. @param {number} fallback */
  axis(fallback, rank = this.shape(0).length) {
    return wrap(this.integer("axis", fallback), rank);
  }
}

/**
 * Return the shape of a tensor message, with its content if that is small.
 * @param {Message} message
 * @returns {Value}
 */
export function readTensor(message) {
  if (message.has(13) || message.integer(14)) throw new Error("weights in another file");
  const type = checkType(message.integer(2));
  const shape = checkShape(message.integers(1));
  const size = product(shape);
  const kind = KINDS[type];
  if (!(size <= MAX_KNOWN) || !kind) return { shape };
  const data = message.data(9).length ? readRaw(message.data(9), type) : readNumbers(message, type);
  if (data.length !== size) invalid();
  return { shape, kind, data };
}

/** @param {Uint8Array} bytes @param {number} type */
function readRaw(bytes, type) {
  const width = { [FLOAT32]: 4, 6: 4, 7: 8 }[type] ?? 1;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length % width) invalid();
  return Array.from({ length: bytes.length / width }, (_, i) => {
    if (type === FLOAT32) return view.getFloat32(4 * i, true);
    if (type === 6) return view.getInt32(4 * i, true);
    return type === 7 ? Number(view.getBigInt64(8 * i, true)) : Number(bytes[i] !== 0);
  });
}

/** @param {Message} message @param {number} type */
function readNumbers(message, type) {
  if (type === FLOAT32) return message.floats(4);
  const numbers = message.integers(type === 7 ? 7 : 5);
  if (type === 9) return numbers.map((number) => Number(number !== 0));
  return type === 6 ? numbers.map((number) => number | 0) : numbers;
}

/** @param {{left: number}} budget @param {number} nodes */
function spend(budget, nodes) {
  budget.left -= nodes;
  if (budget.left < 0) exceed(MAX_NODES, "nodes");
}

/** Return a type of tensors; throw if it is not numeric with at most 64 bits. @param {number} type */
export function checkType(type) {
  if (!(type > 0 && type < 14 && type !== 8) && type !== 16) {
    throw new Error(`a tensor of type ${type}`);
  }
  return type;
}

/** Return a shape; throw for too many axes or a length that is no whole number, negative or too large. @param {number[]} shape */
export function checkShape(shape) {
  // NaN is no integer.
  const isValid = (/** @type {number} */ n) => Number.isInteger(n) && n >= 0 && n <= MAX_LENGTH;
  if (shape.length > 16) invalid("more than 16 axes");
  return shape.every(isValid) ? shape : invalid();
}

/** Return the `metadata_props` of a model. @param {Message} model */
export const readMetadata = (model) =>
  new Map(model.messages(14).map((entry) => [entry.text(1), entry.text(2)]));
