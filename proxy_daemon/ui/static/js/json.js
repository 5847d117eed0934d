/**
 * JSON with its keys, strings and figures told apart by colour. Pure but for the drawing.
 *
 * Invariant: the text nodes put together are the text that came in; a text that is no JSON is shown all the same.
 */
import { visible } from "./format.js";
import { html, useMemo } from "./html.js";

const MOST = 30_000; // characters; a longer text is shown in one colour
const TOKEN = /"(?:[^"\\\n]|\\.)*"(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\b(?:true|false|null)\b/g;

/** @param {string} text @returns {{kind: string, text: string}[]} */
export function tokens(text) {
  const found = [];
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    if (match.index > at) found.push({ kind: "", text: text.slice(at, match.index) });
    found.push({ kind: kindOf(match), text: match[0] });
    at = match.index + match[0].length;
  }
  if (at < text.length) found.push({ kind: "", text: text.slice(at) });
  return found;
}

function kindOf(match) {
  if (match[0][0] === '"') return match[1] ? "key" : "string";
  return /^[-\d]/.test(match[0]) ? "number" : "constant";
}

/** @param {{text: string}} props */
export function Json({ text }) {
  const parts = useMemo(() => (text.length > MOST ? null : tokens(visible(text))), [text]);
  if (!parts) return html`<pre class="json">${visible(text)}</pre>`;
  return html`<pre class="json">${parts.map((part) => (part.kind ? html`<span class=${part.kind}>${part.text}</span>` : part.text))}</pre>`;
}
