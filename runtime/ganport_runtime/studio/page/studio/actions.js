/** What buttons do with images: save them, share them, show their code; and messages. */

import { javascriptCode, pythonCode } from "./code.js";
import { copyText, messageOf, openDialog, showTexts } from "./dialogs.js";
import { download, h, iconButton } from "./dom.js";
import { animationFile, imageFile, sheetFiles } from "./files.js";
import { countFavorites } from "./store.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./backend.js").Recipe} Recipe */

const NOTICE_SECONDS = 8;

/** The actions of a page, and the place of its messages. */
export class Actions {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.element = h("div", { class: "notices", role: "alert" });
  }

  /** @param {unknown} error */
  fail(error) {
    const { message, fix } = messageOf(error);
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
    this.element.replaceChildren(notice);
    if (!isError) setTimeout(() => notice.remove(), NOTICE_SECONDS * 1000);
  }

  async share() {
    const { store, views } = this.app;
    const total = store.state.view === "favorites" ? views.favorites.recipes().length : 0;
    const count = countFavorites(location.hash);
    const isCut = count < total;
    const content = isCut ? `the first ${count} of ${total} images` : "these images";
    const reason = isCut ? " Many programs cut a longer link." : "";
    if (await copyText(location.href))
      this.notify(`The link is copied. It brings back ${content}.${reason}`);
    else showTexts(`Link to ${content}`, [{ name: "Link", text: location.href }]);
  }

  /** @param {Recipe} recipe */
  async saveImage(recipe) {
    await this.attempt(async () => {
      const [pixels] = await this.app.painter.generate([recipe]);
      const { blob, name } = await imageFile(this.app.info, recipe, pixels);
      download(blob, name);
    });
  }

  /** @param {Recipe[]} recipes @param {string} name @param {number} [columns] */
  async saveSheet(recipes, name, columns) {
    await this.attempt(async () => {
      const images = await this.app.painter.generate(recipes);
      for (const file of await sheetFiles(this.app.info, recipes, images, name, columns)) {
        download(file.blob, file.name);
      }
      this.notify(`Saved ${name}.png and ${name}.json.`);
    });
  }

  /** @param {Recipe[]} recipes @param {number} milliseconds */
  async saveAnimation(recipes, milliseconds) {
    await this.attempt(async () => {
      const images = await this.app.painter.generate(recipes);
      const file = await animationFile(this.app.info, recipes, images, milliseconds);
      download(file, "morph.gif");
    });
  }

  /** @param {() => Promise<void>} action */
  async attempt(action) {
    this.app.setBusy(true);
    try {
      await action();
    } catch (error) {
      this.fail(error);
    } finally {
      this.app.setBusy(false);
    }
  }

  /** @param {Recipe[]} recipes */
  showCode(recipes) {
    const bundle = this.app.info.name === "starter" ? "starter" : `${this.app.info.name}.ganport`;
    const javascript = javascriptCode(recipes, `${this.app.info.name}.ganport`);
    showTexts("Make these images in a program", [
      { name: "Python", text: pythonCode(recipes, bundle) },
      { name: "JavaScript", text: javascript },
    ]);
  }

  showAbout() {
    const { info } = this.app;
    const facts = [
      ["Bundle", `${info.title} ${info.version}`],
      ["Images", `${info.width} × ${info.height}`],
      ["License", info.license],
      ["Digest", info.digest],
    ];
    const list = h(
      "dl",
      {},
      ...facts.flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, text)]),
    );
    const text =
      "A network learned from many images how they look. It makes a new image from a number, the seed, and from your choices. The same seed and choices give the same image.";
    openDialog("About", h("p", {}, text), list);
  }
}
