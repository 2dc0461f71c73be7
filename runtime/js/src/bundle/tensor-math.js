/** Contents of small tensors that set sizes: shapes, axes, scales. They follow NumPy's rules. */

/** @typedef {"float" | "int" | "bool"} Kind */
/**
 * The shape of a tensor, and its numbers if they are few and do not depend on the inputs. A constant
 * tensor depends on no input of the graph, or on their shapes alone.
 * @typedef {{shape: number[], kind?: Kind, data?: number[], isConstant?: boolean}} Value
 */

/** Numbers of a tensor up to which its content is followed. */
export const MAX_KNOWN = 1024;

export const INVALID = "invalid shapes";

/** Throw for shapes that do not fit, where NumPy or Python would. @returns {never} */
export function invalid(detail = "") {
  throw new Error(detail ? `${INVALID} (${detail})` : INVALID);
}

/** Return an axis counted from the first of `rank`. @param {number} axis @param {number} rank */
export const wrap = (axis, rank) =>
  axis < -rank || axis >= rank ? invalid() : axis < 0 ? axis + rank : axis;

/** @param {Iterable<number>} numbers */
export const product = (numbers) => [...numbers].reduce((total, number) => total * number, 1);

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
      if (length !== 1) invalid();
      length = own;
    }
    return length;
  });
}

/**
 * Return the elements of broadcast values, combined one by one.
 * @param {number[]} shape
 * @param {Value[]} values
 * @param {(...numbers: number[]) => number} combine
 */
export function mapBroadcast(shape, values, combine) {
  /** @param {Value} value @param {number} rest position in the result, in row-major order */
  const pick = ({ shape: own, data = [] }, rest) => {
    let [offset, step] = [0, 1];
    for (let axis = 1; axis <= own.length; axis++) {
      const length = /** @type {number} */ (shape.at(-axis));
      const size = /** @type {number} */ (own.at(-axis));
      if (size > 1) offset += (rest % length) * step;
      step *= size;
      rest = Math.floor(rest / length);
    }
    return data[offset];
  };
  return Array.from({ length: product(shape) }, (_, i) =>
    combine(...values.map((v) => pick(v, i))),
  );
}

/**
 * Return values joined along an axis.
 * @param {number} axis
 * @param {Value[]} values
 */
export function concatenate(axis, values) {
  const { shape } = values[0];
  const outer = product(shape.slice(0, axis));
  const parts = values.map((value) => {
    if (value.shape.length !== shape.length) invalid();
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
      if (!(index >= -length && index < length)) invalid();
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
  if (!step) invalid();
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1];
  const clamp = (/** @type {number} */ at) =>
    Math.min(Math.max(at < 0 ? at + length : at, low), high);
  const first = clamp(start);
  const last = clamp(stop);
  return { first, count: Math.max(0, Math.ceil((last - first) / step)), step };
}
