/** JSON objects whose fields are checked when they are read. */

import { BundleError } from "./errors.js";
import { FIX, isWholeFloat } from "./json-parser.js";
import {
  clip,
  hasOuterSpace,
  isPlain,
  isPrintable,
  lengthOf,
  quote,
  reprShort,
} from "./messages.js";

/** A JSON object whose fields are checked when they are read; every method throws `BundleError`. */
export class JsonObject {
  /**
   * @param {unknown} value
   * @param {string} place
   */
  constructor(value, place) {
    if (!isPlain(value)) throw new BundleError(place, "a JSON object", typeName(value), FIX);
    this.values = value;
    this.place = place;
  }

  /** Return whether the object has `key`. @param {string} key */
  has(key) {
    return Object.hasOwn(this.values, key);
  }

  /** Return the unchecked value of a required key. @param {string} key @returns {unknown} */
  value(key) {
    if (this.has(key)) return this.values[key];
    throw new BundleError(this.place, `the required key ${quote(key)}`, "no such key", FIX);
  }

  /** Return true or false. @param {string} key */
  boolean(key) {
    const value = this.value(key);
    if (typeof value === "boolean") return value;
    throw new BundleError(this.placeOf(key), "true or false", typeName(value), FIX);
  }

  /** Return a printable text of 1 to `limit` characters. @param {string} key */
  text(key, limit = 200) {
    return checkText(this.value(key), this.placeOf(key), limit);
  }

  /** Return an integer. @param {string} key @param {number} low @param {number} high */
  integer(key, low, high) {
    this.value(key);
    return checkIntegerIn(this.values, key, this.placeOf(key), low, high);
  }

  /** Return a finite number. @param {string} key */
  number(key) {
    return checkNumber(this.value(key), this.placeOf(key));
  }

  /** Return a list of at most `limit` unchecked values. @param {string} key @param {number} limit */
  items(key, limit) {
    return checkItems(this.value(key), this.placeOf(key), limit);
  }

  /** Return a JSON object. @param {string} key */
  object(key) {
    return new JsonObject(this.value(key), this.placeOf(key));
  }

  /** Return one of the texts `allowed`. @param {string} key @param {readonly string[]} allowed */
  oneOf(key, allowed) {
    const value = this.text(key);
    if (allowed.includes(value)) return value;
    throw new BundleError(this.placeOf(key), `one of ${allowed.join(", ")}`, quote(value), FIX);
  }

  /** @param {string} key */
  placeOf(key) {
    return `${this.place}: ${key}`;
  }
}

/**
 * Return `value` if it is printable text of 1 to `limit` characters without outer space.
 * @param {unknown} value
 * @param {string} place
 */
export function checkText(value, place, limit = 200) {
  if (typeof value !== "string") throw new BundleError(place, "text", typeName(value), FIX);
  const length = lengthOf(value);
  if (!length || length > limit) {
    throw new BundleError(place, `text of 1 to ${limit} characters`, `${length} characters`, FIX);
  }
  if (!isPrintable(value) || hasOuterSpace(value)) {
    const expected = "printable text without leading or trailing space";
    throw new BundleError(place, expected, clip(quote(value)), FIX);
  }
  return value;
}

/**
 * Return the integer at `key` of a parsed object or list.
 * @param {any} holder
 * @param {string | number} key
 * @param {string} place
 * @param {number} low
 * @param {number} high
 * @returns {number}
 */
export function checkIntegerIn(holder, key, place, low, high) {
  const value = holder[key];
  const isFloat = isWholeFloat(holder, key);
  if (Number.isInteger(value) && !isFloat && low <= value && value <= high) return value;
  throw new BundleError(
    place,
    `an integer from ${low} to ${high}`,
    reprNumber(value, isFloat),
    FIX,
  );
}

/**
 * Return `value` if it is a JSON number within float64.
 * @param {unknown} value
 * @param {string} place
 */
export function checkNumber(value, place) {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new BundleError(place, "a number", reprNumber(value, false), FIX);
}

/**
 * Return `value` if it is a JSON array of at most `limit` values.
 * @param {unknown} value
 * @param {string} place
 * @param {number} limit
 * @returns {unknown[]}
 */
export function checkItems(value, place, limit) {
  if (!Array.isArray(value)) throw new BundleError(place, "a list", typeName(value), FIX);
  if (value.length > limit) {
    throw new BundleError(place, `at most ${limit} values`, `${value.length}`, FIX);
  }
  return value;
}

/** @param {unknown} value */
function typeName(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  const names = { object: "an object", string: "text", boolean: "true or false" };
  return /** @type {Record<string, string>} */ (names)[typeof value] ?? "a number";
}

/** @param {unknown} value @param {boolean} isFloat */
function reprNumber(value, isFloat) {
  if (typeof value !== "number") return typeName(value);
  if (Math.abs(value) > 1e30 && !isFloat) return "an integer of more than 30 digits";
  return reprShort(value, { float: isFloat });
}
