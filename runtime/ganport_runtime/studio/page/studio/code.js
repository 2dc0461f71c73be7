/** Code that makes images again, in Python and JavaScript. */

import { placeOf } from "./points.js";

/** @typedef {import("./backend.js").Recipe} Recipe */
/** @typedef {import("./points.js").Place} Place */

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

/** @param {readonly Recipe[]} recipes */
const areSeeds = (recipes) =>
  recipes.every((recipe) => isSeed(recipe) && recipe.temperature === recipes[0].temperature);

/**
 * Return Python code that generates images.
 * @param {readonly Recipe[]} recipes
 * @param {string} bundle the file of the bundle
 */
export function pythonCode(recipes, bundle) {
  const values = recipes.map((recipe) => recipe.values);
  const isShared = haveSameValues(recipes);
  const start = [
    `generator = Generator.load(${JSON.stringify(bundle)})`,
    `conditions = ${isShared ? python(values[0]) : list(values, python)}`,
  ];
  if (areSeeds(recipes)) {
    const seeds = recipes.map((recipe) => recipe.point);
    const given = seeds.length === 1 ? `seed=${seeds[0]}` : `seeds=[${seeds.join(", ")}]`;
    const { temperature } = recipes[0];
    const scale = temperature === null ? "" : `, temperature=${temperature}`;
    const end = `images = generator.generate(conditions, ${given}${scale})`;
    return ["from ganport_runtime import Generator", "", ...start, end, ""].join("\n");
  }
  const count = isShared ? `, count=${recipes.length}` : "";
  return [
    "import numpy as np",
    "from ganport_runtime import Generator",
    "from ganport_runtime.generation.interpolation import spherical",
    "",
    ...start,
    "",
    "",
    "def noise(seed, temperature=None):",
    "    return generator.noise([seed], temperature)[0]",
    "",
    "",
    `z = np.stack(${list(recipes.map(pythonNoise), String)})`,
    `images = generator.generate(conditions, z=z${count})`,
    "",
  ].join("\n");
}

/** @param {Recipe} recipe */
const pythonNoise = (recipe) => pythonPlace(placeOf(recipe), recipe.temperature);

/** @param {Place} place @param {number | null} temperature @returns {string} */
function pythonPlace(place, temperature) {
  if (typeof place === "string") return `noise(${place}${argument(temperature)})`;
  const [start, end] = place.seeds.map((seed) => pythonPlace(seed, temperature));
  return `spherical(${start}, ${end}, [${place.share}])[0]`;
}

/** @param {number | null} temperature */
const argument = (temperature) => (temperature === null ? "" : `, ${temperature}`);

/**
 * Return JavaScript code that generates images.
 * @param {readonly Recipe[]} recipes
 * @param {string} bundle
 */
export function javascriptCode(recipes, bundle) {
  const values = recipes.map((recipe) => recipe.values);
  const conditions = haveSameValues(recipes)
    ? JSON.stringify(values[0])
    : list(values, (value) => JSON.stringify(value));
  const start = [
    `const generator = await Generator.load(${JSON.stringify(bundle)});`,
    `const conditions = ${conditions};`,
  ];
  if (areSeeds(recipes)) {
    const { temperature } = recipes[0];
    const seeds = recipes.map((recipe) => JSON.stringify(recipe.point)).join(", ");
    const scale = temperature === null ? "" : `, temperature: ${temperature}`;
    const end = `const images = await generator.generate(conditions, { seeds: [${seeds}]${scale} });`;
    return ['import { Generator } from "ganport";', "", ...start, end, ""].join("\n");
  }
  return [
    'import { Generator, interpolateSpherical } from "ganport";',
    "",
    ...start,
    "const noise = (seed, temperature) => generator.noise([seed], { temperature });",
    "const between = (first, second, share) => interpolateSpherical(first, second, [share]);",
    "",
    `const samples = ${list(recipes.map(javascriptNoise), String)};`,
    "const z = {",
    "    dims: [samples.length, ...generator.zShape],",
    "    data: Float32Array.from(samples.flatMap((sample) => [...sample.data])),",
    "};",
    "const images = await generator.generate(conditions, { z });",
    "",
  ].join("\n");
}

/** @param {Recipe} recipe */
const javascriptNoise = (recipe) => javascriptPlace(placeOf(recipe), recipe.temperature);

/** @param {Place} place @param {number | null} temperature @returns {string} */
function javascriptPlace(place, temperature) {
  if (typeof place === "string") return `await noise("${place}"${argument(temperature)})`;
  const [start, end] = place.seeds.map((seed) => javascriptPlace(seed, temperature));
  return `between(${start}, ${end}, ${place.share})`;
}
