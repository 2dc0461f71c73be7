/** Colors: hex notation, and the color words in labels. */

/** @type {Record<string, string>} */
const WORDS = {
  aqua: "#00ffff",
  black: "#000000",
  blonde: "#f0dc96",
  blue: "#0000ff",
  brown: "#7a4a24",
  cyan: "#00ffff",
  gray: "#808080",
  green: "#008000",
  grey: "#808080",
  orange: "#ff8c00",
  pink: "#ff88cc",
  purple: "#800080",
  red: "#ff0000",
  silver: "#c0c0c0",
  white: "#ffffff",
  yellow: "#ffff00",
};

/**
 * Return whether `value` is a color in the notation "#rrggbb".
 * @param {unknown} value
 * @returns {value is string}
 */
export const isHex = (value) => typeof value === "string" && /^#[0-9a-f]{6}$/i.test(value);

/**
 * Return red, green and blue (0 to 255) of "#rrggbb".
 * @param {string} color
 */
export const channelsOf = (color) => [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));

/**
 * Return the "#rrggbb" closest to three channels in 0 to 255.
 * @param {readonly number[]} color
 */
export const toHex = (color) =>
  `#${color.map((x) => roundHalfEven(x).toString(16).padStart(2, "0")).join("")}`;

/** @param {number} x */
function roundHalfEven(x) {
  const down = Math.floor(x);
  return down + (x - down > 0.5 || (x - down === 0.5 && down % 2) ? 1 : 0);
}

/**
 * Return the label whose color name is closest to "#rrggbb" in RGB.
 * @param {string} color
 * @param {readonly string[]} labels
 */
export function closestColorLabel(color, labels) {
  const wanted = channelsOf(color);
  let closest;
  let least = Infinity;
  for (const label of labels) {
    // The last color word of a label counts.
    const words = label
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => Object.hasOwn(WORDS, word));
    if (!words.length) continue;
    const own = channelsOf(WORDS[words[words.length - 1]]);
    const distance = own.reduce((total, x, i) => total + (x - wanted[i]) ** 2, 0);
    if (distance < least) [closest, least] = [label, distance];
  }
  return closest;
}
