/**
 * The columns of the list: their names, widths, and how each draws a row.
 *
 * Invariant: a cell is one line of text, of bounded length, whatever the row says.
 */
import { duration, grouped, octets, oneLine, shortModel, shortSession, took, tokenFlow, visible, when } from "./format.js";
import { html } from "./html.js";
import { Icon, Outcome } from "./icons.js";

/**
 * @typedef {object} Column
 * @property {string} key @property {string} title @property {number} width in CSS pixels; of `wide` ones the least
 * @property {boolean} [wide] takes what is left @property {boolean} [right] figures stand right
 * @property {number} rank where it is narrow, the highest go first
 * @property {(row: object, context: {now: number, filter: (term: string) => void}) => unknown} draw
 */

const isEnded = (row) => (row.state ?? "ended") === "ended";

/** The status, or that it is under way. */
function status(row) {
  if (!isEnded(row) && row.state === "begun") return html`<span class="under-way" title="under way">wait</span>`;
  if (!isEnded(row)) return html`<span class="under-way" title="streaming">live</span>`;
  if (!row.status) return html`<span class="status bad" title=${oneLine(row.detail || row.ending)}>fail</span>`;
  const kind = row.status >= 500 ? "bad" : row.status >= 400 ? "warn" : "";
  const off = row.ending && row.ending !== "complete" && row.status < 400;
  return html`<span class=${`status ${kind || (off ? "warn" : "")}`} title=${oneLine(row.ending)}
    >${row.status}${off ? "\u2026" : ""}</span>`;
}

/** A quiet word that filters when it is clicked. @param {string} term the filter */
function chip(text, term, context, title = text) {
  if (!text) return "";
  const clicked = (event) => {
    event.stopPropagation();
    context.filter(term);
  };
  return html`<button type="button" class="chip" tabindex="-1" onClick=${clicked} title=${`filter: ${visible(title)}`}
    >${text}</button>`;
}

/** What was asked; where that is not known, what was called. */
function asked(row) {
  const told = row.told;
  const error = told?.error || (isEnded(row) && (row.status >= 400 || !row.status) ? row.detail : "");
  const words = told?.asked ? oneLine(told.asked, 220) : html`<span class="quiet">${oneLine(row.path, 200)}</span>`;
  return html`${flags(row)}${words}${error && html`<span class="error-text"> ${oneLine(error, 120)}</span>`}`;
}

function flags(row) {
  if (!row.pinned && !row.mark && !row.edited && !row.comment) return "";
  return html`<span class="flags">
    ${row.mark && html`<span class="mark" title=${`marked: ${oneLine(row.mark)}`}>${oneLine(row.mark, 12)}</span>`}
    ${row.pinned && html`<span title="pinned"><${Icon} name="pin" /></span>`}
    ${row.edited && html`<span class="word" title="the answer was edited">edited</span>`}
    ${row.comment && html`<span class="word" title=${oneLine(row.comment)}>\u201c${oneLine(row.comment, 24)}\u201d</span>`}
  </span>`;
}

function tokens(row) {
  const flow = tokenFlow(row.told);
  return flow && html`<span title=${`${grouped(row.told.input) || "?"} in, ${grouped(row.told.output) || "?"} out`}>${flow}</span>`;
}

const path = (row) => oneLine(row.path, 200);

/** @type {Column[]} */
export const COLUMNS = [
  { key: "outcome", title: "", name: "outcome", width: 26, rank: 0, draw: (row) => html`<${Outcome} outcome=${row.outcome} />` },
  { key: "time", title: "time", width: 66, rank: 3, draw: (row, { now }) => when(row.started, now) },
  { key: "status", title: "status", width: 46, rank: 1, draw: status },
  { key: "method", title: "method", width: 56, rank: 12, draw: (row) => oneLine(row.method, 12) },
  { key: "model", title: "model", width: 150, rank: 4, draw: (row, context) => chip(shortModel(row.model ?? ""), term("model", row.model), context, row.model) },
  { key: "asked", title: "asked", width: 180, wide: true, rank: 0, draw: asked },
  { key: "said", title: "answered", width: 160, wide: true, rank: 11, draw: (row) => oneLine(row.told?.said, 220) },
  { key: "tools", title: "tools called", width: 120, rank: 9, draw: (row) => oneLine((row.told?.tools ?? []).join(", "), 80) },
  { key: "path", title: "path", width: 176, rank: 8, draw: path },
  { key: "tokens", title: "tokens", width: 104, right: true, rank: 5, draw: tokens },
  { key: "first", title: "first byte", width: 70, right: true, rank: 10, draw: (row) => (took(row) ? duration(row.head_ms) : "") },
  { key: "took", title: "took", width: 66, right: true, rank: 2, draw: (row) => (isEnded(row) ? took(row) : "") },
  { key: "size", title: "size", width: 70, right: true, rank: 9, draw: (row) => octets(row.response_size) },
  { key: "session", title: "session", width: 96, rank: 7, draw: (row, context) => chip(shortSession(row.session), term("session", row.session), context, row.session) },
  { key: "upstream", title: "upstream", width: 84, rank: 9, draw: (row) => oneLine(row.upstream, 40) },
  { key: "dialect", title: "dialect", width: 110, rank: 10, draw: (row) => oneLine(row.told?.dialect, 40) },
  { key: "client", title: "client", width: 100, rank: 12, draw: (row) => oneLine(row.client, 40) },
  { key: "cassette", title: "cassette", width: 90, rank: 10, draw: (row) => oneLine(row.cassette, 40) },
  { key: "id", title: "id", width: 140, rank: 12, draw: (row) => row.id },
];

export const DEFAULT = ["outcome", "time", "status", "model", "asked", "tools", "tokens", "took", "session"];

/** What can be chosen: key and name. */
export const CHOICES = COLUMNS.filter((column) => column.key !== "asked").map((column) => [column.key, column.name ?? column.title]);

/** `~model NAME`, exactly that name. */
function term(word, value) {
  const literal = String(value ?? "").replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return `~${word} "^${literal.replace(/["\\]/g, "\\$&")}$"`;
}

/**
 * Which of the chosen columns fit, and the grid's template.
 * @param {string[]|null} chosen @param {number} width @param {boolean} days whether times show their day
 */
export function fitting(chosen, width, days) {
  const keys = Array.isArray(chosen) ? chosen : DEFAULT;
  const widthOf = (column) => (column.key === "time" && days ? 104 : column.width) + 12;
  let shown = COLUMNS.filter((column) => keys.includes(column.key) || column.key === "asked");
  while (shown.length > 2 && shown.reduce((sum, column) => sum + widthOf(column), 24) > width) {
    const worst = shown.reduce((last, column) => (column.rank >= last.rank ? column : last));
    shown = shown.filter((column) => column !== worst);
  }
  const tracks = shown.map((column) => (column.wide ? `minmax(0, ${column.key === "asked" ? 3 : 2}fr)` : `${widthOf(column)}px`));
  return { shown, template: tracks.join(" ") };
}
