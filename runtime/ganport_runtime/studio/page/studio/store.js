/** The state of the page, its history, and its form in the address of the page. */

import { isSeed, parsePoint, randomSeed } from "./points.js";
import { defaultsOf, valueFromText, valueToText } from "./values.js";

/** @typedef {import("./values.js").Group} Group */
/** @typedef {import("./values.js").Values} Values */
/** @typedef {import("./backend.js").Recipe} Recipe */
/** @typedef {{point: string, locked: boolean}} Tile */
/** @typedef {{point: string, values: Values}} End */
/** @typedef {"images" | "morph" | "table" | "favorites"} View */
/**
 * @typedef {{values: Values, tiles: Tile[], selected: number, view: View, temperature: number | null,
 *   morph: {start: End, end: End, percent: number}, table: {rows: string, columns: string},
 *   linked: Recipe[]}} State `linked`: the images that a link to Favorites holds
 */

export const DEFAULT_COUNT = 12;
const MAX_TILES = 48;
const MAX_HISTORY = 200;
/** Characters of a link: programs cut longer ones. */
const MAX_LINK = 8000;
/** Favorites that a link may hold. */
const MAX_LINKED = 500;
const VIEWS = ["images", "morph", "table", "favorites"];
/** The name of seeds as an axis of the table. */
export const SEEDS = "";

/** A state with undo and redo; listeners of "change" hear of every new state. */
export class Store extends EventTarget {
  /** @param {State} state */
  constructor(state) {
    super();
    this.state = state;
    /** @type {State[]} */
    this.past = [];
    /** @type {State[]} */
    this.future = [];
    this.isDragging = false;
  }

  /**
   * Change parts of the state. All changes while a control is dragged are undone together.
   * @param {Partial<State>} change
   * @param {{dragging?: boolean, remember?: boolean}} [options]
   */
  set(change, { dragging = false, remember = true } = {}) {
    if (remember && !this.isDragging) {
      this.past = [...this.past, this.state].slice(-MAX_HISTORY);
      this.future = [];
    }
    this.isDragging = dragging;
    this.state = { ...this.state, ...change };
    this.dispatchEvent(new Event("change"));
  }

  undo() {
    this.move(this.past, this.future);
  }

  redo() {
    this.move(this.future, this.past);
  }

  /** Take a state, but stay in the open view. @param {State[]} from @param {State[]} to */
  move(from, to) {
    const state = from.pop();
    if (!state) return;
    to.push(this.state);
    this.isDragging = false;
    this.state = { ...state, view: this.state.view };
    this.dispatchEvent(new Event("change"));
  }
}

/**
 * Return the first state of a bundle.
 * @param {Group[]} fields
 * @returns {State}
 */
export function initialState(fields) {
  const values = defaultsOf(fields);
  const points = Array.from({ length: DEFAULT_COUNT }, randomSeed);
  const names = fields.filter((group) => group.kind !== "rgb").map((group) => group.name);
  return {
    values,
    tiles: points.map((point) => ({ point, locked: false })),
    selected: 0,
    view: "images",
    temperature: null,
    morph: {
      start: { point: points[0], values },
      end: { point: points[1], values },
      percent: 50,
    },
    table: { rows: names[0] ?? SEEDS, columns: names[1] ?? SEEDS },
    linked: [],
  };
}

/**
 * Return a state as the fragment of an address, with as many of the favorites as fit, the first ones.
 * @param {Group[]} fields
 * @param {State} state
 * @param {string} digest
 * @param {Recipe[]} [favorites]
 */
export function toLink(fields, state, digest, favorites = []) {
  const parameters = new URLSearchParams();
  for (const [name, text] of valuePairs(fields, state.values)) parameters.append(name, text);
  parameters.set(
    "seeds",
    state.tiles.map((tile) => tile.point + (tile.locked ? "!" : "")).join(" "),
  );
  if (state.selected) parameters.set("selected", String(state.selected));
  if (state.temperature !== null) parameters.set("variety", String(state.temperature));
  if (state.view !== "images") parameters.set("view", state.view);
  if (state.view === "table") {
    parameters.set("rows", state.table.rows);
    parameters.set("columns", state.table.columns);
  }
  if (state.view === "morph") {
    for (const name of /** @type {const} */ (["start", "end"])) {
      parameters.set(name, endText(fields, state.morph[name]));
    }
    parameters.set("at", String(state.morph.percent));
  }
  parameters.set("bundle", digest.slice(0, 12));
  let link = `#${parameters}`;
  for (const { point, values, temperature } of favorites) {
    const text = endText(fields, { point, values });
    const variety = temperature === null ? "" : `&variety=${temperature}`;
    const longer = `${link}&${new URLSearchParams([["favorite", text + variety]])}`;
    if (longer.length > MAX_LINK) break;
    link = longer;
  }
  return link;
}

/**
 * Return how many favorites a fragment holds.
 * @param {string} fragment
 */
export const countFavorites = (fragment) =>
  new URLSearchParams(fragment.replace(/^#/, "")).getAll("favorite").length;

/**
 * Return the state of a fragment; parts that are missing or wrong are those of `state`.
 * @param {Group[]} fields
 * @param {State} state
 * @param {string} fragment
 * @returns {State}
 */
export function fromLink(fields, state, fragment) {
  const parameters = new URLSearchParams(fragment.replace(/^#/, ""));
  const values = readValues(fields, parameters, state.values);
  const tiles = (parameters.get("seeds") ?? "").split(" ").slice(0, MAX_TILES).map(readTile);
  const valid = /** @type {Tile[]} */ (tiles.filter(Boolean));
  const view = /** @type {View} */ (parameters.get("view") ?? "images");
  const shown = valid.length ? valid : state.tiles;
  const axis = (/** @type {string} */ name, /** @type {string} */ fallback) => {
    const text = parameters.get(name);
    return text === SEEDS || fields.some((group) => group.name === text) ? String(text) : fallback;
  };
  return {
    values,
    tiles: shown,
    selected: Math.min(readInteger(parameters.get("selected"), 0, MAX_TILES), shown.length - 1),
    view: VIEWS.includes(view) ? view : "images",
    temperature: readVariety(parameters),
    morph: {
      start: readEnd(fields, parameters.get("start"), shown[0].point, values),
      end: readEnd(fields, parameters.get("end"), (shown[1] ?? shown[0]).point, values),
      percent: readInteger(parameters.get("at"), 50, 100),
    },
    table: {
      rows: axis("rows", state.table.rows),
      columns: axis("columns", state.table.columns),
    },
    linked: parameters.has("favorite") ? readFavorites(fields, parameters) : state.linked,
  };
}

/**
 * Return the names of the groups in a fragment that a bundle does not have, or not with that value.
 * @param {Group[]} fields
 * @param {string} fragment
 */
export function unknownGroups(fields, fragment) {
  const all = new URLSearchParams(fragment.replace(/^#/, ""));
  const parts = ["start", "end", "favorite"].flatMap((name) => all.getAll(name));
  const pairs = [all, ...parts.map((text) => new URLSearchParams(text))].flatMap((part) => [
    ...part,
  ]);
  const unknown = pairs.filter(([name, text]) => {
    const group = fields.find((field) => `.${field.name}` === name);
    return name.startsWith(".") && (!group || valueFromText(group, text) === undefined);
  });
  return [...new Set(unknown.map(([name]) => name.slice(1)))];
}

/**
 * Return the start of the digest in a fragment, or "".
 * @param {string} fragment
 */
export const digestOf = (fragment) =>
  new URLSearchParams(fragment.replace(/^#/, "")).get("bundle") ?? "";

// The names of groups have a prefix, because a group may be called "seeds".
/** @param {Group[]} fields @param {Values} values @returns {[string, string][]} */
const valuePairs = (fields, values) =>
  fields.map((group) => [`.${group.name}`, valueToText(values[group.name])]);

/** @param {Group[]} fields @param {End} end */
const endText = (fields, { point, values }) =>
  new URLSearchParams([["seed", point], ...valuePairs(fields, values)]).toString();

/** @param {Group[]} fields @param {URLSearchParams} parameters @returns {Recipe[]} */
function readFavorites(fields, parameters) {
  const texts = parameters.getAll("favorite").slice(0, MAX_LINKED);
  return texts.flatMap((text) => {
    const own = new URLSearchParams(text);
    const { point, values } = readEnd(fields, text, "", defaultsOf(fields));
    return point ? [{ point, values, temperature: readVariety(own) }] : [];
  });
}

/** @param {URLSearchParams} parameters */
function readVariety(parameters) {
  const variety = Number(parameters.get("variety"));
  return variety > 0 && variety <= 10 ? variety : null;
}

/** @param {Group[]} fields @param {URLSearchParams} parameters @param {Values} fallback */
function readValues(fields, parameters, fallback) {
  const values = { ...fallback };
  for (const group of fields) {
    const text = parameters.get(`.${group.name}`);
    const value = text === null ? undefined : valueFromText(group, text);
    if (value !== undefined) values[group.name] = value;
  }
  return values;
}

/** @param {string} text @returns {Tile | null} */
function readTile(text) {
  const locked = text.endsWith("!");
  const point = locked ? text.slice(0, -1) : text;
  return parsePoint(point) ? { point, locked } : null;
}

/** @param {Group[]} fields @param {string | null} text @param {string} point @param {Values} values */
function readEnd(fields, text, point, values) {
  const parameters = new URLSearchParams(text ?? "");
  const named = parameters.get("seed") ?? "";
  return {
    point: isSeed(named) || parsePoint(named) ? named : point,
    values: readValues(fields, parameters, values),
  };
}

/** @param {string | null} text @param {number} fallback @param {number} most */
function readInteger(text, fallback, most) {
  return text !== null && /^\d{1,4}$/.test(text) ? Math.min(Number(text), most) : fallback;
}
