/** Strict JSON: the values of JSON.parse, and more refusals. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { parse } from "../src/json-parser.js";
import { JsonObject, checkIntegerIn } from "../src/json-object.js";
import { closestMatch, formatNumber, reprShort } from "../src/messages.js";

const encoder = new TextEncoder();
const read = (/** @type {string} */ text) => parse(encoder.encode(text), "here");

/** Return a random JSON value. @param {() => number} random @param {number} depth @returns {any} */
function randomValue(random, depth) {
  const kind = Math.floor(random() * (depth ? 7 : 5));
  const text = () =>
    String.fromCodePoint(...[1, 2, 3].map(() => Math.floor(random() * 0xd000) + 1));
  const many = () => Array.from({ length: Math.floor(random() * 4) });
  if (kind === 0) return null;
  if (kind === 1) return random() < 0.5;
  if (kind === 2) return Math.floor((random() - 0.5) * 2 ** 40);
  if (kind === 3) return (random() - 0.5) * 10 ** Math.floor(random() * 40 - 20);
  if (kind === 4) return text();
  if (kind === 5) return many().map(() => randomValue(random, depth - 1));
  return Object.fromEntries(many().map(() => [text(), randomValue(random, depth - 1)]));
}

test("parse returns what JSON.parse returns", () => {
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  for (let i = 0; i < 500; i++) {
    const value = randomValue(random, 4);
    for (const space of [undefined, 1, "\t"]) {
      assert.deepEqual(read(JSON.stringify(value, null, space)), value);
    }
  }
});

test("parse refuses what JSON.parse refuses", () => {
  const base = '{"a": [1, -2.5e3, "x\\n", true, null], "b": {"c": ""}}';
  let refused = 0;
  for (let at = 0; at < base.length; at++) {
    for (const sign of ["", "x", '"', ",", "}", "0", "\\", " "]) {
      const text = base.slice(0, at) + sign + base.slice(at + 1);
      let expected;
      try {
        expected = JSON.parse(text);
      } catch {
        refused++;
        assert.throws(() => read(text), { code: "BundleError" }, text);
        continue;
      }
      assert.deepEqual(read(text), expected, text);
    }
  }
  assert.ok(refused > 100);
});

test("parse keeps names that objects have anyway", () => {
  const value = /** @type {any} */ (read('{"__proto__": 1, "constructor": {"toString": 2}}'));
  assert.deepEqual(Object.keys(value), ["__proto__", "constructor"]);
  assert.ok(!new JsonObject(value, "here").has("toString"));
});

test("parse survives deep nesting and long numbers", () => {
  assert.throws(() => read("[".repeat(100_000)), { found: "nesting deeper than 64" });
  assert.throws(() => read("1".repeat(10_000)), { code: "BundleError" });
  assert.equal(read("1".repeat(100)), Number("1".repeat(100)));
  assert.throws(() => read(`"${"\\".repeat(100_001)}`), { code: "BundleError" });
});

test("a whole float is no integer", () => {
  const list = /** @type {any} */ (read("[1.0, 1, 1e0]"));
  assert.deepEqual(list, [1, 1, 1]);
  assert.equal(checkIntegerIn(list, 1, "here", 0, 9), 1);
  for (const i of [0, 2]) {
    assert.throws(() => checkIntegerIn(list, i, "here", 0, 9), { found: "1.0" });
  }
});

test("reprShort writes values as Python does", () => {
  assert.equal(
    reprShort([1, 0.1, 1e-7, 1e16, 123456789012345680, true, "x"]),
    "[1, 0.1, 1e-07, 1e+16, 1.2345678901234568e+17, True, ...]",
  );
  assert.equal(reprShort({ b: null, a: "it's" }), `{'a': "it's", 'b': None}`);
  assert.equal(reprShort("\n\x7f\u200b😀"), "'\\n\\x7f\\u200b😀'");
  assert.equal(reprShort(12345678901234567890n), "12345678901234567890");
  assert.equal(reprShort([1], { tuple: true }), "(1,)");
});

test("formatNumber writes numbers as Python's :g", () => {
  const pairs = {
    0.1: 0.1,
    "1e+06": 1e6,
    "1e-05": 1e-5,
    0.0001: 1e-4,
    123457: 123456.7,
    100: 100,
  };
  for (const [text, number] of Object.entries(pairs)) assert.equal(formatNumber(number), text);
});

test("closestMatch ignores case and finds nothing similar in other words", () => {
  assert.equal(closestMatch("PINKK", ["pink", "black"]), "pink");
  assert.equal(closestMatch("xyz", ["pink", "black"]), undefined);
});
