/** Contents of small tensors that set sizes: shapes, axes, scales. They follow NumPy's rules. */

/** @typedef {"float" | "int" | "bool"} Kind */
/** The shape of a tensor, and its numbers if they are few and do not depend on the inputs. @typedef {{shape: number[], kind?: Kind, data?: number[]}} Value */

/** Numbers of a tensor up to which its content is followed. */
export const MAX_KNOWN = 1024;

/** @param {readonly number[]} numbers */
export const product = (numbers) => numbers.reduce((total, number) => total * number, 1);

/**
 * Return the shape of the result of an operator that broadcasts.
 * @param {readonly (readonly number[])[]} shapes
 */
export function broadcastShapes(shapes) {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    let length = 1;
    for (const shape of shapes) {
      const own = shape[shape.length - rank + axis] ?? 1;
      if (own === 1 || own === length) continue;
      if (length !== 1) throw new Error("shapes that do not broadcast");
      length = own;
    }
    return length;
  });
}

/**
 * Return the offset in `value` of every element of `shape`, onto which it broadcasts.
 * @param {readonly number[]} own
 * @param {readonly number[]} shape
 */
function* broadcastOffsets(own, shape) {
  const steps = strides(own);
  const shift = shape.length - own.length;
  for (const index of indices(shape)) {
    let offset = 0;
    for (let axis = 0; axis < own.length; axis++) {
      offset += own[axis] === 1 ? 0 : index[axis + shift] * steps[axis];
    }
    yield offset;
  }
}

/** @param {readonly number[]} shape */
function strides(shape) {
  const steps = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--)
    steps[axis] = steps[axis + 1] * shape[axis + 1];
  return steps;
}

/** Yield every index in row-major order. @param {readonly number[]} shape */
function* indices(shape) {
  const steps = strides(shape);
  const count = product(shape);
  for (let i = 0; i < count; i++) {
    yield shape.map((length, axis) => Math.floor(i / steps[axis]) % length);
  }
}

/**
 * Return the elements of broadcast values, combined one by one.
 * @param {number[]} shape
 * @param {Value[]} values
 * @param {(...numbers: number[]) => number} combine
 */
export function mapBroadcast(shape, values, combine) {
  const columns = values.map((value) => {
    const data = /** @type {number[]} */ (value.data);
    return Array.from(broadcastOffsets(value.shape, shape), (offset) => data[offset]);
  });
  return Array.from({ length: product(shape) }, (_, i) => combine(...columns.map((c) => c[i])));
}

/**
 * Return values joined along an axis.
 * @param {number} axis
 * @param {Value[]} values
 */
export function concatenate(axis, values) {
  const outer = product(values[0].shape.slice(0, axis));
  const parts = values.map((value) => {
    const data = /** @type {number[]} */ (value.data);
    return { data, inner: data.length / outer };
  });
  const rows = Array.from({ length: outer }, (_, row) =>
    parts.flatMap(({ data, inner }) => data.slice(row * inner, (row + 1) * inner)),
  );
  return rows.flat();
}

/**
 * Return the elements of `value` at `picked` along an axis; negative ones count from its end.
 * @param {number} axis
 * @param {Value} value
 * @param {number[]} picked
 */
export function take(axis, value, picked) {
  const data = /** @type {number[]} */ (value.data);
  const length = value.shape[axis];
  const inner = product(value.shape.slice(axis + 1));
  const result = [];
  for (let start = 0; start < data.length; start += length * inner) {
    for (const index of picked) {
      if (!(index >= -length && index < length)) throw new Error("an index outside its axis");
      const at = start + (index < 0 ? index + length : index) * inner;
      result.push(...data.slice(at, at + inner));
    }
  }
  return result;
}

/**
 * Return the positions that a slice of Python takes of an axis.
 * @param {number} length
 * @param {{start: number, stop: number, step: number}} slice
 */
export function slicePositions(length, { start, stop, step }) {
  if (!step) throw new Error("a step of 0");
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1];
  const clamp = (/** @type {number} */ at) =>
    Math.min(Math.max(at < 0 ? at + length : at, low), high);
  const first = clamp(start);
  const last = clamp(stop);
  return { first, count: Math.max(0, Math.ceil((last - first) / step)), step };
}
