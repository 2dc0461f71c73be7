/** The shapes of nodes with sliding windows: convolutions and pools. */

import { invalid } from "./tensor-math.js";

/** @typedef {import("./onnx-graph.js").Node} Node */
/** @typedef {import("./shape-rules.js").Shape} Shape */
/** @typedef {import("./shape-rules.js").Rule} Rule */

/** @param {number} a @param {number} b */
export const floorDivide = (a, b) => Math.floor(a / b);

/** @param {number} a @param {number} b */
export const ceilDivide = (a, b) => -floorDivide(-a, b);

/** Return the input; throw where onnxruntime would copy all windows. @param {Node} node */
function convInput(node) {
  return node.shape(0).length > 5
    ? invalid("a convolution over more than three axes")
    : node.shape(0);
}

/** @type {Rule} */
export function conv(node) {
  const [shape, weight] = [convInput(node), node.shape(1)];
  return [[shape[0], weight[0], ...windows(node, shape.slice(2), weight.slice(2))]];
}

/** @type {Rule} */
export function pool(node) {
  const shape = node.shape(0);
  const lengths = windows(node, shape.slice(2), node.integers("kernel_shape"));
  return Array(Math.max(1, node.outputNames.length)).fill([...shape.slice(0, 2), ...lengths]);
}

/** @type {Rule} */
export const globalPool = (node) => [node.shape(0).map((length, axis) => (axis < 2 ? length : 1))];

/** @param {Node} node @param {number} rank */
const readWindow = (node, rank) => ({
  strides: node.integers("strides", Array(rank).fill(1)),
  dilations: node.integers("dilations", Array(rank).fill(1)),
  extra: node.integers("output_padding", Array(rank).fill(0)),
  pads: node.integers("pads", Array(2 * rank).fill(0)),
  isSame: node.text("auto_pad").startsWith("SAME"),
});

/** Return the number of positions of a sliding window along every axis. @param {Node} node @param {Shape} lengths @param {Shape} kernel */
function windows(node, lengths, kernel) {
  const rank = lengths.length;
  const { strides, dilations, pads, isSame } = readWindow(node, rank);
  if (isSame) {
    if (strides.length !== rank) invalid();
    return lengths.map((length, i) => ceilDivide(length, strides[i]));
  }
  if (kernel.length !== rank || Math.min(1, ...kernel, ...strides, ...dilations) < 1) {
    invalid();
  }
  const isCeil = node.integer("ceil_mode");
  return lengths.map((length, i) => {
    const [before, stride] = [pads[i], strides[i]];
    const free = length + before + pads[i + rank] - (kernel[i] - 1) * dilations[i] - 1;
    const count = (isCeil ? ceilDivide(free, stride) : floorDivide(free, stride)) + 1;
    // A window that starts in the padding behind the data does not count.
    return count - (isCeil && (count - 1) * stride >= length + before ? 1 : 0);
  });
}

/** @type {Rule} */
export function convTranspose(node) {
  const [shape, weight] = [convInput(node), node.shape(1)];
  const inner = shape.slice(2);
  const rank = inner.length;
  const { strides, dilations, extra, pads, isSame } = readWindow(node, rank);
  let lengths = node.integers("output_shape");
  if (isSame) {
    lengths = inner.map((length, i) => length * strides[i]);
  } else if (!lengths.length) {
    lengths = inner.map((length, i) => {
      const window = (weight[i + 2] - 1) * dilations[i] + 1;
      const full = strides[i] * (length - 1) + extra[i] + window;
      return full - pads[i] - pads[i + rank];
    });
  }
  const channels = weight[1] * node.integer("group", 1);
  return [[shape[0], channels, ...(rank ? lengths.slice(-rank) : lengths)]];
}
