/** The grid of images: seeds that can be locked, new images, images like another one. */

import { changeButton, h, iconButton, setAttribute } from "./dom.js";
import { pointName, pointsAround, randomSeed } from "./points.js";
import { describe } from "./values.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./store.js").State} State */
/** @typedef {import("./store.js").Tile} Tile */
/** @typedef {import("./painter.js").Target} Target */

const COUNTS = [12, 24, 48];
/** Steps toward other seeds, in percent. */
const NEAR = 25;

/** @param {Tile} tile @param {State} state */
export const recipeOf = (tile, { values, temperature }) => ({
  point: tile.point,
  values,
  temperature,
});

/** The view "Images". */
export class ImagesView {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    /** @type {{item: HTMLLIElement, button: HTMLButtonElement, canvas: HTMLCanvasElement, lock: HTMLButtonElement, heart: HTMLButtonElement}[]} */
    this.cells = [];
    this.list = h("ul", { class: "grid", "aria-label": "Images" });
    this.list.addEventListener("keydown", (event) => this.onKey(event));
    this.count = h(
      "select",
      {
        "aria-label": "Number of images",
        onchange: () => this.resize(Number(this.count.value)),
      },
      ...COUNTS.map((count) => h("option", { value: count }, `${count} images`)),
    );
    const renew = iconButton("shuffle", "New images", () => this.renew(), {
      class: "primary",
    });
    const sheet = iconButton(
      "images",
      "Sprite sheet",
      () => this.app.actions.saveSheet(this.recipes(), "sheet"),
      { class: "compact" },
    );
    const keys = h(
      "p",
      { class: "hint keys" },
      "In the grid: arrow keys move, L locks, F adds to the favorites, M makes more like it.",
    );
    const bar = h("div", { class: "bar" }, renew, this.count, h("span", { class: "space" }), sheet);
    this.element = h("div", { class: "view" }, bar, this.list, keys);
  }

  recipes() {
    const { state } = this.app.store;
    return state.tiles.map((tile) => recipeOf(tile, state));
  }

  /** @param {State} state @returns {Target[]} */
  show(state) {
    const { tiles, selected } = state;
    while (this.cells.length < tiles.length) this.cells.push(this.makeCell(this.cells.length));
    for (const { item } of this.cells.splice(tiles.length)) item.remove();
    this.count.value = String(COUNTS.find((count) => count >= tiles.length) ?? COUNTS[0]);
    const text = describe(this.app.fields, state.values);
    return this.cells.map((cell, index) => {
      const tile = tiles[index];
      const name = pointName(tile.point);
      const isFavorite = this.app.favorites.has(recipeOf(tile, state));
      setAttribute(cell.button, "aria-pressed", String(index === selected));
      cell.button.tabIndex = index === selected ? 0 : -1;
      cell.button.setAttribute("aria-label", `${name}${tile.locked ? ", locked" : ""}: ${text}`);
      cell.button.title = name;
      cell.item.classList.toggle("is-locked", tile.locked);
      cell.item.classList.toggle("is-favorite", isFavorite);
      changeButton(cell.lock, tile.locked ? "lock" : "unlock", tile.locked ? "Unlock" : "Lock");
      changeButton(cell.heart, "heart", isFavorite ? "Remove from favorites" : "Add to favorites");
      return { canvas: cell.canvas, recipe: recipeOf(tile, state) };
    });
  }

  /** @param {number} index */
  makeCell(index) {
    const canvas = this.app.makeCanvas();
    const button = h(
      "button",
      { type: "button", class: "tile", onclick: () => this.select(index) },
      canvas,
    );
    const quiet = { quiet: true, tabindex: -1 };
    const lock = iconButton("unlock", "Lock", () => this.toggleLock(index), {
      ...quiet,
      class: "lock",
    });
    const heart = iconButton("heart", "Add to favorites", () => this.toggleFavorite(index), {
      ...quiet,
      class: "heart",
    });
    const item = h("li", {}, button, lock, heart);
    this.list.append(item);
    return { item, button, canvas, lock, heart };
  }

  /** @param {number} index */
  select(index) {
    this.app.store.set({ selected: index }, { remember: false });
  }

  /** Move the focus to the selected image: after a choice elsewhere, its button is hidden. */
  focusSelected() {
    this.cells[this.app.store.state.selected].button.focus();
  }

  /** @param {number} index */
  toggleLock(index) {
    const tiles = this.app.store.state.tiles.map((tile, at) =>
      at === index ? { ...tile, locked: !tile.locked } : tile,
    );
    this.app.store.set({ tiles });
  }

  /** @param {number} index */
  toggleFavorite(index) {
    const { state } = this.app.store;
    this.app.favorites.toggle(recipeOf(state.tiles[index], state));
  }

  /** Give every tile that is not locked a new seed. */
  renew() {
    const tiles = this.app.store.state.tiles.map((tile) =>
      tile.locked ? tile : { point: randomSeed(), locked: false },
    );
    this.app.store.set({ tiles });
    this.app.announce("New images.");
  }

  /** Fill the tiles that are not locked with images near one of them. @param {number} index */
  moreLike(index) {
    const { tiles } = this.app.store.state;
    const points = pointsAround(tiles[index].point, tiles.length, NEAR);
    const changed = tiles.map((tile, at) =>
      tile.locked || at === index ? tile : { point: points[at], locked: false },
    );
    this.app.store.set({ tiles: changed, view: "images" });
    this.app.announce(`Images like ${pointName(tiles[index].point)}.`);
  }

  /** @param {number} count */
  resize(count) {
    const { tiles, selected } = this.app.store.state;
    const more = Array.from({ length: Math.max(0, count - tiles.length) }, () => {
      return { point: randomSeed(), locked: false };
    });
    const kept = [...tiles, ...more].slice(0, count);
    this.app.store.set({
      tiles: kept,
      selected: Math.min(selected, count - 1),
    });
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { selected } = this.app.store.state;
    const columns = getComputedStyle(this.list).gridTemplateColumns.split(" ").length;
    const moves = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -columns,
      ArrowDown: columns,
    };
    const move = /** @type {Record<string, number>} */ (moves)[event.key];
    const actions = {
      l: () => this.toggleLock(selected),
      f: () => this.toggleFavorite(selected),
      m: () => this.moreLike(selected),
    };
    const action = /** @type {Record<string, () => void>} */ (actions)[event.key.toLowerCase()];
    if (move) {
      const next = Math.min(this.cells.length - 1, Math.max(0, selected + move));
      this.select(next);
      this.cells[next].button.focus();
    } else if (action) action();
    else return;
    event.preventDefault();
  }
}
