// Figures, times and foreign text (ui/static/js/format.js).
import assert from "node:assert/strict";
import { test } from "node:test";
import * as format from "../../../proxy_daemon/ui/static/js/format.js";

const table = (name, act, cases) =>
  test(name, () => {
    for (const [given, wanted] of cases) assert.equal(act(given), wanted, `${name}(${JSON.stringify(given)})`);
  });

table("octets", format.octets, [
  [null, ""], [undefined, ""], [0, "0 B"], [999, "999 B"], [1000, "1.0 KB"], [9949, "9.9 KB"], [9950, "10 KB"],
  [999_499, "999 KB"], [999_500, "1.0 MB"], [1_600_000, "1.6 MB"], [4_294_967_296, "4.3 GB"],
]);
table("short", format.short, [[null, ""], [0, "0"], [999, "999"], [1234, "1.2k"], [14_210, "14k"], [999_499, "999k"], [999_500, "1.0M"]]);
table("grouped", format.grouped, [[null, ""], [0, "0"], [999, "999"], [1000, "1\u202f000"], [1234567, "1\u202f234\u202f567"]]);
table("duration", format.duration, [
  [null, ""], [undefined, ""], [NaN, ""], [Infinity, ""], [0, "0.0 ms"], [9.94, "9.9 ms"], [9.96, "10 ms"], [999.4, "999 ms"],
  [999.6, "1.0 s"], [9_940, "9.9 s"], [59_900, "60 s"], [59_960, "1 m 00 s"], [125_000, "2 m 05 s"],
]);
table("micros", format.micros, [[null, ""], [0, "0.0 ms"], [412_000, "412 ms"]]);
table("shortModel", format.shortModel, [
  ["gpt-4o-mini-2024-07-18", "gpt-4o-mini"], ["claude-sonnet-4-5-20250929", "claude-sonnet-4-5"], ["models/gemini-2.5-pro", "gemini-2.5-pro"],
  ["llama3.2:3b", "llama3.2:3b"], ["", ""],
]);
table("visible: what hides or reorders is shown", format.visible, [
  ["plain \u00e9 \u4e2d \ud83e\uddc2", "plain \u00e9 \u4e2d \ud83e\uddc2"], ["a\tb\nc", "a\tb\nc"], ["a\r\nb", "a\nb"], ["a\rb", "a\u240db"], ["\u001b[31mred", "\u241b[31mred"],
  ["\u0000", "\u2400"], ["\u007f", "\u2421"], ["\u009b", "\u27e8U+009B\u27e9"], ["\u202egnp.exe", "\u27e8U+202E\u27e9gnp.exe"], ["\u2066x\u2069", "\u27e8U+2066\u27e9x\u27e8U+2069\u27e9"],
  [null, ""], [undefined, ""], [7, "7"], [{}, "[object Object]"],
]);
table("oneLine", format.oneLine, [["  a\n\n b\t", "a b"], ["", ""], [null, ""], ["\u202ex", "\u27e8U+202E\u27e9x"]]);
table("tokenFlow", format.tokenFlow, [
  [null, ""], [{ input: null, output: null }, ""], [{ input: 124, output: null }, "124"], [{ input: 124, output: 0 }, "124 \u2192 0"],
  [{ input: null, output: 7 }, "? \u2192 7"], [{ input: 14_210, output: 512 }, "14k \u2192 512"],
]);
table("shortSession", format.shortSession, [
  ["", ""], [null, ""], ["agent-7f", "agent-7f"], ["a/b", "a/b"], ["/a/long/way/of/folders/to/file.yaml", "\u2026/file.yaml"],
]);
table("took", format.took, [
  [{ duration_ms: 12, unknown: [] }, "12 ms"], [{ duration_ms: 12 }, "12 ms"], [{ duration_ms: 0, unknown: ["how long it took"] }, ""],
]);
table("prettyJson", format.prettyJson, [['{"a":[1]}', '{\n  "a": [\n    1\n  ]\n}'], ["{broken", "{broken"], ["", ""]]);

test("oneLine cuts and says so", () => {
  assert.equal(format.oneLine("abcdef", 3), "abc\u2026");
  assert.equal(format.oneLine("abc", 3), "abc");
  assert.ok(format.oneLine("x".repeat(1e6)).length <= 301);
});

test("plural", () => {
  assert.equal(format.plural(1, "message"), "1 message");
  assert.equal(format.plural(0, "message"), "0 messages");
  assert.equal(format.plural(1200, "entry", "entries"), "1\u202f200 entries");
});

test("when: the day only where it is another", () => {
  const noon = new Date(2026, 10, 21, 12, 0, 5).getTime() / 1000;
  assert.equal(format.when(noon, noon + 60), "12:00:05");
  assert.equal(format.when(noon, noon + 86_400), "11-21 12:00:05");
  assert.equal(format.when(noon, noon + 400 * 86_400), "2026-11-21");
  assert.equal(format.when(0, noon), "\u2013");
  assert.equal(format.day(noon), "2026-11-21");
  assert.equal(format.moment(noon), "2026-11-21 12:00:05");
  assert.equal(format.moment(0), "at an unknown time");
});
