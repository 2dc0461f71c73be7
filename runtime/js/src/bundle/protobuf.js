/** Reader of protobuf messages, untrusted until checked: protobuf.dev/programming-guides/encoding. */

import { exceed } from "../messages.js";

const MAX_FIELDS = 2 ** 19;
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** A number, or its bytes where it has a fixed width, or bytes with a length. @typedef {number | {fixed: Uint8Array} | Uint8Array} Part */

/**
 * A message as values by field number; fields of equal number are merged as protobuf merges. Every
 * method throws `Error` for a value of another wire type, which protobuf ignores, and the constructor for bytes that are not a
 * message or have more than 2^19 fields.
 */
export class Message {
  #budget;
  /** @type {Map<number, Part[]>} */
  #values = new Map();

  /**
   * @param {Uint8Array[]} parts
   * @param {{left: number}} [budget]
   */
  constructor(parts, budget = { left: MAX_FIELDS }) {
    this.#budget = budget;
    for (const part of parts) this.#read(part);
  }

  /** Return whether the message has a field. @param {number} number */
  has(number) {
    return this.#values.has(number);
  }

  /** Return the messages of a repeated field. @param {number} number */
  messages(number) {
    return this.#parts(number).map((part) => new Message([part], this.#budget));
  }

  /** Return the message of a single field; it is empty if absent. @param {number} number */
  message(number) {
    return new Message(this.#parts(number), this.#budget);
  }

  /** Return the UTF-8 texts of a repeated field. @param {number} number */
  texts(number) {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return this.#parts(number).map((part) => {
      try {
        return decoder.decode(part);
      } catch {
        throw new Error("a text that is not UTF-8");
      }
    });
  }

  /** Return the text of a single field, "" by default. @param {number} number */
  text(number) {
    return this.texts(number).at(-1) ?? "";
  }

  /** Return the int64 numbers of a repeated field, packed or not. @param {number} number */
  integers(number) {
    /** @type {number[]} */
    const numbers = [];
    for (const value of this.#values.get(number) ?? []) {
      if (typeof value === "number") numbers.push(value);
      else {
        const bytes = value instanceof Uint8Array ? value : refuse(number);
        this.#spend(bytes.length);
        for (const at = { at: 0 }; at.at < bytes.length;) numbers.push(readVarint(bytes, at));
      }
    }
    return numbers;
  }

  /** Return the int64 number of a single field. @param {number} number */
  integer(number, fallback = 0) {
    const values = this.#values.get(number) ?? [fallback];
    return values.every((value) => typeof value === "number")
      ? values[values.length - 1]
      : refuse(number);
  }

  /** Return the float32 numbers of a repeated field, packed or not. @param {number} number */
  floats(number) {
    return (this.#values.get(number) ?? []).flatMap((value) => {
      if (typeof value === "number") return refuse(number);
      const part = value instanceof Uint8Array ? value : value.fixed;
      if (part.length % 4 || (part !== value && part.length > 4)) return refuse(number);
      this.#spend(part.length / 4);
      const view = new DataView(part.buffer, part.byteOffset);
      return Array.from({ length: part.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
    });
  }

  /** Return the bytes of a single field. @param {number} number */
  data(number) {
    return this.#parts(number).at(-1) ?? new Uint8Array(0);
  }

  /** @param {number} number @returns {Uint8Array[]} */
  #parts(number) {
    const values = this.#values.get(number) ?? [];
    return values.every((value) => value instanceof Uint8Array) ? values : refuse(number);
  }

  /** @param {Uint8Array} bytes */
  #read(bytes) {
    const at = { at: 0 };
    while (at.at < bytes.length) {
      this.#spend(1);
      const start = at.at;
      const tag = readVarint(bytes, at);
      // Parsers drop the bits beyond 32.
      if (tag < 0 || tag >= 2 ** 32 || at.at - start > 5) {
        throw new Error("a field number of more than 32 bits");
      }
      const type = tag & 7;
      const field = tag >>> 3;
      if (!this.#values.has(field)) this.#values.set(field, []);
      const values = /** @type {Part[]} */ (this.#values.get(field));
      if (type === VARINT) {
        values.push(readVarint(bytes, at));
        continue;
      }
      const size =
        type === BYTES ? readVarint(bytes, at) : ({ [FIXED64]: 8, [FIXED32]: 4 }[type] ?? -1);
      if (size < 0 || at.at + size > bytes.length) {
        throw new Error(`a field of wire type ${type} that ends outside its message`);
      }
      const value = bytes.subarray(at.at, at.at + size);
      values.push(type === BYTES ? value : { fixed: value });
      at.at += size;
    }
  }

  /** @param {number} fields */
  #spend(fields) {
    this.#budget.left -= fields;
    if (this.#budget.left < 0) exceed(MAX_FIELDS, "fields");
  }
}

/** @param {number} number @returns {never} */
function refuse(number) {
  throw new Error(`another type in field ${number}`);
}

/**
 * Return the int64 varint at a position, which moves behind it. Numbers beyond 2^53 are rounded.
 * @param {Uint8Array} bytes
 * @param {{at: number}} at
 */
function readVarint(bytes, at) {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    if (at.at >= bytes.length) throw new Error("a truncated number");
    const byte = bytes[at.at++];
    if (byte < 0x80 && !shift) return byte;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return Number(BigInt.asIntN(64, value));
  }
  throw new Error("a number of more than 64 bits");
}
