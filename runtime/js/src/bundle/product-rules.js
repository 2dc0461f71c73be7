/** The shapes of matrix products. */

import { broadcastShapes, invalid } from "./tensor-math.js";

/** @typedef {import("./onnx-graph.js").Node} Node */
/** @typedef {import("./shape-rules.js").Rule} Rule */

/** @type {Rule} */
export function matmul(node) {
  const [one, two] = [node.shape(0), node.shape(1)];
  const left = one.length > 1 ? one : [1, ...one];
  const right = two.length > 1 ? two : [...two, 1];
  if (left.at(-1) !== right.at(-2)) {
    invalid();
  }
  const rows = one.length > 1 ? left.slice(-2, -1) : [];
  const columns = two.length > 1 ? right.slice(-1) : [];
  return [[...broadcastShapes([left.slice(0, -2), right.slice(0, -2)]), ...rows, ...columns]];
}

/** @type {Rule} */
export const gemm = (node) => [
  [node.shape(0)[node.integer("transA") ? 1 : 0], node.shape(1)[node.integer("transB") ? 0 : 1]],
];

/** Return the length of every index of the node `Einsum`, the largest where one broadcasts. @param {Node} node */
export function einsumLengths(node) {
  const terms = node.text("equation").replaceAll(" ", "").split("->")[0].split(",");
  /** @type {Map<string, number>} */
  const lengths = new Map();
  if (terms.length !== node.inputs.length) invalid();
  for (const [index, term] of terms.entries()) {
    const shape = node.shape(index);
    if (term.length !== shape.length) invalid();
    [...term].forEach((name, axis) =>
      lengths.set(name, Math.max(shape[axis], lengths.get(name) ?? 0)),
    );
  }
  return lengths;
}

/** @type {Rule} */
export function einsum(node) {
  const lengths = einsumLengths(node);
  const [, output] = node.text("equation").replaceAll(" ", "").split("->");
  if (output === undefined || !/^\p{L}*$/u.test(output)) {
    invalid();
  }
  return [[...output].map((name) => lengths.get(name) ?? -1)];
}
