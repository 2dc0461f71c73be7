/** Colors that labels name, for swatches. */

/** Colors that CSS lacks, or shows unlike hair and eyes. */
const WORDS = {
  blonde: "#f0dc96",
  blond: "#f0dc96",
  brown: "#7a4a24",
  pink: "#ff88cc",
  orange: "#ff8c00",
};

/**
 * Return the CSS color that a label names, such as "dark red", or null.
 * @param {string} label
 */
export function colorOf(label) {
  const words = label.toLowerCase().split(/[\s_-]+/);
  const joined = words.join("");
  for (const word of [joined, ...words.reverse()]) {
    if (Object.hasOwn(WORDS, word)) return WORDS[/** @type {keyof typeof WORDS} */ (word)];
    if (/^[a-z]+$/.test(word) && !SYSTEM.has(word) && CSS.supports("color", word)) return word;
  }
  return null;
}

/** CSS words that are no colors of their own. */
const SYSTEM = new Set([
  "transparent",
  "currentcolor",
  "inherit",
  "initial",
  "unset",
  "revert",
  "canvas",
  "field",
  "mark",
  "highlight",
]);

/**
 * Return the colors of labels if all of them name one, or null.
 * @param {readonly string[]} labels
 */
export function colorsOf(labels) {
  /** @type {string[]} */
  const colors = [];
  for (const label of labels) {
    const color = colorOf(label);
    if (color === null) return null; // a group may have thousands of labels
    colors.push(color);
  }
  return colors;
}
