/** Favorites: the only thing that the page stores in the browser. */

import { h, iconButton } from "./dom.js";
import { parsePoint, pointName } from "./points.js";
import { describe } from "./values.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./backend.js").Recipe} Recipe */

const KEY = "ganport-studio-favorites";
const MAX_STORED = 500;

/** The favorites of all bundles, by the digest of the bundle. */
export class Favorites extends EventTarget {
  constructor() {
    super();
    this.digest = "";
    /** @type {{digest: string, recipe: Recipe}[]} */
    this.entries = readEntries();
  }

  /** Return the favorites of the open bundle. */
  recipes() {
    return this.entries
      .filter((entry) => entry.digest === this.digest)
      .map((entry) => entry.recipe);
  }

  /** @param {Recipe} recipe */
  has(recipe) {
    return this.entries.some((entry) => isSame(entry, this.digest, recipe));
  }

  /** Add a favorite, or remove it. @param {Recipe} recipe */
  toggle(recipe) {
    const rest = this.entries.filter((entry) => !isSame(entry, this.digest, recipe));
    const isNew = rest.length === this.entries.length;
    this.entries = (isNew ? [{ digest: this.digest, recipe }, ...rest] : rest).slice(0, MAX_STORED);
    try {
      localStorage.setItem(KEY, JSON.stringify(this.entries));
    } catch {
      // The browser stores nothing: the favorites last as long as the page.
    }
    this.dispatchEvent(new Event("change"));
  }
}

/** @param {{digest: string, recipe: Recipe}} entry @param {string} digest @param {Recipe} recipe */
const isSame = (entry, digest, recipe) =>
  entry.digest === digest && JSON.stringify(entry.recipe) === JSON.stringify(recipe);

/** @returns {{digest: string, recipe: Recipe}[]} */
function readEntries() {
  try {
    const entries = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    const isEntry = (/** @type {any} */ entry) =>
      typeof entry?.digest === "string" &&
      parsePoint(String(entry.recipe?.point)) &&
      entry.recipe.values;
    return Array.isArray(entries) ? entries.filter(isEntry) : [];
  } catch {
    return [];
  }
}

/** The view "Favorites". */
export class FavoritesView {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.list = h("ul", { class: "grid", "aria-label": "Favorites" });
    this.empty = h(
      "p",
      { class: "empty" },
      "No favorites yet. The heart on an image adds it here. Favorites stay in this browser.",
    );
    this.bar = h(
      "div",
      { class: "bar" },
      iconButton(
        "images",
        "Sprite sheet",
        () => app.actions.saveSheet(app.favorites.recipes(), "favorites"),
        { class: "compact" },
      ),
      iconButton("code", "Code", () => app.actions.showCode(app.favorites.recipes()), {
        class: "compact",
      }),
    );
    this.element = h("div", { class: "view" }, this.bar, this.list, this.empty);
    this.key = "";
    /** @type {import("./painter.js").Target[]} */
    this.targets = [];
  }

  /** @returns {import("./painter.js").Target[]} */
  show() {
    const recipes = this.app.favorites.recipes();
    const key = JSON.stringify(recipes);
    this.bar.hidden = !recipes.length;
    this.empty.hidden = recipes.length > 0;
    if (key === this.key) return this.targets;
    this.key = key;
    this.targets = recipes.map((recipe) => ({
      recipe,
      canvas: this.app.makeCanvas(),
    }));
    this.list.replaceChildren(...this.targets.map((target) => this.makeItem(target)));
    return this.targets;
  }

  /** @param {import("./painter.js").Target} target */
  makeItem({ recipe, canvas }) {
    const text = `${pointName(recipe.point)}: ${describe(this.app.fields, recipe.values)}`;
    const button = h(
      "button",
      {
        type: "button",
        class: "tile",
        "aria-label": `Continue with ${text}`,
        title: text,
        onclick: () => this.choose(recipe),
      },
      canvas,
    );
    const remove = iconButton("heart", `Remove ${text}`, () => this.app.favorites.toggle(recipe), {
      quiet: true,
      class: "heart",
    });
    return h("li", { class: "is-favorite" }, button, remove);
  }

  /** @param {Recipe} recipe */
  choose({ point, values, temperature }) {
    const { tiles, selected } = this.app.store.state;
    const changed = tiles.map((tile, at) => (at === selected ? { ...tile, point } : tile));
    this.app.store.set({ values, temperature, tiles: changed, view: "images" });
  }
}
