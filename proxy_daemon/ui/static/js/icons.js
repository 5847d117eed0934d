/**
 * The few signs of the page, drawn here: outcomes by letter and shape, and the icons of buttons.
 *
 * Invariant: what a sign says stands in its accessible name too; no meaning hangs on colour alone.
 */
import { html } from "./html.js";

const SHAPES = {
  hit: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Z",
  miss: "M8 .6 15.4 8 8 15.4.6 8Z",
  live: "M3.5 1.5h9a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-9a2 2 0 0 1-2-2v-9a2 2 0 0 1 2-2Z",
  collapsed: "M4.4 1.5h7.2L15.2 8l-3.6 6.5H4.4L.8 8Z",
  refused: "M5 1h6l4 4v6l-4 4H5l-4-4V5Z",
  failed: "M8 .8 15.6 14.6H.4Z",
};
const MEANINGS = {
  hit: "hit: a recording answered",
  miss: "miss: looked up, not found, forwarded",
  live: "live: forwarded, nothing was looked up",
  collapsed: "collapsed: an equal request under way answered",
  refused: "refused: not forwarded",
  failed: "failed: no answer from upstream, or a fault",
};

/** @param {{outcome: string}} props */
export function Outcome({ outcome }) {
  const known = outcome in SHAPES;
  const title = known ? MEANINGS[outcome] : `outcome: ${outcome || "not known yet"}`;
  return html`<svg class=${`outcome ${known ? outcome : "unknown"}`} viewBox="0 0 16 16" role="img" aria-label=${title}>
    <title>${title}</title>
    <path d=${known ? SHAPES[outcome] : SHAPES.live} />
    <text x="8" y=${outcome === "failed" ? 13 : 11.2} text-anchor="middle">${known ? outcome[0].toUpperCase() : "\u00b7"}</text>
  </svg>`;
}

const ICONS = {
  pause: "M5.5 3v10M10.5 3v10",
  play: "M5 3l8 5-8 5Z",
  columns: "M2.5 3.5h11v9h-11ZM6.2 3.5v9M9.8 3.5v9",
  theme: "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 0 0 0-11",
  help: "M6 6.2a2 2 0 1 1 2.9 1.8c-.6.3-.9.7-.9 1.4M8 11.6v.4",
  clock: "M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2ZM8 5v3l2 1.6",
  close: "M4 4l8 8M12 4l-8 8",
  pin: "M6 2h4l-.6 4 2.1 2.2H4.5L6.6 6ZM8 8.4V14",
  star: "M8 2l1.8 3.8 4.2.5-3.1 2.9.8 4.1L8 11.3l-3.7 2 .8-4.1L2 6.3l4.2-.5Z",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8Z",
  link: "M7 9.5 9.5 7M6.5 5 8 3.5a3 3 0 0 1 4.3 4.3L10.8 9.3M9.5 11 8 12.5a3 3 0 0 1-4.3-4.3L5.2 6.7",
  down: "M4 6l4 4 4-4",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9ZM10.4 10.4 13.5 13.5",
};

const SOLID = { theme: "M8 2.5v11a5.5 5.5 0 0 0 0-11Z", play: "M5 3l8 5-8 5Z" };

/** A decoration: its button carries the name. @param {{name: string}} props */
export function Icon({ name }) {
  return html`<svg class=${`icon ${name}`} viewBox="0 0 16 16" aria-hidden="true"><path d=${ICONS[name]} />
    ${name in SOLID && html`<path class="solid" d=${SOLID[name]} />`}</svg>`;
}
