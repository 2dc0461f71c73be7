/** Condition groups whose value is a list of labels, a color or a number. */

import {
  checkDistinct,
  checkFractions,
  checkLabels,
  checkRange,
  conditionError,
  invalidValue,
  sum,
} from "../checks.js";
import { checkNumber } from "../json-object.js";
import { formatChoices, formatNumber, isPlain } from "../messages.js";
import { channelsOf, isHex, toHex } from "./colors.js";
import { ConditionGroup, LabelGroup, formatWeights, lerp, lerpWeights } from "./groups.js";

/** @typedef {import("../json-object.js").JsonObject} JsonObject */

/**
 * A list of at most `maxActive` labels: 1 for each of them, 0 for the others. An object of label and
 * weight requests fractions, which sum to at most `maxActive`.
 */
export class MultiHot extends LabelGroup {
  kind = "multi_hot";

  /**
   * @param {string} name
   * @param {readonly string[]} labels
   * @param {readonly string[]} fallback
   * @param {number} [maxActive] the number of labels by default
   */
  constructor(name, labels, fallback, maxActive = labels.length, inactiveValue = 0) {
    super(name, labels);
    this.inactiveValue = inactiveValue;
    this.maxActive = checkRange(name, maxActive, 1, this.size);
    this.default = checkLabels(name, fallback, this.index, maxActive);
  }

  /** Return the active value at each requested label, or its weight. @param {unknown} value */
  encode(value) {
    const off = this.inactiveValue;
    const vector = new Float32Array(this.size).fill(off);
    for (const [label, weight] of this.weights(value)) {
      vector[/** @type {number} */ (this.index.get(label))] = off + (1 - off) * weight;
    }
    return vector;
  }

  /** Return a list of labels, or weights. @param {any} first @param {any} second @param {number} fraction */
  blend(first, second, fraction) {
    const mixed = lerpWeights(this.weights(first), this.weights(second), fraction);
    const isList = [...mixed.values()].every((weight) => weight === 1);
    return isList ? [...mixed.keys()] : Object.fromEntries(mixed);
  }

  /** @param {any} value */
  describe(value) {
    const labels = Array.isArray(value) ? value : formatWeights(value);
    return labels.join(", ") || `no ${this.name}`;
  }

  phrases() {
    const phrases = new Map(this.labels.map((label) => [label, [label]]));
    return phrases.set(`no ${this.name}`, []);
  }

  /** @param {JsonObject} fields @returns {MultiHot} */
  static read(fields) {
    const [labels, fallback] = [this.readLabels(fields), this.readLabels(fields, "default")];
    const maxActive = fields.integer("max_on", 1, Math.max(1, labels.length));
    return new MultiHot(fields.text("name"), labels, fallback, maxActive);
  }

  /** @param {unknown} value @returns {Map<string, number>} */
  weights(value) {
    if (!isPlain(value)) {
      const labels = checkLabels(this.name, value, this.index, this.maxActive);
      return new Map(labels.map((label) => [label, 1]));
    }
    const weights = checkFractions(this.name, value, this.index);
    const total = sum(weights.values());
    if (total > this.maxActive + 1e-3) {
      const expected = `weights that sum to at most ${this.maxActive}`;
      const fix = `Multiply each weight by ${formatNumber(this.maxActive / total, 3)}.`;
      throw conditionError(this.name, expected, formatNumber(total), fix);
    }
    return weights;
  }
}

/** A list of any number of labels: +1 for each of them, -1 for the others. */
export class SignedMultiHot extends MultiHot {
  kind = "signed_multi_hot";

  /** @param {JsonObject} fields */
  static read(fields) {
    const [labels, fallback] = [this.readLabels(fields), this.readLabels(fields, "default")];
    return new SignedMultiHot(fields.text("name"), labels, fallback, labels.length, -1);
  }
}

/** An sRGB color whose channels, 0 to 255, are mapped linearly onto `range`. */
export class Rgb extends ConditionGroup {
  kind = "rgb";
  size = 3;

  /**
   * @param {string} name
   * @param {unknown} fallback
   * @param {number[]} range
   * @param {Map<string, string>} palette
   */
  constructor(name, fallback, range, palette) {
    super(name);
    const [low, high] = range;
    if (!(low < high)) {
      const found = `${formatNumber(low)} to ${formatNumber(high)}`;
      throw conditionError(name, "an increasing range", found, "Give the smaller number first.");
    }
    if (palette.size) checkDistinct(name, [...palette.keys()]);
    this.range = range;
    this.palette = palette;
    const colors = [...palette].map(([label, color]) => [label, toHex(this.channels(color))]);
    this.palette = new Map(/** @type {[string, string][]} */ (colors));
    this.labels = [...palette.keys()];
    this.default = fallback;
    this.encode(fallback);
  }

  /** Return the channels mapped onto `range`. @param {unknown} value */
  encode(value) {
    const [low, high] = this.range;
    return Float32Array.from(this.channels(value), (x) => low + (high - low) * (x / 255));
  }

  /** Return the channels between two colors. @param {any} first @param {any} second @param {number} fraction */
  blend(first, second, fraction) {
    const two = this.channels(second);
    return this.channels(first).map((one, i) => lerp(one, two[i], fraction));
  }

  /** @param {any} value */
  describe(value) {
    return `${typeof value === "string" ? value : toHex(this.channels(value))} ${this.name}`;
  }

  phrases() {
    return new Map(this.labels.map((label) => [`${label} ${this.name}`, label]));
  }

  /** @param {string} word */
  fromWord(word) {
    return isHex(word) ? word : undefined;
  }

  /** @param {JsonObject} fields */
  static read(fields) {
    const name = fields.text("name");
    const bounds = fields.items("range", 2).map((x) => checkNumber(x, `${fields.place}.range`));
    if (bounds.length !== 2) {
      const fix = "Give the lowest and the highest number.";
      throw conditionError(name, "a range of two numbers", `${bounds.length}`, fix);
    }
    const palette = fields.object("palette");
    const names = Object.keys(palette.values);
    const colors = new Map(names.map((label) => [label, palette.text(label, 7)]));
    return new Rgb(name, fields.value("default"), bounds, colors);
  }

  /** @param {unknown} value @returns {number[]} */
  channels(value) {
    const allowed = [...this.palette.keys()];
    const names = allowed.length ? ` or one of ${formatChoices(allowed)}` : "";
    const expected = `"#rrggbb", three numbers in 0..255${names}`;
    if (typeof value === "string") {
      const color = this.palette.get(value) ?? value;
      if (isHex(color)) return channelsOf(color);
      const fix = 'Write the color as "#ff88cc".';
      throw invalidValue(this.name, expected, value, { allowed, fix });
    }
    const list = ArrayBuffer.isView(value) ? [.../** @type {any} */ (value)] : value;
    if (!Array.isArray(list) || list.length !== 3) {
      const fix = "Pass three numbers, for example (255, 136, 204).";
      throw invalidValue(this.name, expected, value, { fix });
    }
    return list.map((channel) => checkRange(this.name, channel, 0, 255));
  }
}

/** A number in `min` to `max`, used unchanged in the condition vector. */
export class Scalar extends ConditionGroup {
  kind = "scalar";
  size = 1;

  /**
   * @param {string} name
   * @param {number} fallback
   * @param {number} min
   * @param {number} max
   */
  constructor(name, fallback, min, max) {
    super(name);
    if (!(min < max)) {
      const found = `${formatNumber(min)} and ${formatNumber(max)}`;
      throw conditionError(name, "a min below its max", found, "Give the smaller number first.");
    }
    /** @type {number} */
    this.min = min;
    /** @type {number} */
    this.max = max;
    this.default = fallback;
    this.encode(fallback);
  }

  /** Return the number. @param {unknown} value */
  encode(value) {
    return new Float32Array([checkRange(this.name, value, this.min, this.max)]);
  }

  /** Return the number between two numbers. @param {any} first @param {any} second @param {number} fraction */
  blend(first, second, fraction) {
    return lerp(Number(first), Number(second), fraction);
  }

  /** @param {any} value */
  describe(value) {
    return `${formatNumber(Number(value))} ${this.name}`;
  }

  /** Return the number that a word spells, as Python's `float`. @param {string} word */
  fromWord(word) {
    const isNumber = /^[+-]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)(e[+-]?\d+(_\d+)*)?$/i;
    if (isNumber.test(word)) return Number(word.replaceAll("_", ""));
    const special = /^([+-]?)(inf(inity)?|nan)$/i.exec(word);
    if (!special) return undefined;
    if (special[2].toLowerCase() === "nan") return NaN;
    return special[1] === "-" ? -Infinity : Infinity;
  }

  /** @param {JsonObject} fields */
  static read(fields) {
    const name = fields.text("name");
    const numbers = ["default", "min", "max"].map((key) => fields.number(key));
    return new Scalar(name, numbers[0], numbers[1], numbers[2]);
  }
}
