/** Many images at once: a grid of images that get, or lose, one label together. */

import { byId, count, countImages, h } from "./dom.js";
import {
  choiceWith,
  groupOf,
  hasLabel,
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

const view = {
  group: "",
  label: "",
  source: LIKELY,
  offset: 0,
  shown: [],
  selected: new Set(),
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

/** Give the label to the selected images, and take it from the others that had it. */
export async function applyMany() {
  const { group, label, shown, selected } = view;
  const chosen = [...selected];
  const lost = shown.filter((i) => !selected.has(i) && hasLabel(i, group, label));
  if (!chosen.length && !lost.length) return;
  const changes = [...chosen, ...lost].map((index) => ({
    images: [index],
    labels: { [group]: choiceWith(index, group, label, selected.has(index)) },
  }));
  if ((await send({ action: "tag", changes })) !== null) drawMany(true);
}

/** Draw the view; `fresh` starts a new grid, otherwise the grid stays while nothing has changed. */
export function drawMany(fresh = false) {
  const group = store.groups.find(({ name }) => name === view.group) ?? store.groups[0];
  view.group = group?.name ?? "";
  if (!group?.labels.includes(view.label)) view.label = group?.labels[0] ?? "";
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
    (group?.labels ?? []).map((label) => [label, describe(group.name, label)]),
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
  const open = all.filter((index) =>
    multiple ? !hasLabel(index, group, label) : !tagsOf(index).labels[group],
  );
  const sure = new Map(open.map((index) => [index, suggestionFor(index, group)]));
  const likely = open
    .filter((index) => sure.get(index)?.label === label)
    .sort((a, b) => sure.get(b).confidence - sure.get(a).confidence);
  const labeled = all.filter((index) => hasLabel(index, group, label));
  return {
    [LIKELY]: { title: `likely ${label}`, images: likely },
    [OPEN]: {
      title: `without ${(multiple ? label : group) || "labels"}`,
      images: group ? open : [],
    },
    [LABELED]: { title: `labeled ${label}`, images: labeled },
  };
}

function describe(group, label) {
  const images = store.images.filter((_, index) => hasLabel(index, group, label));
  return `${label} (${count(images.length)})`;
}

function fill(id, options, value) {
  const element = byId(id);
  element.replaceChildren(...options.map(([name, text]) => h("option", { value: name }, text)));
  element.value = value;
}

function drawGrid(images) {
  if (view.offset >= images.length) view.offset = 0;
  view.shown = images.slice(view.offset, view.offset + PAGE);
  view.selected = new Set(view.source === OPEN ? [] : view.shown);
  byId("many-grid").replaceChildren(...view.shown.map((index) => h("li", {}, tile(index))));
  byId("many-skip").hidden = images.length <= PAGE;
  byId("many").scrollTop = 0;
  drawSelection();
}

function tile(index) {
  const suggestion = suggestionFor(index, view.group);
  const sure =
    view.source === LIKELY && suggestion && `${Math.round(100 * suggestion.confidence)} %`;
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
      "aria-label": sure ? `${store.images[index]}, ${sure}` : store.images[index],
      data: { index },
      onclick: toggle,
    },
    thumbnail(index),
    sure ? h("small", {}, sure) : null,
  );
}

function select(images) {
  view.selected = new Set(images);
  drawSelection();
}

function drawSelection() {
  const { label, group, shown, selected, source } = view;
  for (const button of byId("many-grid").querySelectorAll(".tile"))
    button.setAttribute("aria-pressed", selected.has(Number(button.dataset.index)));
  byId("many-grid").classList.toggle("none-selected", !selected.size);
  const lost = source === LABELED ? shown.length - selected.size : 0;
  const apply = byId("many-apply");
  apply.disabled = !(source === LABELED ? lost : selected.size);
  apply.replaceChildren(
    source === LABELED
      ? `Remove ${label} from ${count(lost)} `
      : `Label ${countImages(selected.size)} ${label} ${group} `,
    h("kbd", {}, "Enter"),
  );
  const hints = {
    [LIKELY]: "Click the images that are wrong, then label the others.",
    [OPEN]: "Click the images that have this label.",
    [LABELED]: "Click the images that do not have this label.",
  };
  byId("many-hint").textContent = shown.length
    ? hints[source]
    : "No images here. Choose another label or source.";
}
