/** Controls: one for each condition group, made from the manifest. */

import { colorsOf } from "./colors.js";
import { h, iconButton, setAttribute } from "./dom.js";
import { changeWeight, hexOf, isBlend, maxActive, round } from "./values.js";

/** @typedef {import("./values.js").Group} Group */
/** @typedef {(value: any, isDragging: boolean) => void} Change */
/** @typedef {{element: HTMLElement, show: (value: any) => void}} Control */

const MANY_LABELS = 30;
const MAX_BUTTONS = 60;
const MAX_BLEND = 4;

/**
 * Return the control of a group.
 * @param {Group} group
 * @param {Change} change
 * @returns {Control}
 */
export function makeControl(group, change) {
  if (group.kind === "scalar") return scalarControl(group, change);
  if (group.kind === "rgb") return colorControl(group, change);
  return group.kind === "one_hot" ? choiceControl(group, change) : togglesControl(group, change);
}

/** @param {Group} group @param {...import("./dom.js").Child} children */
const fieldset = (group, ...children) =>
  h("fieldset", { class: "control" }, h("legend", {}, group.name), ...children);

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
      shown.slice(0, MAX_BUTTONS).map((label) => {
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

/** @param {string} label @param {string | undefined} color @param {() => void} onclick */
function labelButton(label, color, onclick) {
  const kind = color ? "swatch" : "chip";
  const properties = { type: "button", class: kind, onclick, "aria-pressed": "false" };
  const button = h("button", properties, h("span", {}, label));
  if (color) button.style.setProperty("--color", color);
  return button;
}

/** One label, or a blend of several. @param {Group} group @param {Change} change @returns {Control} */
function choiceControl(group, change) {
  /** @type {any} */
  let current = group.default;
  const { element: list, press } = labelButtons(group, (label) => {
    change(isBlend(current) ? toggleInBlend(current, label) : label, false);
  });
  const mix = h(
    "button",
    {
      type: "button",
      class: "link",
      "aria-pressed": "false",
      onclick: () => change(isBlend(current) ? heaviest(current) : { [current]: 1 }, false),
    },
    "Mix",
  );
  const sliders = h("div", { class: "blend" });
  const element = fieldset(group, list, sliders);
  element.append(mix);
  /** @type {Map<string, HTMLInputElement>} */
  let inputs = new Map();

  const build = (/** @type {string[]} */ labels) => {
    inputs = new Map(
      labels.map((label) => [
        label,
        weightSlider(label, (percent, isDragging) => {
          change(changeWeight(current, label, percent), isDragging);
        }),
      ]),
    );
    const rows = [...inputs].map(([label, input]) =>
      h("label", { class: "slider" }, h("span", {}, label), input, h("output", {})),
    );
    const hint = h(
      "p",
      { class: "hint" },
      labels.length > 1 ? "" : "Choose another one to mix in.",
    );
    sliders.replaceChildren(...rows, hint);
  };
  const show = (/** @type {any} */ value) => {
    current = value;
    const blend = isBlend(value) ? value : null;
    press((label) => (blend ? label in blend : label === value));
    setAttribute(mix, "aria-pressed", String(blend !== null));
    sliders.hidden = !blend;
    if (!blend) return;
    const labels = Object.keys(blend);
    if (labels.join("\n") !== [...inputs.keys()].join("\n")) build(labels);
    for (const [label, input] of inputs) {
      const percent = Math.round(blend[label] * 100);
      input.value = String(percent);
      input.disabled = labels.length < 2;
      showOutput(input, `${percent} %`);
    }
  };
  show(current);
  return { element, show };
}

/** @param {Record<string, number>} blend @param {string} label */
function toggleInBlend(blend, label) {
  if (!(label in blend)) {
    const count = Object.keys(blend).length;
    if (count >= MAX_BLEND) return blend;
    return changeWeight({ ...blend, [label]: 0 }, label, Math.round(100 / (count + 1)));
  }
  if (Object.keys(blend).length === 1) return blend;
  const { [label]: _, ...rest } = changeWeight(blend, label, 0);
  return rest;
}

/** @param {Record<string, number>} blend */
const heaviest = (blend) => Object.entries(blend).sort((one, two) => two[1] - one[1])[0][0];

/** @param {string} label @param {(percent: number, isDragging: boolean) => void} onmove */
function weightSlider(label, onmove) {
  const move = (/** @type {boolean} */ isDragging) => onmove(Number(input.value), isDragging);
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

/** @param {HTMLInputElement} input @param {string} text */
function showOutput(input, text) {
  const output = input.parentElement?.querySelector("output");
  if (output) output.textContent = text;
  input.setAttribute("aria-valuetext", text);
}

/** Any number of labels. @param {Group} group @param {Change} change @returns {Control} */
function togglesControl(group, change) {
  /** @type {string[]} */
  let active = [];
  const most = maxActive(group);
  const { element: list, press } = labelButtons(group, (label) => {
    const isOn = active.includes(label);
    const rest = active.filter((other) => other !== label);
    change(isOn ? rest : [...(most === 1 ? [] : active), label].slice(-most), false);
  });
  const limit = most < (group.labels ?? []).length && most > 1;
  const hint = limit ? h("p", { class: "hint" }, `At most ${most} at a time.`) : null;
  const show = (/** @type {any} */ value) => {
    active = Array.isArray(value) ? value : Object.keys(value).filter((label) => value[label] > 0);
    press((label) => active.includes(label));
  };
  show(group.default);
  return { element: fieldset(group, list, hint), show };
}

/** A color well and the names of the palette. @param {Group} group @param {Change} change @returns {Control} */
function colorControl(group, change) {
  const move = (/** @type {boolean} */ isDragging) => change(well.value, isDragging);
  const well = h("input", {
    type: "color",
    "aria-label": `Color of ${group.name}`,
    oninput: () => move(true),
    onchange: () => move(false),
  });
  const palette = Object.entries(group.palette ?? {}).slice(0, MAX_BUTTONS);
  const buttons = new Map(
    palette.map(([name, color]) => [name, labelButton(name, color, () => change(name, false))]),
  );
  const show = (/** @type {any} */ value) => {
    well.value = hexOf(group, value).toLowerCase();
    for (const [name, button] of buttons) {
      setAttribute(button, "aria-pressed", String(name === value));
    }
  };
  show(group.default);
  return {
    element: fieldset(group, h("div", { class: "swatches" }, well, ...buttons.values())),
    show,
  };
}

/** A slider. @param {Group} group @param {Change} change @returns {Control} */
function scalarControl(group, change) {
  const { min = 0, max = 1 } = group;
  const steps = Number.isInteger(min) && Number.isInteger(max) && max - min >= 20 ? max - min : 200;
  const move = (/** @type {boolean} */ isDragging) => {
    change(Math.min(max, Math.max(min, Number(input.value))), isDragging);
  };
  const input = h("input", {
    type: "range",
    min,
    max,
    step: (max - min) / steps,
    "aria-label": group.name,
    oninput: () => move(true),
    onchange: () => move(false),
  });
  const show = (/** @type {any} */ value) => {
    input.value = String(value);
    showOutput(input, round(value));
  };
  const element = fieldset(group, h("div", { class: "slider" }, input, h("output", {})));
  show(group.default);
  return { element, show };
}

/**
 * Return a control for how much images vary.
 * @param {number} standard the temperature of the bundle
 * @param {(temperature: number | null, isDragging: boolean) => void} change
 * @returns {{element: HTMLElement, show: (temperature: number | null) => void}}
 */
export function varietyControl(standard, change) {
  const move = (/** @type {boolean} */ isDragging) => change(Number(input.value), isDragging);
  const input = h("input", {
    type: "range",
    min: standard * 0.1,
    max: standard * 1.5,
    step: standard * 0.05,
    "aria-label": "Variety",
    oninput: () => move(true),
    onchange: () => move(false),
  });
  const reset = iconButton("reset", "Usual variety", () => change(null, false), { quiet: true });
  const show = (/** @type {number | null} */ temperature) => {
    input.value = String(temperature ?? standard);
    reset.disabled = temperature === null;
    showOutput(
      input,
      temperature === null ? "usual" : `${Math.round((temperature / standard) * 100)} %`,
    );
  };
  const slider = h("div", { class: "slider" }, input, h("output", {}), reset);
  const hint = h("p", { class: "hint" }, "Low: typical images. High: unusual ones.");
  const element = h("fieldset", { class: "control" }, h("legend", {}, "variety"), slider, hint);
  show(null);
  return { element, show };
}
