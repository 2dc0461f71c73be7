/** The shapes of matrix products. */

import { broadcastShapes } from "./tensor-math.js";
import { at } from "./window-rules.js";

/** @typedef {import("./onnx-graph.js").Node} Node */
/** @typedef {import("./shape-rules.js").Rule} Rule */

/** @type {Rule} */
export function matmul(node) {
  const [one, two] = [node.shape(0), node.shape(1)];
  const left = one.length > 1 ? one : [1, ...one];
  const right = two.length > 1 ? two : [...two, 1];
  if (at(left, -1) !== at(right, -2)) {
    throw new Error(`a product of (${one.join(", ")}) and (${two.join(", ")})`);
  }
  const rows = one.length > 1 ? left.slice(-2, -1) : [];
  const columns = two.length > 1 ? right.slice(-1) : [];
  return [[...broadcastShapes([left.slice(0, -2), right.slice(0, -2)]), ...rows, ...columns]];
}

/** @type {Rule} */
export const gemm = (node) => [
  [
    at(node.shape(0), node.integer("transA") ? 1 : 0),
    at(node.shape(1), node.integer("transB") ? 0 : 1),
  ],
];

/** Return the length of every index of the node `Einsum`. @param {Node} node */
export function einsumLengths(node) {
  const terms = node.text("equation").replaceAll(" ", "").split("->")[0].split(",");
  /** @type {Map<string, number>} */
  const lengths = new Map();
  if (terms.length !== node.inputs.length) throw new Error("an equation of other inputs");
  for (const [index, term] of terms.entries()) {
    const shape = node.shape(index);
    if (term.length !== shape.length) throw new Error("an equation of other shapes");
    [...term].forEach((name, axis) => lengths.set(name, shape[axis]));
  }
  return lengths;
}

/** @type {Rule} */
export function einsum(node) {
  const lengths = einsumLengths(node);
  const [, output] = node.text("equation").replaceAll(" ", "").split("->");
  if (output === undefined || !/^\p{L}*$/u.test(output)) {
    throw new Error("an equation without the names of all axes");
  }
  return [[...output].map((name) => lengths.get(name) ?? -1)];
}
