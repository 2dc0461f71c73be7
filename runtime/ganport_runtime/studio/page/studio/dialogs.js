/** Dialogs: the code of images, the key of a service, a link to copy, work that takes long. */

import { h, iconButton } from "./dom.js";

/** After this time without a result, the page says that it still works. */
export const SLOW_MILLISECONDS = 3000;

/**
 * Show a dialog until it is closed.
 * @param {string} title
 * @param {...import("./dom.js").Child} children
 */
export function openDialog(title, ...children) {
  const close = iconButton("close", "Close", () => dialog.close(), {
    quiet: true,
  });
  const heading = h("h2", { id: "dialog-title" }, title);
  const head = h("header", {}, heading, close);
  const dialog = h("dialog", { "aria-labelledby": "dialog-title" }, head, ...children);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * Return what an error says, and its fix.
 * @param {unknown} error
 */
export function messageOf(error) {
  const { message, place, expected, found, fix = "" } = /** @type {any} */ (error);
  return {
    message: place ? `${place}: expected ${expected}; found ${found}.` : message,
    fix,
  };
}

/**
 * Return a place for the message that work takes long, with a button that cancels the work.
 * @param {() => void} cancel
 */
export function slowNotice(cancel) {
  const element = h("div", { class: "slow", role: "status" });
  const button = h("button", { type: "button", class: "button", onclick: cancel }, "Cancel");
  const show = (/** @type {boolean} */ isSlow) => {
    if (isSlow === element.childElementCount > 0) return;
    element.replaceChildren(...(isSlow ? [h("p", {}, "Still working …"), button] : []));
  };
  return { element, show };
}

/**
 * Show a dialog while work runs. After a few seconds it has a button that cancels the work, and
 * Escape does so at any time.
 * @template T
 * @param {string} title
 * @param {AbortController} stopping
 * @param {(bar: HTMLProgressElement) => Promise<T>} work
 */
export async function showWork(title, stopping, work) {
  const bar = h("progress", { "aria-label": title });
  const slow = slowNotice(() => stopping.abort());
  const dialog = h("dialog", { class: "loading", "aria-label": title }, h("p", {}, title), bar);
  dialog.append(slow.element);
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    stopping.abort();
  });
  document.body.append(dialog);
  dialog.showModal();
  const timer = setTimeout(() => slow.show(true), SLOW_MILLISECONDS);
  try {
    return await work(bar);
  } finally {
    clearTimeout(timer);
    dialog.close(); // gives the focus back
    dialog.remove();
  }
}

/**
 * Copy a text; return whether the browser allowed it.
 * @param {string} text
 */
export async function copyText(text) {
  try {
    // A page over plain HTTP has no clipboard.
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Show texts that can be copied.
 * @param {string} title
 * @param {{name: string, text: string}[]} parts
 */
export function showTexts(title, parts) {
  const blocks = parts.flatMap(({ name, text }) => {
    const area = h("textarea", {
      readonly: true,
      rows: Math.min(16, text.split("\n").length),
      spellcheck: "false",
      "aria-label": name,
    });
    area.value = text;
    const copy = h("button", { type: "button", class: "button" }, "Copy");
    copy.addEventListener("click", async () => {
      area.select();
      if (await copyText(text)) copy.textContent = "Copied";
    });
    return [
      h("div", { class: "bar" }, h("h3", {}, name), h("span", { class: "space" }), copy),
      area,
    ];
  });
  openDialog(title, ...blocks);
}

/**
 * Show a form for the key of a service in an element, until it is sent.
 * @param {HTMLElement} root
 * @param {string} message
 * @returns {Promise<string>}
 */
export function askForKey(root, message) {
  return new Promise((resolve) => {
    const input = h("input", {
      type: "password",
      autocomplete: "off",
      required: true,
      id: "key",
    });
    const send = h("button", { type: "submit", class: "button primary" }, "Open");
    const form = h(
      "form",
      {
        class: "key",
        onsubmit: (/** @type {Event} */ event) => {
          event.preventDefault();
          resolve(input.value.trim());
        },
      },
      h("p", {}, message),
      h("label", { for: "key" }, "Key"),
      h("div", { class: "bar" }, input, send),
    );
    const title = h("h1", {}, "This service needs a key");
    root.replaceChildren(h("main", { class: "gate" }, title, form));
    input.focus();
  });
}
