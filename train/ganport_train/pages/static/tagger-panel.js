/** The groups of the current image, and the dialogs that change groups and labels. */

import { byId, count, h, notify, openDialog } from "./dom.js";
import {
  firstOpenGroup,
  goTo,
  isLeft,
  nextLeft,
  send,
  store,
  suggestedLabels,
  suggestionFor,
  tag,
  tagsOf,
  update,
} from "./tagger-state.js";

/** The key of each label of the active group, in order. */
export const KEYS = "1234567890qwertyuiopasdfghjkl";
const SPECIAL_COLORS = /^(inherit|initial|unset|revert.*|currentcolor|transparent|.*\(.*)$/i;

/** Give the current image a label, then go on: next group, or next image. */
export async function choose(group, label) {
  const index = store.current;
  const wasLeft = isLeft(index);
  const had = tagsOf(index).labels[group];
  if (had !== label && (await tag([index], { [group]: label })) === null) return;
  advance(index, wasLeft);
}

/** Accept all suggestions of the current image. */
export async function acceptSuggestions() {
  const index = store.current;
  const labels = suggestedLabels(index);
  if (!Object.keys(labels).length) return;
  const wasLeft = isLeft(index);
  if ((await tag([index], labels)) !== null) advance(index, wasLeft);
}

/** Leave the current image out of the dataset, or take it back. */
export async function toggleLeftOut() {
  const index = store.current;
  const leaves = !tagsOf(index).left_out;
  if ((await tag([index], {}, leaves)) !== null && leaves) advance(index, true);
}

/** Remove the label of the active group, or of the one before. */
export function clearLabel() {
  const { labels } = tagsOf(store.current);
  const active = store.groups[store.activeGroup]?.name;
  const earlier = store.groups.slice(0, store.activeGroup).map(({ name }) => name);
  const group = labels[active] ? active : earlier.reverse().find((name) => labels[name]);
  if (!group) return;
  store.activeGroup = store.groups.findIndex(({ name }) => name === group);
  tag([store.current], { [group]: null });
}

function advance(index, wasLeft) {
  if (isLeft(index)) {
    store.activeGroup = firstOpenGroup(index);
    update();
  } else if (wasLeft) {
    const next = nextLeft(index);
    if (next >= 0) goTo(next);
    else showFinished();
  }
}

function showFinished() {
  update();
  openDialog(
    "All images have their labels",
    h("p", {}, `${store.table} in the folder holds ${count(store.rows)} images. Next:`),
    h("br"),
    h("code", {}, `ganport dataset check ${shellWord(store.folder)}`),
    h("br"),
    h("code", {}, `train-gan quick --data ${shellWord(store.folder)} --out runs/first`),
  );
}

const shellWord = (text) =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

/** Draw the panel. */
export function drawPanel() {
  const panel = byId("panel");
  const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.focus;
  if (!store.groups.length) {
    // Typing must survive the updates of the suggestions.
    if (!panel.querySelector("form")) panel.replaceChildren(startCard());
    return;
  }
  const cards = store.groups.map(groupCard);
  const add = h("button", { type: "button", class: "button", onclick: addGroup }, "Add a group");
  panel.replaceChildren(...cards, ...acceptButton(), h("div", {}, add));
  if (focused) panel.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
}

function startCard() {
  return h(
    "div",
    { class: "group start" },
    h("h2", {}, "What may your model be asked for?"),
    h(
      "p",
      { class: "hint" },
      "A group is one choice, such as hair. Its labels are the options, such as pink and black. " +
        "Each image gets one label of each group.",
    ),
    groupForm(),
  );
}

function groupForm(done = () => {}) {
  const name = h("input", { type: "text", id: "group-name", required: true, autocomplete: "off" });
  const labels = h("input", { type: "text", id: "group-labels", autocomplete: "off" });
  name.placeholder = "hair";
  labels.placeholder = "pink, black, light-blue";
  const submit = async (event) => {
    event.preventDefault();
    const found = labels.value
      .split(/[,;\n]/)
      .map(asName)
      .filter(Boolean);
    const action = { action: "add_group", group: asName(name.value), labels: found };
    if ((await send(action)) !== null) {
      store.activeGroup = firstOpenGroup(store.current);
      update();
      done();
    }
  };
  return h(
    "form",
    { onsubmit: submit },
    h("label", {}, "Group", name),
    h("label", {}, "Labels, with commas between them", labels),
    h("button", { type: "submit", class: "button primary" }, "Add the group"),
  );
}

/** Return the name that a table can hold: words are joined by hyphens. */
const asName = (text) => text.trim().split(/\s+/).join("-");

function groupCard(group, number) {
  const active = number === store.activeGroup;
  const left = store.images.filter((_, i) => !tagsOf(i).left_out && !tagsOf(i).labels[group.name]);
  const edit = h(
    "button",
    {
      type: "button",
      class: "button small",
      "aria-label": `Edit ${group.name}`,
      data: { focus: `edit ${group.name}` },
      onclick: () => editGroup(group.name),
    },
    "Edit",
  );
  const card = h(
    "div",
    { class: `group ${active ? "active" : ""}`, role: "group", "aria-label": group.name },
    h(
      "header",
      {},
      h("h2", {}, group.name),
      h("span", { class: "hint" }, `${count(left.length)} left`),
      edit,
    ),
    h(
      "div",
      { class: "chips" },
      group.labels.map((label, i) => chip(group, label, active ? i : -1)),
    ),
    note(group),
  );
  card.addEventListener("pointerdown", () => {
    if (active) return;
    store.activeGroup = number;
    for (const other of byId("panel").children) other.classList.toggle("active", other === card);
  });
  return card;
}

function chip(group, label, position) {
  const pressed = tagsOf(store.current).labels[group.name] === label;
  const suggestion = suggestionFor(store.current, group.name);
  const likely = suggestion?.label === label;
  const key = position >= 0 ? KEYS[position] : undefined;
  const click = (event) => {
    // A click of the pointer leaves the keys to the page.
    if (event.detail) event.currentTarget.blur();
    if (pressed) tag([store.current], { [group.name]: null });
    else choose(group.name, label);
  };
  return h(
    "button",
    {
      type: "button",
      class: `chip ${likely ? "likely" : ""}`,
      "aria-pressed": pressed,
      "aria-keyshortcuts": key,
      data: { focus: `${group.name} ${label}` },
      onclick: click,
    },
    key ? h("kbd", { "aria-hidden": "true" }, key) : h("span", { class: "plain" }),
    ...dot(label),
    h("span", {}, label),
    likely ? h("small", {}, `${Math.round(100 * suggestion.confidence)} %`) : null,
  );
}

function dot(label) {
  const color = label.replace(/[-_ ]/g, "").replace("blonde", "#e8c872");
  if (SPECIAL_COLORS.test(color) || !CSS.supports("color", color)) return [];
  const element = h("i", { "aria-hidden": "true" });
  element.style.background = color;
  return [element];
}

function note(group) {
  const found = store.suggestions.groups[group.name];
  const { read, total } = store.suggestions;
  let text = "";
  if (found?.useful)
    text = `Suggestions are right for about ${Math.round(100 * found.accuracy)} of 100 images.`;
  else if (found) text = "No suggestions yet: more labels are needed to recognize these.";
  else if (read < total)
    text = `Reading the images for suggestions: ${count(read)} of ${count(total)}`;
  else text = "Suggestions start when 20 images have a label.";
  if (!store.tableGroups.includes(group.name) && Object.keys(store.tags).length)
    text += ` This group enters ${store.table} when half of the tagged images have it.`;
  return h("p", { class: "hint note" }, text);
}

function acceptButton() {
  const labels = suggestedLabels(store.current);
  const text = Object.entries(labels).map(([group, label]) => `${label} ${group}`);
  if (!text.length) return [];
  const properties = { type: "button", class: "button primary accept", onclick: acceptSuggestions };
  return [h("button", properties, `Accept ${text.join(", ")} `, h("kbd", {}, "Enter"))];
}

function addGroup() {
  const dialog = openDialog(
    "Add a group",
    h(
      "div",
      { class: "edit" },
      groupForm(() => dialog.close()),
    ),
  );
  dialog.querySelector("input").focus();
}

function editGroup(name) {
  const group = store.groups.find((other) => other.name === name);
  if (!group) return byId("dialog").close();
  const reopen = () => editGroup(name);
  const added = h("input", { type: "text", "aria-label": "New label", autocomplete: "off" });
  added.placeholder = "New label";
  const add = async (event) => {
    event.preventDefault();
    const action = { action: "add_label", group: name, label: asName(added.value) };
    if ((await send(action)) !== null) editGroup(name);
    byId("dialog").querySelector("form input").focus();
  };
  const dialog = openDialog(
    `Edit ${name}`,
    h(
      "div",
      { class: "edit" },
      nameLine(name, "group", (value) => ({ action: "rename_group", group: name, name: value }), {
        remove: { action: "remove_group", group: name },
        after: (value) => (value ? editGroup(value) : byId("dialog").close()),
      }),
      h("h2", {}, "Labels"),
      ...group.labels.map((label) => labelLine(name, label, reopen)),
      h(
        "form",
        { onsubmit: add },
        h("div", { class: "line" }, added, h("button", { type: "submit", class: "button" }, "Add")),
      ),
      h(
        "p",
        { class: "hint" },
        "The name of another label joins both. Undo brings removed ones back.",
      ),
    ),
  );
  return dialog;
}

function labelLine(group, label, reopen) {
  const images = store.images.filter((_, i) => tagsOf(i).labels[group] === label).length;
  return nameLine(
    label,
    `label of ${count(images)} images`,
    (name) => ({ action: "rename_label", group, label, name }),
    {
      remove: { action: "remove_label", group, label },
      after: reopen,
    },
  );
}

/** Return a line with a name to change and a button that removes it. */
function nameLine(name, what, rename, { remove, after }) {
  const input = h("input", {
    type: "text",
    value: name,
    "aria-label": `Name of the ${what}`,
    autocomplete: "off",
  });
  const change = async () => {
    const value = asName(input.value);
    if (!value || value === name) return;
    if ((await send(rename(value))) !== null) after(value);
    else input.value = name;
  };
  const removeIt = async () => {
    if ((await send(remove)) === null) return;
    notify(`Removed ${name}. Undo brings it back.`, "", 6);
    after(null);
  };
  input.addEventListener("change", change);
  const button = h(
    "button",
    { type: "button", class: "button", "aria-label": `Remove ${name}`, onclick: removeIt },
    "Remove",
  );
  return h(
    "div",
    { class: "line" },
    input,
    h("span", { class: "hint" }, what.startsWith("label of") ? what.slice(9) : ""),
    button,
  );
}
