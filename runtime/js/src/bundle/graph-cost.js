/**
 * The cost of an ONNX graph: its numbers in memory, and its work as weighted operations. The weights
 * and the sizes of buffers are those of `graph_cost.py`, where they are explained.
 */

import { sum } from "../checks.js";
import { exceed } from "../messages.js";
import { einsumLengths } from "./product-rules.js";
import { BROADCASTS, IS_SLOW } from "./shape-rules.js";
import { product } from "./tensor-math.js";

/** @typedef {import("./onnx-graph.js").Node} Node */

const MAX_NUMBERS = 2 ** 29;
const MAX_OPERATIONS = 2 ** 38;

/** The cost of a graph for one batch size. */
export class Cost {
  /** @param {number} batch */
  constructor(batch) {
    this.batch = batch;
    /** @type {number[]} */
    this.sizes = [];
    this.live = 0;
    this.operations = 0;
  }

  /** Add tensors, and numbers that are freed at once; throw beyond a limit. @param {number[][]} shapes */
  add(shapes, operations = 0, scratch = 0) {
    for (const shape of shapes) {
      const size = product(shape);
      this.sizes.push(size);
      this.live += size;
    }
    this.operations += Math.max(0, operations);
    // Written so that NaN is refused.
    if (!(this.live + Math.max(0, scratch) <= this.batch * MAX_NUMBERS)) {
      exceed(MAX_NUMBERS, "numbers in memory for one image");
    }
    if (!(this.operations <= this.batch * MAX_OPERATIONS)) {
      exceed(MAX_OPERATIONS, "operations for one image");
    }
  }

  /** Add the outputs and the work of a node. @param {Node} node @param {number[][]} outputs @param {boolean} isConstant */
  addNode(node, outputs, isConstant) {
    const { inputs, operator } = node;
    const [output] = outputs;
    const size = product(output);
    let [work, scratch] = COSTS[operator]?.(node, output, size) ?? [0, 0];
    const isBroadcast = BROADCASTS.has(operator);
    const isSlow = IS_SLOW.has(operator);
    const weight = operator === "TopK" || node.text("mode") === "cubic" ? 256 : isSlow ? 32 : 8;
    work += weight * (size + scratch + sumInputs(node, isBroadcast ? size : 0));
    if (!scratch && (isSlow || (isBroadcast && inputs.length > 2))) scratch = 3 * size;
    // A copy of the weights is kept.
    if (operator === "Conv") this.live += product(fill(node.shape(1), 0));
    // Constants are copied when the graph is loaded.
    if (isConstant) scratch += sum(outputs.map(product)) + sumInputs(node);
    this.add(outputs, work, scratch);
  }
}

/** Return the numbers of all inputs, at least `least` for each. @param {Node} node */
const sumInputs = (node, least = 0) =>
  sum(node.inputs.map((value) => (value ? Math.max(least, product(value.shape)) : 0)));

/** Return a shape with its channels filled up to a multiple of 16. @param {number[]} shape @param {number} axis */
const fill = (shape, axis) => shape.toSpliced(axis, 1, Math.ceil(shape[axis] / 16) * 16);

/**
 * Multiplications with the costs of matrix products, and numbers that a node frees at its end.
 * @typedef {(node: Node, output: number[], size: number) => [number, number]} CostRule
 */

/** @param {Node} node @param {number[]} output @param {number} steps */
const convolve = (node, output, steps) =>
  steps * product(node.shape(1).slice(1)) + 256 * output[0] * node.integer("group", 1);

/** @type {CostRule} */
const multiply = (node, output, size) => [
  size * (node.shape(0).at(node.integer("transA") ? 0 : -1) ?? NaN) +
    256 * (product(output.slice(0, -2)) + product(node.shape(1).slice(0, -2))),
  0,
];

/** @type {CostRule} */
const pool = (node, _, size) => [32 * size * product(node.integers("kernel_shape")), 0];

/** @type {Record<string, CostRule | undefined>} */
const COSTS = {
  AveragePool: pool,
  Conv: (node, output, size) => [
    convolve(node, output, size),
    product(node.shape(0)) + product(fill(output, 1)),
  ],
  // The columns of one image.
  ConvTranspose: (node, output) => [
    convolve(node, output, product(node.shape(0))),
    product(node.shape(1).slice(1)) * product(node.shape(0).slice(2)),
  ],
  Einsum: (node, _, size) => {
    const volume = product(einsumLengths(node).values());
    const count = node.inputs.length;
    const largest = count > 2 ? volume : size;
    return [count * (volume + 256 * largest), 2 * (largest + sumInputs(node))];
  },
  Gemm: multiply,
  GridSample: (node) => [0, 16 * product(node.shape(1).slice(0, -1))],
  // The squares of all channels and of a border.
  LRN: (node, output, size) => [
    0,
    size + ((output[1] ?? 0) + node.integer("size")) * product(output.slice(2)),
  ],
  LpPool: pool,
  MatMul: multiply,
  MaxPool: pool,
  // One axis after the other.
  Resize: (node, output) => [
    0,
    product(output.map((length, axis) => Math.max(length, node.shape(0)[axis]))) +
      100 * sum(output),
  ],
};
