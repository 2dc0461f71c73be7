/** The tagger: one image after another, or many at once. */

import { byId, count, countImages, h, notify, openDialog } from "./dom.js";
import { applyMany, drawMany, prepareMany } from "./tagger-many.js";
import {
  KEYS,
  acceptSuggestions,
  choose,
  clearLabel,
  drawPanel,
  toggleLeftOut,
} from "./tagger-panel.js";
import { drawStage, drawStrip, neighbor, prepareStage } from "./tagger-strip.js";
import {
  goTo,
  inOrder,
  isDone,
  isLeft,
  load,
  refreshSuggestions,
  send,
  store,
  update,
} from "./tagger-state.js";

/** Milliseconds between looks at the suggestions. */
const POLL = 1500;

const SHORTCUTS = [
  ["1 … 9, 0, q … p, a … l", "give the label with this key"],
  ["Enter", "accept the suggestions, or go on from several labels"],
  ["← →", "previous and next image"],
  ["↑ ↓", "another group"],
  ["Backspace", "remove the label of the group"],
  ["Delete", "leave the image out, or take it back"],
  ["Ctrl+Z, Ctrl+Y", "undo and redo"],
  ["m", "many at once, or one by one"],
];

/** Keys that do their work again and again while they are held. */
const REPEATED = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];

const isMany = () => !byId("many").hidden;

/** Whether a button is held down: a new one in its place would not get the click. */
let isPressed = false;
let isDrawingLate = false;

function watchPress() {
  const release = () => {
    isPressed = false;
    if (isDrawingLate) draw();
  };
  document.addEventListener("pointerdown", ({ button, target }) => {
    isPressed = button === 0 && target instanceof Element && target.closest("button") !== null;
  });
  // The click comes after the release; a menu or another window takes the release.
  for (const type of ["pointerup", "pointercancel", "contextmenu", "blur"])
    window.addEventListener(type, () => setTimeout(release));
}

function draw() {
  isDrawingLate = isPressed;
  if (isPressed) return;
  const done = store.images.filter((_, index) => isDone(index)).length;
  const left = store.images.filter((_, index) => isLeft(index)).length;
  byId("progress").max = store.images.length;
  byId("progress").value = store.images.length - left;
  byId("progress-text").textContent =
    `${count(done)} of ${count(store.images.length)} tagged, ${count(left)} left · ` +
    `${store.table}: ${countImages(store.rows)}, saved`;
  byId("undo").disabled = !store.canUndo;
  byId("redo").disabled = !store.canRedo;
  if (isMany()) drawMany();
  else {
    drawStage();
    drawPanel();
    drawStrip();
  }
}

function leaveOut() {
  const index = store.current;
  inOrder(() => toggleLeftOut(index));
}

function show(many) {
  byId("many").hidden = !many;
  byId("one").hidden = many;
  byId("show-many").toggleAttribute("aria-current", many);
  byId("show-one").toggleAttribute("aria-current", !many);
  if (many) drawMany(true);
  else goTo(store.current);
}

async function undo(action) {
  const images = await send({ action });
  if (images?.length === 1 && !isMany()) goTo(images[0]);
  if (images && isMany()) drawMany(true);
}

function moveGroup(step) {
  const { length } = store.groups;
  if (length) store.activeGroup = (store.activeGroup + step + length) % length;
  update();
}

async function chooseByKey(key) {
  const group = store.groups[store.activeGroup];
  const label = group?.labels[KEYS.indexOf(key)];
  if (KEYS.includes(key) && label) await choose(group, label);
}

const ONE_KEYS = {
  Enter: acceptSuggestions,
  ArrowLeft: () => goTo(neighbor(-1)),
  ArrowRight: () => goTo(neighbor(1)),
  ArrowUp: () => moveGroup(-1),
  ArrowDown: () => moveGroup(1),
  Backspace: clearLabel,
  Delete: toggleLeftOut,
};

function onKey(event) {
  const { key, target } = event;
  if (target.closest("input, textarea, select, dialog[open]") || event.altKey) return;
  if (event.ctrlKey || event.metaKey) {
    const action = { z: event.shiftKey ? "redo" : "undo", y: "redo" }[key.toLowerCase()];
    if (action) runInOrder(event, () => undo(action));
  } else if (target.closest("button") && (key === "Enter" || key === " ")) return;
  else if (key === "m") run(event, () => show(!isMany()));
  else if (key === "?") run(event, showHelp);
  else if (isMany()) {
    if (key === "Enter") run(event, applyMany);
  } else if (event.repeat && !REPEATED.includes(key)) return;
  else if (ONE_KEYS[key]) runInOrder(event, () => ONE_KEYS[key]());
  else if (key.length === 1) inOrder(() => chooseByKey(key.toLowerCase()));
}

function run(event, action) {
  event.preventDefault();
  action();
}

function runInOrder(event, action) {
  run(event, () => inOrder(action));
}

function showHelp() {
  const rows = SHORTCUTS.flatMap(([keys, text]) => [
    h("dt", {}, h("kbd", {}, keys)),
    h("dd", {}, text),
  ]);
  openDialog("Keys", h("dl", {}, rows));
}

async function poll() {
  try {
    if (!document.hidden && (await refreshSuggestions())) update();
  } catch (error) {
    notify(error.message, "error");
  }
  setTimeout(poll, POLL);
}

async function start() {
  try {
    await load();
  } catch (error) {
    notify(error.message, "error");
    return;
  }
  const folder = store.folder.split(/[\\/]/).filter(Boolean).at(-1) ?? "images";
  document.title = `Tag ${folder}`;
  byId("folder").textContent = folder;
  byId("folder").title = store.folder;
  prepareStage();
  prepareMany();
  const buttons = {
    undo: () => inOrder(() => undo("undo")),
    redo: () => inOrder(() => undo("redo")),
    help: showHelp,
    previous: () => inOrder(() => goTo(neighbor(-1))),
    next: () => inOrder(() => goTo(neighbor(1))),
    "leave-out": leaveOut,
    "show-one": () => show(false),
    "show-many": () => show(true),
  };
  for (const [id, action] of Object.entries(buttons)) byId(id).addEventListener("click", action);
  document.addEventListener("keydown", onKey);
  store.listeners.push(draw);
  watchPress();
  update();
  poll();
}

start();
