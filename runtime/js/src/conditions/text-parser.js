/** Requests written as text: `pink hair black eyes`. */

import { conditionError, invalidValue } from "../checks.js";
import { ConditionError } from "../errors.js";
import { SPACE, formatChoices, lengthOf, reprShort, suggestion } from "../messages.js";

/** @typedef {import("./groups.js").ConditionGroup} ConditionGroup */
/** A phrase of `length` words that requests `value` of `group`. @typedef {{length: number, group: ConditionGroup, value: any}} Match */
/** @typedef {Map<string, {group: ConditionGroup, value: any}[]>} Phrases */

const MAX_LENGTH = 10_000;
const PLACE = "condition text";
const USE_VALUES = "Give one value for each group instead of a text.";

/**
 * Return the request that `text` stands for: phrases of `groups` in any order. Throws
 * `ConditionError` for a word that belongs to no phrase, a text with two readings and a group that
 * is named twice.
 * @param {string} text
 * @param {readonly ConditionGroup[]} groups
 */
export function parseText(text, groups) {
  const length = lengthOf(text);
  if (length > MAX_LENGTH) {
    const expected = `at most ${MAX_LENGTH} characters`;
    throw new ConditionError(PLACE, expected, `${length}`, "Shorten the text.");
  }
  return merge(matchPhrases(split(text), groups));
}

/** @param {string} text */
const split = (text) => text.replaceAll(",", " ").split(SPACE).filter(Boolean);

/** @param {string[]} words @param {readonly ConditionGroup[]} groups @returns {Match[]} */
function matchPhrases(words, groups) {
  /** @type {Phrases} */
  const phrases = new Map();
  let longest = Math.max(...groups.map((group) => 1 + split(group.name).length));
  for (const group of groups) {
    for (const [phrase, value] of group.phrases()) {
      const parts = split(phrase);
      longest = Math.max(longest, parts.length);
      const key = parts.join(" ");
      phrases.set(key, [...(phrases.get(key) ?? []), { group, value }]);
    }
  }
  // readings[i] counts the readings of the first i words, at most 2; last[i] ends one of them.
  const readings = [1, ...words.map(() => 0)];
  /** @type {(Match | undefined)[]} */
  const last = [];
  for (let start = 0; start < words.length; start++) {
    for (let length = 1; readings[start] && length <= longest; length++) {
      const end = start + length;
      if (end > words.length) break;
      const part = words.slice(start, end);
      const found = phrases.get(part.join(" ")) ?? [];
      for (const { group, value } of [...found, ...openEnded(part, groups)]) {
        readings[end] = Math.min(2, readings[end] + readings[start]);
        last[end] = { length, group, value };
      }
    }
  }
  const count = readings[words.length];
  if (!count) {
    const matched = readings.findLastIndex((number) => number > 0);
    throw unknownPhrase(words.slice(matched), groups, phrases);
  }
  if (count > 1) {
    const found = reprShort(words.join(" "));
    throw new ConditionError(PLACE, "a text with one reading", found, USE_VALUES);
  }
  return traceBack(last, words.length);
}

/** @param {string[]} phrase @param {readonly ConditionGroup[]} groups */
function openEnded(phrase, groups) {
  const name = phrase.slice(1).join(" ");
  const named = groups.filter((group) => split(group.name).join(" ") === name);
  const found = named.map((group) => ({ group, value: group.fromWord(phrase[0]) }));
  return found.filter(({ value }) => value !== undefined);
}

/** @param {(Match | undefined)[]} last @param {number} position */
function traceBack(last, position) {
  /** @type {Match[]} */
  const matches = [];
  for (let match = last[position]; match; match = last[position]) {
    matches.push(match);
    position -= match.length;
  }
  return matches.reverse();
}

/** @param {Match[]} matches @returns {Map<string, any>} */
function merge(matches) {
  const request = new Map();
  for (const { group, value } of matches) {
    const before = request.get(group.name);
    if (before === undefined) request.set(group.name, value);
    else if (Array.isArray(value) && value.length && before.length) {
      request.set(group.name, [...before, ...value]); // each label of a multi-hot group is a phrase
    } else {
      const [one, two] = [before, value].map((entry) =>
        reprShort(entry, { tuple: true, float: true }),
      );
      throw conditionError(group.name, "one value", `${one} and ${two}`, "Name the group once.");
    }
  }
  return request;
}

/** @param {string[]} rest @param {readonly ConditionGroup[]} groups @param {Phrases} phrases */
function unknownPhrase(rest, groups, phrases) {
  for (let end = 0; end < rest.length; end++) {
    for (const group of groups) {
      const name = split(group.name);
      if (rest.slice(end, end + name.length).join(" ") !== name.join(" ")) continue;
      const allowed = group.labels;
      const expected = allowed.length ? `one of ${formatChoices(allowed)}` : "a value it takes";
      const fix = `Write for example ${reprShort(group.describe(group.default))}.`;
      return invalidValue(group.name, expected, rest.slice(0, end).join(" "), { allowed, fix });
    }
  }
  const known = [...phrases.keys()];
  const text = rest.join(" ");
  const expected = `phrases such as ${formatChoices(known.slice(0, 3))}`;
  return new ConditionError(PLACE, expected, reprShort(text), suggestion(text, known, USE_VALUES));
}
