/** Tensors of safetensors files, untrusted until checked: docs/interface.md, section 9. */

import { BundleError } from "../errors.js";
import { JsonObject, checkIntegerIn } from "../json-object.js";
import { parse } from "../json-parser.js";
import { isPlain, isPrintable, lengthOf, reprShort, sanitize } from "../messages.js";

const ITEM_BYTES = { F32: 4, U8: 1 };
const MAX_NUMBER = 2 ** 48;
const MAX_NAME = 300;

/**
 * Return the tensors of a file by name, in byte order; `data` holds little-endian bytes. Throws
 * `BundleError` for other dtypes, for a header that violates the format, and unless the tensors fill
 * the rest of the file without gaps.
 * @param {Uint8Array} bytes
 * @param {string} place
 */
export function readTensors(bytes, place) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = bytes.length < 8 ? Infinity : 8 + Number(view.getBigUint64(0, true));
  if (start > bytes.length) {
    throw new BundleError(place, "a header inside the file", `${bytes.length} bytes`);
  }
  const header = parse(bytes.subarray(8, start), place);
  if (!isPlain(header)) {
    throw new BundleError(place, "a header that is a JSON object", reprShort(header));
  }
  const names = Object.keys(header).filter((name) => name !== "__metadata__");
  const body = bytes.subarray(start);
  const entries = names.map((name) => readEntry(name, header[name], `${place}: ${sanitize(name)}`));
  if (names.some((name) => !isPrintable(name) || lengthOf(name) > MAX_NAME)) {
    const expected = `printable names of at most ${MAX_NAME} characters`;
    throw new BundleError(place, expected, "another name");
  }
  entries.sort((a, b) => a.from - b.from || a.to - b.to);
  let end = 0;
  for (const { name, from, to } of entries) {
    if (from !== end)
      throw new BundleError(`${place}: ${name}`, `bytes from ${end}`, `from ${from}`);
    end = to;
  }
  if (end !== body.length) {
    throw new BundleError(place, `tensors of ${body.length} bytes in total`, `${end} bytes`);
  }
  return entries.map(({ from, to, ...entry }) => ({ ...entry, data: body.slice(from, to) }));
}

/** @param {string} name @param {unknown} value @param {string} place */
function readEntry(name, value, place) {
  const fields = new JsonObject(value, place);
  const dtype = /** @type {"F32" | "U8"} */ (fields.oneOf("dtype", Object.keys(ITEM_BYTES)));
  const integers = (/** @type {string} */ key, /** @type {number} */ limit) => {
    const list = fields.items(key, limit);
    return list.map((_, i) => checkIntegerIn(list, i, place, 0, MAX_NUMBER));
  };
  const shape = integers("shape", 8);
  const offsets = integers("data_offsets", 2);
  const size = shape.reduce((total, length) => total * BigInt(length), BigInt(ITEM_BYTES[dtype]));
  const [from, to] = offsets;
  if (offsets.length !== 2 || BigInt(to - from) !== size) {
    throw new BundleError(place, `data_offsets ${size} bytes apart`, reprShort(offsets));
  }
  return { name, dtype, shape, from, to };
}
