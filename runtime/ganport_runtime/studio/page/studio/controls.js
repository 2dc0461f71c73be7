/** Controls: one for each condition group, made from the manifest. */

import { h, iconButton, setAttribute } from "./dom.js";
import {
  MAX_SHOWN,
  choiceControl,
  fieldset,
  labelButton,
  showOutput,
  togglesControl,
} from "./label-controls.js";
import { hexOf, round } from "./values.js";

/** @typedef {import("./values.js").Group} Group */
/** @typedef {(value: any, isDragging: boolean) => void} Change */
/** @typedef {{element: HTMLElement, show: (value: any) => void}} Control */

/** Buttons that are built before the page appears; ordinary bundles have fewer. */
const BUTTONS_AT_ONCE = 400;
const SLICE_MILLISECONDS = 8;

/**
 * Return a control for each group. Controls beyond some hundred buttons are built a few at a time,
 * because all of them would freeze the page for seconds; until then they show their name.
 * @param {Group[]} groups
 * @param {(name: string, value: any, isDragging: boolean) => void} change
 * @param {AbortSignal} signal ends the building
 * @returns {(Control & {name: string})[]}
 */
export function makeControls(groups, change, signal) {
  let buttons = 0;
  /** @type {(() => void)[]} */
  const waiting = [];
  const controls = groups.map((group) => {
    const changeGroup = /** @type {Change} */ (value, dragging) =>
      change(group.name, value, dragging);
    const labels = group.labels ?? Object.keys(group.palette ?? {});
    buttons += Math.min(MAX_SHOWN, labels.length) + 1;
    if (buttons <= BUTTONS_AT_ONCE) return { name: group.name, ...makeControl(group, changeGroup) };
    const { build, ...control } = laterControl(group, changeGroup);
    waiting.push(build);
    return { name: group.name, ...control };
  });
  const buildSome = () => {
    const end = performance.now() + SLICE_MILLISECONDS;
    while (waiting.length && performance.now() < end) waiting.shift()?.();
    if (waiting.length && !signal.aborted) setTimeout(buildSome);
  };
  if (waiting.length) setTimeout(buildSome);
  return controls;
}

/** A control that is built later. @param {Group} group @param {Change} change @returns {Control & {build: () => void}} */
function laterControl(group, change) {
  const element = fieldset(group);
  element.classList.add("later");
  /** @type {Control | undefined} */
  let control;
  /** @type {any} */
  let shown = group.default;
  const show = (/** @type {any} */ value) => {
    if (value !== shown) control?.show(value); // one change leaves hundreds of groups as they are
    shown = value;
  };
  const build = () => {
    control = makeControl(group, change);
    control.show(shown);
    element.replaceChildren(...control.element.childNodes);
  };
  return { element, show, build };
}

/**
 * Return the control of a group.
 * @param {Group} group
 * @param {Change} change
 * @returns {Control}
 */
function makeControl(group, change) {
  if (group.kind === "scalar") return scalarControl(group, change);
  if (group.kind === "rgb") return colorControl(group, change);
  return group.kind === "one_hot" ? choiceControl(group, change) : togglesControl(group, change);
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
  const palette = Object.entries(group.palette ?? {}).slice(0, MAX_SHOWN);
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
