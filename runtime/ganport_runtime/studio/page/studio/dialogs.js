/** Dialogs: the code of images, the key of a service, a link to copy. */

import { h, iconButton } from "./dom.js";

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
