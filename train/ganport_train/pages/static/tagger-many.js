/** Many images at once: a grid of images that get, or lose, one label together. */

import { byId, count, countImages, h } from "./dom.js";
import {
  choiceWith,
  groupOf,
  hasLabel,
  isLikely,
  send,
  store,
  suggestionFor,
  tagsOf,
} from "./tagger-state.js";
import { thumbnail } from "./tagger-strip.js";

/** Images of one grid. */
const PAGE = 60;
const LIKELY = "likely";
const OPEN = "open";
const LABELED = "labeled";
/** The entry for images that have no label of a group of several; a label has no brackets. */
const NONE = "(none)";

const view = {
  group: "",
  label: "",
  source: LIKELY,
  offset: 0,
  shown: [],
  selected: new Set(),
  /** The suggestions that the tiles show, by image: newer ones may arrive before they are accepted. */
  suggested: new Map(),
  key: "",
};

/** Prepare the controls. */
export function prepareMany() {
  const change = (field) => (event) => {
    view[field] = event.target.value;
    if (field === "group") view.label = "";
    view.offset = 0;
    drawMany(true);
  };
  byId("many-group").addEventListener("change", change("group"));
  byId("many-label").addEventListener("change", change("label"));
  byId("many-source").addEventListener("change", change("source"));
  byId("many-apply").addEventListener("click", applyMany);
  byId("many-all").addEventListener("click", () => select(view.shown));
  byId("many-none").addEventListener("click", () => select([]));
  byId("many-skip").addEventListener("click", () => {
    view.offset += PAGE;
    drawMany(true);
  });
}

/**
 * Give the label to the selected images, and take it from the others that had it. A likely image
 * gets all labels that its tile shows.
 */
export async function applyMany() {
  const { group, label, shown, selected } = view;
  const chosen = [...selected];
  const lost = shown.filter((i) => !selected.has(i) && isLabeled(i, group, label));
  if (!chosen.length && !lost.length) return;
  const changes = [...chosen, ...lost].map((index) => ({
    images: [index],
    labels: { [group]: newChoice(index, selected.has(index)) },
  }));
  if ((await send({ action: "tag", changes })) !== null) drawMany(true);
}

function newChoice(index, isOn) {
  const { group, label, source, suggested } = view;
  if (source === LIKELY && isOn) return suggested.get(index).choice;
  if (label === NONE) return isOn ? [] : null;
  return choiceWith(index, group, label, isOn);
}

const isLabeled = (index, group, label) =>
  label === NONE ? tagsOf(index).labels[group]?.length === 0 : hasLabel(index, group, label);

const confidence = ({ sure, none }, label) => (label === NONE ? none : (sure[label] ?? 0));

/** Draw the view; `fresh` starts a new grid, otherwise the grid stays while nothing has changed. */
export function drawMany(fresh = false) {
  const group = store.groups.find(({ name }) => name === view.group) ?? store.groups[0];
  view.group = group?.name ?? "";
  const labels = group?.multiple ? [...group.labels, NONE] : (group?.labels ?? []);
  if (!labels.includes(view.label)) view.label = labels[0] ?? "";
  const sources = candidates();
  if (!sources[view.source].images.length && fresh)
    view.source = [LIKELY, OPEN, LABELED].find((name) => sources[name].images.length) ?? OPEN;
  fill(
    "many-group",
    store.groups.map(({ name }) => [name, name]),
    view.group,
  );
  fill(
    "many-label",
    labels.map((label) => [label, describe(group.name, label)]),
    view.label,
  );
  const options = Object.entries(sources).map(([name, { title, images }]) => [
    name,
    `${title} (${count(images.length)})`,
  ]);
  fill("many-source", options, view.source);
  const key = [view.group, view.label, view.source, view.offset, store.revision].join("\n");
  if (fresh || key !== view.key) drawGrid(sources[view.source].images);
  view.key = key;
}

function candidates() {
  const { group, label } = view;
  const all = store.images.map((_, index) => index).filter((index) => !tagsOf(index).left_out);
  const { multiple } = groupOf(group);
  const takesMore = multiple && label !== NONE;
  const open = all.filter((index) =>
    takesMore ? !hasLabel(index, group, label) : !tagsOf(index).labels[group],
  );
  const found = new Map(open.map((index) => [index, suggestionFor(index, group)]));
  const isSuggested = (suggestion) =>
    label === NONE ? suggestion?.none : isLikely(suggestion, label);
  const likely = open
    .filter((index) => isSuggested(found.get(index)))
    .sort((a, b) => confidence(found.get(b), label) - confidence(found.get(a), label));
  const labeled = all.filter((index) => isLabeled(index, group, label));
  return {
    [LIKELY]: { title: `likely ${nameOf(label)}`, images: likely },
    [OPEN]: {
      title: `without ${(takesMore ? label : group) || "labels"}`,
      images: group ? open : [],
    },
    [LABELED]: { title: `labeled ${nameOf(label)}`, images: labeled },
  };
}

const nameOf = (label) => (label === NONE ? "none" : label);

function describe(group, label) {
  const images = store.images.filter((_, index) => isLabeled(index, group, label));
  return `${label === NONE ? "none of these" : label} (${count(images.length)})`;
}

function fill(id, options, value) {
  const element = byId(id);
  element.replaceChildren(...options.map(([name, text]) => h("option", { value: name }, text)));
  element.value = value;
}

function drawGrid(images) {
  if (view.offset >= images.length) view.offset = 0;
  view.shown = images.slice(view.offset, view.offset + PAGE);
  view.suggested = new Map(view.shown.map((index) => [index, suggestionFor(index, view.group)]));
  view.selected = new Set(view.source === OPEN ? [] : view.shown);
  byId("many-grid").replaceChildren(...view.shown.map((index) => h("li", {}, tile(index))));
  byId("many-skip").hidden = images.length <= PAGE;
  byId("many").scrollTop = 0;
  drawSelection();
}

function tile(index) {
  const [sure, ...others] = view.source === LIKELY ? describeSuggestion(index) : [];
  const toggle = (event) => {
    if (event.detail) event.currentTarget.blur();
    if (!view.selected.delete(index)) view.selected.add(index);
    drawSelection();
  };
  return h(
    "button",
    {
      type: "button",
      class: "tile",
      "aria-label": [store.images[index], sure, ...others].filter(Boolean).join(", "),
      data: { index },
      onclick: toggle,
    },
    thumbnail(index),
    sure ? h("small", {}, [sure, ...others].join(" ")) : null,
  );
}

/** Return the confidence of the label, and the other labels that the image likely has. */
function describeSuggestion(index) {
  const suggestion = view.suggested.get(index);
  const others = [suggestion.choice].flat().filter((label) => label !== view.label);
  const sure = `${Math.round(100 * confidence(suggestion, view.label))} %`;
  return [sure, ...others.map((label) => `+ ${label}`)];
}

function select(images) {
  view.selected = new Set(images);
  drawSelection();
}

function drawSelection() {
  const { shown, selected, source } = view;
  for (const button of byId("many-grid").querySelectorAll(".tile"))
    button.setAttribute("aria-pressed", selected.has(Number(button.dataset.index)));
  byId("many-grid").classList.toggle("none-selected", !selected.size);
  const lost = source === LABELED ? shown.length - selected.size : 0;
  const apply = byId("many-apply");
  apply.disabled = !(source === LABELED ? lost : selected.size);
  apply.replaceChildren(`${applyText(lost)} `, h("kbd", {}, "Enter"));
  byId("many-hint").textContent = shown.length
    ? hint()
    : "No images here. Choose another label or source.";
}

function applyText(lost) {
  const { label, group, selected, source } = view;
  if (source === LABELED)
    return label === NONE
      ? `Ask again for ${countImages(lost)}`
      : `Remove ${label} from ${count(lost)}`;
  const images = countImages(selected.size);
  return label === NONE ? `Label ${images}: no ${group}` : `Label ${images} ${label} ${group}`;
}

function hint() {
  const { label, group, source } = view;
  if (source === LIKELY) {
    const wrong = "Click the images that are wrong, then label the others.";
    const takesMore = groupOf(group).multiple && label !== NONE;
    return takesMore ? `${wrong} Each also gets the labels that its tile adds with +.` : wrong;
  }
  if (label === NONE)
    return source === OPEN
      ? "Click the images that have none of the labels."
      : "Click the images that have a label.";
  return source === OPEN
    ? "Click the images that have this label."
    : "Click the images that do not have this label.";
}
