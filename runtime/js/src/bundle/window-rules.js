/** The shapes of nodes with sliding windows: convolutions and pools. */

/** @typedef {import("./onnx-graph.js").Node} Node */
/** @typedef {import("./shape-rules.js").Shape} Shape */
/** @typedef {import("./shape-rules.js").Rule} Rule */

/** Return the element of a list; throw where Python raises IndexError. @template T @param {readonly T[]} list @param {number} index @returns {T} */
export function at(list, index) {
  const value = list.at(index);
  if (value === undefined) throw new Error("invalid shapes (list index out of range)");
  return value;
}

/** @param {number} a @param {number} b */
export const floorDivide = (a, b) => {
  if (!b) throw new Error("invalid shapes (division by zero)");
  return Math.floor(a / b);
};

/** @param {number} a @param {number} b */
export const ceilDivide = (a, b) => -floorDivide(-a, b);

/** @type {Rule} */
export function conv(node) {
  const [shape, weight] = [node.shape(0), node.shape(1)];
  return [[at(shape, 0), at(weight, 0), ...windows(node, shape.slice(2), weight.slice(2))]];
}

/** @type {Rule} */
export function pool(node) {
  const shape = node.shape(0);
  const lengths = windows(node, shape.slice(2), node.integers("kernel_shape"));
  return Array(Math.max(1, node.outputNames.length)).fill([...shape.slice(0, 2), ...lengths]);
}

/** @type {Rule} */
export const globalPool = (node) => [node.shape(0).map((length, axis) => (axis < 2 ? length : 1))];

/** Return the number of positions of a sliding window along every axis. @param {Node} node @param {Shape} lengths @param {Shape} kernel */
function windows(node, lengths, kernel) {
  const rank = lengths.length;
  const ones = Array(rank).fill(1);
  const [strides, dilations] = ["strides", "dilations"].map((name) => node.integers(name, ones));
  const pads = node.integers("pads", Array(2 * rank).fill(0));
  if (node.text("auto_pad", "NOTSET").startsWith("SAME")) {
    if (strides.length !== rank) throw new Error("strides of other axes");
    return lengths.map((length, i) => ceilDivide(length, strides[i]));
  }
  if (kernel.length !== rank || Math.min(1, ...kernel, ...strides, ...dilations) < 1) {
    throw new Error("another window than the input has axes");
  }
  const isCeil = node.integer("ceil_mode");
  return lengths.map((length, i) => {
    const [before, after] = [at(pads, i), at(pads, i + rank)];
    const [stride, dilation] = [at(strides, i), at(dilations, i)];
    const free = length + before + after - (kernel[i] - 1) * dilation - 1;
    const count = (isCeil ? ceilDivide(free, stride) : floorDivide(free, stride)) + 1;
    // A window that starts in the padding behind the data does not count.
    return count - (isCeil && (count - 1) * stride >= length + before ? 1 : 0);
  });
}

/** @type {Rule} */
export function convTranspose(node) {
  const [shape, weight] = [node.shape(0), node.shape(1)];
  const inner = shape.slice(2);
  const rank = inner.length;
  const [ones, zeros] = [Array(rank).fill(1), Array(rank).fill(0)];
  const [strides, dilations] = ["strides", "dilations"].map((name) => node.integers(name, ones));
  const extra = node.integers("output_padding", zeros);
  const pads = node.integers("pads", [...zeros, ...zeros]);
  let lengths = node.integers("output_shape");
  if (node.text("auto_pad", "NOTSET").startsWith("SAME")) {
    lengths = inner.map((length, i) => length * at(strides, i));
  } else if (!lengths.length) {
    lengths = inner.map((length, i) => {
      const window = (at(weight, i + 2) - 1) * at(dilations, i) + 1;
      const full = at(strides, i) * (length - 1) + at(extra, i) + window;
      return full - at(pads, i) - at(pads, i + rank);
    });
  }
  const channels = at(weight, 1) * node.integer("group", 1);
  return [[at(shape, 0), channels, ...(rank ? lengths.slice(-rank) : lengths)]];
}
