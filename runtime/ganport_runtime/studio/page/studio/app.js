/** The page: its parts, and how they follow the state. */

import { Actions } from "./actions.js";
import { makeControls, varietyControl } from "./controls.js";
import { slowNotice } from "./dialogs.js";
import { h, iconButton, setAttribute } from "./dom.js";
import { Favorites, FavoritesView } from "./favorites.js";
import { ImagesView } from "./images-view.js";
import { Inspector } from "./inspector.js";
import { MorphView } from "./morph-view.js";
import { MAX_SIDE, Painter } from "./painter.js";
import { digestOf, fromLink, initialState, Store, toLink, unknownGroups } from "./store.js";
import { TableView } from "./table-view.js";
import { fieldsOf } from "./values.js";

/** @typedef {import("./backend.js").Backend} Backend */
/** @typedef {import("./backend.js").BundleInfo} BundleInfo */
/** @typedef {import("./backend.js").Recipe} Recipe */
/** @typedef {import("./store.js").State} State */
/** @typedef {import("./store.js").View} View */

/** @type {[View, "images" | "morph" | "table" | "heart", string][]} */
const TABS = [
  ["images", "images", "Images"],
  ["morph", "morph", "Morph"],
  ["table", "table", "Table"],
  ["favorites", "heart", "Favorites"],
];

/** Names, and characters of one, in the message about a link. */
const MAX_NAMED = 4;
const MAX_NAME = 40;

/** The page of one open bundle. */
export class App {
  /**
   * @param {HTMLElement} root
   * @param {Backend} backend
   * @param {BundleInfo[]} bundles
   * @param {BundleInfo} info
   * @param {(name: string) => void} openBundle
   */
  constructor(root, backend, bundles, info, openBundle) {
    this.info = info;
    this.backend = backend;
    this.fields = fieldsOf(info.conditions);
    this.space = backend.space(info);
    this.favorites = new Favorites();
    this.favorites.digest = info.digest;
    const state = initialState(this.fields);
    this.store = new Store(location.hash ? fromLink(this.fields, state, location.hash) : state);
    this.painter = new Painter(
      backend,
      info,
      (error) => this.actions.fail(error),
      (isBusy) => this.setBusy(isBusy),
      (isSlow) => this.slow.show(isSlow),
    );
    this.slow = slowNotice(() => this.cancel());
    this.actions = new Actions(this);
    this.views = {
      images: new ImagesView(this),
      morph: new MorphView(this),
      table: new TableView(this),
      favorites: new FavoritesView(this),
    };
    this.inspector = new Inspector(this);
    this.closing = new AbortController();
    const { signal } = this.closing;
    this.controls = makeControls(
      this.fields,
      (name, value, dragging) => this.changeValue(name, value, dragging),
      signal,
    );
    this.variety = varietyControl(info.noise.temperature, (temperature, dragging) => {
      this.store.set({ temperature }, { dragging });
    });
    this.status = h("p", { class: "status", role: "status" });
    root.replaceChildren(...this.build(bundles, openBundle), this.actions.element);
    document.title = `${info.title} · ganport studio`;
    this.store.addEventListener("change", () => this.render());
    this.favorites.addEventListener("change", () => this.render());
    document.addEventListener("keydown", (event) => this.onKey(event), {
      signal,
    });
    window.addEventListener("hashchange", () => this.readLink(), { signal });
    this.warnOfLink();
    this.render();
  }

  /** Stop all work; the root may get another page. */
  close() {
    this.closing.abort();
    this.painter.cancel();
  }

  /** Stop making images until something changes. */
  cancel() {
    this.painter.cancel();
    this.actions.notify("Stopped. The next change makes the missing images.");
  }

  /** @param {BundleInfo[]} bundles @param {(name: string) => void} openBundle */
  build(bundles, openBundle) {
    const { info } = this;
    this.undoButton = iconButton("undo", "Undo", () => this.store.undo(), {
      quiet: true,
    });
    this.redoButton = iconButton("redo", "Redo", () => this.store.redo(), {
      quiet: true,
    });
    const share = iconButton("link", "Copy link", () => this.actions.share());
    const select = h(
      "select",
      { "aria-label": "Bundle", onchange: () => openBundle(select.value) },
      ...bundles.map((bundle) =>
        h("option", { value: bundle.name, selected: bundle === info }, bundle.name),
      ),
    );
    const name = bundles.length > 1 ? select : h("span", { class: "bundle" }, info.title);
    const about = iconButton("info", "About this bundle", () => this.actions.showAbout(), {
      quiet: true,
      class: "about",
    });
    const file = h("input", {
      type: "file",
      accept: ".ganport,.onnx,.zip",
      hidden: true,
      onchange: () => openFile(file),
    });
    const open = iconButton("folder", "Open a bundle", () => file.click(), {
      quiet: true,
    });
    this.tabs = TABS.map(([view, symbol, text]) => {
      const tab = iconButton(symbol, text, () => this.store.set({ view }, { remember: false }));
      return { view, tab };
    });
    const header = h(
      "header",
      { class: "top" },
      h(
        "div",
        { class: "brand" },
        h("img", { src: "studio/icon.svg", alt: "", width: 28, height: 28 }),
        h("h1", {}, "Studio"),
        name,
        about,
      ),
      h("nav", { class: "tabs", "aria-label": "Views" }, ...this.tabs.map(({ tab }) => tab)),
      h("div", { class: "tools" }, file, open, this.undoButton, this.redoButton, share),
    );
    const reset = iconButton(
      "reset",
      "Reset",
      () =>
        this.store.set({
          values: initialState(this.fields).values,
          temperature: null,
        }),
      { quiet: true },
    );
    const title = h(
      "div",
      { class: "bar" },
      h("h2", {}, "Choose"),
      h("span", { class: "space" }),
      reset,
    );
    this.intro = h("p", { class: "hint intro" });
    const panel = h(
      "section",
      { class: "panel", "aria-label": "Choices" },
      title,
      this.intro,
      ...this.controls.map(({ element }) => element),
      this.variety.element,
    );
    this.stage = h(
      "main",
      { class: "stage" },
      this.slow.element,
      ...Object.values(this.views).map((view) => view.element),
      this.status,
    );
    return [header, panel, this.stage, this.inspector.element];
  }

  /** Show the state in every part, and paint the images of the open view. */
  render() {
    const { state, past, future } = this.store;
    const values = state.view === "morph" ? this.views.morph.values(state) : state.values;
    for (const control of this.controls) control.show(values[control.name]);
    this.variety.show(state.temperature);
    if (this.intro) this.intro.textContent = introOf(this.fields.length > 0, state.view);
    for (const { view, tab } of this.tabs ?? []) {
      setAttribute(tab, "aria-current", view === state.view && "page");
      this.views[view].element.hidden = view !== state.view;
    }
    document.body.dataset.view = state.view;
    if (this.undoButton) this.undoButton.disabled = !past.length;
    if (this.redoButton) this.redoButton.disabled = !future.length;
    const isInspected = state.view === "images" || state.view === "table";
    this.inspector.element.hidden = !isInspected;
    const targets = [...this.views[state.view].show(state)];
    if (isInspected) targets.unshift(...this.inspector.show(state));
    this.painter.paint(targets);
    const link = this.link();
    if (link !== location.hash) history.replaceState(null, "", link);
  }

  /** @param {string} name @param {any} value @param {boolean} dragging */
  changeValue(name, value, dragging) {
    const { state } = this.store;
    if (state.view === "morph") {
      const { morph } = this.views;
      morph.changeEnd(
        morph.active,
        { values: { ...morph.values(state), [name]: value } },
        dragging,
      );
    } else this.store.set({ values: { ...state.values, [name]: value } }, { dragging });
  }

  /** Return the fragment of the address that brings the state back. */
  link() {
    const { state } = this.store;
    const favorites = state.view === "favorites" ? this.views.favorites.recipes() : [];
    return toLink(this.fields, state, this.info.digest, favorites);
  }

  /** Take the state of a link that was put into the address. */
  readLink() {
    if (location.hash === this.link()) return;
    this.warnOfLink();
    this.store.set(fromLink(this.fields, this.store.state, location.hash));
  }

  /** Say what a link asks for that this bundle does not have. */
  warnOfLink() {
    const digest = digestOf(location.hash);
    const isOther = digest && !this.info.digest.startsWith(digest);
    const other = "This link was made with another bundle, so the images may differ.";
    const unknown = unknownGroups(this.fields, location.hash);
    const names = unknown.slice(0, MAX_NAMED).map((name) => name.slice(0, MAX_NAME));
    const rest = unknown.length > names.length ? ` and ${unknown.length - names.length} more` : "";
    const ignored = `The bundle does not have the values of the link for: ${names.join(", ")}${rest}.`;
    const texts = [isOther && other, names.length && ignored].filter(Boolean);
    if (texts.length) this.actions.notify(texts.join(" "));
  }

  /** Tell screen readers what has changed. @param {string} text */
  announce(text) {
    this.status.textContent = text;
  }

  makeCanvas() {
    const { width, height, pixelated, transparent } = this.info;
    const scale = Math.min(1, MAX_SIDE / Math.max(width, height));
    return h("canvas", {
      width: Math.max(1, Math.round(width * scale)),
      height: Math.max(1, Math.round(height * scale)),
      role: "img",
      "aria-label": "Image",
      class: `${pixelated ? "pixelated" : ""} ${transparent ? "transparent" : ""}`,
    });
  }

  /** @param {boolean} isBusy */
  setBusy(isBusy) {
    setAttribute(this.stage ?? document.body, "aria-busy", String(isBusy));
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const isText =
      event.target instanceof HTMLInputElement &&
      ["text", "search", "password"].includes(event.target.type);
    if (!(event.ctrlKey || event.metaKey) || event.altKey || isText) return;
    const key = event.key.toLowerCase();
    if (key === "z" && !event.shiftKey) this.store.undo();
    else if (key === "y" || (key === "z" && event.shiftKey)) this.store.redo();
    else return;
    event.preventDefault();
  }
}

/** @param {HTMLInputElement} input */
function openFile(input) {
  const [file] = input.files ?? [];
  if (file) document.dispatchEvent(new CustomEvent("open-file", { detail: file }));
  input.value = ""; // the same file may be chosen again
}

/** Return what the choices do in a view. @param {boolean} hasChoices @param {View} view */
function introOf(hasChoices, view) {
  const seeds = "is made from a number of its own, its seed.";
  if (!hasChoices) return `This bundle has no choices. Each image ${seeds}`;
  if (view !== "morph") return `All images follow your choices. Each one ${seeds}`;
  return "Your choices change one end of the morph. Select the other end to change it.";
}
