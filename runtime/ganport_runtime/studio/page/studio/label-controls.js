/** Controls of groups whose values are labels: buttons, and sliders for the weights of labels. */

import { colorsOf } from "./colors.js";
import { h, setAttribute } from "./dom.js";
import {
  activeLabels,
  changeWeight,
  isBlend,
  limitWeight,
  maxActive,
  toggleInBlend,
  toggleLabel,
  weightsOf,
} from "./values.js";

/** @typedef {import("./values.js").Group} Group */
/** @typedef {import("./controls.js").Change} Change */
/** @typedef {import("./controls.js").Control} Control */

const MANY_LABELS = 30;
/** Buttons or sliders of one group. */
export const MAX_SHOWN = 60;

/** @param {Group} group @param {...import("./dom.js").Child} children */
export const fieldset = (group, ...children) =>
  h("fieldset", { class: "control" }, h("legend", {}, group.name), ...children);

/** @param {string} label @param {string | undefined} color @param {() => void} onclick */
export function labelButton(label, color, onclick) {
  const kind = color ? "swatch" : "chip";
  const properties = { type: "button", class: kind, onclick, "aria-pressed": "false" };
  const button = h("button", properties, h("span", {}, label));
  if (color) button.style.setProperty("--color", color);
  return button;
}

/** Show the value of a slider next to it. @param {HTMLInputElement} input @param {string} text */
export function showOutput(input, text) {
  const output = input.parentElement?.querySelector("output");
  if (output) output.textContent = text;
  input.setAttribute("aria-valuetext", text);
}

/** One label, or a blend of several. @param {Group} group @param {Change} change @returns {Control} */
export function choiceControl(group, change) {
  /** @type {any} */
  let current = group.default;
  const { element: list, press } = labelButtons(group, (label) => {
    change(isBlend(current) ? toggleInBlend(current, label) : label, false);
  });
  const mix = modeButton("Mix", () => {
    change(isBlend(current) ? heaviest(current) : { [current]: 1 }, false);
  });
  const sliders = weightSliders((label, percent, isDragging) => {
    change(changeWeight(current, label, percent), isDragging);
  });
  const show = (/** @type {any} */ value) => {
    current = value;
    const blend = isBlend(value) ? value : null;
    press((label) => (blend ? Object.hasOwn(blend, label) : label === value));
    setAttribute(mix, "aria-pressed", String(blend !== null));
    const isSingle = blend !== null && Object.keys(blend).length < 2;
    sliders.show(blend, isSingle ? "Choose another one to mix in." : "", isSingle);
  };
  show(current);
  return { element: fieldset(group, list, sliders.element, mix), show };
}

/** Any number of labels, each on or with a weight. @param {Group} group @param {Change} change @returns {Control} */
export function togglesControl(group, change) {
  /** @type {any} */
  let current = group.default;
  const most = maxActive(group);
  const { element: list, press } = labelButtons(group, (label) => {
    change(toggleLabel(group, current, label), false);
  });
  const weigh = modeButton("Weights", () => {
    change(isBlend(current) ? activeLabels(current).slice(-most) : weightsOf(current), false);
  });
  const sliders = weightSliders((label, percent, isDragging) => {
    change(limitWeight(group, current, label, percent), isDragging);
  });
  const isLimited = most < (group.labels ?? []).length && most > 1;
  const hint = isLimited ? h("p", { class: "hint" }, `At most ${most} at a time.`) : null;
  const show = (/** @type {any} */ value) => {
    current = value;
    const weights = isBlend(value) ? value : null;
    const active = new Set(weights ? Object.keys(weights) : value);
    press((label) => active.has(label));
    setAttribute(weigh, "aria-pressed", String(weights !== null));
    sliders.show(weights, active.size ? "" : "Choose one to set its weight.");
  };
  show(current);
  return { element: fieldset(group, list, hint, sliders.element, weigh), show };
}

/** @param {string} text @param {() => void} onclick */
const modeButton = (text, onclick) =>
  h("button", { type: "button", class: "link", "aria-pressed": "false", onclick }, text);

/** @param {Record<string, number>} blend */
const heaviest = (blend) => Object.entries(blend).sort((one, two) => two[1] - one[1])[0][0];

/**
 * Return a slider for each weight of a value.
 * @param {(label: string, percent: number, isDragging: boolean) => void} onmove
 */
function weightSliders(onmove) {
  const element = h("div", { class: "blend" });
  const hint = h("p", { class: "hint" });
  /** @type {Map<string, HTMLInputElement>} */
  let inputs = new Map();
  const build = (/** @type {string[]} */ labels) => {
    inputs = new Map(labels.map((label) => [label, weightSlider(label, onmove)]));
    const rows = [...inputs].map(([label, input]) =>
      h("label", { class: "slider" }, h("span", {}, label), input, h("output", {})),
    );
    element.replaceChildren(...rows, hint);
  };
  /** @param {Record<string, number> | null} weights null hides the sliders */
  const show = (weights, text = "", isDisabled = false) => {
    element.hidden = !weights;
    if (!weights) return;
    const all = Object.keys(weights);
    const labels = all.slice(0, MAX_SHOWN);
    const isCut = labels.length < all.length;
    if (labels.join("\n") !== [...inputs.keys()].join("\n") || !hint.isConnected) build(labels);
    hint.textContent = isCut ? `${labels.length} of ${all.length} weights have a slider.` : text;
    for (const [label, input] of inputs) {
      const percent = Math.round(weights[label] * 100);
      input.value = String(percent);
      input.disabled = isDisabled;
      showOutput(input, `${percent} %`);
    }
  };
  return { element, show };
}

/** @param {string} label @param {(label: string, percent: number, isDragging: boolean) => void} onmove */
function weightSlider(label, onmove) {
  const move = (/** @type {boolean} */ isDragging) =>
    onmove(label, Number(input.value), isDragging);
  const input = h("input", {
    type: "range",
    min: 0,
    max: 100,
    "aria-label": label,
    oninput: () => move(true),
    onchange: () => move(false),
  });
  return input;
}

/**
 * Return buttons for the labels of a group; a group with many labels has a search field, and shows
 * the first labels that match.
 * @param {Group} group
 * @param {(label: string) => void} onpick
 * @returns {{element: HTMLElement, press: (isOn: (label: string) => boolean) => void}}
 */
function labelButtons(group, onpick) {
  const labels = group.labels ?? [];
  const colors = colorsOf(labels);
  const list = h("div", { class: colors ? "swatches" : "chips" });
  /** @type {Map<string, HTMLButtonElement>} */
  let buttons = new Map();
  let isPressed = (/** @type {string} */ _label) => false;
  const press = (/** @type {(label: string) => boolean} */ isOn) => {
    isPressed = isOn;
    for (const [label, button] of buttons)
      setAttribute(button, "aria-pressed", String(isOn(label)));
  };
  const show = (/** @type {string} */ text) => {
    const wanted = text.trim().toLowerCase();
    const shown = labels.filter((label) => label.toLowerCase().includes(wanted));
    buttons = new Map(
      shown.slice(0, MAX_SHOWN).map((label) => {
        const color = colors?.[labels.indexOf(label)];
        return [label, labelButton(label, color, () => onpick(label))];
      }),
    );
    list.replaceChildren(...buttons.values());
    press(isPressed);
  };
  show("");
  if (labels.length < MANY_LABELS) return { element: list, press };
  const filter = h("input", {
    type: "search",
    class: "filter",
    placeholder: `Search ${labels.length} labels`,
    "aria-label": `Search ${group.name}`,
    oninput: () => show(filter.value),
  });
  return { element: h("div", {}, filter, list), press };
}
