/** The page: its parts, and how they follow the state. */

import { makeControl, varietyControl } from "./controls.js";
import { openDialog, showTexts, copyText } from "./dialogs.js";
import { download, h, iconButton, setAttribute } from "./dom.js";
import { javascriptCode, pythonCode } from "./code.js";
import { Favorites, FavoritesView } from "./favorites.js";
import { animationFile, imageFile, sheetFiles } from "./files.js";
import { ImagesView } from "./images-view.js";
import { Inspector } from "./inspector.js";
import { LatentSpace } from "./latent.js";
import { MorphView } from "./morph-view.js";
import { Painter } from "./painter.js";
import { digestOf, fromLink, initialState, Store, toLink } from "./store.js";
import { TableView } from "./table-view.js";
import { fieldsOf } from "./values.js";

/** @typedef {import("./service-backend.js").Backend} Backend */
/** @typedef {import("./service-backend.js").BundleInfo} BundleInfo */
/** @typedef {import("./service-backend.js").Recipe} Recipe */
/** @typedef {import("./store.js").State} State */
/** @typedef {import("./store.js").View} View */

/** @type {[View, "images" | "morph" | "table" | "heart", string][]} */
const TABS = [
  ["images", "images", "Images"],
  ["morph", "morph", "Morph"],
  ["table", "table", "Table"],
  ["favorites", "heart", "Favorites"],
];
const NOTICE_SECONDS = 8;

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
    this.space = new LatentSpace(info);
    this.favorites = new Favorites();
    this.favorites.digest = info.digest;
    const state = initialState(this.fields);
    this.store = new Store(
      location.hash ? fromLink(this.fields, state, location.hash) : state,
    );
    this.painter = new Painter(
      backend,
      (error) => this.fail(error),
      (busy) => this.setBusy(busy),
    );
    this.painter.bundle = info.name;
    this.views = {
      images: new ImagesView(this),
      morph: new MorphView(this),
      table: new TableView(this),
      favorites: new FavoritesView(this),
    };
    this.inspector = new Inspector(this);
    this.controls = this.fields.map((group) => {
      const control = makeControl(group, (value, dragging) =>
        this.changeValue(group.name, value, dragging),
      );
      return { name: group.name, ...control };
    });
    this.variety = varietyControl(
      info.noise.temperature,
      (temperature, dragging) => {
        this.store.set({ temperature }, { dragging });
      },
    );
    this.status = h("p", { class: "status", role: "status" });
    this.alert = h("div", { class: "notices", role: "alert" });
    root.replaceChildren(...this.build(bundles, openBundle), this.alert);
    document.title = `${info.title} · ganport studio`;
    this.closing = new AbortController();
    const { signal } = this.closing;
    this.store.addEventListener("change", () => this.render());
    this.favorites.addEventListener("change", () => this.render());
    document.addEventListener("keydown", (event) => this.onKey(event), {
      signal,
    });
    window.addEventListener("hashchange", () => this.readLink(), { signal });
    this.warnOfOtherBundle();
    this.render();
  }

  /** Stop to listen; the root may get another page. */
  close() {
    this.closing.abort();
    this.painter.paint([]);
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
    const share = iconButton("link", "Copy link", () => this.share());
    const select = h(
      "select",
      { "aria-label": "Bundle", onchange: () => openBundle(select.value) },
      ...bundles.map((bundle) =>
        h(
          "option",
          { value: bundle.name, selected: bundle === info },
          bundle.name,
        ),
      ),
    );
    const name =
      bundles.length > 1 ? select : h("span", { class: "bundle" }, info.title);
    const about = iconButton(
      "info",
      "About this bundle",
      () => this.showAbout(),
      { quiet: true, class: "about" },
    );
    this.tabs = TABS.map(([view, symbol, text]) => {
      const tab = iconButton(symbol, text, () =>
        this.store.set({ view }, { remember: false }),
      );
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
      h(
        "nav",
        { class: "tabs", "aria-label": "Views" },
        ...this.tabs.map(({ tab }) => tab),
      ),
      h("div", { class: "tools" }, this.undoButton, this.redoButton, share),
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
    const none = this.fields.length
      ? null
      : h(
          "p",
          { class: "hint" },
          "This bundle has no choices: only the seed changes its images.",
        );
    const panel = h(
      "section",
      { class: "panel", "aria-label": "Choices" },
      title,
      none,
      ...this.controls.map(({ element }) => element),
      this.variety.element,
    );
    this.stage = h(
      "main",
      { class: "stage" },
      ...Object.values(this.views).map((view) => view.element),
      this.status,
    );
    return [header, panel, this.stage, this.inspector.element];
  }

  /** Show the state in every part, and paint the images of the open view. */
  render() {
    const { state, past, future } = this.store;
    const values =
      state.view === "morph" ? this.views.morph.values(state) : state.values;
    for (const control of this.controls) control.show(values[control.name]);
    this.variety.show(state.temperature);
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
    const link = toLink(this.fields, state, this.info.digest);
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
    } else
      this.store.set(
        { values: { ...state.values, [name]: value } },
        { dragging },
      );
  }

  /** Take the state of a link that was put into the address. */
  readLink() {
    if (
      location.hash === toLink(this.fields, this.store.state, this.info.digest)
    )
      return;
    this.warnOfOtherBundle();
    this.store.set(fromLink(this.fields, this.store.state, location.hash));
  }

  warnOfOtherBundle() {
    const digest = digestOf(location.hash);
    if (digest && !this.info.digest.startsWith(digest)) {
      this.notify(
        "This link was made with another bundle, so the images may differ.",
      );
    }
  }

  makeCanvas() {
    const { width, height, pixelated } = this.info;
    return h("canvas", {
      width,
      height,
      role: "img",
      "aria-label": "Image",
      class: pixelated ? "pixelated" : "",
    });
  }

  /** @param {boolean} isBusy */
  setBusy(isBusy) {
    setAttribute(this.stage ?? document.body, "aria-busy", String(isBusy));
  }

  /** @param {unknown} error */
  fail(error) {
    const { message, fix = "" } =
      /** @type {{message: string, fix?: string}} */ (error);
    this.notify(message, fix, true);
  }

  /**
   * Show a message for a while; an error stays until it is closed.
   * @param {string} message
   * @param {string} [fix]
   * @param {boolean} [isError]
   */
  notify(message, fix = "", isError = false) {
    const close = iconButton("close", "Close", () => notice.remove(), {
      quiet: true,
    });
    const notice = h(
      "div",
      { class: `notice ${isError ? "error" : ""}` },
      h("p", {}, message, fix && " ", fix && h("strong", {}, fix)),
      close,
    );
    this.alert.replaceChildren(notice);
    if (!isError) setTimeout(() => notice.remove(), NOTICE_SECONDS * 1000);
  }

  async share() {
    if (await copyText(location.href))
      this.notify("The link is copied. It brings back these images.");
    else
      showTexts("Link to these images", [
        { name: "Link", text: location.href },
      ]);
  }

  /** @param {Recipe} recipe */
  async saveImage(recipe) {
    await this.attempt(async () => {
      const [pixels] = await this.painter.generate([recipe]);
      const { blob, name } = await imageFile(this.info, recipe, pixels);
      download(blob, name);
    });
  }

  /** @param {Recipe[]} recipes @param {string} name @param {number} [columns] */
  async saveSheet(recipes, name, columns) {
    await this.attempt(async () => {
      const images = await this.painter.generate(recipes);
      for (const file of await sheetFiles(
        this.info,
        recipes,
        images,
        name,
        columns,
      )) {
        download(file.blob, file.name);
      }
      this.notify(`Saved ${name}.png and ${name}.json.`);
    });
  }

  /** @param {Recipe[]} recipes @param {number} milliseconds */
  async saveAnimation(recipes, milliseconds) {
    await this.attempt(async () => {
      const images = await this.painter.generate(recipes);
      download(animationFile(images, milliseconds), "morph.gif");
    });
  }

  /** @param {() => Promise<void>} action */
  async attempt(action) {
    this.setBusy(true);
    try {
      await action();
    } catch (error) {
      this.fail(error);
    } finally {
      this.setBusy(false);
    }
  }

  /** @param {Recipe[]} recipes */
  showCode(recipes) {
    const bundle =
      this.info.name === "starter" ? "starter" : `${this.info.name}.ganport`;
    const javascript = javascriptCode(recipes, `${this.info.name}.ganport`);
    const parts = [{ name: "Python", text: pythonCode(recipes, bundle) }];
    if (javascript) parts.push({ name: "JavaScript", text: javascript });
    showTexts("Make these images in a program", parts);
  }

  showAbout() {
    const { info } = this;
    const facts = [
      ["Bundle", `${info.title} ${info.version}`],
      ["Images", `${info.width} × ${info.height}`],
      ["License", info.license],
      ["Digest", info.digest],
    ];
    const list = h(
      "dl",
      {},
      ...facts.flatMap(([name, text]) => [
        h("dt", {}, name),
        h("dd", {}, text),
      ]),
    );
    const text =
      "A network learned from many images how they look. It makes a new image from a number, the seed, and from your choices. The same seed and choices give the same image.";
    openDialog("About", h("p", {}, text), list);
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
