/** Labels in the studio: odd names, weights, and texts that a page shows. */

import assert from "node:assert/strict";
import { test } from "node:test";

import * as store from "../../ganport_runtime/studio/page/studio/store.js";
import * as values from "../../ganport_runtime/studio/page/studio/values.js";
import { firstLine } from "../src/generation/session.js";

const { initialState, toLink, unknownGroups } = store;
const FIELDS = [
  { name: "hair", kind: "one_hot", labels: ["pink", "red"], default: "red" },
  { name: "eyes", kind: "one_hot", labels: ["blue", "green"], default: "green" },
  { name: "sky", kind: "rgb", default: "dusk", palette: { dusk: "#ff88cc" } },
  { name: "age", kind: "scalar", default: 18, min: 0, max: 99 },
];

test("link names the groups whose values the bundle does not have", () => {
  const link = toLink(FIELDS, initialState(FIELDS), "0123456789abcdef");
  assert.deepEqual(unknownGroups(FIELDS, link), []);
  const wrong = "#.hair=constructor&.sky=__proto__&.age=18&.toString=1&seeds=x";
  assert.deepEqual(unknownGroups(FIELDS, wrong), ["hair", "sky", "toString"]);
  const end = `${link}&end=${encodeURIComponent("seed=3&.eyes=constructor")}`;
  assert.deepEqual(unknownGroups(FIELDS, end), ["eyes"]);
  for (const label of ["constructor", "__proto__"]) {
    const group = { name: "odd", kind: "one_hot", labels: ["plain", label], default: "plain" };
    const blend = values.toggleInBlend({ plain: 1 }, label);
    assert.deepEqual(Object.entries(blend), [
      ["plain", 0.5],
      [label, 0.5],
    ]);
    assert.deepEqual(values.valueFromText(group, JSON.stringify(blend)), blend);
    assert.deepEqual(Object.entries(values.toggleInBlend(blend, label)), [["plain", 1]]);
  }
});

test("weights of several labels stay within the limit of their group", () => {
  const group = { name: "extras", kind: "multi_hot", labels: ["a", "b", "c"], max_on: 2 };
  assert.deepEqual(values.toggleLabel(group, ["a", "b"], "c"), ["b", "c"]);
  assert.deepEqual(values.toggleLabel(group, { a: 0.3, b: 1 }, "a"), { b: 1 });
  assert.deepEqual(values.limitWeight(group, { a: 0.9, b: 0.2, c: 0 }, "c", 95), {
    a: 0.9,
    b: 0.2,
    c: 0.9,
  });
  assert.deepEqual(values.limitWeight(group, { a: 1, b: 1, c: 0 }, "c", 50).c, 0);
  assert.deepEqual(values.activeLabels({ a: 0, b: 0.4 }), ["b"]);
  assert.equal(values.describeValue(group, { a: 1, b: 0.4, c: 0 }), "a + 40 % b extras");
});

test("message of onnxruntime has no location in its C++ code", () => {
  const location = "/onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:376 void* ";
  const place = `${location}onnxruntime::BFCArena::AllocateRawInternal(size_t, bool) `;
  const text = "Failed to allocate memory for requested buffer of size 64";
  const start = "failed to call OrtRun(). ERROR_CODE: 6, ERROR_MESSAGE: ";
  assert.equal(firstLine(new Error(`${start}${place}${text}.\n`)), text);
  assert.equal(firstLine(new Error("memory access out of bounds")), "memory access out of bounds");
});
