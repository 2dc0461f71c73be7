/**
 * The shape of every output of an ONNX node, computed from the shapes of its inputs. The rules follow
 * onnx.ai/onnx/operators, for operators whose size is known before they run.
 */

import { einsum, gemm, matmul } from "./product-rules.js";
import { broadcastShapes, product, slicePositions } from "./tensor-math.js";
import {
  at,
  ceilDivide,
  conv,
  convTranspose,
  floorDivide,
  globalPool,
  pool,
} from "./window-rules.js";

/** @typedef {import("./onnx-graph.js").Node} Node */
/** @typedef {number[]} Shape */
/** @typedef {(node: Node) => Shape[]} Rule */

/**
 * Return the shapes of the outputs of a node. Throws `Error` for an operator without a rule, for
 * shapes that do not fit, and for a size that is not known.
 * @param {Node} node
 */
export function inferShapes(node) {
  const rule = RULES.get(node.operator);
  if (!rule) throw new Error("an operator that is not in the list");
  const shapes = rule(node);
  for (const length of shapes.flat()) {
    if (length < 0) throw new Error(`a negative length in (${shapes[0].join(", ")})`);
    if (!Number.isInteger(length)) throw new Error("invalid shapes (a length that is no integer)");
  }
  return shapes;
}

/** @type {Rule} */
const same = (node) => Array(Math.max(1, node.outputNames.length)).fill(node.shape(0));

/** @type {Rule} */
const broadcast = (node) => [broadcastShapes(node.inputs.map((_, i) => node.shape(i)))];

/** @param {Node} node @param {readonly number[]} axes */
function removeAxes(node, axes) {
  const shape = node.shape(0);
  const rank = Math.max(1, shape.length);
  const chosen = new Set(axes.map((axis) => modulo(axis, rank)));
  const keep = node.integer("keepdims", 1);
  const lengths = shape.map((length, axis) => (chosen.has(axis) ? 1 : length));
  return keep ? lengths : shape.filter((_, axis) => !chosen.has(axis));
}

/** @param {number} a @param {number} n */
const modulo = (a, n) => ((a % n) + n) % n;

/** @type {Rule} */
function reduce(node) {
  const axes = node.sizes(1, "axes");
  if (axes.length) return [removeAxes(node, axes)];
  return [
    removeAxes(node, node.integer("noop_with_empty_axes") ? [] : node.shape(0).map((_, i) => i)),
  ];
}

/** @param {Shape} shape @param {number} axis @param {...number} lengths */
const replaced = (shape, axis, ...lengths) => shape.toSpliced(axis, 1, ...lengths);

/** @type {Rule} */
function concat(node) {
  const axis = node.axis(0);
  const length = node.inputs.reduce((total, _, i) => total + at(node.shape(i), axis), 0);
  return [replaced(node.shape(0), axis, length)];
}

/** @type {Rule} */
function split(node) {
  const [shape, axis, count] = [node.shape(0), node.axis(0), node.outputNames.length];
  const part = ceilDivide(shape[axis], count);
  const equal = Array(count - 1)
    .fill(part)
    .concat(shape[axis] - part * (count - 1));
  const sizes = node.sizes(1, "split");
  return (sizes.length ? sizes : equal).map((size) => replaced(shape, axis, size));
}

/** @type {Rule} */
const slice = (node) => {
  const shape = node.shape(0);
  return [node.slices().map((part, axis) => slicePositions(shape[axis], part).count)];
};

/** @type {Rule} */
function reshape(node) {
  const shape = node.shape(0);
  let wanted = node.sizes(1);
  if (!node.integer("allowzero")) wanted = wanted.map((n, i) => (n ? n : at(shape, i)));
  const open = wanted.indexOf(-1);
  if (open >= 0) wanted[open] = floorDivide(-product(shape), product(wanted));
  if (product(wanted) !== product(shape)) {
    const list = wanted.slice(0, 8).join(", ");
    throw new Error(`(${shape.join(", ")}) reshaped to [${list}]`);
  }
  return [wanted];
}

/** @type {Rule} */
function flatten(node) {
  const shape = node.shape(0);
  const axis = node.integer("axis", 1);
  const cut = axis < 0 ? axis + shape.length : axis;
  return [[product(shape.slice(0, cut)), product(shape.slice(cut))]];
}

/** @type {Rule} */
function squeeze(node) {
  const shape = node.shape(0);
  const axes = node.sizes(1, "axes");
  if (!axes.length) return [shape.filter((length) => length !== 1)];
  const chosen = new Set(axes.map((axis) => modulo(axis, shape.length)));
  return [shape.filter((_, axis) => !chosen.has(axis))];
}

/** @type {Rule} */
function unsqueeze(node) {
  const axes = node.sizes(1, "axes");
  const rest = [...node.shape(0)];
  const rank = rest.length + axes.length;
  const chosen = new Set(axes.map((axis) => modulo(axis, rank)));
  return [Array.from({ length: rank }, (_, axis) => (chosen.has(axis) ? 1 : (rest.shift() ?? 1)))];
}

/** @type {Rule} */
function transpose(node) {
  const shape = node.shape(0);
  const order = node.integers(
    "perm",
    shape.map((_, i) => shape.length - 1 - i),
  );
  if (order.length !== shape.length || !shape.every((_, axis) => order.includes(axis))) {
    throw new Error(`the order [${order.slice(0, 8).join(", ")}] of ${shape.length} axes`);
  }
  return [order.map((axis) => shape[axis])];
}

/** @type {Rule} */
function pad(node) {
  const shape = [...node.shape(0)];
  const pads = node.sizes(1, "pads");
  const axes = node.inputs[3] ? node.sizes(3) : shape.map((_, i) => i);
  const half = Math.floor(pads.length / 2);
  for (const [i, axis] of axes.entries()) {
    if (i >= pads.length || i + half >= pads.length) break;
    at(shape, axis);
    shape[axis < 0 ? axis + shape.length : axis] += pads[i] + pads[i + half];
  }
  return [shape];
}

/** @type {Rule} */
function resize(node) {
  const shape = [...node.shape(0)];
  const axes = node.integers(
    "axes",
    shape.map((_, i) => i),
  );
  // A kept aspect ratio makes the lengths smaller.
  const lengths = node.inputs[3]
    ? node.sizes(3)
    : node.content(2).map((factor, i) => Math.trunc(at(shape, axes[i]) * factor));
  if (lengths.length !== axes.length) throw new Error("another number of axes than lengths");
  for (const [i, axis] of axes.entries()) {
    at(shape, axis);
    shape[axis < 0 ? axis + shape.length : axis] = lengths[i];
  }
  return [shape];
}

/** @type {Rule} */
function rearrangeBlocks(node) {
  const shape = node.shape(0);
  if (shape.length !== 4) throw new Error("not four axes");
  const [batch, channels, height, width] = shape;
  const block = node.integer("blocksize", 1);
  if (node.operator === "DepthToSpace") {
    return [[batch, floorDivide(channels, block ** 2), height * block, width * block]];
  }
  const [rows, columns] = [floorDivide(height, block), floorDivide(width, block)];
  return [[batch, channels * block ** 2, rows, columns]];
}

/** @type {Rule} */
function range(node) {
  const [start, stop, step] = [0, 1, 2].map((i) => at(node.content(i), 0));
  if (!step) throw new Error("invalid shapes (division by zero)");
  return [[Math.max(0, Math.ceil((stop - start) / step))]];
}

/** @type {Rule} */
function oneHot(node) {
  const [shape, depth] = [node.shape(0), node.sizes(1)];
  if (depth.length !== 1) throw new Error("not one depth");
  return [shape.toSpliced(node.axis(-1, shape.length + 1), 0, depth[0])];
}

/** @type {Record<string, Rule>} */
const OWN_RULES = {
  AffineGrid: (node) => {
    const sizes = node.sizes(1);
    return [[at(sizes, 0), ...sizes.slice(2), sizes.length - 2]];
  },
  ArgMax: (node) => [removeAxes(node, [node.axis(0)])],
  ArgMin: (node) => [removeAxes(node, [node.axis(0)])],
  AveragePool: pool,
  Concat: concat,
  ConstantOfShape: (node) => [node.sizes(0)],
  Conv: conv,
  ConvTranspose: convTranspose,
  DepthToSpace: rearrangeBlocks,
  Einsum: einsum,
  Expand: (node) => [broadcastShapes([node.shape(0), node.sizes(1)])],
  Flatten: flatten,
  Gather: (node) => [replaced(node.shape(0), node.axis(0), ...node.shape(1))],
  GatherElements: (node) => [node.shape(1)],
  GatherND: (node) => {
    const [data, picked] = [node.shape(0), node.shape(1)];
    const depth = node.integer("batch_dims") + at(picked, -1);
    return [[...picked.slice(0, -1), ...data.slice(depth)]];
  },
  Gemm: gemm,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  GridSample: (node) => [[...node.shape(0).slice(0, 2), ...node.shape(1).slice(1, -1)]],
  LpPool: pool,
  MatMul: matmul,
  MaxPool: pool,
  OneHot: oneHot,
  Pad: pad,
  Range: range,
  Reshape: reshape,
  Resize: resize,
  Shape: (node) => [[node.shapePart().length]],
  Size: () => [[]],
  Slice: slice,
  SpaceToDepth: rearrangeBlocks,
  Split: split,
  Squeeze: squeeze,
  Tile: (node) => {
    const [shape, repeats] = [node.shape(0), node.sizes(1)];
    if (shape.length !== repeats.length) throw new Error("other axes than repeats");
    return [shape.map((length, i) => length * repeats[i])];
  },
  TopK: (node) => Array(2).fill(replaced(node.shape(0), node.axis(-1), ...node.sizes(1))),
  Transpose: transpose,
  Unsqueeze: unsqueeze,
};

const ELEMENTWISE = `
Abs Acos Acosh Asin Asinh Atan Atanh BatchNormalization BitwiseNot Cast CastLike Ceil Celu Clip Cos
Cosh CumSum DequantizeLinear Dropout Elu Erf Exp EyeLike Floor Gelu GroupNormalization HardSigmoid
HardSwish Hardmax Identity InstanceNormalization IsInf IsNaN LRN LayerNormalization LeakyRelu Log
LogSoftmax LpNormalization MeanVarianceNormalization Mish Neg Not PRelu QuantizeLinear
RMSNormalization Reciprocal Relu ReverseSequence RotaryEmbedding Round ScatterElements ScatterND
Selu Shrink Sigmoid Sign Sin Sinh Softmax Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu
Trilu`;
const BROADCASTING = `
Add And BitShift BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less LessOrEqual
Max Mean Min Mod Mul Or Pow Sub Sum Where Xor`;
const REDUCTIONS = "L1 L2 LogSum LogSumExp Max Mean Min Prod Sum SumSquare";

/** @param {string} names @param {Rule} rule @returns {[string, Rule][]} */
const all = (names, rule) =>
  names
    .trim()
    .split(/\s+/)
    .map((name) => [name, rule]);

/** @type {Map<string, Rule>} */
const RULES = new Map([
  ...Object.entries(OWN_RULES),
  ...all(ELEMENTWISE, same),
  ...all(BROADCASTING, broadcast),
  ...all(REDUCTIONS, reduce).map(
    ([name, rule]) => /** @type {[string, Rule]} */ ([`Reduce${name}`, rule]),
  ),
]);
