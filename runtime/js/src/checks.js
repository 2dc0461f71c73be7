/** Checks of requested values. */

import { ConditionError, RequestError } from "./errors.js";
import {
  formatChoices,
  formatNumber,
  hasOuterSpace,
  isPlain,
  isPrintable,
  lengthOf,
  reprShort,
  suggestion,
  withCommas,
} from "./messages.js";

/**
 * Return the error for a value of a group; `found` describes the value.
 * @param {string} group
 * @param {string} expected
 * @param {string} found
 * @param {string} fix
 */
export const conditionError = (group, expected, found, fix) =>
  new ConditionError(`condition ${reprShort(group)}`, expected, found, fix);

/**
 * Return the error for a value that a group does not take; a similar one of `allowed` fixes it.
 * @param {string} group
 * @param {string} expected
 * @param {unknown} value
 * @param {{allowed?: readonly string[], fix?: string}} [options]
 */
export const invalidValue = (group, expected, value, { allowed = [], fix = "" } = {}) =>
  conditionError(group, expected, reprShort(value), suggestion(value, allowed, fix));

/**
 * Return `value` if it is one of `labels`.
 * @param {string} group
 * @param {unknown} value
 * @param {ReadonlyMap<string, unknown>} labels
 */
export function checkLabel(group, value, labels) {
  if (typeof value === "string" && labels.has(value)) return value;
  const allowed = [...labels.keys()];
  throw invalidValue(group, `one of ${formatChoices(allowed)}`, value, { allowed });
}

/**
 * Return a number or bigint as a number; NaN for other values.
 * @param {unknown} value
 */
export const toNumber = (value) =>
  typeof value === "number" || typeof value === "bigint" ? Number(value) : NaN;

/**
 * Return `value` as a number from `low` to `high`.
 * @param {string} group
 * @param {unknown} value
 * @param {number} low
 * @param {number} high
 */
export function checkRange(group, value, low, high) {
  const number = toNumber(value);
  if (low <= number && number <= high) return number;
  let fix = typeof value === "string" ? "Pass a number, not a text." : "Pass a finite number.";
  if (Number.isFinite(number)) {
    const nearest = Math.min(Math.max(number, low), high);
    fix = `The closest allowed number is ${formatNumber(nearest)}.`;
  }
  const expected = `a number from ${formatNumber(low)} to ${formatNumber(high)}`;
  throw invalidValue(group, expected, value, { fix });
}

/**
 * Return `value` if it is a list of at most `maxCount` different labels.
 * @param {string} group
 * @param {unknown} value
 * @param {ReadonlyMap<string, unknown>} labels
 * @param {number} maxCount
 */
export function checkLabels(group, value, labels, maxCount) {
  const names = [...labels.keys()];
  const expected = `a list of at most ${maxCount} of ${formatChoices(names)}`;
  if (!Array.isArray(value)) {
    throw invalidValue(group, expected, value, {
      fix: `Pass a list, for example [${reprShort(names[0])}].`,
    });
  }
  const requested = value.map((entry) => checkLabel(group, entry, labels));
  if (requested.length > maxCount) {
    const fix = `Leave out ${requested.length - maxCount}.`;
    throw conditionError(group, expected, `${requested.length} labels`, fix);
  }
  if (new Set(requested).size !== requested.length) {
    const found = `one of ${formatChoices(requested)} twice`;
    throw conditionError(group, `${expected}, each once`, found, "Name each label once.");
  }
  return requested;
}

/**
 * Return the checked weights, 0 to 1, of an object of label and weight.
 * @param {string} group
 * @param {Record<string, unknown>} value
 * @param {ReadonlyMap<string, unknown>} labels
 * @returns {Map<string, number>}
 */
export function checkFractions(group, value, labels) {
  const entries = Object.entries(value);
  return new Map(
    entries.map(([label, weight]) => [
      checkLabel(group, label, labels),
      checkRange(group, weight, 0, 1),
    ]),
  );
}

/**
 * Return the sum of numbers.
 * @param {Iterable<number>} numbers
 */
export const sum = (numbers) => [...numbers].reduce((total, number) => total + number, 0);

/**
 * Return the weight of each requested label: a single label has 1, an object blends. Weights sum to
 * 1 within 0.001; they are not normalized.
 * @param {string} group
 * @param {unknown} value
 * @param {ReadonlyMap<string, unknown>} labels
 */
export function checkWeights(group, value, labels) {
  if (!isPlain(value)) return new Map([[checkLabel(group, value, labels), 1]]);
  const weights = checkFractions(group, value, labels);
  const total = sum(weights.values());
  if (Math.abs(total - 1) > 1e-3) {
    const text = formatNumber(total);
    const fix = total ? `Divide each weight by ${text}.` : "Give a label a weight above 0.";
    throw conditionError(group, "weights that sum to 1", `weights that sum to ${text}`, fix);
  }
  return weights;
}

/**
 * Return `names` if there is at least one and all are different printable names.
 * @param {string} group
 * @param {readonly string[]} names
 */
export function checkDistinct(group, names) {
  for (const name of names) checkName(group, name);
  if (!names.length || new Set(names).size !== names.length) {
    const found = formatChoices(names) || "none";
    throw conditionError(group, "at least one label, each once", found, "Correct the list.");
  }
  return names;
}

/**
 * Check that `name` is printable text of 1 to 100 characters without outer space.
 * @param {string} group
 * @param {unknown} name
 */
export function checkName(group, name) {
  const fix = "Choose another name.";
  if (typeof name !== "string" || !name || lengthOf(name) > 100) {
    throw invalidValue(group, "text of 1 to 100 characters", name, { fix });
  }
  if (!isPrintable(name) || hasOuterSpace(name)) {
    const expected = "printable text without leading or trailing space";
    throw invalidValue(group, expected, name, { fix });
  }
}

/**
 * Return `value` if it is a whole number from `low` to `high`.
 * @param {string} place
 * @param {unknown} value
 * @param {number} low
 * @param {number} high
 */
export function checkInteger(place, value, low, high) {
  const number = typeof value === "bigint" ? Number(value) : value;
  if (typeof number === "number" && Number.isInteger(number) && low <= number && number <= high) {
    return number;
  }
  const expected = `an integer from ${low} to ${high}`;
  throw new RequestError(place, expected, withType(value), "Give a whole number in that range.");
}

/**
 * Return the type and a short form of a value, as in messages of Python.
 * @param {unknown} value
 */
export function withType(value) {
  const names = { string: "str", bigint: "int", boolean: "bool", undefined: "NoneType" };
  const type = typeof value;
  let name = /** @type {Record<string, string>} */ (names)[type] ?? "dict";
  if (type === "number") name = Number.isInteger(value) ? "int" : "float";
  if (value === null) name = "NoneType";
  if (Array.isArray(value)) name = "list";
  return `${name} ${reprShort(value)}`;
}

/**
 * Return an array for `count` results of `size` numbers; throw `RequestError` if it does not fit.
 * @template {Uint8Array | Float32Array} T
 * @param {new (length: number) => T} Type
 * @param {number} count
 * @param {number} size
 * @returns {T}
 */
export function allocate(Type, count, size) {
  try {
    return new Type(count * size);
  } catch {
    const found = `${count} of ${withCommas(size)} numbers each`;
    const fix = "Request fewer at a time.";
    throw new RequestError("count", "results that fit in memory", found, fix);
  }
}
