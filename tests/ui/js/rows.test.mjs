// The list's rows (ui/static/js/rows.js): order, dropped pages, bounded memory.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Rows } from "../../../proxy_daemon/ui/static/js/rows.js";

const id = (number) => number.toString(16).padStart(16, "0");
const row = (number, more = {}) => ({ id: id(number), ...more });
/** Rows of `from` down to `to`, exclusive. */
const down = (from, to) => Array.from({ length: from - to }, (_, index) => row(from - index));
const ids = (rows) => rows.slice(0, rows.length).map((one) => one && parseInt(one.id, 16));

function loaded(from = 1000, pages = 5, size = 100) {
  const rows = new Rows();
  for (let page = 0; page < pages; page++) {
    const top = from - page * size;
    rows.append(down(top, top - size), id(top - size + 1));
  }
  return rows;
}

function inOrder(rows) {
  const found = ids(rows).filter((number) => number !== undefined);
  assert.deepEqual(found, [...new Set(found)].sort((a, b) => b - a));
}

test("pages follow each other", () => {
  const rows = loaded();
  assert.equal(rows.length, 500);
  assert.equal(rows.top, id(1000));
  assert.equal(rows.next, id(501));
  assert.deepEqual(rows.slice(99, 101), [row(901), row(900)]);
  assert.equal(rows.whole, false);
  rows.append([], null);
  assert.ok(rows.whole);
  assert.equal(rows.length, 500);
});

test("new rows go on top, under way and ended", () => {
  const rows = loaded();
  rows.insert([row(1001, { state: "begun" })]);
  rows.insert([row(1003), row(1002), row(1001, { state: "ended" })]);
  assert.deepEqual(ids(rows).slice(0, 4), [1003, 1002, 1001, 1000]);
  assert.equal(rows.find(id(1001)).state, "ended");
  assert.equal(rows.length, 503);
});

test("a row that comes late goes to its place", () => {
  const rows = new Rows();
  rows.append([row(50), row(40), row(30)], id(30));
  rows.insert([row(45), row(35)]);
  assert.deepEqual(ids(rows), [50, 45, 40, 35, 30]);
  rows.insert([row(10)]);
  assert.deepEqual(ids(rows), [50, 45, 40, 35, 30], "older than what was asked for: it comes with its page");
  rows.append([], null);
  rows.insert([row(9)]);
  assert.deepEqual(ids(rows), [50, 45, 40, 35, 30, 9], "there is no more: it is the last");
});

test("into an empty list", () => {
  const rows = new Rows();
  rows.append([], null);
  rows.insert([row(7)]);
  rows.insert([row(9), row(8)]);
  assert.deepEqual(ids(rows), [9, 8, 7]);
});

test("far pages are dropped, places stay, and they can be asked for again", () => {
  const rows = loaded(1000, 10);
  rows.drop(0, 40, 150);
  assert.equal(rows.length, 1000);
  assert.ok(rows.held <= 200, String(rows.held));
  assert.equal(rows.slice(500, 501)[0], undefined);
  const [page] = rows.missing(500, 540);
  assert.equal(page.before, id(501));
  assert.equal(page.count, 100);
  rows.fill(page, down(500, 400));
  assert.deepEqual(rows.slice(500, 501), [row(500)]);
  assert.deepEqual(rows.missing(500, 540), []);
});

test("the first page, dropped and asked for again, is what it was, whatever came meanwhile", () => {
  const rows = loaded(1000, 10);
  rows.drop(900, 940, 100);
  const [page] = rows.missing(0, 10);
  assert.equal(page.before, id(1001));
});

test("a dropped page that has fewer rows now shortens the list", () => {
  const rows = loaded(1000, 5);
  rows.drop(0, 40, 100);
  const [page] = rows.missing(300, 301);
  rows.fill(page, down(700, 650));
  assert.equal(rows.length, 450);
  rows.fill(rows.missing(400, 401)[0], []);
  assert.equal(rows.length, 350);
});

test("a long time at the top stays bounded and in order", () => {
  const rows = loaded(1000, 2);
  for (let number = 1001; number <= 6000; number++) {
    rows.insert([row(number)]);
    if (number % 50 === 0) rows.drop(0, 40, 300);
  }
  assert.equal(rows.length, 5200);
  assert.ok(rows.held <= 800, String(rows.held));
  assert.ok(rows.pages.every((page) => page.count <= 200));
  inOrder(rows);
  const again = rows.missing(3000, 3010)[0];
  assert.ok(again.before <= id(6001));
});

test("many at once are divided too", () => {
  const rows = loaded(1000, 1);
  rows.insert(down(2000, 1000));
  inOrder(rows);
  assert.equal(rows.length, 1100);
  assert.equal(ids(rows)[0], 2000);
});

test("change, find, place, remove", () => {
  const rows = loaded(1000, 3);
  assert.ok(rows.change(id(850), { mark: "x" }));
  assert.equal(rows.find(id(850)).mark, "x");
  assert.equal(rows.change(id(5), { mark: "x" }), false);
  assert.equal(rows.indexOf(id(850)), 150);
  assert.equal(rows.indexOf(id(5)), -1);
  assert.ok(rows.remove(id(850)));
  assert.equal(rows.remove(id(850)), false);
  assert.equal(rows.length, 299);
  assert.equal(rows.slice(150, 151)[0].id, id(849));
});

test("with a random play of events ids fall, and none is twice", () => {
  let seed = 7;
  const random = (below) => (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
  const rows = loaded(10_000, 4);
  let newest = 10_000;
  for (let turn = 0; turn < 3000; turn++) {
    const what = random(10);
    if (what < 5) rows.insert([row((newest += 1 + random(3)))]);
    else if (what < 7) rows.insert([row(newest - random(60))]);
    else if (what < 8) rows.remove(id(newest - random(500)));
    else if (what < 9) rows.drop(random(400), 440, 200);
    else for (const page of rows.missing(0, 300)) rows.fill(page, down(parseInt(page.before, 16) - 1, parseInt(page.before, 16) - 1 - page.count).filter((one) => one.id > (rows.pages[rows.pages.indexOf(page) + 1]?.before ?? "")));
    inOrder(rows);
  }
});

test("what bodies told stays known when a row comes again without it", () => {
  const rows = loaded();
  rows.change(id(900), { told: { asked: "hi" } });
  rows.change(id(900), row(900, { status: 200, told: null }));
  assert.deepEqual(rows.find(id(900)), row(900, { status: 200, told: { asked: "hi" } }));
  rows.change(id(900), { told: { asked: "ho" } });
  assert.deepEqual(rows.find(id(900)).told, { asked: "ho" });
});
