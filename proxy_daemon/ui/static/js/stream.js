/**
 * The Stream tab: when the octets came, drawn over time, and a table of the events.
 *
 * Invariant: events are asked for in pages as they come into view, and only those in view are drawn.
 */
import { get } from "./api.js";
import { grouped, micros, octets, oneLine, plural, prettyJson, visible } from "./format.js";
import { html, useEffect, useRef, useState } from "./html.js";
import { Json } from "./json.js";
import { Fail, Loading, useAsked } from "./loading.js";
import { useVirtual } from "./virtual.js";

const HEIGHT = 26;
const PAGE = 500;

/** @param {{id: string, version: number}} props */
export function Stream({ id, version }) {
  const asked = useAsked(`exchanges/${id}/stream`, { offset: 0, limit: PAGE }, [version]);
  if (asked.fault?.status === 404) return html`<p class="quiet empty-tab">No stream: ${oneLine(asked.fault.message, 300)}.</p>`;
  if (asked.fault) return html`<${Fail} fault=${asked.fault} again=${asked.again} />`;
  if (!asked.value) return html`<${Loading} />`;
  const stream = asked.value;
  return html`<div class="stream" data-testid="stream">
    ${stream.end_us > 0 && (stream.total > 0 || stream.marks?.length > 1) && html`<${Timeline} stream=${stream} />`}
    <${Figures} stream=${stream} />
    ${stream.problem && html`<p class="notice">${oneLine(stream.problem, 500)}</p>`}
    ${stream.total ? html`<${Events} key=${id} id=${id} stream=${stream} />` : html`<p class="quiet">No events: the body came as a whole${stream.framing ? ` (${oneLine(stream.framing, 40)})` : ""}.</p>`}
  </div>`;
}

function Figures({ stream }) {
  const timed = stream.first_byte_us != null && stream.end_us > stream.first_byte_us;
  const rate = timed && stream.total ? stream.total / ((stream.end_us - stream.first_byte_us) / 1e6) : null;
  const facts = [
    ["events", stream.total ? grouped(stream.total) : ""],
    ["first byte", micros(stream.first_byte_us)],
    ["first word", micros(stream.first_word_us)],
    ["longest gap", stream.longest_gap ? `${micros(stream.longest_gap.us)} at ${micros(stream.longest_gap.at_us)}` : ""],
    ["end", micros(stream.end_us)],
    ["a second", rate ? `${rate.toFixed(rate < 10 ? 1 : 0)} events` : ""],
  ];
  return html`<dl class="figures">${facts.filter(([, value]) => value).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** Octets over time, as an area; lines at the first byte and word, a band at the longest gap. */
function Timeline({ stream }) {
  const end = Math.max(stream.end_us ?? 0, 1);
  const marks = stream.marks ?? [];
  const most = Math.max(1, ...marks.map(([, count]) => count));
  const x = (at) => ((1000 * at) / end).toFixed(1);
  const y = (count) => (84 - (76 * count) / most).toFixed(1);
  const steps = marks.map(([at, count]) => `H${x(at)}V${y(count)}`).join("");
  const gap = stream.longest_gap;
  const words = `Octets over time: first byte after ${micros(stream.first_byte_us)}, end after ${micros(stream.end_us)}, ${octets(most)}`;
  return html`<div class="timeline"><svg viewBox="0 0 1000 86" preserveAspectRatio="none" role="img" aria-label=${words} data-testid="timeline">
      ${gap && html`<rect class="gap-band" x=${x(Math.max(0, gap.at_us))} y="0" width=${x(gap.us)} height="84" />`}
      <path class="area" d=${`M0 84${steps}H${x(end)}V84Z`} /><path class="curve" d=${`M0 84${steps}`} />
      <path class="axis" d="M0 84.5H1000" />
      ${line("first-byte", stream.first_byte_us, x)}${line("first-word", stream.first_word_us, x)}
    </svg>
    <div class="ticks" aria-hidden="true">${[0, 0.25, 0.5, 0.75, 1].map((part) => html`<span key=${part}>${part ? micros(end * part) : "0"}</span>`)}</div></div>`;
}

const line = (kind, at, x) => (at == null ? null : html`<path class=${kind} d=${`M${x(at)} 0V84`} />`);

/** The table. */
function Events({ id, stream }) {
  const view = useVirtual(stream.total, HEIGHT, HEIGHT);
  const events = usePages(id, stream, view.start, view.end);
  const [chosen, choose] = useState(null);
  const event = chosen === null ? null : events(chosen);
  const move = (by) => {
    const place = Math.max(0, Math.min(stream.total - 1, (chosen ?? -1) + by));
    choose(place);
    view.show(place);
  };
  const pressed = (key) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20 }[key.key];
    if (!by) return;
    key.preventDefault();
    key.stopPropagation();
    move(by);
  };
  const rows = [];
  for (let n = view.start; n < view.end; n++) rows.push(html`<${Row} key=${n} n=${n} event=${events(n)} before=${events(n - 1)} chosen=${chosen === n} choose=${choose} slow=${stream.longest_gap?.us} />`);
  const named = Math.min(28, Math.max(0, ...stream.events.map((each) => each.name?.length ?? 0)));
  return html`<div class="events" style=${{ "--names": named ? `${Math.max(named, 4) * 7 + 16}px` : "0px" }}>
    <div class="scroller" ref=${view.box} onScroll=${view.onScroll} tabindex="0" role="listbox" aria-label=${plural(stream.total, "event")} onKeyDown=${pressed}
      aria-activedescendant=${chosen === null ? undefined : `event-${chosen}`} data-testid="events">
      <div class="event head" role="presentation"><span class="right">#</span><span class="right">at</span><span class="right">gap</span><span class="right">size</span><span>${named ? "name" : ""}</span><span>data</span></div>
      <div class="whole" role="presentation" style=${{ height: `${stream.total * HEIGHT}px` }}><div class="window" role="presentation" style=${{ transform: `translateY(${view.start * HEIGHT}px)` }}>${rows}</div></div>
    </div>
    ${event && html`<div class="event-data" data-testid="event-data"><${Json} text=${prettyJson(event.data ?? "")} /></div>`}
  </div>`;
}

function Row({ n, event, before, chosen, choose, slow }) {
  if (!event) return html`<div class="event gap" role="option" id=${`event-${n}`}><span class="right">${n}</span></div>`;
  const gap = event.at_us == null || before?.at_us == null ? null : event.at_us - before.at_us;
  const long = gap !== null && slow && gap >= slow / 2 && gap > 200_000;
  return html`<div class=${`event ${chosen ? "at" : ""}`} role="option" aria-selected=${chosen} id=${`event-${n}`} data-testid="event" onClick=${() => choose(n)}>
    <span class="right quiet">${n}</span><span class="right">${micros(event.at_us)}</span><span class=${`right ${long ? "warn-text" : "quiet"}`}>${gap === null ? "" : `+${micros(gap)}`}</span>
    <span class="right quiet">${octets(event.size)}</span><span>${oneLine(event.name, 40)}</span>
    <span class="data">${event.words ? html`<span class="spoken">${visible(event.words).replace(/\n/g, "\u21b5")}</span> ` : ""}<span class="quiet">${oneLine(event.data, 160)}</span></span></div>`;
}

/** What gives the n-th event once its page is there. */
function usePages(id, stream, start, end) {
  const pages = useRef(new Map([[0, stream.events]]));
  const [, redraw] = useState(0);
  useEffect(() => {
    pages.current.set(0, stream.events);
  }, [stream]);
  useEffect(() => {
    const control = new AbortController();
    for (let page = Math.floor(start / PAGE); page * PAGE < end; page++) if (!pages.current.has(page)) ask(page, control.signal);
    return () => control.abort();
  }, [Math.floor(start / PAGE), Math.floor(end / PAGE)]);
  async function ask(page, signal) {
    try {
      const found = await get(`exchanges/${id}/stream`, { offset: page * PAGE, limit: PAGE }, signal);
      pages.current.set(page, found.events);
      for (const key of pages.current.keys()) if (pages.current.size > 12 && Math.abs(key - page) > 4) pages.current.delete(key);
      redraw(page + Math.random());
    } catch {
      // it is asked again when it comes into view again
    }
  }
  return (n) => pages.current.get(Math.floor(n / PAGE))?.[n % PAGE];
}
