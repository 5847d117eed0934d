/**
 * The Timing tab: how long each part of the exchange took, as one bar and in figures. Only what was recorded.
 */
import { duration, moment, octets, plural, took } from "./format.js";
import { html } from "./html.js";

/** @param {{exchange: object}} props */
export function Timing({ exchange }) {
  const known = took(exchange) !== "";
  const phases = known ? phasesOf(exchange) : [];
  const whole = Math.max(exchange.duration_ms ?? 0, 0.001);
  let at = 0;
  const bars = phases.map((phase) => {
    const start = at;
    at += phase.ms;
    return { ...phase, start };
  });
  return html`<div class="timing" data-testid="timing">
    ${!known && html`<p class="quiet">The recording does not say how long it took.</p>`}
    ${known && html`<div class="waterfall" role="table" aria-label="phases">
      ${bars.map((phase) => html`<div class="phase" role="row" key=${phase.name}>
        <span role="rowheader">${phase.name}</span>
        <span role="cell" class="right">${duration(phase.ms)}</span>
        <span role="cell" class="bar"><svg viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="1000" height="10" /><rect class=${phase.kind}
          x=${((1000 * phase.start) / whole).toFixed(1)} width=${Math.max(2, (1000 * phase.ms) / whole).toFixed(1)} height="10" /></svg></span>
        <span role="cell" class="quiet what">${phase.what}</span></div>`)}
    </div>`}
    <dl class="pairs">${factsOf(exchange).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
  </div>`;
}

/** Until the head, until the first octet, the rest. */
function phasesOf(exchange) {
  const head = exchange.head_ms ?? 0;
  const times = exchange.response?.times_us ?? [];
  const first = times.length ? Math.max(head, times[0] / 1000) : head;
  const end = Math.max(exchange.duration_ms ?? 0, first);
  return [
    { name: "to the head", kind: "waits", ms: head, what: "the request was sent, upstream worked" },
    { name: "to the first byte", kind: "pauses", ms: first - head, what: "a head, and no body yet" },
    { name: "the body", kind: "flows", ms: end - first, what: times.length ? plural(times.length, "piece") : "no pieces" },
  ];
}

function factsOf(exchange) {
  const times = exchange.response?.times_us ?? [];
  const seconds = times.length > 1 ? (times.at(-1) - times[0]) / 1e6 : 0;
  const output = exchange.told?.output;
  return [
    ["began", moment(exchange.started)],
    ["took", took(exchange)],
    ["request", octets(exchange.request?.size)],
    ["response", octets(exchange.response?.size)],
    ["rate", seconds > 0.05 && exchange.response?.size ? `${octets(Math.round(exchange.response.size / seconds))}/s` : ""],
    ["tokens a second", seconds > 0.05 && output ? (output / seconds).toFixed(1) : ""],
  ].filter(([, value]) => value);
}
