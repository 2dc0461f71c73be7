/** The condition groups of a bundle: requests in, condition vectors out. */

import { checkDistinct, checkRange, conditionError, invalidValue } from "../checks.js";
import { BundleError, ConditionError } from "../errors.js";
import { JsonObject, checkItems } from "../json-object.js";
import { formatChoices, isPlain, reprShort } from "../messages.js";
import { JointOneHot, OneHot } from "./groups.js";
import { MultiHot, Rgb, Scalar, SignedMultiHot } from "./other-groups.js";
import { parseText } from "./text-parser.js";

/** @typedef {import("./groups.js").ConditionGroup} ConditionGroup */
/** Values by group name, or a text such as `pink hair`. @typedef {Record<string, any> | string} ConditionRequest */
/** One request for all images, or a list with one for each. @typedef {ConditionRequest | readonly ConditionRequest[] | null} ConditionInput */

const KINDS = {
  one_hot: OneHot,
  joint_one_hot: JointOneHot,
  multi_hot: MultiHot,
  signed_multi_hot: SignedMultiHot,
  rgb: Rgb,
  scalar: Scalar,
};
const MAX_SIZE = 65536;
const MAX_GROUPS = 256;

/** Condition groups in vector order; a bundle without groups is unconditional. */
export class Conditions {
  /** @param {readonly ConditionGroup[]} groups */
  constructor(groups) {
    const members = groups.flatMap((group) => group.fields.filter((field) => field !== group));
    const names = [...groups, ...members].map((group) => group.name);
    if (names.length) checkDistinct("conditions", names);
    this.groups = groups;
    /** The length of the condition vector; 0 for an unconditional bundle. */
    this.size = groups.reduce((size, group) => size + group.size, 0);
    /** The groups that a request names; a joint group is replaced by its two members. */
    this.fields = new Map(groups.flatMap((g) => g.fields.map((field) => [field.name, field])));
  }

  /**
   * Return the vector of a request; omitted groups take their default. Throws `ConditionError`.
   * @param {ConditionRequest | null} [request]
   */
  encode(request) {
    const values = this.completeMap(request);
    const vector = new Float32Array(this.size);
    let start = 0;
    for (const group of this.groups) {
      vector.set(group.encode(values.get(group.name)), start);
      start += group.size;
    }
    return vector;
  }

  /**
   * Return the complete request at `fraction` (0 to 1) between two requests.
   * @param {ConditionRequest | null} first
   * @param {ConditionRequest | null} second
   * @param {number} fraction
   */
  blend(first, second, fraction) {
    checkRange("fraction", fraction, 0, 1);
    this.encode(first);
    this.encode(second);
    const [one, two] = [this.completeMap(first), this.completeMap(second)];
    const blended = this.groups.map(({ name }, i) => {
      const value = this.groups[i].blend(one.get(name), two.get(name), fraction);
      return [name, value];
    });
    return Object.fromEntries(blended);
  }

  /**
   * Return the value of every group: the requested ones, and defaults for the others.
   * @param {ConditionRequest | null} [request]
   * @returns {Record<string, any>}
   */
  complete(request) {
    return Object.fromEntries(this.completeMap(request));
  }

  /** Return the values that a text such as `pink hair black eyes` requests. @param {string} text */
  parse(text) {
    if (this.groups.length) return Object.fromEntries(parseText(text, [...this.fields.values()]));
    if (text.trim()) throw this.unknownGroup(text);
    return {};
  }

  /** Return the complete request as text. @param {ConditionRequest | null} [request] @returns {string} */
  caption(request) {
    this.encode(request);
    const values = this.completeMap(request);
    return this.groups.map((group) => group.describe(values.get(group.name))).join(" ");
  }

  /** @param {ConditionRequest | null} [request] @returns {Map<string, any>} */
  completeMap(request) {
    const requested = new Map(Object.entries(this.requestedValues(request)));
    const values = new Map();
    for (const group of this.groups) {
      const { name, fields } = group;
      if (requested.has(name)) {
        values.set(name, requested.get(name));
        requested.delete(name);
      } else if (fields[0] === group) values.set(name, group.default);
      else {
        const members = fields.map((field) => field.name).filter((m) => requested.has(m));
        values.set(name, Object.fromEntries(members.map((m) => [m, requested.get(m)])));
        for (const member of members) requested.delete(member);
      }
    }
    for (const name of requested.keys()) {
      if (!this.fields.has(name)) throw this.unknownGroup(name);
      const found = "a second one inside its joint group";
      throw conditionError(name, "one value", found, `Leave out ${reprShort(name)}.`);
    }
    return values;
  }

  /** @param {unknown} request @returns {Record<string, unknown>} */
  requestedValues(request) {
    if (request === null || request === undefined) return {};
    if (typeof request === "string") return this.parse(request);
    if (isPlain(request)) return request;
    const text = this.groups.length && `Pass a text such as ${reprShort(this.caption())}.`;
    const expected = "a mapping of group to value, or a text";
    throw invalidValue("request", expected, request, { fix: text || "Pass nothing." });
  }

  /** @param {string} name */
  unknownGroup(name) {
    if (!this.groups.length) {
      const expected = "none: this generator is unconditional";
      return new ConditionError("condition", expected, reprShort(name), "Omit the condition.");
    }
    const allowed = [...this.fields.keys()];
    const expected = `one of the groups ${formatChoices(allowed)}`;
    return invalidValue([...name].slice(0, 100).join(""), expected, name, { allowed });
  }
}

/**
 * Return the groups of a manifest's `conditions`; throw `BundleError`.
 * @param {unknown} value
 * @param {string} place
 */
export function readConditions(value, place) {
  /** @type {ConditionGroup[]} */
  const groups = [];
  let start = 0;
  let here = place;
  try {
    for (const [index, entry] of checkItems(value, place, MAX_GROUPS).entries()) {
      here = `${place}[${index}]`;
      const fields = new JsonObject(entry, here);
      const kind = /** @type {keyof typeof KINDS} */ (fields.oneOf("kind", Object.keys(KINDS)));
      const group = KINDS[kind].read(fields);
      groups.push(group);
      const [first, last, ...rest] = fields.items("slice", 2);
      if (first !== start || last !== start + group.size || rest.length) {
        const expected = `[${start}, ${start + group.size}], groups without gaps`;
        throw new BundleError(`${here}.slice`, expected, reprShort(fields.value("slice")));
      }
      start += group.size;
    }
    here = place;
    if (start > MAX_SIZE) {
      const expected = `an integer from 0 to ${MAX_SIZE}`;
      throw new BundleError(`${place}: length of the vector`, expected, `${start}`);
    }
    return new Conditions(groups);
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    throw new BundleError(`${here}: ${error.place}`, error.expected, error.found);
  }
}
