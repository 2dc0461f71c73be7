/**
 * The shape of every output of an ONNX node, computed from the shapes of its inputs. The rules follow
 * onnx.ai/onnx/operators, for operators whose size is known before they run.
 */

import { checkShape, checkType } from "./onnx-graph.js";
import { einsum, gemm, matmul } from "./product-rules.js";
import { INVALID, broadcastShapes, invalid, product, slicePositions, wrap } from "./tensor-math.js";
import { ceilDivide, conv, convTranspose, floorDivide, globalPool, pool } from "./window-rules.js";

/** @typedef {import("./onnx-graph.js").Node} Node */
/** @typedef {number[]} Shape */
/** @typedef {(node: Node) => Shape[]} Rule */

/** Inputs whose shapes a message names. */
const MAX_NAMED = 4;

/**
 * Return the shapes of the outputs of a node. Throws `Error` for an operator without a rule, for
 * shapes that do not fit, and for a size that is not known.
 * @param {Node} node
 */
export function inferShapes(node) {
  const rule = RULES.get(node.operator);
  if (!rule) throw new Error("an operator that is not in the list");
  try {
    return rule(node).map(checkShape);
  } catch (error) {
    const shapes = node.inputs.slice(0, MAX_NAMED).map((value) => `[${value?.shape ?? ""}]`);
    if (/** @type {Error} */ (error).message === INVALID) invalid(shapes.join(" "));
    throw error;
  }
}

/** @type {Rule} */
const same = (node) => Array(Math.max(1, node.outputNames.length)).fill(node.shape(0));

/** @type {Rule} */
const broadcast = (node) => [broadcastShapes(node.inputs.map((_, i) => node.shape(i)))];

/** @param {Node} node @param {readonly number[]} axes */
function removeAxes(node, axes) {
  const shape = node.shape(0);
  const chosen = choose(axes, Math.max(1, shape.length));
  const keep = node.integer("keepdims", 1);
  const lengths = shape.map((length, axis) => (chosen.has(axis) ? 1 : length));
  return keep ? lengths : shape.filter((_, axis) => !chosen.has(axis));
}

/** @param {readonly number[]} axes @param {number} n */
const choose = (axes, n) => new Set(axes.map((axis) => ((axis % n) + n) % n));

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
  const length = node.inputs.reduce((total, _, i) => total + node.shape(i)[axis], 0);
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
  if (!node.integer("allowzero")) wanted = wanted.map((n, i) => (n ? n : shape[i]));
  const open = wanted.indexOf(-1);
  if (open >= 0) wanted[open] = floorDivide(-product(shape), product(wanted));
  if (product(wanted) !== product(shape)) {
    invalid(`[${shape}] reshaped to [${wanted.slice(0, 8)}]`);
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
  const chosen = choose(axes, shape.length);
  return [shape.filter((_, axis) => !chosen.has(axis))];
}

/** @type {Rule} */
function unsqueeze(node) {
  const axes = node.sizes(1, "axes");
  const rest = [...node.shape(0)];
  const rank = rest.length + axes.length;
  const chosen = choose(axes, rank);
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
    invalid();
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
    shape[wrap(axis, shape.length)] += pads[i] + pads[i + half];
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
  // A kept aspect ratio makes other sizes than those of the node.
  if (node.text("keep_aspect_ratio_policy", "stretch") !== "stretch") {
    invalid("a kept aspect ratio");
  }
  const lengths = node.inputs[3]
    ? node.sizes(3)
    : node.content(2).map((factor, i) => Math.trunc(shape[wrap(axes[i], shape.length)] * factor));
  if (lengths.length !== axes.length) invalid();
  for (const [i, axis] of axes.entries()) {
    shape[wrap(axis, shape.length)] = lengths[i];
  }
  return [shape];
}

/** @type {Rule} */
function rearrangeBlocks(node) {
  const shape = node.shape(0);
  if (shape.length !== 4) invalid();
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
  const [start, stop, step] = [0, 1, 2].map((i) => node.content(i)[0]);
  if (!step) invalid();
  return [[Math.max(0, Math.ceil((stop - start) / step))]];
}

/** @type {Rule} */
function oneHot(node) {
  const [shape, depth] = [node.shape(0), node.sizes(1)];
  if (depth.length !== 1) invalid();
  return [shape.toSpliced(node.axis(-1, shape.length + 1), 0, depth[0])];
}

/** @type {Record<string, Rule>} */
const OWN_RULES = {
  AffineGrid: (node) => {
    const sizes = node.sizes(1);
    return [[sizes[0], ...sizes.slice(2), sizes.length - 2]];
  },
  ArgMax: (node) => [removeAxes(node, [node.axis(0)])],
  ArgMin: (node) => [removeAxes(node, [node.axis(0)])],
  AveragePool: pool,
  Cast: (node) => (checkType(node.integer("to")), same(node)),
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
    const depth = node.integer("batch_dims") + (picked.at(-1) ?? invalid());
    return [[...picked.slice(0, -1), ...data.slice(depth)]];
  },
  Gemm: gemm,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  GroupNormalization: (node) => {
    const scale = node.shape(1);
    if (scale.length !== 1 || ![node.integer("num_groups"), node.shape(0)[1]].includes(scale[0])) {
      invalid("scales of another length");
    }
    return same(node);
  },
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
    if (shape.length !== repeats.length) invalid();
    return [shape.map((length, i) => length * repeats[i])];
  },
  TopK: (node) => Array(2).fill(replaced(node.shape(0), node.axis(-1), ...node.sizes(1))),
  Transpose: transpose,
  Unsqueeze: unsqueeze,
};

const [ELEMENTWISE, SLOW_ELEMENTWISE, BROADCASTING, SLOW_BROADCASTING, OTHER_SLOW] = `
Abs BatchNormalization BitwiseNot CastLike Ceil Clip CumSum DequantizeLinear Dropout EyeLike Floor
HardSigmoid Identity IsInf IsNaN LeakyRelu LpNormalization Neg Not QuantizeLinear Reciprocal Relu
ReverseSequence Round Sign Softsign Sqrt ThresholdedRelu Trilu;
Acos Acosh Asin Asinh Atan Atanh Celu Cos Cosh Elu Erf Exp Gelu HardSwish Hardmax
InstanceNormalization LRN LayerNormalization Log LogSoftmax MeanVarianceNormalization Mish
RotaryEmbedding ScatterElements ScatterND Selu Shrink Sigmoid Sin Sinh Softmax Softplus Swish Tan
Tanh;
Add And BitShift BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less LessOrEqual
Max Mean Min Mul Or PRelu Sub Sum Xor;
Mod Pow RMSNormalization Where;
GatherElements GatherND GridSample GroupNormalization LpPool ReduceLogSumExp Resize Transpose`
  .split(";")
  .map((names) => names.trim().split(/\s+/));
const REDUCTIONS = "L1 L2 LogSum LogSumExp Max Mean Min Prod Sum SumSquare".split(" ");
export const BROADCASTS = new Set([...BROADCASTING, ...SLOW_BROADCASTING]);
/** Operators that take more than about 4 ns for a number, or copies of their output. */
export const IS_SLOW = new Set([...OTHER_SLOW, ...SLOW_ELEMENTWISE, ...SLOW_BROADCASTING]);

/** @param {Iterable<string>} names @param {Rule} rule @returns {[string, Rule][]} */
const all = (names, rule) => Array.from(names, (name) => [name, rule]);

/** @type {Map<string, Rule>} */
const RULES = new Map([
  ...Object.entries(OWN_RULES),
  ...all(ELEMENTWISE, same),
  ...all(SLOW_ELEMENTWISE, same),
  ...all(BROADCASTS, broadcast),
  ...all(
    REDUCTIONS.map((name) => `Reduce${name}`),
    reduce,
  ),
]);
