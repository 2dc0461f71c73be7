/** The parts of the studio that need no page: points, values, links, code, animations. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { javascriptCode, pythonCode } from "../../ganport_runtime/studio/page/studio/code.js";
import { encodeGif } from "../../ganport_runtime/studio/page/studio/gif.js";
import * as points from "../../ganport_runtime/studio/page/studio/points.js";
import { fromLink, initialState, toLink } from "../../ganport_runtime/studio/page/studio/store.js";
import { Store, countFavorites } from "../../ganport_runtime/studio/page/studio/store.js";
import * as values from "../../ganport_runtime/studio/page/studio/values.js";
import * as ganport from "../src/index.js";
import { runSnippet } from "./snippet.js";

const { parsePoint, placeOf, pointsAround } = points;
const TINY = fileURLToPath(new URL("../../../tests/runtime/data/tiny.ganport", import.meta.url));

/** @type {import("../../ganport_runtime/studio/page/studio/values.js").Group[]} */
const CONDITIONS = [
  { name: "seeds", kind: "one_hot", labels: ["a&b", "c=d", "{"], default: "c=d" },
  {
    name: "pair",
    kind: "joint_one_hot",
    of: [
      { name: "hair", kind: "", labels: ["pink", "red", "dark red"], default: "red" },
      { name: "eyes", kind: "", labels: ["blue", "green"], default: "green" },
    ],
  },
  { name: "objects", kind: "multi_hot", labels: ["cube", "ball"], default: [], max_on: 1 },
  { name: "sky", kind: "rgb", default: "dusk", palette: { dusk: "#ff88cc" } },
  { name: "age", kind: "scalar", default: 18, min: 0, max: 99 },
];
const FIELDS = values.fieldsOf(CONDITIONS);
const DIGEST = "0123456789abcdef";

test("link of a state brings back the same state", () => {
  const start = initialState(FIELDS);
  const end = { point: "3~9@25", values: { ...start.values, age: 40.5 } };
  const states = [
    start,
    { ...start, view: "table", table: { rows: "", columns: "age" }, temperature: 0.7 },
    {
      ...start,
      values: {
        ...{ seeds: "{", hair: { pink: 0.25, "dark red": 0.75 }, eyes: "blue" },
        ...{ objects: ["ball"], sky: "#00ff7f", age: 3.25 },
      },
      tiles: [
        { point: "18446744073709551615", locked: true },
        { point: "7~912@25~33@100", locked: false },
      ],
      selected: 1,
      view: "morph",
      morph: { start: { point: "0", values: start.values }, end, percent: 99 },
    },
  ];
  for (const state of /** @type {import("../../ganport_runtime/studio/page/studio/store.js").State[]} */ (
    states
  )) {
    const link = toLink(FIELDS, state, DIGEST);
    const found = fromLink(FIELDS, initialState(FIELDS), link);
    const shown = state.view === "morph" ? state.morph : found.morph;
    const table = state.view === "table" ? state.table : found.table;
    assert.deepEqual(found, { ...state, morph: shown, table });
  }
});

test("link with wrong parts keeps the values that it had", () => {
  const state = initialState(FIELDS);
  const wrong = [
    "seeds=x 18446744073709551616 7~8 -1&selected=-3&view=chaos&variety=NaN&at=1e9",
    '.hair=green&.objects=["cube","ball"]&.sky=%23ff&.age=100&.eyes={"blue":2}',
    '.hair={"pink":0.5}&.age=null&.objects=["cube","cube"]&.sky=[1,2,999]&rows=none',
    "start=seed%3Dx&view=morph&.__proto__=1&%%%",
  ];
  for (const part of wrong) {
    const found = fromLink(FIELDS, state, `#${part}`);
    assert.deepEqual(found.values, state.values);
    assert.deepEqual(found.tiles, state.tiles);
    assert.equal(found.temperature, null);
  }
});

test("link of favorites brings back the same images", () => {
  const state = { ...initialState(FIELDS), view: /** @type {const} */ ("favorites") };
  const favorites = [
    { point: "7~912@25", values: { ...state.values, seeds: "{" }, temperature: 0.5 },
    { point: "0", values: { ...state.values, hair: { pink: 0.25, red: 0.75 } }, temperature: null },
  ];
  const link = toLink(FIELDS, state, DIGEST, favorites);
  const found = fromLink(FIELDS, initialState(FIELDS), link);
  assert.deepEqual(found, { ...state, morph: found.morph, linked: favorites });
  const next = toLink(FIELDS, { ...found, view: "images" }, DIGEST);
  assert.deepEqual(fromLink(FIELDS, found, next).linked, favorites);
  const wrong = fromLink(
    FIELDS,
    state,
    "#favorite=seed%3Dx&favorite=&favorite=seed%3D3%26.age%3Dx",
  );
  assert.deepEqual(wrong.linked, [{ point: "3", values: state.values, temperature: null }]);
});

test("link of many favorites holds the first ones that fit", () => {
  const state = { ...initialState(FIELDS), view: /** @type {const} */ ("favorites") };
  const favorites = Array.from({ length: 300 }, (_, index) => {
    return { point: String(index), values: state.values, temperature: null };
  });
  const link = toLink(FIELDS, state, DIGEST, favorites);
  const count = countFavorites(link);
  assert.ok(count > 50 && count < 300 && link.length <= 8000);
  const { linked } = fromLink(FIELDS, initialState(FIELDS), link);
  assert.deepEqual(linked, favorites.slice(0, count));
  assert.equal(countFavorites(toLink(FIELDS, state, DIGEST)), 0);
});

test("weights of a blend are whole percents that sum to 1", () => {
  let weights = { pink: 0.34, red: 0.33, blue: 0.33 };
  for (const [label, percent] of /** @type {[string, number][]} */ ([
    ["pink", 1],
    ["red", 50],
    ["blue", 100],
    ["pink", 0],
    ["red", 7],
  ])) {
    weights = /** @type {any} */ (values.changeWeight(weights, label, percent));
    const percents = Object.values(weights).map((weight) => Math.round(weight * 100));
    assert.equal(
      percents.reduce((sum, one) => sum + one, 0),
      100,
    );
    assert.deepEqual(Object.keys(weights), ["pink", "red", "blue"]);
    assert.equal(weights[/** @type {"pink"} */ (label)], percent / 100);
  }
});

test("points have a seed and steps, and other texts are none", () => {
  assert.deepEqual(parsePoint("7~912@25"), { seed: "7", steps: [{ seed: "912", percent: 25 }] });
  const invalid = [
    "",
    "7~",
    "7~1@101",
    "18446744073709551616",
    "7~1",
    "1e3",
    `7${"~1@1".repeat(17)}`,
  ];
  for (const text of invalid) assert.equal(parsePoint(text), null);
  let point = "7";
  for (let round = 0; round < 20; round++) [point] = pointsAround(point, 1, 25);
  assert.ok(parsePoint(point));
});

test("place of an image is a seed, or a share of the way between two places", () => {
  assert.equal(placeOf({ point: "7" }), "7");
  const near = { seeds: [{ seeds: ["7", "912"], share: 0.25 }, "33"], share: 1 };
  assert.deepEqual(placeOf({ point: "7~912@25~33@100" }), near);
  const mix = { point: "3", fraction: 0.125 };
  assert.deepEqual(placeOf({ point: "7~912@25~33@100", mix }), {
    seeds: [near, "3"],
    share: 0.125,
  });
});

test("undo and redo stay in the open view", () => {
  const store = new Store(initialState(FIELDS));
  store.set({ view: "table" }, { remember: false });
  store.set({ temperature: 2 });
  store.set({ view: "images" }, { remember: false });
  store.undo();
  assert.deepEqual([store.state.view, store.state.temperature], ["images", null]);
  store.set({ view: "favorites" }, { remember: false });
  store.redo();
  assert.deepEqual([store.state.view, store.state.temperature], ["favorites", 2]);
});

test("changes while a control is dragged are undone together", () => {
  const store = new Store(initialState(FIELDS));
  const first = store.state;
  for (const percent of [1, 2, 3]) store.set({ temperature: percent }, { dragging: true });
  store.set({ temperature: 3 });
  store.set({ view: "table" }, { remember: false });
  store.set({ selected: 4 });
  store.undo();
  assert.deepEqual([store.state.selected, store.state.temperature], [0, 3]);
  store.undo();
  assert.deepEqual(store.state, { ...first, view: "table" });
  store.undo();
  store.redo();
  assert.equal(store.state.temperature, 3);
});

test("code names plain seeds as such and computes noise for points between them", () => {
  const recipe = { point: "7", values: { hair: 'pi"nk' }, temperature: null };
  const plain = pythonCode([recipe], "starter");
  assert.match(plain, /generate\(conditions, seed=7\)/);
  assert.ok(plain.includes('{"hair": "pi\\"nk"}'));
  const between = { ...recipe, point: "7~9@25", temperature: 0.5 };
  const code = pythonCode([recipe, between], "starter");
  assert.ok(code.includes("spherical(noise(7, 0.5), noise(9, 0.5), [0.25])[0]"));
  assert.ok(code.includes("    noise(7),\n") && code.includes("count=2"));
});

test("JavaScript code generates the images of seeds, of points near them and between them", async () => {
  const values = { hair: "pink" };
  const mix = { point: "3", fraction: 0.125 };
  const recipes = [
    { point: "7", values, temperature: null },
    { point: "7~9@25~18446744073709551615@50", values, temperature: 0.5 },
    { point: "7~9@25", values: { hair: { pink: 0.5, black: 0.5 } }, temperature: null, mix },
  ];
  const generator = await ganport.Generator.load(TINY);
  const noise = (/** @type {string} */ seed, /** @type {number | undefined} */ temperature) =>
    generator.noise([seed], { temperature });
  const go = (/** @type {any} */ first, /** @type {any} */ second, /** @type {number} */ share) =>
    ganport.interpolateSpherical(first, second, [share]);
  const near = go(await noise("7", 0.5), await noise("9", 0.5), 0.25);
  const expected = [
    await noise("7", undefined),
    go(near, await noise("18446744073709551615", 0.5), 0.5),
    go(go(await noise("7", 1), await noise("9", 1), 0.25), await noise("3", 1), 0.125),
  ];
  for (const [index, recipe] of recipes.entries()) {
    const [image] = await generator.generate(recipe.values, { z: expected[index] });
    const [alone] = await runSnippet(javascriptCode([recipe], "tiny.ganport"), ganport, TINY);
    assert.deepEqual(alone.data, image.data);
    const all = await runSnippet(javascriptCode(recipes, "tiny.ganport"), ganport, TINY);
    assert.deepEqual(all[index].data, image.data);
  }
  const seeds = [recipes[0], { ...recipes[0], point: "8" }];
  const images = await runSnippet(javascriptCode(seeds, "tiny.ganport"), ganport, TINY);
  assert.deepEqual(
    images.map((image) => image.seed),
    ["7", "8"],
  );
  await generator.dispose();
});

test("animation with at most 255 colors keeps them, and has a frame for each image", async () => {
  const frame = (/** @type {number} */ shift) =>
    Uint8ClampedArray.from({ length: 16 * 12 * 4 }, (_, at) =>
      at % 4 === 3 ? (at % 8 === 3 ? 255 : 0) : ((at >> 2) + shift) % 64,
    );
  const comment = JSON.stringify({ long: "é\u{1f600}".repeat(100) });
  const file = await encodeGif([frame(0), frame(5)], 16, 12, 80, comment);
  const bytes = new Uint8Array(await file.arrayBuffer());
  assert.deepEqual(JSON.parse(commentOf(bytes)), JSON.parse(comment));
  assert.equal(new TextDecoder().decode(bytes.subarray(0, 6)), "GIF89a");
  assert.deepEqual([...bytes.subarray(6, 10)], [16, 0, 12, 0]);
  const table = bytes.subarray(13, 13 + 768);
  const colors = new Set(
    Array.from({ length: 256 }, (_, at) => table.slice(at * 3, at * 3 + 3).join()),
  );
  for (const value of [0, 2, 62]) assert.ok(colors.has(`${value},${value},${value}`));
  assert.equal(bytes.filter((byte, at) => byte === 0x21 && bytes[at + 1] === 0xf9).length, 2);
});

/** Return the comment of a GIF. @param {Uint8Array} bytes */
function commentOf(bytes) {
  let at = bytes.findIndex((byte, index) => byte === 0x21 && bytes[index + 1] === 0xfe) + 2;
  let text = "";
  for (; bytes[at]; at += 1 + bytes[at]) {
    text += String.fromCharCode(...bytes.subarray(at + 1, at + 1 + bytes[at]));
  }
  return text;
}
