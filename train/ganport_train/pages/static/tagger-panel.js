/** The groups of the current image, with a button for each label. */

import { byId, count, countImages, h, openDialog } from "./dom.js";
import { addGroup, editGroup, groupForm } from "./tagger-groups.js";
import {
  choiceWith,
  firstOpenGroup,
  goTo,
  hasLabel,
  isLeft,
  nextLeft,
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

/**
 * Give the current image a label, then go on: next group, or next image. In a group of several
 * labels, give or take the label and stay.
 */
export async function choose({ name: group, multiple }, label) {
  const index = store.current;
  if (multiple) {
    const choice = choiceWith(index, group, label, !hasLabel(index, group, label));
    await tag([index], { [group]: choice });
    return;
  }
  const wasLeft = isLeft(index);
  const had = tagsOf(index).labels[group];
  if (had !== label && (await tag([index], { [group]: label })) === null) return;
  advance(index, wasLeft);
}

/** Go on from a group of several labels; without a label the image has none of them. */
async function finishGroup({ name, multiple }) {
  const index = store.current;
  if (!multiple) return;
  if (!tagsOf(index).labels[name] && (await tag([index], { [name]: [] })) === null) return;
  advance(index, true);
}

/** Accept all suggestions of the current image; without any, go on from the active group. */
export async function acceptSuggestions() {
  const index = store.current;
  const labels = suggestedLabels(index);
  if (!Object.keys(labels).length) return finishGroup(store.groups[store.activeGroup] ?? {});
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
    h("p", {}, `${store.table} in the folder holds ${countImages(store.rows)}. Next:`),
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
        "Each image gets one label of each group, or several if you allow it.",
    ),
    groupForm(),
  );
}

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
    group.multiple ? finishButton(group, active) : null,
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
  const pressed = hasLabel(store.current, group.name, label);
  const suggestion = suggestionFor(store.current, group.name);
  const likely = suggestion?.label === label;
  const key = position >= 0 ? KEYS[position] : undefined;
  const click = (event) => {
    // A click of the pointer leaves the keys to the page.
    if (event.detail) event.currentTarget.blur();
    if (pressed && !group.multiple) tag([store.current], { [group.name]: null });
    else choose(group, label);
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

function finishButton(group, active) {
  const isEmpty = !tagsOf(store.current).labels[group.name]?.length;
  const isNext = active && !Object.keys(suggestedLabels(store.current)).length;
  const properties = {
    type: "button",
    class: "button small finish",
    data: { focus: `finish ${group.name}` },
    onclick: () => finishGroup(group),
  };
  const text = isEmpty ? "None of these " : "Go on ";
  return h("button", properties, text, isNext ? h("kbd", {}, "Enter") : null);
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
  if (group.multiple) text = "Choose every label that the image has, then go on.";
  else if (found?.useful)
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
