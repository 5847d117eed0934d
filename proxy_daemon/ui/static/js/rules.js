/**
 * The Rules tab: what acted on the exchange, what is wrong with its recording, and what the client got instead.
 */
import { oneLine, visible } from "./format.js";
import { html } from "./html.js";
import { Body } from "./bodies.js";

/** @param {{exchange: object, open: (id: string) => void}} props */
export function Rules({ exchange, open }) {
  const rules = exchange.rules ?? [];
  return html`<div class="rules" data-testid="rules">
    <h3>Rules that acted</h3>
    ${rules.length ? html`<ul class="plain-list">${rules.map((rule, index) => html`<li key=${index}>${typeof rule === "string" ? visible(rule) : visible(JSON.stringify(rule))}</li>`)}</ul>` : html`<p class="quiet">None: no rule changed anything.</p>`}
    <h3>The recording</h3>
    <dl class="pairs">${factsOf(exchange, open).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    ${exchange.delivered && html`<${Delivered} exchange=${exchange} />`}
  </div>`;
}

function factsOf(exchange, open) {
  const yes = (value, words) => (value ? words : "");
  return [
    ["outcome", `${exchange.outcome}, ${exchange.ending}`],
    ["detail", oneLine(exchange.detail, 2000)],
    ["served from", exchange.served_from && html`<button type="button" class="text mono" onClick=${() => open(exchange.served_from)}>${exchange.served_from}</button>`],
    ["replayed again", exchange.replayable ? "yes" : "no"],
    ["cassette", oneLine(exchange.cassette, 200)],
    ["imported from", oneLine(exchange.imported, 200)],
    ["edited", yes(exchange.edited, "by hand")],
    ["pinned", yes(exchange.pinned, "it stays, whatever the store\u2019s limits")],
    ["redacted", yes(exchange.redacted, "secrets were taken out before it was written")],
    ["cut", yes(exchange.cut, "the body was longer than what is recorded")],
    ["not known", oneLine((exchange.unknown ?? []).join(", "), 400)],
    ["client", oneLine(exchange.client, 100)],
  ].filter(([, value]) => value);
}

/** What the client got, where that is not what upstream sent. */
function Delivered({ exchange }) {
  const got = exchange.delivered;
  const old = new Set((exchange.response?.headers ?? []).map(([name, value]) => `${name.toLowerCase()}: ${value}`));
  const added = (got.headers ?? []).filter(([name, value]) => !old.has(`${name.toLowerCase()}: ${value}`));
  return html`<h3>What the client got</h3>
    <p>Status ${got.status}${got.status !== exchange.status ? html` <span class="quiet">(upstream said ${exchange.response?.status ?? exchange.status})</span>` : ""}${got.cut ? ", cut" : ""}</p>
    ${added.length > 0 && html`<div class="headers"><table><tbody>${added.map(([name, value], index) => html`<tr key=${index}><th scope="row">${visible(name)}</th><td>${visible(value)}</td></tr>`)}</tbody></table></div>`}
    ${got.size === null || got.size === undefined ? html`<p class="quiet">The body is the one of upstream.</p>` : html`<${Body} id=${exchange.id} side="delivered" />`}`;
}
