/**
 * The parts of a message: text, reasoning, calls with their results, media, and what is known by name only.
 *
 * Invariant: nothing is loaded from anywhere but this daemon, and only where the octets stand in the recording.
 */
import { address } from "./api.js";
import { oneLine, octets, plural, prettyJson, short, visible } from "./format.js";
import { html } from "./html.js";
import { Json } from "./json.js";
import { Copier, Folded, Plain, Words } from "./words.js";

/** @typedef {{id: string, results: Map<string, object>, fold: number, grows: boolean}} Context */

/** @param {{part: object, context: Context}} props */
export function Part({ part, context }) {
  const draw = DRAWN[part?.type];
  return draw ? draw(part, context) : other(part);
}

const DRAWN = {
  Text: (part, { fold, grows }) => html`<${Words} text=${part.text} cut=${part.cut} fold=${fold} grows=${grows} />`,
  Declined: (part) => html`<div class="declined"><span class="label">declined</span><${Words} text=${part.text} cut=${part.cut} /></div>`,
  Reasoning: reasoning,
  Media: media,
  ToolCall: call,
  ToolResult: (part) => html`<${Result} result=${part} alone=${true} />`,
  Vector: vector,
};

function reasoning(part, { grows }) {
  if (!part.text) return html`<div class="aside">reasoning, encrypted (${octets((part.opaque ?? "").length)})</div>`;
  const length = part.cut ?? part.text.length;
  return html`<${Folded} title=${`reasoning \u00b7 ${plural(length, "character")}`} open=${grows} testid="reasoning">
    <div class="reasoning"><${Words} text=${part.text} cut=${part.cut} fold=${20000} grows=${grows} /></div></${Folded}>`;
}

function call(part, { results }) {
  const result = results.get(part.id);
  return html`<div class="call" data-testid="tool-call" data-call=${part.id}>
    <div class="call-head"><span class="label">calls</span><code class="name">${visible(part.name)}</code>
      <span class="quiet id">${oneLine(part.id, 40)}</span><${Copier} text=${() => part.arguments} what="arguments" /></div>
    <${Arguments} text=${part.arguments ?? ""} />
    ${result && html`<${Result} result=${result} />`}
  </div>`;
}

/** Arguments: short ones as they are, long ones folded. */
function Arguments({ text }) {
  const pretty = prettyJson(text);
  if (pretty.length < 700 && pretty.split("\n").length <= 14) return html`<${Json} text=${pretty} />`;
  return html`<${Folded} title=${html`<code>${oneLine(text, 90)}</code>`}>${() => html`<${Json} text=${pretty} />`}</${Folded}>`;
}

function Result({ result, alone = false }) {
  const name = alone && result.name ? html`<code class="name">${visible(result.name)}</code>` : "";
  const id = alone ? html`<span class="quiet id">${oneLine(result.id, 40)}</span>` : "";
  return html`<div class=${`result ${result.failed ? "failed" : ""}`} data-testid="tool-result" data-call=${result.id}>
    <div class="call-head"><span class="label">${result.failed ? "failed" : "result"}</span>${name}${id}
      <${Copier} text=${() => result.text} what="result" /></div>
    <${Words} text=${result.text ?? ""} cut=${result.cut} fold=${900} plain=${true} />
  </div>`;
}

function media(part, { id }) {
  const kind = [part.kind, part.media_type, part.size ? octets(part.size) : ""].filter(Boolean).map((word) => oneLine(word, 60)).join(" \u00b7 ");
  const from = part.source ? html`<code class="address">${oneLine(part.source, 300)}</code>` : "";
  if (!part.href) return html`<div class="media" data-testid="media">${kind} ${from}</div>`;
  const source = address(`exchanges/${id}/${part.href}`);
  return html`<figure class="media" data-testid="media">${player(part, source, kind)}
    <figcaption>${kind} ${from} <a href=${source} download>download</a></figcaption></figure>`;
}

function player(part, source, kind) {
  const type = part.media_type ?? "";
  if (part.kind === "image" || type.startsWith("image/")) return html`<img src=${source} alt=${kind} loading="lazy" decoding="async" />`;
  if (part.kind === "audio" || type.startsWith("audio/")) return html`<audio src=${source} controls preload="none" aria-label=${kind} />`;
  return null;
}

function vector(part) {
  const values = part.values ?? [];
  const shown = values.slice(0, 8).map((value) => Number(value).toPrecision(4)).join(", ");
  return html`<${Folded} title=${`embedding \u00b7 ${plural(part.cut ?? values.length, "number")} \u00b7 ${shown}${values.length > 8 ? " \u2026" : ""}`}>
    ${() => html`<${Plain} text=${values.join(", ")} />`}</${Folded}>`;
}

const other = (part) => html`<div class="aside">${oneLine(part?.kind ?? part?.type ?? "something", 60)} (known by name only; see Request or Response)</div>`;

/** "14.2k in (12k cached), 512 out (128 reasoning)". @param {object|null} usage */
export function usageText(usage) {
  if (!usage) return "";
  const of = (count, word) => (count ? ` (${short(count)} ${word})` : "");
  const parts = [];
  if (usage.input != null) parts.push(`${short(usage.input)} in${of(usage.cached, "cached")}`);
  if (usage.output != null) parts.push(`${short(usage.output)} out${of(usage.reasoning, "reasoning")}`);
  return parts.join(", ");
}
