/** Strict parsing of JSON from outside. */

import { BundleError } from "./errors.js";
import { clip, quote, withCommas } from "./messages.js";

export const FIX =
  "The file is damaged or was written by another version of ganport; export it again.";
export const MAX_BYTES = 2 ** 24;
const MAX_DEPTH = 64;
const MAX_ELEMENTS = 2 ** 20;
const MAX_DIGITS = 4300;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const WORD = /true|false|null|NaN|-?Infinity/y;
const BLANK = /[ \t\n\r]*/y;

/**
 * The positions of numbers that are written as floats and are whole: 1.0 is no integer.
 * @type {WeakMap<object, Set<string>>}
 */
const wholeFloats = new WeakMap();

/**
 * Return the value of a UTF-8 JSON text of at most `limit` bytes. Integers beyond 2^53
 * are rounded.
 * Throws `BundleError` for invalid JSON, for more than 2^20 values, and for what RFC 8259 leaves
 * open: names that occur twice, NaN, numbers beyond float64, deep nesting, a byte-order mark.
 * @param {Uint8Array} bytes
 * @param {string} place
 */
export function parse(bytes, place, limit = MAX_BYTES) {
  if (bytes.length > limit) {
    throw new BundleError(place, `at most ${limit} bytes of JSON`, `${bytes.length} bytes`, FIX);
  }
  let elements = 0;
  for (const byte of bytes) {
    if (byte === 0x5b || byte === 0x7b || byte === 0x2c || byte === 0x3a) elements++;
  }
  if (elements > MAX_ELEMENTS) {
    const expected = `at most ${withCommas(MAX_ELEMENTS)} JSON values`;
    throw new BundleError(place, expected, `about ${withCommas(elements)}`, FIX);
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return new Parser(text).parse();
  } catch (error) {
    throw new BundleError(place, "valid JSON", /** @type {Error} */ (error).message, FIX);
  }
}

class Parser {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.isWholeFloat = false;
  }

  parse() {
    const value = this.value(MAX_DEPTH);
    if (this.at < this.text.length) throw this.error("Extra data");
    return value;
  }

  /** @param {number} depthLeft @returns {unknown} */
  value(depthLeft) {
    this.take(BLANK);
    const sign = this.text[this.at];
    let value;
    if (sign === "{" || sign === "[") {
      if (!depthLeft) throw new Error(`nesting deeper than ${MAX_DEPTH}`);
      value = sign === "{" ? this.object(depthLeft - 1) : this.list(depthLeft - 1);
      this.isWholeFloat = false;
    } else {
      this.isWholeFloat = false;
      value = sign === '"' ? this.string() : (this.word() ?? this.number());
    }
    this.take(BLANK);
    return value === NULL ? null : value;
  }

  /** @param {number} depthLeft */
  object(depthLeft) {
    /** @type {Map<string, unknown>} */
    const entries = new Map();
    const floats = new Set();
    this.each("}", () => {
      if (this.text[this.at] !== '"') {
        throw this.error("Expecting a name");
      }
      const name = this.string();
      if (entries.has(name)) {
        throw new Error(`the name ${quote(clip(name))} twice in one object`);
      }
      this.take(BLANK);
      if (this.text[this.at++] !== ":") throw this.error("Expecting ':'", -1);
      entries.set(name, this.value(depthLeft));
      if (this.isWholeFloat) floats.add(name);
    });
    return remember(Object.fromEntries(entries), floats);
  }

  /** @param {number} depthLeft */
  list(depthLeft) {
    /** @type {unknown[]} */
    const values = [];
    const floats = new Set();
    this.each("]", () => {
      values.push(this.value(depthLeft));
      if (this.isWholeFloat) floats.add(String(values.length - 1));
    });
    return remember(values, floats);
  }

  /** @param {string} end @param {() => void} read */
  each(end, read) {
    this.at++;
    this.take(BLANK);
    if (this.text[this.at] === end) {
      this.at++;
      return;
    }
    for (;;) {
      read();
      const sign = this.text[this.at++];
      if (sign === end) return;
      if (sign !== ",") throw this.error("Expecting ','", -1);
      this.take(BLANK);
    }
  }

  string() {
    const start = this.at;
    let end = start;
    let slashes;
    do {
      end = this.text.indexOf('"', end + 1);
      if (end < 0) throw this.error("Invalid text");
      slashes = end - 1;
      while (this.text[slashes] === "\\") slashes--;
    } while ((end - slashes) % 2 === 0);
    this.at = end + 1;
    let text;
    try {
      /** @type {string} */
      text = JSON.parse(this.text.slice(start, end + 1));
    } catch {
      throw this.error("Invalid text", start - this.at);
    }
    // Half of a surrogate pair cannot be encoded.
    if (/\p{Cs}/u.test(text)) throw new Error("half of a surrogate pair in a text");
    return text;
  }

  word() {
    const word = this.take(WORD);
    if (!word) return undefined;
    if (word === "null") return NULL;
    if (word !== "true" && word !== "false") throw new Error(`${word} is not a JSON number`);
    return word === "true";
  }

  number() {
    const start = this.at;
    const token = this.take(NUMBER);
    if (!token) throw this.error("Expecting value");
    const number = Number(token);
    if (/[.eE]/.test(token)) {
      if (!Number.isFinite(number))
        throw new Error(`the number ${token.slice(0, 40)} is too large`);
      this.isWholeFloat = Number.isInteger(number);
      return number;
    }
    if (token.length > MAX_DIGITS) {
      throw this.error(`An integer of ${token.length} digits`, start - this.at);
    }
    return number + 0; // not -0
  }

  /** @param {RegExp} pattern */
  take(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.at += found.length;
    return found;
  }

  /** @param {string} message */
  error(message, shift = 0) {
    const at = this.at + shift;
    const before = this.text.slice(0, at);
    const line = before.split("\n").length;
    const column = at - before.lastIndexOf("\n");
    return new Error(`${message}: line ${line} column ${column} (char ${at})`);
  }
}

const NULL = Symbol("null");

/** @template {object} T @param {T} value @param {Set<string>} floats @returns {T} */
function remember(value, floats) {
  if (floats.size) wholeFloats.set(value, floats);
  return value;
}

/**
 * Return whether the number at `key` of a parsed object or list is written as a float and is whole.
 * @param {object} holder
 * @param {string | number} key
 */
export const isWholeFloat = (holder, key) => wholeFloats.get(holder)?.has(String(key)) ?? false;
