/** What the tagger knows: the tags of the server, the suggestions, and what the page shows. */

import { getJson, notify, postJson } from "./dom.js";

/** Smallest confidence of a suggestion that is shown. */
const SURE = 0.5;
const NO_TAGS = { labels: {}, left_out: false };

/** The current state; `listeners` are called after each change. */
export const store = {
  images: [],
  groups: [],
  tags: {},
  folder: "",
  table: "",
  rows: 0,
  tableGroups: [],
  revision: -1,
  canUndo: false,
  canRedo: false,
  suggestions: { revision: -1, groups: {}, read: 0, total: 0 },
  current: 0,
  activeGroup: 0,
  filter: "left",
  listeners: [],
};

/** Call all listeners. */
export function update() {
  for (const listener of store.listeners) listener();
}

let last = Promise.resolve();

/** Do what the user asks for once the earlier changes are answered, so that none reads old tags. */
export function inOrder(action) {
  last = last.then(action).catch((error) => notify(error.message, "error"));
}

/** Load everything from the server. */
export async function load() {
  take(await getJson("/api/state"));
  const first = nextLeft(-1);
  store.current = first < 0 ? 0 : first;
  store.activeGroup = firstOpenGroup(store.current);
}

/** Send a change; return the indices of the changed images, or null after an error. */
export async function send(action) {
  try {
    const answer = await postJson("/api/change", action);
    if (answer.revision === store.revision + 1) take(answer);
    else take(await getJson("/api/state")); // another tab has changed something
    update();
    return Object.keys(answer.tags).map(Number);
  } catch (error) {
    notify(error.message, "error");
    return null;
  }
}

/** Set labels of images; null removes a label. */
export function tag(images, labels, leftOut = null) {
  return send({ action: "tag", changes: [{ images, labels, left_out: leftOut }] });
}

/** Fetch the suggestions if they may have changed; return whether they have. */
export async function refreshSuggestions() {
  const { suggestions } = store;
  if (suggestions.revision === store.revision && suggestions.read === suggestions.total)
    return false;
  const latest = await getJson("/api/suggestions");
  const changed = latest.revision !== suggestions.revision || latest.read !== suggestions.read;
  store.suggestions = latest;
  return changed;
}

function take(answer) {
  const { images = store.images, folder = store.folder, table = store.table } = answer;
  const tags = answer.images ? {} : store.tags;
  for (const notice of answer.notices.slice(store.notices ?? 0)) notify(notice);
  Object.assign(store, { images, folder, table, tags: { ...tags, ...answer.tags } });
  store.groups = answer.groups;
  store.revision = answer.revision;
  store.rows = answer.rows;
  store.tableGroups = answer.table_groups;
  store.canUndo = answer.can_undo;
  store.canRedo = answer.can_redo;
  store.notices = answer.notices.length;
  store.activeGroup = Math.min(store.activeGroup, Math.max(0, store.groups.length - 1));
}

/** Return the tags of an image. */
export const tagsOf = (index) => store.tags[index] ?? NO_TAGS;

/** Return whether an image has a label. */
export const hasLabel = (index, group, label) =>
  [tagsOf(index).labels[group] ?? []].flat().includes(label);

/** Return the group with a name; one without labels if there is none. */
export const groupOf = (name) =>
  store.groups.find((group) => group.name === name) ?? { name: "", labels: [], multiple: false };

/** Return what an image has of a group once a label is given to it or taken from it. */
export function choiceWith(index, group, label, isOn) {
  const { labels, multiple } = groupOf(group);
  if (!multiple) return isOn ? label : null;
  return labels.filter((other) => (other === label ? isOn : hasLabel(index, group, other)));
}

/** Return whether an image has a label for each group. */
export const isDone = (index) =>
  store.groups.length > 0 && store.groups.every(({ name }) => tagsOf(index).labels[name]);

/** Return whether an image still needs labels. */
export const isLeft = (index) => !tagsOf(index).left_out && !isDone(index);

/**
 * Return what an image likely has of a group, or null: `choice` as a tag, `sure` the confidence of
 * each label by name, also of those that are likely off, and `none` that of no label at all.
 */
export function suggestionFor(index, group) {
  const found = store.suggestions.groups[group];
  const pairs = found?.labels[index];
  if (!pairs || tagsOf(index).labels[group]) return null;
  const { labels, multiple } = groupOf(group);
  // The group may have changed since the classifier learned.
  const known = pairs
    .map(([number, sure]) => [found.names[number], sure])
    .filter(([label]) => labels.includes(label));
  const likely = known.filter(([, sure]) => sure >= SURE).map(([label]) => label);
  const none = multiple && !likely.length ? (found.none[index] ?? 0) : 0;
  if (!likely.length && none < SURE) return null;
  return { choice: multiple ? likely : likely[0], sure: Object.fromEntries(known), none };
}

/** Return whether a suggestion holds a label. */
export const isLikely = (suggestion, label) => [suggestion?.choice ?? []].flat().includes(label);

/** Return the likely choices of all groups of an image that have none. */
export function suggestedLabels(index) {
  const labels = {};
  for (const { name } of store.groups) {
    const suggestion = suggestionFor(index, name);
    if (suggestion) labels[name] = suggestion.choice;
  }
  return labels;
}

/** Return the first group of an image without a label; 0 if all have one. */
export function firstOpenGroup(index) {
  const { labels } = tagsOf(index);
  return Math.max(
    0,
    store.groups.findIndex(({ name }) => !labels[name]),
  );
}

/** Return the next image after `index` that needs labels, from the start again; -1 for none. */
export function nextLeft(index) {
  const total = store.images.length;
  for (let step = 1; step <= total; step += 1) {
    const candidate = (index + step + total) % total;
    if (isLeft(candidate)) return candidate;
  }
  return -1;
}

/** Show an image. */
export function goTo(index) {
  if (index < 0 || index >= store.images.length) return;
  store.current = index;
  store.activeGroup = firstOpenGroup(index);
  update();
}

/** Return the indices of the images that a filter of the strip shows. */
export function filtered() {
  const { filter } = store;
  const [kind, group, label] = JSON.parse(filter.startsWith("[") ? filter : `["${filter}"]`);
  const tests = {
    all: () => true,
    left: (index) => isLeft(index) || index === store.current,
    done: isDone,
    out: (index) => tagsOf(index).left_out,
    label: (index) => hasLabel(index, group, label),
  };
  return store.images.map((_, index) => index).filter(tests[kind]);
}
