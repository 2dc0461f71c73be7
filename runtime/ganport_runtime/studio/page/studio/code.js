/** Code that makes images again, in Python and JavaScript. */

import { parsePoint } from "./points.js";

/** @typedef {import("./backend.js").Recipe} Recipe */
/** @typedef {import("./points.js").Point} Point */

/**
 * Return a value as Python: JSON with other words.
 * @param {any} value
 * @returns {string}
 */
function python(value) {
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(
      ([name, inner]) => `${JSON.stringify(name)}: ${python(inner)}`,
    );
    return `{${entries.join(", ")}}`;
  }
  return typeof value === "number" ? String(value) : JSON.stringify(value);
}

/** @param {Recipe} recipe */
const isSeed = ({ point, mix }) => !mix && !point.includes("~");

/** @param {readonly Recipe[]} recipes */
const haveSameValues = (recipes) =>
  recipes.every((recipe) => JSON.stringify(recipe.values) === JSON.stringify(recipes[0].values));

/** @param {readonly any[]} items @param {(item: any) => string} write */
const list = (items, write) => `[\n${items.map((item) => `    ${write(item)},\n`).join("")}]`;

/**
 * Return Python code that generates images.
 * @param {readonly Recipe[]} recipes
 * @param {string} bundle the file of the bundle
 */
export function pythonCode(recipes, bundle) {
  const { temperature } = recipes[0];
  const values = recipes.map((recipe) => recipe.values);
  const conditions = haveSameValues(recipes) ? python(values[0]) : list(values, python);
  const scale = temperature === null ? "" : `, temperature=${temperature}`;
  const lines = ["from ganport_runtime import Generator"];
  const isPlain = recipes.every(isSeed);
  if (!isPlain)
    lines.push(
      "from ganport_runtime.generation.interpolation import spherical",
      "import numpy as np",
    );
  lines.push(
    "",
    `generator = Generator.load(${JSON.stringify(bundle)})`,
    `conditions = ${conditions}`,
  );
  if (isPlain) {
    const seeds = recipes.map((recipe) => recipe.point);
    const given = seeds.length === 1 ? `seed=${seeds[0]}` : `seeds=[${seeds.join(", ")}]`;
    lines.push(`images = generator.generate(conditions, ${given}${scale})`);
  } else {
    lines.push("", "", "def noise(seed):", `    return generator.noise([seed]${scale})[0]`, "", "");
    const rows = recipes.map(pythonNoise);
    lines.push(`z = np.stack(${list(rows, String)})`);
    lines.push(
      `images = generator.generate(conditions, z=z${haveSameValues(recipes) ? `, count=${rows.length}` : ""})`,
    );
  }
  return `${lines.join("\n")}\n`;
}

/** @param {Recipe} recipe */
function pythonNoise({ point, mix }) {
  const start = pythonPoint(point);
  return mix ? mixed(start, pythonPoint(mix.point), mix.fraction) : start;
}

/** @param {string} one @param {string} two @param {number} fraction */
const mixed = (one, two, fraction) => `spherical(${one}, ${two}, [${fraction}])[0]`;

/** @param {string} text */
function pythonPoint(text) {
  const { seed, steps } = /** @type {Point} */ (parsePoint(text));
  return steps.reduce(
    (inner, step) => mixed(inner, `noise(${step.seed})`, step.percent / 100),
    `noise(${seed})`,
  );
}

/**
 * Return JavaScript code that generates images of seeds, or null for images between seeds.
 * @param {readonly Recipe[]} recipes
 * @param {string} bundle
 */
export function javascriptCode(recipes, bundle) {
  if (!recipes.every(isSeed)) return null;
  const { temperature } = recipes[0];
  const values = recipes.map((recipe) => recipe.values);
  const conditions = haveSameValues(recipes)
    ? JSON.stringify(values[0])
    : list(values, (value) => JSON.stringify(value));
  const seeds = recipes.map((recipe) => JSON.stringify(recipe.point)).join(", ");
  const scale = temperature === null ? "" : `, temperature: ${temperature}`;
  return [
    'import { Generator } from "ganport";',
    "",
    `const generator = await Generator.load(${JSON.stringify(bundle)});`,
    `const conditions = ${conditions};`,
    `const images = await generator.generate(conditions, { seeds: [${seeds}]${scale} });`,
    "",
  ].join("\n");
}
