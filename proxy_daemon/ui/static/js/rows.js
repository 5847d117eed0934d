/**
 * The rows of the list, newest first, in pages of which only those near the view are held. Pure: feed.js asks for them.
 *
 * Invariant: ids fall from row to row and page to page; a page that was dropped knows how many rows it had and the id
 * that it begins before, so that places do not move and it can be asked for again.
 */
import { after, before } from "./ids.js";

/** @typedef {{id: string, state?: string, told?: object|null}} Row */
/** @typedef {{before: string|null, count: number, rows: Row[]|null}} Page */

const MOST_IN_PAGE = 200;

export class Rows {
  constructor() {
    /** @type {Page[]} */
    this.pages = [];
    /** What to ask for next (`before`); null: from the newest on. @type {string|null} */
    this.next = null;
    /** Whether there is nothing older. */
    this.whole = false;
  }

  /** How many rows there are, held or dropped. */
  get length() {
    return this.pages.reduce((sum, page) => sum + page.count, 0);
  }

  /** The newest id that was ever put in; null where there is none. */
  get top() {
    const first = this.pages[0];
    return first?.rows?.[0]?.id ?? null;
  }

  /** What came for `next`. @param {Row[]} rows @param {string|null} next */
  append(rows, next) {
    if (rows.length) {
      this.pages.push({ before: this.next ?? after(rows[0].id), count: rows.length, rows });
    }
    this.next = next;
    this.whole = next === null;
  }

  /** A dropped page came again: other rows, maybe fewer. @param {Page} page @param {Row[]} rows */
  fill(page, rows) {
    page.rows = rows;
    page.count = rows.length;
    if (!rows.length) this.pages = this.pages.filter((one) => one !== page);
  }

  /** The rows of a range; undefined for each that is not held. @param {number} start @param {number} end */
  slice(start, end) {
    const found = [];
    this.#over(start, end, (page, from, to) => {
      for (let index = from; index < to; index++) found.push(page.rows?.[index]);
    });
    return found;
  }

  /** The dropped pages that a range needs. @returns {Page[]} */
  missing(start, end) {
    const found = [];
    this.#over(start, end, (page) => page.rows === null && found.push(page));
    return found;
  }

  /** The id that all rows of a page are newer than; null for the last page, where it is not known. @param {Page} page */
  endOf(page) {
    const next = this.pages[this.pages.indexOf(page) + 1];
    return next ? before(next.before) : null;
  }

  #over(start, end, visit) {
    let base = 0;
    for (const page of this.pages) {
      const from = Math.max(0, start - base);
      const to = Math.min(page.count, end - base);
      if (from < to) visit(page, from, to);
      base += page.count;
      if (base >= end) return;
    }
  }

  /** Drops what lies further than `reach` rows from the range. */
  drop(start, end, reach) {
    let base = 0;
    for (const page of this.pages) {
      const far = base + page.count <= start - reach || base >= end + reach;
      if (far) page.rows = null;
      base += page.count;
    }
  }

  /** How many rows are held. */
  get held() {
    return this.pages.reduce((sum, page) => sum + (page.rows?.length ?? 0), 0);
  }

  /** The row, or undefined where it is not held. @param {string} id */
  find(id) {
    return this.#pageOf(id)?.rows?.find((row) => row.id === id);
  }

  /** Its place, or -1. @param {string} id */
  indexOf(id) {
    let base = 0;
    for (const page of this.pages) {
      const index = page.rows ? page.rows.findIndex((row) => row.id === id) : -1;
      if (index >= 0) return base + index;
      base += page.count;
    }
    return -1;
  }

  /** The page in whose span an id falls, if there is one. */
  #pageOf(id) {
    let found;
    for (const page of this.pages) {
      if (page.before !== null && id >= page.before) break;
      found = page;
    }
    return found;
  }

  /** Takes new members of a row that is held; what bodies told stays known. @returns {boolean} whether it was. */
  change(id, members) {
    const page = this.#pageOf(id);
    const index = page?.rows?.findIndex((row) => row.id === id) ?? -1;
    if (index < 0) return false;
    const old = page.rows[index];
    page.rows[index] = { ...old, ...members, ...(old.told && !members.told ? { told: old.told } : {}) };
    return true;
  }

  /** Puts rows where their ids belong: on top, or between those that are held. @param {Row[]} rows */
  insert(rows) {
    for (const row of rows) if (!this.change(row.id, row)) this.#place(row);
    this.#divide();
  }

  #place(row) {
    const first = this.pages[0];
    if (!first) {
      this.pages.push({ before: after(row.id), count: 1, rows: [row] });
      this.next ??= row.id;
      return;
    }
    const page = row.id >= first.before ? first : this.#pageOf(row.id);
    if (!page?.rows) return; // it will be there when the page is asked for again
    const index = page.rows.findIndex((other) => other.id < row.id);
    if (index < 0 && !(this.whole && page === this.pages.at(-1))) {
      const last = page.rows.at(-1);
      if (page === this.pages.at(-1) && last && row.id < last.id) return; // older than all that was asked for
    }
    page.rows.splice(index < 0 ? page.rows.length : index, 0, row);
    page.count = page.rows.length;
    if (row.id >= page.before) page.before = after(row.id);
  }

  /** A first page that grows is divided, so that its far half can be dropped. */
  #divide() {
    const first = this.pages[0];
    if (!first?.rows || first.count <= MOST_IN_PAGE) return;
    const near = first.rows.slice(0, MOST_IN_PAGE / 2);
    const rest = first.rows.slice(MOST_IN_PAGE / 2);
    const head = { before: first.before, count: near.length, rows: near };
    this.pages.splice(0, 1, head, { before: near.at(-1).id, count: rest.length, rows: rest });
    this.#divideRest();
  }

  #divideRest() {
    const second = this.pages[1];
    if (second.count <= MOST_IN_PAGE) return;
    const near = second.rows.slice(0, MOST_IN_PAGE);
    const rest = second.rows.slice(MOST_IN_PAGE);
    const head = { before: second.before, count: near.length, rows: near };
    this.pages.splice(1, 1, head, { before: near.at(-1).id, count: rest.length, rows: rest });
  }

  /** @param {string} id */
  remove(id) {
    const page = this.#pageOf(id);
    const index = page?.rows?.findIndex((row) => row.id === id) ?? -1;
    if (index < 0) return false;
    page.rows.splice(index, 1);
    page.count -= 1;
    if (!page.count) this.pages = this.pages.filter((one) => one !== page);
    return true;
  }
}
