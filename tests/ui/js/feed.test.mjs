// How the list's rows are kept (ui/static/js/feed.js), against a daemon that is played here.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

const id = (number) => number.toString(16).padStart(16, "0");
const number = (text) => parseInt(text, 16);

/** What the daemon holds, newest first, and what it was asked. */
let stored = [];
let asked = [];
let refuse = null;

function page(query) {
  const [limit, before, after] = [Number(query.get("limit")), query.get("before"), query.get("after")];
  const fits = stored.filter((row) => (!before || row.id < before) && (!after || row.id > after) && (!query.get("q") || row.model === query.get("q")));
  const exchanges = fits.slice(0, limit);
  return { exchanges, next: fits.length > limit ? exchanges.at(-1).id : null, partial: false, indexed: null };
}

globalThis.fetch = async (address) => {
  const url = new URL(address);
  asked.push(url);
  if (refuse) return new Response(JSON.stringify(refuse), { status: 400 });
  const told = (ids) => ({ told: Object.fromEntries(ids.split(",").map((one) => [one, number(one) % 2 ? { asked: `words ${one}` } : null])) });
  const value = url.pathname.endsWith("/told") ? told(url.searchParams.get("ids")) : page(url.searchParams);
  return new Response(JSON.stringify(value), { status: 200 });
};

mock.timers.enable({ apis: ["setTimeout"] });
const feed = await import("../../../proxy_daemon/ui/static/js/feed.js");
const row = (count, more = {}) => ({ id: id(count), state: "ended", model: "m", told: {}, ...more });
const shown = (end = 10) => feed.slice(0, end).map((one) => one && number(one.id));
/** Lets what was answered be taken in. */
const settle = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise((done) => setImmediate(done));
};
const passing = async (ms) => {
  mock.timers.tick(ms);
  await settle();
};

beforeEach(async () => {
  [stored, asked, refuse] = [Array.from({ length: 1000 }, (_, index) => row(1000 - index)), [], null];
  feed.pause(false);
  feed.look(0, 40, true);
  await feed.open("", null);
  await settle();
});

const happen = (...rows) => {
  stored = [...rows.filter((one) => one.state === "ended"), ...stored].sort((a, b) => (a.id < b.id ? 1 : -1));
  feed.happened({ rows });
};

test("at the top, new rows appear", () => {
  happen(row(1001, { state: "begun" }));
  assert.deepEqual(shown(2), [1001, 1000]);
  happen(row(1001, { status: 200 }));
  assert.deepEqual(shown(2), [1001, 1000]);
  assert.equal(feed.rowAt(0).status, 200);
});

test("scrolled down, rows stay where they are, and what came is counted", () => {
  feed.look(50, 90, false);
  happen(row(1001));
  happen(row(1002, { state: "begun" }), row(1003));
  happen(row(1002));
  assert.deepEqual(shown(1), [1000]);
  assert.equal(feed.feed.get().waiting, 3);
  feed.showWaiting();
  assert.deepEqual(shown(4), [1003, 1002, 1001, 1000]);
  assert.equal(feed.feed.get().waiting, 0);
});

test("back at the top, what waited comes in", () => {
  feed.look(50, 90, false);
  happen(row(1001));
  feed.look(0, 40, true);
  assert.deepEqual(shown(2), [1001, 1000]);
});

test("paused: nothing moves until it is followed again", () => {
  feed.pause(true);
  happen(row(1001));
  assert.deepEqual(shown(1), [1000]);
  feed.look(30, 70, false);
  feed.look(0, 40, true);
  assert.deepEqual(shown(1), [1000]);
  feed.pause(false);
  assert.deepEqual(shown(2), [1001, 1000]);
});

test("what waits is bounded; too much is loaded anew", async () => {
  feed.pause(true);
  for (let count = 1001; count <= 4000; count += 100) happen(...Array.from({ length: 100 }, (_, index) => row(count + index)));
  assert.equal(feed.feed.get().waiting, 1000);
  feed.pause(false);
  await settle();
  assert.deepEqual(shown(2), [4000, 3999]);
  assert.equal(feed.feed.get().waiting, 0);
});

test("scrolling loads pages, and drops those that are far", async () => {
  for (let start = 0; start < 950; start += 40) {
    feed.look(start, start + 40, start === 0);
    await settle();
  }
  assert.equal(feed.count(), 1000);
  assert.ok(feed.isWhole());
  assert.equal(shown(1)[0], undefined, "the first page was dropped");
  feed.look(0, 40, true);
  await settle();
  assert.deepEqual(shown(3), [1000, 999, 998]);
});

test("a row that came into a dropped page is there when it is asked for again", async () => {
  stored = stored.filter((one) => number(one.id) !== 950);
  await feed.open("", null);
  for (let start = 0; start < 950; start += 40) {
    feed.look(start, start + 40, false);
    await settle();
  }
  happen(row(950));
  feed.look(0, 40, true);
  await settle();
  assert.deepEqual(feed.slice(45, 95).map((one) => number(one.id)), Array.from({ length: 50 }, (_, index) => 955 - index));
  assert.equal(feed.count(), 1000);
});

test("with a filter the daemon is asked for new rows, at most once a second", async () => {
  await feed.open("special", null);
  await settle();
  asked = [];
  for (let count = 1001; count <= 1020; count++) happen(row(count, { model: count % 10 ? "m" : "special" }));
  assert.equal(asked.length, 0);
  await passing(999);
  assert.equal(asked.length, 0);
  await passing(1);
  assert.equal(asked.filter((url) => url.searchParams.has("after")).length, 1);
  assert.deepEqual(shown(5), [1020, 1010]);
});

test("with a filter a row that began early and ended late is found", async () => {
  await feed.open("special", null);
  happen(row(1005, { model: "special" }));
  await passing(1000);
  happen(row(1001, { model: "special" }));
  await passing(1000);
  assert.deepEqual(shown(5), [1005, 1001]);
});

test("a filter that does not parse: the place is told, the old rows stay", async () => {
  refuse = { error: "a ) is missing", at: 0, length: 1 };
  await feed.open("(x", null);
  const { fault } = feed.feed.get();
  assert.deepEqual([fault.message, fault.at, fault.length, fault.status], ["a ) is missing", 0, 1, 400]);
  assert.deepEqual(shown(1), [1000]);
  assert.ok(feed.isStale());
  asked = [];
  happen(row(1001));
  await passing(1000);
  assert.deepEqual([shown(1), asked], [[1000], []]);
  refuse = null;
  await feed.open("", null);
  assert.equal(feed.feed.get().fault, null);
  assert.ok(!feed.isStale());
});

test("rows that come while the first page is asked for are not lost", async () => {
  const opening = feed.open("", null);
  feed.happened({ rows: [row(1001, { state: "begun" })] });
  await opening;
  assert.deepEqual(shown(2), [1001, 1000]);
});

test("from a time in the past, new rows are counted only", async () => {
  await feed.open("", id(500));
  await settle();
  happen(row(1001), row(1002));
  assert.deepEqual(shown(2), [499, 498]);
  assert.equal(feed.feed.get().waiting, 2);
  feed.showWaiting();
  await settle();
  assert.deepEqual(shown(2), [1002, 1001]);
});

test("rows that were left out are asked for", async () => {
  stored = [row(1003), row(1002), row(1001), ...stored];
  feed.happened({ rows: [row(1003)], left_out: 2 });
  await passing(1000);
  assert.deepEqual(shown(4), [1003, 1002, 1001, 1000]);
});

test("changed and deleted rows", () => {
  feed.altered({ id: id(999), mark: "x" });
  assert.equal(feed.rowAt(1).mark, "x");
  feed.altered({ id: id(1000), deleted: true });
  assert.deepEqual(shown(2), [999, 998]);
  feed.altered({ id: id(1), deleted: true });
  feed.altered({ id: id(1001), started: 7, state: "ended" });
  assert.deepEqual(shown(2), [1001, 999]);
});

test("what bodies tell is asked for what is in view, together, and not for ever", async () => {
  stored = stored.map((one) => ({ ...one, told: null }));
  await feed.open("", null);
  feed.look(0, 20, true);
  for (let turn = 0; turn < 20; turn++) await passing(700);
  const questions = asked.filter((url) => url.pathname.endsWith("/told"));
  assert.ok(questions.length <= 5, String(questions.length));
  assert.deepEqual(feed.rowAt(1).told, { asked: `words ${id(999)}` });
  assert.equal(feed.rowAt(0).told, null);
});

test("what ended between the first page and the connection is asked for", async () => {
  stored = [row(1001), ...stored];
  feed.connected();
  await passing(1000);
  assert.deepEqual(shown(2), [1001, 1000]);
});

test("also where the connection came before the first page, and where that was empty", async () => {
  stored = [];
  const opening = feed.open("", null);
  feed.connected();
  stored = [row(7)]; // the daemon has answered already
  await opening;
  await settle();
  assert.deepEqual(shown(1), [7]);
});
