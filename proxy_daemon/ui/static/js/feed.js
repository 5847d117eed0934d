/**
 * Keeps the list's rows: asks for pages as one scrolls, takes in what happens, asks for what bodies tell.
 *
 * Invariant: rows under the reader's eyes do not move unless the list is followed at its top; what came meanwhile waits
 * and is counted. Memory is bounded: far pages are dropped, and of what waits no more than `MOST_WAITING` are held.
 */
import { get } from "./api.js";
import { happening } from "./happening.js";
import { before } from "./ids.js";
import { Rows } from "./rows.js";
import { makeStore } from "./store.js";
import { makeTelling } from "./telling.js";

const PAGE = 100;
const FIRST = 50; // rows of the first page: enough for the view, and sooner there
const REACH = 500; // rows that are held on either side of the view
const MOST_WAITING = 1000;
const ASK_AGAIN = 1000; // ms between questions for new rows while a filter is on

let rows = new Rows();
/** Those of another filter or time, until their first page is there; the old ones stay so long. @type {Rows|null} */
let coming = null;
/** New rows that came meanwhile. @type {object[]} */
let meanwhile = [];
let asked = new AbortController();
/** What came while the list stood still, by id. @type {Map<string, object>} */
let waiting = new Map();
let range = [0, 60];
let atTop = true;

export const feed = makeStore({
  version: 0, // grows with each change of the rows
  q: "",
  at: null, // the list begins before this id: a jump to a time
  loading: false,
  fault: null, // of the filter, or of the connection
  paused: false,
  waiting: 0,
  indexed: null,
  searching: false,
});

const changed = (patch = {}) => feed.set({ version: feed.get().version + 1, ...patch });

/** Whether what is held is of the filter before. */
export const isStale = () => coming !== null;
const telling = makeTelling({
  inView: () => rows.slice(...range),
  take: (id, value) => rows.change(id, { told: value }),
  changed,
  signal: () => asked.signal,
});

/** The rows of a range (undefined where one is not held), and how many there are. */
export const slice = (start, end) => rows.slice(start, end);
export const count = () => rows.length;
export const isWhole = () => rows.whole;
export const placeOf = (id) => rows.indexOf(id);
export const rowAt = (index) => rows.slice(index, index + 1)[0];
export const find = (id) => rows.find(id) ?? waiting.get(id);

/** Begins anew, with another filter or from another time. */
export async function open(q = feed.get().q, at = feed.get().at) {
  asked.abort();
  asked = new AbortController();
  coming = new Rows();
  coming.next = at;
  meanwhile = [];
  waiting = new Map();
  telling.forget();
  changed({ q, at, fault: null, waiting: 0, indexed: null, loading: false, searching: false });
  await more();
}

const isFollowing = () => !feed.get().paused && atTop && feed.get().at === null;

/** The view shows these rows now. */
export function look(start, end, top) {
  range = [start, end];
  const back = top && !atTop;
  atTop = top;
  if (back && isFollowing() && waiting.size) showWaiting();
  if (end + PAGE / 2 > rows.length && !rows.whole) more();
  for (const page of rows.missing(start - 20, end + 20)) refill(page);
  rows.drop(start, end, REACH);
  telling.ask();
}

/** The next page. One at a time. */
async function more() {
  const mine = coming ?? rows;
  if (feed.get().loading || mine.whole || feed.get().fault) return;
  const { signal } = asked;
  feed.set({ loading: true });
  try {
    const found = await get("exchanges", { limit: mine.length ? PAGE : FIRST, before: mine.next, q: feed.get().q }, signal);
    if (signal.aborted) return;
    mine.append(found.exchanges, found.next);
    if (mine === coming) arrived();
    changed({ loading: false, indexed: found.indexed ?? null, searching: found.partial });
    goOn();
  } catch (fault) {
    if (!signal.aborted) changed({ loading: false, searching: false, fault });
  }
}

/** The first page is there: the old rows go. */
function arrived() {
  [rows, coming] = [coming, null];
  const { q, at } = feed.get();
  const news = q || at !== null ? meanwhile : [...happening.get().underWay.values(), ...meanwhile];
  meanwhile = [];
  take(news.filter((row) => !rows.change(row.id, row)));
  if (unheard) connected();
}

/** A search that its time budget ended goes on while the view is not full. */
function goOn() {
  if (!rows.whole && rows.length < range[1] + PAGE / 2) more();
  else feed.set({ searching: false });
  telling.ask();
}

const refilling = new Set();

/** Asks for a page that was dropped. */
async function refill(page) {
  if (refilling.has(page)) return;
  refilling.add(page);
  const [mine, signal] = [rows, asked.signal];
  try {
    const found = await pageAgain(page, signal);
    if (signal.aborted) return;
    mine.fill(page, found);
    changed();
    telling.ask();
  } catch {
    // it is asked for again when the view moves
  } finally {
    refilling.delete(page);
  }
}

/** All between the page's two ends, where both are known: rows may have come in between. */
async function pageAgain(page, signal) {
  const found = [];
  const end = rows.endOf(page);
  let next = page.before;
  while (next !== null && (end !== null || found.length < page.count)) {
    const limit = end === null ? page.count - found.length : PAGE * 2;
    const answer = await get("exchanges", { limit, before: next, after: end, q: feed.get().q }, signal);
    found.push(...answer.exchanges);
    next = answer.next;
  }
  return found;
}

/** Rows as they happen. @param {{rows: object[], left_out?: number}} event */
export function happened({ rows: news, left_out: leftOut = 0 }) {
  if (leftOut) missed();
  const { q } = feed.get();
  const unknown = news.filter((row) => !rows.change(row.id, row));
  if (unknown.length < news.length) changed();
  if (coming && !q) meanwhile = [...meanwhile, ...news].slice(-MOST_WAITING);
  if (feed.get().fault || coming) return;
  if (q) ripe(news);
  else take(unknown);
  telling.ask();
}

/** More happened than was told: what is on top is asked for. */
function missed() {
  if (rows.top) ripe([{ id: rows.top, state: "ended" }]);
  else if (rows.whole) open();
}

let unheard = false;

/** What happens is told from now on: what ended since the first page was asked for nobody has told. */
export function connected() {
  unheard = coming !== null;
  if (!unheard) missed();
}

/** New rows: on top while the list is followed, else they wait. */
function take(news) {
  if (!news.length || feed.get().at !== null) return countWaiting(news);
  if (isFollowing()) {
    rows.insert(news);
    return changed();
  }
  for (const row of news) waiting.set(row.id, { ...waiting.get(row.id), ...row });
  for (const id of waiting.keys()) if (waiting.size > MOST_WAITING) waiting.delete(id);
  changed({ waiting: Math.max(feed.get().waiting, waiting.size) });
}

const newer = new Set();

/** From a list that begins in the past: only how many there are that one does not see. */
function countWaiting(news) {
  if (newer.size > 9999) newer.clear();
  for (const row of news) newer.add(row.id);
  if (feed.get().at !== null && news.length) feed.set({ waiting: newer.size });
}

/** Shows what waits. Where too much came, or the list begins in the past, it is loaded anew. */
export function showWaiting() {
  const tooMany = feed.get().waiting >= MOST_WAITING;
  newer.clear();
  if (tooMany || feed.get().at !== null) return open(feed.get().q, null);
  const news = [...waiting.values()];
  waiting = new Map();
  rows.insert(news);
  changed({ waiting: 0 });
}

/** @param {boolean} paused */
export function pause(paused) {
  feed.set({ paused });
  if (!paused && isFollowing()) showWaiting();
}

let oldest = null;
let asking = false;

/** While a filter is on the daemon says which of the new rows it lets through: asked at most once a second. */
function ripe(news) {
  for (const row of news) if (row.state === "ended" && (!oldest || row.id < oldest)) oldest = row.id;
  if (!oldest || asking) return;
  asking = true;
  setTimeout(askNewer, ASK_AGAIN);
}

async function askNewer() {
  const [signal, since] = [asked.signal, oldest];
  oldest = null;
  try {
    const found = await get("exchanges", { limit: PAGE, after: before(since), q: feed.get().q }, signal);
    if (!signal.aborted) taken(found);
  } catch {
    if (!signal.aborted) oldest = oldest && oldest < since ? oldest : since; // with the next row that comes
  }
  asking = false;
  if (oldest && !signal.aborted) ripe([]);
}

function taken(found) {
  if (found.next !== null && isFollowing()) return open(); // more than a page: there would be a hole
  take(found.exchanges.filter((row) => !rows.change(row.id, row)));
  changed(found.next === null ? {} : { waiting: MOST_WAITING });
  telling.ask();
}

/** A row's members changed, or it was deleted. @param {{id: string, deleted?: boolean}} event */
export function altered({ id, deleted, ...members }) {
  if (waiting.has(id)) deleted ? waiting.delete(id) : waiting.set(id, { ...waiting.get(id), ...members });
  if (deleted ? rows.remove(id) : rows.change(id, members)) changed();
  else if (!deleted && members.started !== undefined) happened({ rows: [{ id, ...members }] }); // an edited answer's
}
