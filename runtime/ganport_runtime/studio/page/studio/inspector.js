/** The selected image, large, and what can be done with it. */

import { changeButton, h, iconButton } from "./dom.js";
import { recipeOf } from "./images-view.js";
import { parsePoint, pointName } from "./points.js";
import { describe } from "./values.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./store.js").State} State */

/** The panel of the selected image. */
export class Inspector {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    const { images } = app.views;
    const index = () => app.store.state.selected;
    this.canvas = app.makeCanvas();
    this.text = h("p", { class: "caption" });
    this.seed = h("input", {
      type: "text",
      inputmode: "numeric",
      autocomplete: "off",
      spellcheck: "false",
      onchange: () => this.useSeed(this.seed.value.trim()),
    });
    this.lock = iconButton("unlock", "Lock", () => images.toggleLock(index()));
    this.heart = iconButton("heart", "Favorite", () => images.toggleFavorite(index()));
    const more = iconButton("spark", "More like this", () => images.moreLike(index()), {
      class: "primary",
    });
    const start = iconButton("from", "Morph from", () => this.useAsEnd("start"));
    const end = iconButton("to", "Morph to", () => this.useAsEnd("end"));
    const save = iconButton("download", "Save PNG", () => app.actions.saveImage(this.recipe()));
    const code = iconButton("code", "Code", () => app.actions.showCode([this.recipe()]));
    this.element = h(
      "aside",
      { class: "inspector", "aria-label": "Selected image" },
      h("div", { class: "large" }, this.canvas),
      this.text,
      h("label", { class: "seed" }, h("span", {}, "Seed"), this.seed),
      h("div", { class: "actions" }, more, this.lock, this.heart, start, end, save, code),
    );
  }

  recipe() {
    const { state } = this.app.store;
    return recipeOf(state.tiles[state.selected], state);
  }

  /** @param {State} state @returns {import("./painter.js").Target[]} */
  show(state) {
    const tile = state.tiles[state.selected];
    const recipe = recipeOf(tile, state);
    const text = describe(this.app.fields, state.values);
    this.text.textContent = text;
    this.text.title = text;
    this.canvas.setAttribute("aria-label", `${pointName(tile.point)}: ${text}`);
    if (document.activeElement !== this.seed) this.seed.value = tile.point;
    changeButton(this.lock, tile.locked ? "lock" : "unlock", tile.locked ? "Unlock" : "Lock");
    const isFavorite = this.app.favorites.has(recipe);
    this.heart.classList.toggle("is-on", isFavorite);
    this.heart.setAttribute("aria-pressed", String(isFavorite));
    this.lock.classList.toggle("is-on", tile.locked);
    return [{ canvas: this.canvas, recipe }];
  }

  /** @param {string} text */
  useSeed(text) {
    const { state } = this.app.store;
    const { point, locked } = state.tiles[state.selected];
    if (text === point) return;
    if (!parsePoint(text)) {
      this.app.actions.notify("A seed is a whole number from 0 to 18446744073709551615.", "", true);
      this.seed.value = point;
      return;
    }
    const tiles = state.tiles.map((tile, at) =>
      at === state.selected ? { point: text, locked } : tile,
    );
    this.app.store.set({ tiles });
  }

  /** Use the image as an end of the morph; both ends never show the same image. @param {"start" | "end"} name */
  useAsEnd(name) {
    const { tiles, selected, values, morph } = this.app.store.state;
    const end = { point: tiles[selected].point, values };
    const other = name === "start" ? "end" : "start";
    const isSame = JSON.stringify(morph[other]) === JSON.stringify(end);
    const next = tiles[(selected + 1) % tiles.length].point;
    const rest = isSame ? { ...end, point: next } : morph[other];
    this.app.views.morph.active = name;
    this.app.store.set({ morph: { ...morph, [name]: end, [other]: rest }, view: "morph" });
  }
}
