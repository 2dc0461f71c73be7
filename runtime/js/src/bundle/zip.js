/** Stored zips: docs/interface.md, section 1. Without compression there are no zip bombs. */

import { BundleError } from "../errors.js";
import { crc32 } from "../images/crc32.js";
import { withCommas } from "../messages.js";
import { MAX_FILES, checkFileName } from "./manifest.js";

const MAX_ENTRY_BYTES = 1024;
const REGULAR = 0o100000;
const TYPE_MASK = 0o170000;

/**
 * Return a function that returns the bytes of a member, or undefined; throw `BundleError`.
 * @param {Uint8Array} data
 * @param {string} place
 * @returns {(name: string) => Uint8Array | undefined}
 */
export function openZip(data, place) {
  /** @template T @param {() => T} read */
  const guarded = (read) => {
    try {
      return read();
    } catch (error) {
      if (error instanceof BundleError) throw error;
      const found = `a file that is neither (${/** @type {Error} */ (error).message})`;
      throw new BundleError(place, "a bundle folder or a stored zip", found);
    }
  };
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const members = guarded(() => readDirectory(view, data, place));
  return (name) => {
    const entry = members.get(name);
    return entry && guarded(() => readMember(view, data, entry));
  };
}

/** @param {DataView} view @param {Uint8Array} data @param {string} place */
function readDirectory(view, data, place) {
  const { start, end } = findDirectory(view, place);
  /** @type {Map<string, Entry>} */
  const members = new Map();
  let total = 0;
  let at = start;
  while (at < end) {
    if (at + 46 > end) throw new Error("a damaged zip");
    const entry = readEntry(view, data.subarray(0, end), at);
    at = entry.next;
    const name = checkFileName(entry.name, `${place}: member`);
    if (members.has(name)) throw new BundleError(place, "each member once", `${name} twice`);
    checkStored(entry, `${place}/${name}`);
    members.set(name, entry);
    total += entry.size;
  }
  if (total > data.length) {
    throw new BundleError(place, "members within the zip", `${total} bytes declared`);
  }
  return members;
}

/**
 * Return where the directory starts and ends. It must end the file, since
 * other readers might find another one.
 * @param {DataView} view
 * @param {string} place
 */
function findDirectory(view, place) {
  let end = view.byteLength - 22;
  if (end < 0 || view.getUint32(end, true) !== 0x06054b50 || view.getUint16(end + 20, true)) {
    throw new Error("no zip directory at the end of the file");
  }
  let count = view.getUint16(end + 10, true);
  let length = view.getUint32(end + 12, true);
  let start = view.getUint32(end + 16, true);
  if (end >= 76 && view.getUint32(end - 20, true) === 0x07064b50) {
    const record = end - 76;
    const offset = Number(view.getBigUint64(end - 12, true));
    if (view.getUint32(record, true) !== 0x06064b50 || offset !== record) {
      throw new Error("a damaged zip");
    }
    [count, length, start] = [32, 40, 48].map((i) => Number(view.getBigUint64(record + i, true)));
    end = record;
  }
  if (start + length !== end) throw new Error("a damaged zip");
  if (count > MAX_FILES + 2 || length > (MAX_FILES + 2) * MAX_ENTRY_BYTES) {
    const found = `${count} in ${withCommas(length)} bytes`;
    throw new BundleError(place, `at most ${MAX_FILES + 2} files`, found);
  }
  return { start, end };
}

/** @param {DataView} view @param {Uint8Array} data @param {number} at */
function readEntry(view, data, at) {
  if (view.getUint32(at, true) !== 0x02014b50) throw new Error("a damaged zip");
  const [nameLength, extra, comment] = [28, 30, 32].map((i) => view.getUint16(at + i, true));
  const nameEnd = at + 46 + nameLength;
  return {
    flags: view.getUint16(at + 8, true),
    method: view.getUint16(at + 10, true),
    crc: view.getUint32(at + 16, true),
    compressed: view.getUint32(at + 20, true),
    size: view.getUint32(at + 24, true),
    mode: view.getUint16(at + 40, true),
    offset: view.getUint32(at + 42, true),
    // A name is ASCII, so no other encoding passes the check of names.
    name: String.fromCharCode(...data.subarray(at + 46, nameEnd)),
    next: nameEnd + extra + comment,
  };
}

/** @typedef {ReturnType<typeof readEntry>} Entry */

/** @param {Entry} entry @param {string} place */
function checkStored({ flags, method, compressed, size, mode }, place) {
  if (flags & 1) throw new BundleError(place, "a member without a password", "an encrypted one");
  if (method !== 0 || compressed !== size) {
    throw new BundleError(place, "a stored member (zip -0)", "a compressed one");
  }
  if (![0, REGULAR].includes(mode & TYPE_MASK)) {
    throw new BundleError(place, "a regular file", "a link, folder or device");
  }
}

/** @param {DataView} view @param {Uint8Array} data @param {Entry} entry */
function readMember(view, data, { name, offset, size, crc }) {
  if (view.getUint32(offset, true) !== 0x04034b50) {
    throw new Error("a damaged zip");
  }
  const [nameLength, extra] = [26, 28].map((i) => view.getUint16(offset + i, true));
  const start = offset + 30 + nameLength + extra;
  const local = String.fromCharCode(...data.subarray(offset + 30, offset + 30 + nameLength));
  if (local !== name) throw new Error("a damaged zip");
  const bytes = data.subarray(start, start + size);
  if (bytes.length !== size || crc32(bytes) !== crc) throw new Error("a damaged zip");
  return bytes;
}
