/** Texts of error messages. They are those of the Python runtime, so values are written as there. */

const MAX_CHOICES = 40;
const MAX_LENGTH = 60;

/** Separators of words in Python's `str.split`. */
export const SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/u;
const UNPRINTABLE = /[\p{C}\p{Z}]/u;

/**
 * Return whether a text has no control characters and no space but " ".
 * @param {string} text
 */
export const isPrintable = (text) => !UNPRINTABLE.test(text.replaceAll(" ", ""));

/**
 * Return whether a text starts or ends with space.
 * @param {string} text
 */
export const hasOuterSpace = (text) => {
  const words = text.split(SPACE);
  return words[0] === "" || words[words.length - 1] === "";
};

/**
 * Return the number of code points.
 * @param {string} text
 */
export const lengthOf = (text) => [...text].length;

/**
 * Return a short text form of any value, safe to put in a message.
 * @param {unknown} value
 * @param {{tuple?: boolean, float?: boolean, level?: number}} [options] `tuple`: a list is one in
 *   Python; `float`: a whole number is a float
 * @returns {string}
 */
export function reprShort(value, { tuple = false, float = false, level = 6 } = {}) {
  const inner = (/** @type {unknown} */ entry) => reprShort(entry, { float, level: level - 1 });
  if (typeof value === "string") return reprText(value);
  if (typeof value === "number") return float ? reprFloat(value) : reprNumber(value);
  if (typeof value === "bigint") return cut(value.toString());
  if (typeof value === "boolean") return value ? "True" : "False";
  if (value === null || value === undefined) return "None";
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    const list = /** @type {unknown[]} */ (Array.isArray(value) ? value : [...asArray(value)]);
    const parts = list.length && !level ? ["..."] : list.slice(0, 6).map(inner);
    if (list.length > 6 && level) parts.push("...");
    const text = parts.join(", ");
    if (!tuple) return `[${text}]`;
    return list.length === 1 ? `(${text},)` : `(${text})`;
  }
  if (typeof value === "object" && isPlain(value)) {
    const names = Object.keys(value).sort();
    const parts = names.length && !level ? ["..."] : names.slice(0, level ? 4 : 0);
    const pairs = parts.map((n) =>
      level ? `${reprText(n)}: ${inner(/** @type {any} */ (value)[n])}` : n,
    );
    if (names.length > 4 && level) pairs.push("...");
    return `{${pairs.join(", ")}}`;
  }
  return cut(typeof value === "function" ? "a function" : Object.prototype.toString.call(value));
}

/** @param {ArrayBufferView} view @returns {Iterable<number>} */
const asArray = (view) => /** @type {any} */ (view);

/**
 * Return whether a value is an object of names and values.
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
export function isPlain(value) {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** @param {string} text the middle of a longer one is left out */
function cut(text) {
  return text.length > MAX_LENGTH ? `${text.slice(0, 28)}...${text.slice(-29)}` : text;
}

/** @param {string} text */
function reprText(text) {
  const characters = [...text];
  const full = quote(characters.slice(0, MAX_LENGTH).join(""));
  if (lengthOf(full) <= MAX_LENGTH) return full;
  const ends = [...quote([...characters.slice(0, 28), ...characters.slice(-29)].join(""))];
  return `${ends.slice(0, 28).join("")}...${ends.slice(-29).join("")}`;
}

/**
 * Return a text in quotes, with special characters escaped.
 * @param {string} text
 */
export function quote(text) {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const inner = [...text].map((c) => {
    if (c === mark || c === "\\") return `\\${c}`;
    return isPrintable(c) ? c : escape(c);
  });
  return mark + inner.join("") + mark;
}

/** @param {string} character */
function escape(character) {
  const short = { "\t": "\\t", "\n": "\\n", "\r": "\\r" }[character];
  if (short) return short;
  const code = /** @type {number} */ (character.codePointAt(0));
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}

/** @param {number} value */
function reprNumber(value) {
  return Number.isSafeInteger(value) ? String(value + 0) : reprFloat(value);
}

/** @param {number} value */
function reprFloat(value) {
  if (!Number.isFinite(value)) return formatNumber(value);
  const [mantissa, exponent] = value.toExponential().split("e").map(String);
  if (value !== 0 && (+exponent < -4 || +exponent >= 16)) return joinExponent(mantissa, +exponent);
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/**
 * Return a number with at most `digits` significant digits, as `:g` of Python.
 * @param {number} value
 */
export function formatNumber(value, digits = 6) {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const [mantissa, exponent] = value
    .toExponential(digits - 1)
    .split("e")
    .map(String);
  if (+exponent < -4 || +exponent >= digits) return joinExponent(trimZeros(mantissa), +exponent);
  return trimZeros(value.toFixed(digits - 1 - +exponent));
}

/** @param {string} text */
const trimZeros = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

/** @param {string} mantissa @param {number} exponent */
function joinExponent(mantissa, exponent) {
  return `${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

/** Return the first 80 characters of a text. @param {string} text */
export const clip = (text) => [...text].slice(0, 80).join("");

/** Throw for more than a limit allows. @param {number} limit @param {string} unit @returns {never} */
export function exceed(limit, unit) {
  throw new Error(`more than ${withCommas(limit)} ${unit}`);
}

/**
 * Return a count with commas: 1,048,576.
 * @param {number} count
 */
export const withCommas = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, ",");

/**
 * Return `text` with control characters escaped, cut to `limit` characters.
 * @param {string} text
 */
export function sanitize(text, limit = MAX_LENGTH) {
  const all = [...text];
  const escaped = all.slice(0, limit + 1).map((c) => (isPrintable(c) ? c : escape(c)));
  return all.length <= limit
    ? escaped.join("")
    : `${[...escaped.join("")].slice(0, limit).join("")}…`;
}

/**
 * Return choices in one line, at most forty of them.
 * @param {readonly string[]} choices
 */
export function formatChoices(choices) {
  const first = choices.slice(0, MAX_CHOICES).join(", ");
  const rest = choices.length - MAX_CHOICES;
  return rest <= 0 ? first : `${first} and ${rest} more`;
}

/**
 * Return the question whether a similar choice was meant, or else `fix`.
 * @param {unknown} value
 * @param {readonly string[]} choices
 */
export function suggestion(value, choices, fix = "") {
  const closest = typeof value === "string" ? closestMatch(value, choices) : undefined;
  if (closest !== undefined) return `Did you mean ${quote(closest)}?`;
  if (fix || !choices.length) return fix;
  return `Write one of them exactly, for example ${quote(choices[0])}.`;
}

/**
 * Return the choice most similar to `text`, ignoring case, as `difflib.get_close_matches` finds it.
 * @param {string} text
 * @param {readonly string[]} choices
 */
export function closestMatch(text, choices) {
  const wanted = [...[...text].slice(0, 100).join("").toLowerCase()];
  const lowered = new Map(choices.map((choice) => [choice.toLowerCase(), choice]));
  let best = "";
  let bestRatio = 0;
  for (const candidate of lowered.keys()) {
    const letters = [...candidate];
    const total = letters.length + wanted.length;
    // No common block is longer than the shorter text, so most candidates need no search.
    if ((2 * Math.min(letters.length, wanted.length)) / total < 0.6) continue;
    const ratio = (2 * countMatches(letters, wanted)) / total;
    if (ratio >= 0.6 && (ratio > bestRatio || (ratio === bestRatio && candidate > best))) {
      best = candidate;
      bestRatio = ratio;
    }
  }
  return bestRatio ? lowered.get(best) : undefined;
}

/**
 * Return the number of characters in matching blocks (Ratcliff and Obershelp).
 * @param {string[]} one
 * @param {string[]} two
 * @returns {number}
 */
function countMatches(one, two) {
  let size = 0;
  let start = [0, 0];
  let before = new Int32Array(two.length + 1);
  for (let i = 0; i < one.length; i++) {
    const lengths = new Int32Array(two.length + 1);
    for (let j = 0; j < two.length; j++) {
      if (one[i] !== two[j]) continue;
      lengths[j + 1] = before[j] + 1;
      if (lengths[j + 1] > size) {
        size = lengths[j + 1];
        start = [i + 1 - size, j + 1 - size];
      }
    }
    before = lengths;
  }
  if (!size) return 0;
  const [i, j] = start;
  const left = countMatches(one.slice(0, i), two.slice(0, j));
  return size + left + countMatches(one.slice(i + size), two.slice(j + size));
}
