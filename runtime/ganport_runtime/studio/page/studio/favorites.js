/** Favorites: the only thing that the page stores in the browser. */

import { changeButton, h, iconButton } from "./dom.js";
import { parsePoint, pointName } from "./points.js";
import { describe } from "./values.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./backend.js").Recipe} Recipe */
/**
 * @typedef {import("./painter.js").Target & {element: HTMLLIElement, heart: HTMLButtonElement,
 *   text: string}} Item
 */

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
    if (rest.length === this.entries.length) this.add([recipe]);
    else this.change(rest);
  }

  /** Add favorites that are new. @param {Recipe[]} recipes */
  add(recipes) {
    const added = recipes.map((recipe) => ({ digest: this.digest, recipe }));
    this.change([...added, ...this.entries].slice(0, MAX_STORED));
  }

  /** @param {{digest: string, recipe: Recipe}[]} entries */
  change(entries) {
    this.entries = entries;
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
    this.addButton = iconButton("heart", "Add all to favorites", () =>
      app.favorites.add(this.newImages()),
    );
    this.bar = h(
      "div",
      { class: "bar" },
      this.addButton,
      iconButton(
        "images",
        "Sprite sheet",
        () => app.actions.saveSheet(this.recipes(), "favorites"),
        { class: "compact" },
      ),
      iconButton("code", "Code", () => app.actions.showCode(this.recipes()), {
        class: "compact",
      }),
    );
    this.note = h("p", { class: "hint" });
    this.element = h("div", { class: "view" }, this.bar, this.note, this.list, this.empty);
    this.key = "";
    /** @type {Item[]} */
    this.items = [];
    /** The images of the last link. @type {Recipe[]} */
    this.linked = [];
    /** Those of them that were not favorites when the link was opened. @type {Recipe[]} */
    this.foreign = [];
  }

  /** Return the images that only a link brought, then the favorites. */
  recipes() {
    const { favorites, store } = this.app;
    if (store.state.linked !== this.linked) {
      this.linked = store.state.linked;
      this.foreign = this.linked.filter((recipe) => !favorites.has(recipe));
    }
    const shown = new Set(this.foreign.map((recipe) => JSON.stringify(recipe)));
    const own = favorites.recipes().filter((recipe) => !shown.has(JSON.stringify(recipe)));
    return [...this.foreign, ...own];
  }

  /** Return the images of the link that are not favorites yet. */
  newImages() {
    return this.foreign.filter((recipe) => !this.app.favorites.has(recipe));
  }

  /** @returns {import("./painter.js").Target[]} */
  show() {
    const recipes = this.recipes();
    const key = JSON.stringify(recipes);
    this.bar.hidden = !recipes.length;
    this.empty.hidden = recipes.length > 0;
    const count = this.newImages().length;
    this.addButton.hidden = this.note.hidden = !count;
    const images = count === 1 ? "1 image" : `${count} images`;
    this.note.textContent = `${images} came with the link. Only favorites stay in this browser.`;
    if (key !== this.key) {
      this.key = key;
      this.items = recipes.map((recipe) => this.makeItem(recipe));
      this.list.replaceChildren(...this.items.map(({ element }) => element));
    }
    for (const { element, heart, recipe, text } of this.items) {
      const isFavorite = this.app.favorites.has(recipe);
      element.classList.toggle("is-favorite", isFavorite);
      changeButton(heart, "heart", `${isFavorite ? "Remove" : "Add"} ${text}`);
    }
    return this.items;
  }

  /** @param {Recipe} recipe @returns {Item} */
  makeItem(recipe) {
    const canvas = this.app.makeCanvas();
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
    const heart = iconButton("heart", "", () => this.app.favorites.toggle(recipe), {
      quiet: true,
      class: "heart",
    });
    return { element: h("li", {}, button, heart), heart, canvas, recipe, text };
  }

  /** @param {Recipe} recipe */
  choose({ point, values, temperature }) {
    const { tiles, selected } = this.app.store.state;
    const changed = tiles.map((tile, at) => (at === selected ? { ...tile, point } : tile));
    this.app.store.set({ values, temperature, tiles: changed, view: "images" });
    this.app.views.images.focusSelected();
  }
}
