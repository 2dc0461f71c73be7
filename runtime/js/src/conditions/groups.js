/** Condition groups: their base class, one-hot and joint one-hot. */

import { checkDistinct, checkLabel, checkName, checkWeights, conditionError } from "../checks.js";
import { invalidValue } from "../checks.js";
import { checkItems, checkText, JsonObject } from "../json-object.js";
import { formatChoices, formatNumber, isPlain, reprShort } from "../messages.js";
import { closestColorLabel, isHex } from "./colors.js";

const MAX_LABELS = 16384;

/**
 * One named slice of the condition vector. `labels` are the values that have a name, in vector
 * order; `default` is the value of a request that omits the group. docs/interface.md specifies
 * every kind.
 * @abstract
 */
export class ConditionGroup {
  kind = "";
  size = 0;
  /** @type {readonly string[]} */
  labels = [];
  /** @type {any} */
  default = undefined;

  /** @param {string} name */
  constructor(name) {
    checkName("conditions", name);
    this.name = name;
    /** The groups that a request names: this group, or the members of a joint group. @type {ConditionGroup[]} */
    this.fields = [this];
  }

  /**
   * Return the vector of a requested value; throw `ConditionError`.
   * @param {unknown} _value
   * @returns {Float32Array}
   */
  encode(_value) {
    return new Float32Array(this.size);
  }

  /**
   * Return the value at `fraction` (0 to 1) between two values.
   * @param {any} first
   * @param {any} _second
   * @param {number} _fraction
   * @returns {any}
   */
  blend(first, _second, _fraction) {
    return first;
  }

  /** Return a valid value as text, such as "pink hair". @param {any} value */
  describe(value) {
    return `${value} ${this.name}`;
  }

  /** Return every phrase of a text request that names a value, with it. @returns {Map<string, any>} */
  phrases() {
    return new Map();
  }

  /** Return the value of an open-ended word before the group's name. @param {string} _word @returns {any} */
  fromWord(_word) {
    return undefined;
  }
}

/**
 * Return the number at `fraction` (0 to 1): exact at both ends, never outside them.
 * @param {number} first
 * @param {number} second
 * @param {number} fraction
 */
export function lerp(first, second, fraction) {
  const mixed = (1 - fraction) * first + fraction * second;
  return Math.min(Math.max(mixed, Math.min(first, second)), Math.max(first, second));
}

/**
 * Return the label weights at `fraction` between two maps, without weights of 0.
 * @param {Map<string, number>} first
 * @param {Map<string, number>} second
 * @param {number} fraction
 */
export function lerpWeights(first, second, fraction) {
  const labels = [...new Set([...first.keys(), ...second.keys()])];
  const weights = labels.map((label) => {
    const weight = lerp(first.get(label) ?? 0, second.get(label) ?? 0, fraction);
    return /** @type {[string, number]} */ ([label, weight]);
  });
  return new Map(weights.filter(([, weight]) => weight > 0));
}

/**
 * Return each label with its weight in percent; a weight of 1 is not shown.
 * @param {Record<string, number>} weights
 */
export const formatWeights = (weights) =>
  Object.entries(weights).map(([label, weight]) =>
    weight === 1 ? label : `${formatNumber(100 * weight, 3)}% ${label}`,
  );

/** Base of the groups whose values are labels. */
export class LabelGroup extends ConditionGroup {
  /**
   * @param {string} name
   * @param {readonly string[]} labels
   */
  constructor(name, labels) {
    super(name);
    this.labels = checkDistinct(name, labels);
    this.size = labels.length;
    /** The position of each label in the vector. */
    this.index = new Map(labels.map((label, index) => [label, index]));
  }

  /** Throw for a hex color, which is not a label. @param {string} word @returns {any} */
  fromWord(word) {
    this.checkNoColor(word);
  }

  /** @param {unknown} value */
  checkNoColor(value) {
    if (!isHex(value) || this.index.has(value)) return;
    const closest = closestColorLabel(value, this.labels) ?? this.labels[0];
    const expected = `one of ${formatChoices(this.labels)}`;
    const fix = `Use a label such as ${reprShort(closest)}.`;
    throw conditionError(this.name, expected, `the color ${value}`, fix);
  }

  /** Return the labels under `key`. @param {JsonObject} fields */
  static readLabels(fields, key = "labels") {
    const place = `${fields.place}.${key}`;
    const entries = checkItems(fields.value(key), place, MAX_LABELS);
    return entries.map((entry, index) => checkText(entry, `${place}[${index}]`, 100));
  }
}

/** One of K labels, or a blend of several with weights that sum to 1. */
export class OneHot extends LabelGroup {
  kind = "one_hot";

  /**
   * @param {string} name
   * @param {readonly string[]} labels
   * @param {unknown} [fallback] the first label by default
   */
  constructor(name, labels, fallback) {
    super(name, labels);
    this.default = fallback ?? labels[0];
    this.encode(this.default);
  }

  /** Return 1 at the label, or the weight at each label. @param {unknown} value */
  encode(value) {
    const vector = new Float32Array(this.size);
    this.checkNoColor(value);
    for (const [label, weight] of checkWeights(this.name, value, this.index)) {
      vector[/** @type {number} */ (this.index.get(label))] = weight;
    }
    return vector;
  }

  /** Return a label, or weights. @param {any} first @param {any} second @param {number} fraction */
  blend(first, second, fraction) {
    const [one, two] = [first, second].map((v) => checkWeights(this.name, v, this.index));
    const mixed = lerpWeights(one, two, fraction);
    return mixed.size === 1 ? [...mixed.keys()][0] : Object.fromEntries(mixed);
  }

  /** @param {any} value */
  describe(value) {
    return `${typeof value === "string" ? value : formatWeights(value).join(" ")} ${this.name}`;
  }

  phrases() {
    return new Map(this.labels.map((label) => [`${label} ${this.name}`, label]));
  }

  /** @param {JsonObject} fields */
  static read(fields) {
    return new OneHot(fields.text("name"), this.readLabels(fields), fields.value("default"));
  }
}

/** One value for each of two groups, encoded as one of K1 x K2 pairs in row-major order. */
export class JointOneHot extends ConditionGroup {
  kind = "joint_one_hot";

  /**
   * @param {string} name
   * @param {OneHot[]} of
   */
  constructor(name, of) {
    super(name);
    if (of.length !== 2) {
      const found = `${of.length} groups`;
      throw conditionError(name, "exactly two groups", found, "Join two groups.");
    }
    this.of = of;
    this.fields = of;
    this.size = of[0].size * of[1].size;
    this.default = Object.fromEntries(of.map((member) => [member.name, member.default]));
  }

  /** Return the outer product of the members' vectors. @param {unknown} value */
  encode(value) {
    const values = this.values(value);
    const [one, two] = this.of.map((member) => member.encode(values[member.name]));
    const vector = new Float32Array(this.size);
    for (let a = 0; a < one.length; a++) {
      for (let b = 0; b < two.length; b++) vector[a * two.length + b] = one[a] * two[b];
    }
    return vector;
  }

  /** Return the blend of each member. @param {any} first @param {any} second @param {number} fraction */
  blend(first, second, fraction) {
    const [one, two] = [this.values(first), this.values(second)];
    return Object.fromEntries(
      this.of.map((m) => [m.name, m.blend(one[m.name], two[m.name], fraction)]),
    );
  }

  /** @param {any} value */
  describe(value) {
    const values = this.values(value);
    return this.of.map((member) => member.describe(values[member.name])).join(" ");
  }

  /** @param {JsonObject} fields */
  static read(fields) {
    const entries = fields.items("of", 2);
    const of = entries.map((x, i) => OneHot.read(new JsonObject(x, `${fields.place}.of[${i}]`)));
    return new JointOneHot(fields.text("name"), of);
  }

  /** @param {unknown} value @returns {Record<string, any>} */
  values(value) {
    const members = new Map(this.of.map((member) => [member.name, member]));
    const names = [...members.keys()];
    if (!isPlain(value)) {
      const expected = `a value for each of ${formatChoices(names)}`;
      const fix = `Pass a mapping such as ${reprShort(this.default)}.`;
      throw invalidValue(this.name, expected, value, { fix });
    }
    for (const name of Object.keys(value)) checkLabel(this.name, name, members);
    return { ...this.default, ...value };
  }
}
