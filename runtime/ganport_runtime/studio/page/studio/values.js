/** Values of condition groups: defaults, labels of blends, texts, and their form in a link. */

/**
 * @typedef {{name: string, kind: string, labels?: string[], default?: any, of?: Group[],
 *   max_on?: number, palette?: Record<string, string>, min?: number, max?: number}} Group
 */
/** @typedef {Record<string, any>} Values */

const LABEL_KINDS = ["one_hot", "multi_hot", "signed_multi_hot"];
const MAX_BLEND = 4;

/**
 * Return the groups that have a control; the members of a joint group take its place.
 * @param {Group[]} conditions
 * @returns {Group[]}
 */
export const fieldsOf = (conditions) =>
  conditions.flatMap((group) =>
    group.of ? group.of.map((member) => ({ ...member, kind: "one_hot" })) : [group],
  );

/**
 * Return the default of each group.
 * @param {Group[]} fields
 * @returns {Values}
 */
export const defaultsOf = (fields) =>
  Object.fromEntries(fields.map((group) => [group.name, group.default]));

/**
 * Return whether a value is a map of label to weight.
 * @param {any} value
 * @returns {value is Record<string, number>}
 */
export const isBlend = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Return the weights with one of them changed; they are whole percents and sum to 1.
 * @param {Record<string, number>} weights
 * @param {string} label
 * @param {number} percent
 */
export function changeWeight(weights, label, percent) {
  const others = Object.keys(weights).filter((other) => other !== label);
  if (!others.length) return { [label]: 1 };
  const rest = 100 - percent;
  const total = others.reduce((sum, other) => sum + weights[other], 0);
  const exact = others.map((other) =>
    total ? (rest * weights[other]) / total : rest / others.length,
  );
  const whole = exact.map(Math.floor);
  let missing = rest - whole.reduce((sum, number) => sum + number, 0);
  const order = exact.map((number, index) => [number - whole[index], index]);
  for (const [, index] of order.sort((one, two) => two[0] - one[0])) {
    if (missing-- > 0) whole[index]++;
  }
  const shares = Object.fromEntries(others.map((other, index) => [other, whole[index] / 100]));
  const changed = { ...shares, [label]: percent / 100 };
  return Object.fromEntries(Object.keys(weights).map((name) => [name, changed[name]]));
}

/**
 * Return a blend with a label more or less; it keeps at least one label and at most a few.
 * @param {Record<string, number>} blend
 * @param {string} label
 */
export function toggleInBlend(blend, label) {
  const count = Object.keys(blend).length;
  if (!Object.hasOwn(blend, label)) {
    if (count >= MAX_BLEND) return blend;
    return changeWeight({ ...blend, [label]: 0 }, label, Math.round(100 / (count + 1)));
  }
  if (count === 1) return blend;
  const { [label]: _, ...rest } = changeWeight(blend, label, 0);
  return rest;
}

/**
 * Return the weights of the active labels of a multi-hot value, a list or a map.
 * @param {string[] | Record<string, number>} value
 * @returns {Record<string, number>}
 */
export const weightsOf = (value) =>
  isBlend(value) ? value : Object.fromEntries(value.map((label) => [label, 1]));

/**
 * Return the labels of a multi-hot value whose weight is above 0.
 * @param {string[] | Record<string, number>} value
 */
export const activeLabels = (value) =>
  isBlend(value) ? Object.keys(value).filter((label) => value[label] > 0) : value;

/**
 * Return a multi-hot value with a label switched on or off. The oldest labels make room for a new
 * one; a map of weights stays a map.
 * @param {Group} group
 * @param {string[] | Record<string, number>} value
 * @param {string} label
 */
export function toggleLabel(group, value, label) {
  const active = Object.entries(weightsOf(value));
  const rest = active.filter(([other]) => other !== label);
  const isOn = rest.length < active.length;
  const changed = isOn ? rest : [...rest, [label, 1]].slice(-maxActive(group));
  return isBlend(value) ? Object.fromEntries(changed) : changed.map(([name]) => name);
}

/**
 * Return the weights of a multi-hot group with one of them changed, as far as their sum allows.
 * @param {Group} group
 * @param {Record<string, number>} weights
 * @param {string} label
 * @param {number} percent
 */
export function limitWeight(group, weights, label, percent) {
  const { [label]: _, ...others } = weights;
  const sum = Object.values(others).reduce((total, weight) => total + weight, 0);
  // Sums of decimal fractions are not exact: 1 - 0.9 would leave 9 %.
  const free = Math.floor((maxActive(group) - sum) * 100 + 1e-6);
  return { ...weights, [label]: Math.min(percent, Math.max(0, free)) / 100 };
}

/**
 * Return red, green and blue, 0 to 255, of a color of an `rgb` group.
 * @param {Group} group
 * @param {any} color
 * @returns {number[]}
 */
export function channelsOf(group, color) {
  if (Array.isArray(color)) return color;
  const { palette = {} } = group;
  const hex = Object.hasOwn(palette, color) ? palette[color] : color;
  return [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
}

/**
 * Return a color of an `rgb` group as "#rrggbb".
 * @param {Group} group
 * @param {any} color
 */
export const hexOf = (group, color) =>
  `#${channelsOf(group, color)
    .map((channel) => Math.round(channel).toString(16).padStart(2, "0"))
    .join("")}`;

/**
 * Return a value as words, such as "pink hair".
 * @param {Group} group
 * @param {any} value
 */
export function describeValue(group, value) {
  if (group.kind === "scalar") return `${group.name} ${round(value)}`;
  if (group.kind === "rgb")
    return `${typeof value === "string" ? value : hexOf(group, value)} ${group.name}`;
  if (isBlend(value)) {
    const parts = Object.entries(value).filter(([, weight]) => weight > 0);
    const texts = parts.map(([label, weight]) =>
      weight === 1 ? label : `${Math.round(weight * 100)} % ${label}`,
    );
    return `${texts.join(" + ") || "no"} ${group.name}`;
  }
  if (Array.isArray(value)) return value.length ? value.join(", ") : `no ${group.name}`;
  return `${value} ${group.name}`;
}

/**
 * Return values as words.
 * @param {Group[]} fields
 * @param {Values} values
 */
export const describe = (fields, values) =>
  fields.map((group) => describeValue(group, values[group.name])).join(", ");

/** @param {number} number */
export const round = (number) => String(Number(number.toPrecision(4)));

/**
 * Return a value as text for a link.
 * @param {any} value
 */
export const valueToText = (value) => (typeof value === "string" ? value : JSON.stringify(value));

/**
 * Return the value in a link, or undefined if the group has no such value.
 * @param {Group} group
 * @param {string} text
 */
export function valueFromText(group, text) {
  const labels = group.labels ?? [];
  if (group.kind === "one_hot" && labels.includes(text)) return text;
  const isColor = /^#[0-9a-f]{6}$/i.test(text) || Object.hasOwn(group.palette ?? {}, text);
  if (group.kind === "rgb" && isColor) return text;
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isValue(group, value) ? value : undefined;
}

/** @param {Group} group @param {any} value */
function isValue(group, value) {
  if (group.kind === "scalar") {
    return typeof value === "number" && value >= (group.min ?? 0) && value <= (group.max ?? 0);
  }
  if (group.kind === "rgb") {
    const isChannel = (/** @type {any} */ x) => typeof x === "number" && x >= 0 && x <= 255;
    return Array.isArray(value) && value.length === 3 && value.every(isChannel);
  }
  if (!LABEL_KINDS.includes(group.kind)) return false;
  const labels = group.labels ?? [];
  if (Array.isArray(value)) {
    const isSet =
      value.every((label) => labels.includes(label)) && new Set(value).size === value.length;
    return group.kind !== "one_hot" && isSet && value.length <= maxActive(group);
  }
  if (!isBlend(value)) return false;
  const weights = Object.entries(value);
  const isWeight = (/** @type {[string, number]} */ [label, weight]) =>
    labels.includes(label) && typeof weight === "number" && weight >= 0 && weight <= 1;
  const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
  const fits =
    group.kind === "one_hot" ? Math.abs(total - 1) < 1e-3 : total <= maxActive(group) + 1e-3;
  return weights.every(isWeight) && fits;
}

/**
 * Return how many labels of a group may be active.
 * @param {Group} group
 */
export const maxActive = (group) => group.max_on ?? group.labels?.length ?? 0;
