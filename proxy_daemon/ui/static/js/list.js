/**
 * The list of exchanges: a grid of which only the rows in view exist.
 *
 * Invariant: the list owns the focus and the cursor; rows are no tab stops. The cursor is an id, not a place, so that
 * it stays with its row when rows come in above.
 */
import { fitting } from "./columns.js";
import * as feed from "./feed.js";
import { day, plural } from "./format.js";
import { html, useLayoutEffect, useState } from "./html.js";
import { page, preferences, useStore } from "./store.js";
import { useResize, useVirtual } from "./virtual.js";

const HEIGHT = 30;
const HEAD = 26;

/** What keys.js moves; set by the list that is drawn. */
export const cursor = { id: null, move: (_by) => {}, to: (_place) => {}, focus: () => {} };

/** @param {{open: (id: string) => void, filter: (term: string) => void}} props */
export function List({ open, filter }) {
  const state = useStore(feed.feed);
  const { route } = useStore(page);
  const { columns } = useStore(preferences);
  const [width, setWidth] = useState(900);
  const [at, setAt] = useState(null);
  const count = feed.count();
  const view = useVirtual(count, HEIGHT, HEAD);
  useResize(view.box, (element) => setWidth(element.clientWidth));
  useLayoutEffect(() => feed.look(view.start, view.end, view.top), [view.start, view.end, view.top, count]);
  useLayoutEffect(() => void (view.box.current.scrollTop = 0), [state.q, state.at]);
  useLayoutEffect(() => void (route.id && setAt(route.id)), [route.id]);
  steer(view, at, setAt, open, route);
  const rows = feed.slice(view.start, view.end);
  const now = Date.now() / 1000;
  const days = rows.some((row) => row && day(row.started) !== day(now));
  const grid = fitting(columns, width, days);
  const context = { now, filter };
  return html`<section class=${`list ${feed.isStale() && state.fault ? "stale" : ""}`} aria-label="exchanges">
    <${Pill} state=${state} box=${view.box} />
    <div class="scroller" ref=${view.box} onScroll=${view.onScroll} tabindex="0" role="grid" data-testid="list"
      aria-label="exchanges, newest first" aria-rowcount=${state.q || !feed.isWhole() ? -1 : count}
      aria-activedescendant=${at && rows.some((row) => row?.id === at) ? `row-${at}` : undefined}>
      <${Head} grid=${grid} />
      <div class="whole" role="rowgroup" style=${{ height: `${count * HEIGHT}px` }}>
        <div class="window" role="presentation" style=${{ transform: `translateY(${view.start * HEIGHT}px)` }}>
          ${rows.map((row, index) => row
            ? html`<${Row} key=${row.id} row=${row} grid=${grid} context=${context} index=${view.start + index}
                version=${row} at=${at === row.id} shown=${route.id === row.id} pick=${() => open(row.id)} />`
            : html`<div key=${`gap-${view.start + index}`} class="row gap" role="row" />`)}
        </div>
      </div>
      <${Foot} state=${state} count=${count} />
    </div>
  </section>`;
}

/** Hands the keys a way to move the cursor. */
function steer(view, at, setAt, open, route) {
  cursor.id = at;
  cursor.focus = () => view.box.current?.focus({ preventScroll: true });
  cursor.to = (place) => {
    const index = Math.max(0, Math.min(feed.count() - 1, place));
    const row = feed.rowAt(index);
    view.show(index);
    if (!row) return;
    setAt(row.id);
    if (route.id) open(row.id, true);
  };
  cursor.move = (by) => {
    const place = at ? feed.placeOf(at) : -1;
    cursor.to(place < 0 ? view.start : place + by);
  };
}

function Head({ grid }) {
  return html`<div class="row head" role="row" style=${{ gridTemplateColumns: grid.template }}>
    ${grid.shown.map((column) => html`<span role="columnheader" key=${column.key} class=${column.right ? "right" : ""}
      >${column.title || html`<span class="unseen">${column.name}</span>`}</span>`)}
  </div>`;
}

function Row({ row, grid, context, index, at, shown, pick }) {
  const state = row.state ?? "ended";
  const kind = `row ${at ? "at" : ""} ${shown ? "shown" : ""} ${state === "ended" ? "" : "growing"} ${row.deleted ? "gone" : ""}`;
  return html`<div class=${kind} role="row" id=${`row-${row.id}`} aria-rowindex=${index + 1} aria-selected=${shown}
    data-testid="row" data-id=${row.id} data-outcome=${row.outcome} data-state=${state}
    style=${{ gridTemplateColumns: grid.template }} onClick=${pick}>
    ${grid.shown.map((column) => html`<span role="gridcell" key=${column.key} class=${`cell ${column.key} ${column.right ? "right" : ""}`}
      >${column.draw(row, context)}</span>`)}
  </div>`;
}

/** How many came that are not shown, and the way to them. */
function Pill({ state, box }) {
  if (!state.waiting) return null;
  const show = () => {
    feed.showWaiting();
    if (box.current) box.current.scrollTop = 0;
  };
  const count = state.waiting > 999 ? "999+" : state.waiting;
  return html`<button type="button" class="pill" data-testid="new-pill" onClick=${show}>\u2191 ${count} new</button>`;
}

function Foot({ state, count }) {
  if (state.fault && !state.fault.length) {
    return html`<div class="foot" role="alert">${state.fault.message}
      <button type="button" class="text" onClick=${() => feed.open()}>Try again</button></div>`;
  }
  if (state.fault) return null;
  if (state.loading && !feed.isStale()) return html`<div class="foot quiet" aria-live="polite">${state.q ? "Searching\u2026" : "Loading\u2026"}</div>`;
  if (feed.isStale()) return null;
  if (!count) return html`<${Empty} q=${state.q} />`;
  return feed.isWhole() ? html`<div class="foot quiet">${plural(count, "exchange")}, no more</div>` : null;
}

function Empty({ q }) {
  if (q) return html`<div class="empty" data-testid="empty"><p>Nothing matches.</p><p class="quiet">Esc in the filter takes it away; ? tells what it understands.</p></div>`;
  const base = `${location.origin}/v1`;
  return html`<div class="empty" data-testid="empty"><p>Nothing passed yet.</p>
    <p class="quiet">Point a client at <code>${base}</code>, and what it asks appears here.</p></div>`;
}
