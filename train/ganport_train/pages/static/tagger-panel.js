/** The groups of the current image, with a button for each label. */

import { byId, count, countImages, h, openDialog } from "./dom.js";
import { addGroup, editGroup, groupForm } from "./tagger-groups.js";
import {
  choiceWith,
  firstOpenGroup,
  goTo,
  hasLabel,
  inOrder,
  isLeft,
  isLikely,
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
/** Labels that the note of a group names. */
const MAX_UNKNOWN = 4;
const SPECIAL_COLORS = /^(inherit|initial|unset|revert.*|currentcolor|transparent|.*\(.*)$/i;

/**
 * Give the current image a label, then go on: next group, or next image. In a group of several
 * labels, give or take the label and stay.
 */
export async function choose({ name: group, multiple }, label, index = store.current) {
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
async function finishGroup({ name, multiple }, index) {
  if (!multiple) return;
  if (!tagsOf(index).labels[name] && (await tag([index], { [name]: [] })) === null) return;
  advance(index, true);
}

/** Accept all suggestions of the current image; without any, go on from the active group. */
export async function acceptSuggestions(index = store.current) {
  const labels = suggestedLabels(index);
  if (!Object.keys(labels).length) return finishGroup(store.groups[store.activeGroup] ?? {}, index);
  const wasLeft = isLeft(index);
  if ((await tag([index], labels)) !== null) advance(index, wasLeft);
}

/** Leave the current image out of the dataset, or take it back. */
export async function toggleLeftOut(index = store.current) {
  const leaves = !tagsOf(index).left_out;
  if ((await tag([index], {}, leaves)) !== null && leaves) advance(index, true);
}

/** Remove the label of the active group, or of the one before. */
export async function clearLabel() {
  const { labels } = tagsOf(store.current);
  const active = store.groups[store.activeGroup]?.name;
  const earlier = store.groups.slice(0, store.activeGroup).map(({ name }) => name);
  const group = labels[active] ? active : earlier.reverse().find((name) => labels[name]);
  if (!group) return;
  store.activeGroup = store.groups.findIndex(({ name }) => name === group);
  await tag([store.current], { [group]: null });
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
  const index = store.current;
  const pressed = hasLabel(index, group.name, label);
  const suggestion = suggestionFor(store.current, group.name);
  const likely = isLikely(suggestion, label);
  const sure = suggestion?.sure[label];
  const key = position >= 0 ? KEYS[position] : undefined;
  const click = (event) => {
    // A click of the pointer leaves the keys to the page.
    if (event.detail) event.currentTarget.blur();
    if (pressed && !group.multiple) inOrder(() => tag([index], { [group.name]: null }));
    else inOrder(() => choose(group, label, index));
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
    // Also without the mark of a likely label: the reader sees what is nearly likely.
    sure === undefined ? null : h("small", {}, percent(sure)),
  );
}

const percent = (fraction) => `${Math.round(100 * fraction)} %`;

function finishButton(group, active) {
  const index = store.current;
  const none = suggestionFor(store.current, group.name)?.none;
  const isEmpty = !tagsOf(store.current).labels[group.name]?.length;
  const isNext = active && !Object.keys(suggestedLabels(store.current)).length;
  const properties = {
    type: "button",
    class: `button small finish ${none ? "likely" : ""}`,
    data: { focus: `finish ${group.name}` },
    onclick: () => inOrder(() => finishGroup(group, index)),
  };
  const text = isEmpty ? "None of these " : "Go on ";
  const sure = none ? h("small", {}, percent(none)) : null;
  return h("button", properties, text, sure, isNext ? h("kbd", {}, "Enter") : null);
}

function dot(label) {
  const color = label.replace(/[-_ ]/g, "").replace("blonde", "#e8c872");
  if (SPECIAL_COLORS.test(color) || !CSS.supports("color", color)) return [];
  const element = h("i", { "aria-hidden": "true" });
  element.style.background = color;
  return [element];
}

function note(group) {
  const parts = [suggestionStatus(group)];
  if (group.multiple) parts.unshift("Choose every label that the image has, then go on.");
  if (!store.tableGroups.includes(group.name) && Object.keys(store.tags).length)
    parts.push(`This group enters ${store.table} when half of the tagged images have it.`);
  return h("p", { class: "hint note" }, parts.join(" "));
}

function suggestionStatus({ name, multiple }) {
  const found = store.suggestions.groups[name];
  const { read, total } = store.suggestions;
  if (found?.useful) {
    const right = multiple ? "Suggestions have no mistake" : "Suggestions are right";
    const accuracy = `${right} for about ${Math.round(100 * found.accuracy)} of 100 images.`;
    return found.unknown.length ? `${accuracy} ${unknownLabels(found)}` : accuracy;
  }
  if (found) return "No suggestions yet: more labels are needed to recognize these.";
  if (read < total) return `Reading the images for suggestions: ${count(read)} of ${count(total)}`;
  return multiple
    ? "Suggestions start when 20 images are tagged."
    : "Suggestions start when 20 images have a label.";
}

function unknownLabels({ names, unknown }) {
  const shown = unknown.slice(0, MAX_UNKNOWN).map((number) => names[number]);
  const more = unknown.length - shown.length;
  if (more) shown.push(`${more} more`);
  return `Not recognized yet: ${shown.join(", ")}.`;
}

function acceptButton() {
  const index = store.current;
  const labels = suggestedLabels(index);
  const text = Object.entries(labels).map(([group, choice]) => describeChoice(group, choice));
  if (!text.length) return [];
  const onclick = () => inOrder(() => acceptSuggestions(index));
  const properties = { type: "button", class: "button primary accept", onclick };
  return [h("button", properties, `Accept ${text.join(", ")} `, h("kbd", {}, "Enter"))];
}

/** Return a choice of a group as text: "pink hair", "bag and hat things", "no things". */
function describeChoice(group, choice) {
  const labels = [choice].flat();
  return `${labels.length ? labels.join(" and ") : "no"} ${group}`;
}
