// Cutting Markdown, colouring JSON, growing answers (ui/static/js/blocks.js, json.js, live.js).
import assert from "node:assert/strict";
import { test } from "node:test";
import { beginning, blocks } from "../../../proxy_daemon/ui/static/js/blocks.js";
import { tokens } from "../../../proxy_daemon/ui/static/js/json.js";
import { grown } from "../../../proxy_daemon/ui/static/js/live.js";

const paragraph = (word, count = 300) => `${(word + " ").repeat(count)}\n\n`;
const TEXTS = {
  empty: "",
  word: "x",
  "one line without end": "x".repeat(10_000),
  paragraphs: Array.from({ length: 20 }, (_, index) => paragraph(`word${index}`)).join(""),
  "a fence over blank lines": "text\n\n```python\n" + "line = 1\n\n".repeat(900) + "```\n\n" + paragraph("after") + "end\n",
  "a fence that stays open": paragraph("before", 600) + "~~~\n" + "x\n\n".repeat(3000),
  "a list with blanks": Array.from({ length: 500 }, (_, index) => `${index}. item of the list\n\n   more of it\n\n`).join(""),
  "blank lines only": "\n".repeat(5000),
  "other line ends": "a\r\n\r\n".repeat(2000),
};

for (const [name, text] of Object.entries(TEXTS)) {
  test(`blocks put together are the text: ${name}`, () => {
    const found = blocks(text);
    assert.equal(found.join(""), text);
    assert.ok(found.every(Boolean));
  });

  test(`blocks of a text that grows stay, but the last two: ${name}`, () => {
    for (let at = 0; at < text.length; at += 997) {
      const early = blocks(text.slice(0, at)).slice(0, -2);
      assert.deepEqual(blocks(text).slice(0, early.length), early);
    }
  });
}

test("long texts are cut between paragraphs, not within fences and lists", () => {
  assert.ok(blocks(TEXTS.paragraphs).length > 5);
  const fenced = blocks(TEXTS["a fence over blank lines"]);
  assert.ok(fenced.some((block) => block.includes("```python") && block.trimEnd().endsWith("```")), String(fenced.length));
  assert.equal(blocks(TEXTS["a list with blanks"]).length, 1);
});

test("the beginning of a text: whole lines, few of them", () => {
  assert.equal(beginning("short", 100), "short");
  assert.equal(beginning("a\nb\n", 100), "a\nb\n");
  const lines = "line of text\n".repeat(500);
  assert.ok(beginning(lines, 1500).split("\n").length <= 25);
  assert.ok(lines.startsWith(beginning(lines, 1500)));
  assert.equal(beginning("x".repeat(5000), 1500).length, 1500);
});

test("JSON's tokens put together are the text", () => {
  const texts = ['{"a": [1, -2.5e3, true, null, "s\\"q"], "b": {}}', "no json at all", '{"broken": "str', '"a\nb"', "", '{"k" : "v"}', "nullable 12abc", '"\\'];
  for (const text of texts) assert.equal(tokens(text).map((part) => part.text).join(""), text);
  const kinds = tokens('{"a": "b", "c": 1, "d": null}').filter((part) => part.kind).map((part) => [part.kind, part.text]);
  assert.deepEqual(kinds, [["key", '"a":'], ["string", '"b"'], ["key", '"c":'], ["number", "1"], ["key", '"d":'], ["constant", "null"]]);
});

test("JSON that is hostile is no trouble", () => {
  for (const text of ['"'.repeat(30_000), '"\\'.repeat(15_000), "-".repeat(30_000), "1".repeat(30_000), '{"a":'.repeat(5_000)]) {
    assert.equal(tokens(text).map((part) => part.text).join(""), text);
  }
});

const TEXT = { type: "Text", text: "a" };
const CALL = { type: "ToolCall", id: "1", name: "f", arguments: "{" };
const answer = (...parts) => ({ model: "m", choices: [{ parts, finish: "", said: "", stopped_by: "" }] });

const GROWS = [
  ["text", answer(TEXT), { choice: 0, part: 0, append: "b" }, answer({ ...TEXT, text: "ab" })],
  ["a call's arguments", answer(CALL), { choice: 0, part: 0, append: "}" }, answer({ ...CALL, arguments: "{}" })],
  ["a new part", answer(TEXT), { choice: 0, part: 1, value: CALL }, answer(TEXT, CALL)],
  ["another part in its place", answer(TEXT), { choice: 0, part: 0, value: CALL }, answer(CALL)],
  ["text without a part yet", answer(), { choice: 0, part: 0, append: "a" }, answer(TEXT)],
  ["members of a choice", answer(TEXT), { choice: 0, value: { finish: "stop" } }, { model: "m", choices: [{ ...answer(TEXT).choices[0], finish: "stop" }] }],
  ["members of the answer", answer(TEXT), { value: { model: "n" } }, { ...answer(TEXT), model: "n" }],
  ["a new choice", { choices: [] }, { choice: 0, value: { said: "x" } }, { choices: [{ parts: [], finish: "", said: "x", stopped_by: "" }] }],
  ["a part far beyond the end", answer(TEXT), { choice: 0, part: 1e9, append: "x" }, answer(TEXT)],
  ["a choice far beyond the end", answer(TEXT), { choice: 1e9, part: 0, append: "x" }, answer(TEXT)],
];
for (const [name, before, change, after] of GROWS) {
  test(`an answer grows: ${name}`, () => {
    const kept = structuredClone(before);
    assert.deepEqual(grown(before, change), after);
    assert.deepEqual(before, kept, "the old value is not touched");
  });
}
