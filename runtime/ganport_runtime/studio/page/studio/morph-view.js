/** The line between two images: a slider, a film strip, an animation. */

import { changeButton, h, iconButton, setAttribute } from "./dom.js";
import { pointName, randomSeed } from "./points.js";
import { describe } from "./values.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./store.js").State} State */
/** @typedef {import("./backend.js").Recipe} Recipe */
/** @typedef {"start" | "end"} EndName */

const STRIP = 9;
const FRAMES = 24;
const MILLISECONDS = 80;
/** Frames of one way when the animation plays in the page. */
const STEPS = 40;

/** The view "Morph". */
export class MorphView {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    /** The end that the controls change. @type {EndName} */
    this.active = "end";
    this.timer = 0;
    this.canvas = app.makeCanvas();
    this.ends = {
      start: this.makeEnd("start", "From"),
      end: this.makeEnd("end", "To"),
    };
    this.slider = h("input", {
      type: "range",
      min: 0,
      max: 100,
      "aria-label": "Position between the two images",
      oninput: () => this.moveTo(Number(this.slider.value), true),
      onchange: () => this.moveTo(Number(this.slider.value), false),
    });
    this.strip = Array.from({ length: STRIP }, (_, index) => this.makeFrame(index));
    this.playButton = iconButton("play", "Play", () => (this.timer ? this.stop() : this.play()), {
      class: "primary",
    });
    const bar = h(
      "div",
      { class: "bar" },
      this.playButton,
      iconButton("shuffle", "Swap", () => this.swap(), { class: "compact" }),
      h("span", { class: "space" }),
      iconButton("download", "Save PNG", () => app.actions.saveImage(this.current()), {
        class: "compact",
      }),
      iconButton("download", "GIF", () => app.actions.saveAnimation(this.frames(), MILLISECONDS)),
      iconButton("images", "Sprite sheet", () => app.actions.saveSheet(this.frames(), "morph"), {
        class: "compact",
      }),
      iconButton("code", "Code", () => app.actions.showCode([this.current()]), {
        class: "compact",
      }),
    );
    this.element = h(
      "div",
      { class: "view" },
      bar,
      h(
        "div",
        { class: "morph" },
        this.ends.start.element,
        h("div", { class: "large" }, this.canvas),
        this.ends.end.element,
      ),
      h("div", { class: "slider long" }, this.slider, h("output", {})),
      h("div", { class: "strip" }, ...this.strip.map((frame) => frame.button)),
    );
  }

  /** @param {EndName} name @param {string} title */
  makeEnd(name, title) {
    const canvas = this.app.makeCanvas();
    const button = h(
      "button",
      { type: "button", class: "tile", onclick: () => this.activate(name) },
      canvas,
    );
    const caption = h("p", { class: "caption" });
    const renew = iconButton("shuffle", "Another", () =>
      this.changeEnd(name, { point: randomSeed() }),
    );
    const element = h("div", { class: "end" }, h("h3", {}, title), button, caption, renew);
    return { element, button, canvas, caption };
  }

  /** @param {number} index */
  makeFrame(index) {
    const percent = Math.round((100 * index) / (STRIP - 1));
    const canvas = this.app.makeCanvas();
    const properties = {
      type: "button",
      class: "tile",
      "aria-label": `${percent} %`,
      tabindex: -1,
    };
    const button = h(
      "button",
      { ...properties, onclick: () => this.moveTo(percent, false) },
      canvas,
    );
    return { button, canvas, percent };
  }

  /** Return the image at a position. @param {number} percent @returns {Recipe} */
  recipe(percent) {
    const { morph, temperature } = this.app.store.state;
    const { start, end } = morph;
    const fraction = percent / 100;
    const values = this.app.space.blend(start.values, end.values, fraction);
    return {
      point: start.point,
      values,
      temperature,
      mix: { point: end.point, fraction },
    };
  }

  /** Return the image at the slider. */
  current() {
    return this.recipe(this.app.store.state.morph.percent);
  }

  /** Return the images of the way from the start to the end. */
  frames() {
    return Array.from({ length: FRAMES }, (_, index) => this.recipe((100 * index) / (FRAMES - 1)));
  }

  /** @param {State} state @returns {import("./painter.js").Target[]} */
  show(state) {
    const { percent } = state.morph;
    const targets = [{ canvas: this.canvas, recipe: this.recipe(percent) }];
    this.slider.value = String(percent);
    const output = this.slider.nextElementSibling;
    if (output) output.textContent = `${percent} %`;
    this.canvas.setAttribute("aria-label", `The image at ${percent} % of the way`);
    for (const name of /** @type {const} */ (["start", "end"])) {
      const { button, canvas, caption } = this.ends[name];
      const { point, values } = state.morph[name];
      const text = describe(this.app.fields, values);
      caption.textContent = text;
      setAttribute(button, "aria-pressed", String(this.active === name));
      button.setAttribute("aria-label", `Change ${pointName(point)}: ${text}`);
      targets.push({
        canvas,
        recipe: { point, values, temperature: state.temperature },
      });
    }
    for (const frame of this.strip) {
      setAttribute(frame.button, "aria-current", frame.percent === percent && "true");
      targets.push({
        canvas: frame.canvas,
        recipe: this.recipe(frame.percent),
      });
    }
    return targets;
  }

  /** Return the values that the controls show in this view. @param {State} state */
  values(state) {
    return state.morph[this.active].values;
  }

  /** @param {EndName} name */
  activate(name) {
    this.active = name;
    this.app.store.set({}, { remember: false });
  }

  /**
   * @param {EndName} name
   * @param {Partial<import("./store.js").End>} change
   */
  changeEnd(name, change, dragging = false) {
    const { morph } = this.app.store.state;
    this.app.store.set(
      { morph: { ...morph, [name]: { ...morph[name], ...change } } },
      { dragging },
    );
  }

  swap() {
    const { morph } = this.app.store.state;
    this.app.store.set({
      morph: {
        start: morph.end,
        end: morph.start,
        percent: 100 - morph.percent,
      },
    });
  }

  /** @param {number} percent @param {boolean} dragging */
  moveTo(percent, dragging) {
    const { morph } = this.app.store.state;
    this.app.store.set({ morph: { ...morph, percent } }, { dragging });
  }

  play() {
    changeButton(this.playButton, "pause", "Stop");
    let step = Math.round((this.app.store.state.morph.percent * STEPS) / 100);
    let way = 1;
    this.timer = window.setInterval(() => {
      if (this.app.store.state.view !== "morph") return this.stop();
      if (this.app.painter.isRunning) return;
      if (step + way < 0 || step + way > STEPS) way = -way;
      step += way;
      const { morph } = this.app.store.state;
      const percent = Math.round((100 * step) / STEPS);
      this.app.store.set({ morph: { ...morph, percent } }, { remember: false });
    }, MILLISECONDS);
  }

  stop() {
    window.clearInterval(this.timer);
    this.timer = 0;
    changeButton(this.playButton, "play", "Play");
  }
}
