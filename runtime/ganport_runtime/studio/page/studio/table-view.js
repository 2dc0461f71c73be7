/** A table of one group by another, all from the selected seed. */

import { h, iconButton, moveByArrows } from "./dom.js";
import { pointName } from "./points.js";
import { SEEDS } from "./store.js";
import { describeValue, round } from "./values.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./store.js").State} State */
/** @typedef {import("./values.js").Group} Group */
/** @typedef {{text: string, apply: (recipe: Recipe) => Recipe}} Step */
/** The first steps of a group or of the seeds, and how many there are. @typedef {{steps: Step[], total: number}} Axis */
/** @typedef {import("./backend.js").Recipe} Recipe */

const MAX_STEPS = 5;
/** Rows or columns: a group may have thousands of labels or colors. */
const MAX_LABELS = 24;

/** The view "Table". */
export class TableView {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.rows = this.makeSelect("Rows", "rows");
    this.columns = this.makeSelect("Columns", "columns");
    this.table = h("table", { class: "matrix" });
    /** @type {HTMLButtonElement[]} */
    this.buttons = [];
    moveByArrows(
      this.table,
      () => this.buttons,
      () => this.width(),
    );
    const bar = h(
      "div",
      { class: "bar" },
      h("label", { class: "axis" }, "Rows", this.rows),
      h("label", { class: "axis" }, "Columns", this.columns),
      h("span", { class: "space" }),
      iconButton(
        "images",
        "Sprite sheet",
        () => app.actions.saveSheet(this.recipes(), "table", this.width()),
        { class: "compact" },
      ),
    );
    const scroller = h(
      "div",
      {
        class: "scroller",
        tabindex: 0,
        role: "region",
        "aria-label": "Table of images",
      },
      this.table,
    );
    this.cut = h("p", { class: "hint", role: "status" });
    const hint = h("p", { class: "hint" }, "Choose an image of the table to continue with it.");
    this.element = h("div", { class: "view" }, bar, this.cut, scroller, hint);
    this.key = "";
    /** @type {HTMLCanvasElement[]} */
    this.canvases = [];
  }

  /** @param {string} title @param {"rows" | "columns"} name */
  makeSelect(title, name) {
    const names = this.app.fields.map((group) => group.name);
    const options = names.map((group) => h("option", { value: group }, group));
    const select = h(
      "select",
      {
        "aria-label": title,
        onchange: () => {
          const { table } = this.app.store.state;
          this.app.store.set({ table: { ...table, [name]: select.value } });
        },
      },
      ...options,
      h("option", { value: SEEDS }, "seeds"),
    );
    return select;
  }

  width() {
    return this.axis(this.app.store.state.table.columns).steps.length;
  }

  /** Return the recipes of the table in row-major order. */
  recipes() {
    const { state } = this.app.store;
    const { point } = state.tiles[state.selected];
    const base = {
      point,
      values: state.values,
      temperature: state.temperature,
    };
    const columns = this.axis(state.table.columns).steps;
    return this.axis(state.table.rows).steps.flatMap((row) =>
      columns.map((column) => column.apply(row.apply(base))),
    );
  }

  /** @param {string} name @returns {Axis} */
  axis(name) {
    const { tiles } = this.app.store.state;
    const group = this.app.fields.find((field) => field.name === name);
    if (!group) {
      const steps = tiles.slice(0, MAX_LABELS).map(({ point }) => {
        const apply = (/** @type {Recipe} */ recipe) => ({ ...recipe, point });
        return { text: pointName(point).replace("Seed ", ""), apply };
      });
      return { steps, total: tiles.length };
    }
    const { steps, total } = stepsOf(group);
    const named = steps.map(([text, value]) => {
      const apply = (/** @type {Recipe} */ recipe) => {
        return { ...recipe, values: { ...recipe.values, [group.name]: value } };
      };
      return { text, apply };
    });
    return { steps: named, total };
  }

  /** @param {State} state @returns {import("./painter.js").Target[]} */
  show(state) {
    this.rows.value = state.table.rows;
    this.columns.value = state.table.columns;
    const axes = [this.axis(state.table.rows), this.axis(state.table.columns)];
    const [rows, columns] = axes.map(({ steps }) => steps);
    this.cut.textContent = cutText(axes);
    this.cut.hidden = !this.cut.textContent;
    const key = JSON.stringify([
      state.table,
      rows.map((row) => row.text),
      columns.map((column) => column.text),
    ]);
    if (key !== this.key) this.build(rows, columns);
    this.key = key;
    const recipes = this.recipes();
    return this.canvases.map((canvas, index) => ({
      canvas,
      recipe: recipes[index],
    }));
  }

  /** @param {Step[]} rows @param {Step[]} columns */
  build(rows, columns) {
    this.canvases = [];
    this.buttons = [];
    const titles = columns.map(({ text }) => h("th", { scope: "col" }, text));
    const body = rows.map((row) => {
      const cells = columns.map((column) => this.makeCell(`${row.text}, ${column.text}`));
      return h("tr", {}, h("th", { scope: "row" }, row.text), ...cells);
    });
    const head = h("thead", {}, h("tr", {}, h("td", {}), ...titles));
    this.table.replaceChildren(head, h("tbody", {}, ...body));
  }

  /** @param {string} label */
  makeCell(label) {
    const index = this.canvases.length;
    const canvas = this.app.makeCanvas();
    const onclick = () => this.choose(this.recipes()[index]);
    const names = { "aria-label": label, title: label, tabindex: index ? -1 : 0 };
    const button = h("button", { type: "button", class: "tile", onclick, ...names }, canvas);
    this.canvases.push(canvas);
    this.buttons.push(button);
    return h("td", {}, button);
  }

  /** Continue with an image of the table. @param {Recipe} recipe */
  choose({ point, values }) {
    const { tiles, selected } = this.app.store.state;
    const changed = tiles.map((tile, at) => (at === selected ? { ...tile, point } : tile));
    this.app.store.set({ values, tiles: changed, view: "images" });
    this.app.views.images.focusSelected();
  }
}

/** Return which parts of the axes the table shows, or "". @param {Axis[]} axes */
function cutText(axes) {
  const parts = ["rows", "columns"].map((name, index) => {
    const { steps, total } = axes[index];
    return steps.length < total ? `the first ${steps.length} of ${total} ${name}` : "";
  });
  const text = parts.filter(Boolean).join(" and ");
  return text && `The table shows ${text}.`;
}

/**
 * Return the first values of a group as rows or columns, with their names, and how many there are.
 * @param {Group} group
 * @returns {{steps: [string, any][], total: number}}
 */
export function stepsOf(group) {
  const steps = allSteps(group);
  return { steps: steps.slice(0, MAX_LABELS), total: steps.length };
}

/** @param {Group} group @returns {[string, any][]} */
function allSteps(group) {
  if (group.kind === "scalar") {
    const { min = 0, max = 1 } = group;
    return Array.from({ length: MAX_STEPS }, (_, index) => {
      const value = min + ((max - min) * index) / (MAX_STEPS - 1);
      return [round(value), value];
    });
  }
  if (group.kind === "rgb") {
    const names = Object.keys(group.palette ?? {});
    const colors = names.length
      ? names
      : ["#000000", "#ff0000", "#ffff00", "#00ff00", "#00ffff", "#0000ff", "#ff00ff", "#ffffff"];
    return colors.map((color) => [color, color]);
  }
  const labels = group.labels ?? [];
  if (group.kind === "one_hot") return labels.map((label) => [label, label]);
  return [
    [describeValue(group, []), []],
    ...labels.map((label) => /** @type {[string, any]} */ ([label, [label]])),
  ];
}
