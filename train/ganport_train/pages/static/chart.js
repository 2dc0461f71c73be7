/** Line charts as SVG: one x axis, several lines, and the values under the pointer. */

import { count, h } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 400;
const HEIGHT = 180;
const LEFT = 40;
const RIGHT = 10;
const TOP = 10;
const BOTTOM = 24;
/** Lines that have a color of their own. */
const COLORS = 6;

/**
 * Return a figure with a chart.
 * @param {string} title
 * @param {number[]} xs training images, one for each value
 * @param {Line[]} lines null is no value, and `dots` marks each value
 * @param {Options} [options] ends of the y axis that are fixed, and the format of a value
 */
export function lineChart(title, xs, lines, options = {}) {
  const shown = lines.filter(({ values }) => values.some((value) => value !== null));
  const scale = makeScale(xs, shown, options);
  const svg = node("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: "img",
    "aria-label": describe(title, shown, scale),
  });
  svg.append(...grid(scale), ...shown.flatMap((line, index) => drawLine(line, index, xs, scale)));
  const legend = shown.map((line, index) => legendItem(line, index));
  addPointer(svg, xs, legend, scale);
  const items = legend.map(({ item }) => item);
  return h(
    "figure",
    { class: "chart" },
    h("figcaption", {}, title),
    svg,
    h("ul", { class: "legend" }, items),
  );
}

/** @typedef {{name: string, values: (number | null)[], dots?: boolean, title?: string | null}} Line */
/** @typedef {{low?: number, high?: number, format?: (value: number) => string}} Options */

/** @param {number[]} xs @param {Line[]} lines @param {Options} options */
function makeScale(xs, lines, { low, high, format = shortNumber }) {
  const values = lines.flatMap((line) => line.values.filter((value) => value !== null));
  let bottom = low ?? Math.min(...values);
  let top = high ?? Math.max(...values);
  if (!(top > bottom)) [bottom, top] = [bottom - 0.5, bottom + 0.5];
  const step = niceStep((top - bottom) / 4);
  if (low === undefined) bottom = Math.floor(bottom / step) * step;
  if (high === undefined) top = Math.ceil(top / step) * step;
  const last = Math.max(...xs, 1);
  return {
    x: (value) => LEFT + (value / last) * (WIDTH - LEFT - RIGHT),
    y: (value) => TOP + ((top - value) / (top - bottom)) * (HEIGHT - TOP - BOTTOM),
    last,
    bottom,
    top,
    step,
    format,
  };
}

/** Return 1, 2 or 5 times a power of ten, at least `rough`. */
function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
}

function grid({ x, y, last, bottom, top, step, format }) {
  const parts = [];
  for (let value = bottom; value <= top + step / 1e6; value += step) {
    parts.push(node("path", { class: "rule", d: `M${LEFT} ${y(value)}H${WIDTH - RIGHT}` }));
    parts.push(text(LEFT - 7, y(value) + 4, format(value), "end"));
  }
  const stride = niceStep(last / 4);
  for (let value = 0; value <= last; value += stride)
    parts.push(text(x(value), HEIGHT - 6, shortNumber(value), value ? "middle" : "start"));
  return parts;
}

/** @param {Line} line @param {number} index @param {number[]} xs @param {any} scale */
function drawLine({ values, dots }, index, xs, { x, y, top, bottom }) {
  const clamp = (value) => y(Math.min(top, Math.max(bottom, value)));
  let path = "";
  let pen = "M";
  values.forEach((value, i) => {
    if (value === null) pen = dots ? pen : "M";
    else {
      path += `${pen}${x(xs[i]).toFixed(1)} ${clamp(value).toFixed(1)}`;
      pen = "L";
    }
  });
  const parts = [node("path", { class: `line c${index % COLORS}`, d: path })];
  if (dots || values.length === 1)
    values.forEach((value, i) => {
      if (value !== null)
        parts.push(
          node("circle", {
            class: `dot c${index % COLORS}`,
            cx: x(xs[i]),
            cy: clamp(value),
            r: 2.6,
          }),
        );
    });
  return parts;
}

/** @param {Line} line @param {number} index */
function legendItem({ name, values, title }, index) {
  const value = h("b", {}, "");
  const item = h(
    "li",
    { title: title ?? null },
    h("i", { class: `key c${index % COLORS}` }),
    `${name} `,
    value,
  );
  return { item, value, values };
}

/** Show the values at the pointer; without a pointer, the last ones. */
function addPointer(svg, xs, legend, scale) {
  const mark = node("path", { class: "mark" });
  svg.append(mark);
  const show = (index) => {
    for (const { value, values } of legend) {
      const known = index < 0 ? values.filter((number) => number !== null).at(-1) : values[index];
      value.textContent = known === null || known === undefined ? "" : scale.format(known);
    }
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const position = ((event.clientX - box.left) / box.width) * WIDTH;
    const distance = xs.map((value) => Math.abs(scale.x(value) - position));
    const index = distance.indexOf(Math.min(...distance));
    mark.setAttribute("d", `M${scale.x(xs[index])} ${TOP}V${HEIGHT - BOTTOM}`);
    mark.setAttribute("visibility", "visible");
    svg.parentElement.querySelector("figcaption").dataset.at =
      `${count(Math.round(xs[index]))} images`;
    show(index);
  });
  svg.addEventListener("pointerleave", () => {
    mark.setAttribute("visibility", "hidden");
    delete svg.parentElement.querySelector("figcaption").dataset.at;
    show(-1);
  });
  show(-1);
}

function describe(title, lines, { format }) {
  const last = lines.map(
    ({ name, values }) => `${name} ${format(values.filter((value) => value !== null).at(-1))}`,
  );
  return `${title}: the last values are ${last.join(", ")}`;
}

/** Return a number in a few characters. */
export function shortNumber(value) {
  const size = Math.abs(value);
  if (size >= 1e6) return `${trim(value / 1e6)}M`;
  if (size >= 1e4 || (size >= 1e3 && value % 1 === 0)) return `${trim(value / 1e3)}k`;
  if (size >= 100) return String(Math.round(value));
  return trim(value, size < 0.1 && size > 0 ? 3 : 2);
}

const trim = (value, digits = 2) => String(Number(value.toFixed(digits)));

function text(x, y, content, anchor) {
  const element = node("text", { x, y, "text-anchor": anchor });
  element.textContent = content;
  return element;
}

function node(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
