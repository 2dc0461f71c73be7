/** Elements, requests and messages that the local pages share. */

/** Characters of a request that outlives its page; browsers allow 64 KiB of such requests. */
const MAX_KEEPALIVE = 16_384;

/**
 * Return a new element. Keys that start with "on" are listeners, `data` holds data attributes,
 * others are attributes; true is an attribute without value, null is none, and so is false but for
 * ARIA.
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name.startsWith("aria-") && value !== null && value !== undefined)
      element.setAttribute(name, String(value));
    else if (value !== false && value !== null && value !== undefined)
      element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== false));
  return element;
}

/** Return the element with an ID. @type {(id: string) => any} */
export const byId = (id) => document.getElementById(id);

/** Return the JSON of a path; throw an Error with the message of the server. */
export async function getJson(path) {
  return readJson(await fetchLocal(path));
}

/** Send JSON to a path and return the JSON of the answer. */
export async function postJson(path, body) {
  const headers = { "content-type": "application/json" };
  const text = JSON.stringify(body);
  // The last change arrives, too, when the page is closed right after it.
  const keepalive = text.length < MAX_KEEPALIVE;
  return readJson(await fetchLocal(path, { method: "POST", headers, body: text, keepalive }));
}

async function fetchLocal(path, options) {
  try {
    return await fetch(path, options);
  } catch {
    throw new Error("The program behind this page has stopped. Start the command again.");
  }
}

async function readJson(response) {
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error?.message ?? "The request failed.");
  return answer;
}

/** Show a message until the reader closes it, or for some seconds. */
export function notify(text, kind = "", seconds = 0) {
  const close = () => notice.remove();
  const button = h("button", { type: "button", class: "button", onclick: close }, "Close");
  const notice = h("div", { class: `notice ${kind}` }, h("span", {}, text), button);
  const area = byId("notices");
  for (const other of area.children) if (other.textContent === notice.textContent) other.remove();
  area.append(notice);
  if (seconds) setTimeout(close, seconds * 1000);
}

/** Open the page's dialog with a title and content; `close` is the dialog's method. */
export function openDialog(title, ...content) {
  const dialog = byId("dialog");
  const close = h(
    "button",
    { type: "button", class: "button", onclick: () => dialog.close() },
    "Close",
  );
  dialog.replaceChildren(
    h("header", {}, h("h2", { id: "dialog-title" }, title), close),
    ...content,
  );
  if (!dialog.open) dialog.showModal();
  return dialog;
}

/** Return a number with separators. */
export const count = (number) => number.toLocaleString("en-US");

/** Return a number of images as text. */
export const countImages = (number) => `${count(number)} ${number === 1 ? "image" : "images"}`;
