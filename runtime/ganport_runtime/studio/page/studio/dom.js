/** Elements, icons and small helpers of the page. */

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * Return a new element. Keys that start with "on" are listeners, `class` is its class, others are
 * attributes; true is an attribute without value, false and null are none.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [properties]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else setAttribute(element, name, value);
  }
  element.append(...children.filter((child) => child || child === "").map((child) => child || ""));
  return element;
}

/**
 * Set or remove an attribute.
 * @param {Element} element
 * @param {string} name
 * @param {string | number | boolean | null | undefined} value
 */
export function setAttribute(element, name, value) {
  if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}

const ICONS = {
  shuffle:
    "M4 7h3.5c1.4 0 2.6.7 3.4 1.8l2.6 4.4c.8 1.1 2 1.8 3.4 1.8H20m-3-3 3 3-3 3M4 17h3.5c.9 0 1.8-.3 2.4-.8M20 7h-3.1c-1 0-1.9.3-2.6.9M17 4l3 3-3 3",
  lock: "M7 11V8a5 5 0 0 1 10 0v3M6 11h12v9H6z",
  unlock: "M7 11V8a5 5 0 0 1 9.6-2M6 11h12v9H6z",
  heart: "M12 20s-7.5-4.6-7.5-10A4.2 4.2 0 0 1 12 7.3 4.2 4.2 0 0 1 19.5 10c0 5.4-7.5 10-7.5 10z",
  spark: "M12 3l2 6.5L20.5 12 14 14.5 12 21l-2-6.5L3.5 12 10 9.5z",
  undo: "M9 7 5 11l4 4M5 11h9a5 5 0 0 1 0 10h-3",
  redo: "M15 7l4 4-4 4M19 11h-9a5 5 0 0 0 0 10h3",
  link: "M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-5.7-5.7L12 7M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 5.7 5.7L12 17",
  download: "M12 4v11m-4.5-4L12 15.5 16.5 11M5 20h14",
  code: "M8 7l-5 5 5 5M16 7l5 5-5 5",
  play: "M8 5l11 7-11 7z",
  pause: "M8 5v14M16 5v14",
  close: "M6 6l12 12M18 6 6 18",
  table: "M4 5h16v14H4zM4 10h16M4 14.5h16M10 5v14M15 5v14",
  images: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  from: "M10.5 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0zM14 12h7m-3-3 3 3-3 3",
  to: "M21.5 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0zM3 12h7m-3-3 3 3-3 3",
  morph:
    "M8 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0zM24 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0zM9.5 12h5m-2-2 2 2-2 2",
  reset: "M4 5v5h5M4.6 10A8 8 0 1 1 4 14",
  folder: "M3 6h6l2 2.5h10V19H3z",
  key: "M14 10a4 4 0 1 0-4 4c.6 0 1.2-.1 1.7-.4L13 15h2v2h2v2h3v-3l-6.4-4.3c.3-.5.4-1.1.4-1.7z",
  info: "M12 11v6M12 7.5v.01M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0z",
};
const SVG = "http://www.w3.org/2000/svg";

/**
 * Return a decorative icon.
 * @param {keyof typeof ICONS} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * Return a button with an icon and a text; `quiet` hides the text from the eye.
 * @param {keyof typeof ICONS} name
 * @param {string} text
 * @param {(event: MouseEvent) => void} onclick
 * @param {{quiet?: boolean, class?: string, tabindex?: number}} [options]
 */
export function iconButton(name, text, onclick, options = {}) {
  const { quiet = false, class: classes = "", ...rest } = options;
  const properties = {
    type: "button",
    class: `button ${classes} ${quiet ? "quiet" : ""}`,
    onclick,
  };
  const label = quiet ? { "aria-label": text, title: text } : {};
  return h(
    "button",
    { ...properties, ...label, ...rest },
    icon(name),
    !quiet && h("span", {}, text),
  );
}

/**
 * Change a button that `iconButton` made.
 * @param {HTMLButtonElement} button
 * @param {keyof typeof ICONS} name
 * @param {string} text
 */
export function changeButton(button, name, text) {
  button.querySelector("path")?.setAttribute("d", ICONS[name]);
  const span = button.querySelector("span");
  if (span) span.textContent = text;
  else {
    button.setAttribute("aria-label", text);
    button.title = text;
  }
}

/**
 * Save bytes or text as a file.
 * @param {Blob} blob
 * @param {string} name
 */
export function download(blob, name) {
  const url = URL.createObjectURL(blob);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/**
 * Let the arrow keys move between the buttons of a grid, which then is one stop of the Tab key.
 * @param {HTMLElement} container
 * @param {() => HTMLButtonElement[]} buttonsOf in row-major order
 * @param {() => number} columnsOf
 */
export function moveByArrows(container, buttonsOf, columnsOf) {
  container.addEventListener("keydown", (event) => {
    const columns = columnsOf();
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
    const move = /** @type {Record<string, number>} */ (moves)[event.key];
    const buttons = buttonsOf();
    const index = buttons.findIndex((button) => button === document.activeElement);
    const next = buttons[index + move];
    if (index < 0 || !move || event.ctrlKey || event.metaKey || event.altKey || !next) return;
    buttons[index].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
    event.preventDefault();
  });
}
