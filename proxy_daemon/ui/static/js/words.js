/**
 * Foreign words on the page: Markdown or plain, folded where they are long, drawn when they come into view.
 *
 * Invariant: a text is drawn in full only when somebody asked for it, and what is not Markdown is a text node.
 */
import { beginning, blocks } from "./blocks.js";
import { copyText } from "./clipboard.js";
import { grouped, visible } from "./format.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";
import { fragment } from "./markdown.js";
import { preferences, useStore } from "./store.js";

const FIRST = 1500; // characters of a folded text
const PLAIN_AT_ONCE = 100_000;

/**
 * @param {{text: string, cut?: number, fold?: number, plain?: boolean, grows?: boolean}} props
 *   `fold`: more characters than these are folded; `cut`: how long the whole is, where the API shortened it
 */
export function Words({ text, cut, fold = 4000, plain = false, grows = false }) {
  const [open, setOpen] = useState(false);
  const asPlain = useStore(preferences).plain || plain;
  const long = !grows && text.length > fold;
  const shown = long && !open ? beginning(text, Math.min(FIRST, fold)) : text;
  const whole = cut ?? text.length;
  return html`<div class="words">
    ${asPlain ? html`<${Plain} text=${shown} />` : blocks(shown).map((block, index) => html`<${Block} key=${index} text=${block} atOnce=${grows} />`)}
    ${long && html`<button type="button" class="text more" aria-expanded=${open} data-testid="fold"
      onClick=${() => setOpen(!open)}>${open ? "show less" : `\u2026 show all ${grouped(whole)} characters`}</button>`}
    ${cut && (open || !long) && html`<p class="quiet">This is the beginning: ${grouped(whole)} characters in all. The rest stands in the raw body.</p>`}
  </div>`;
}

/** A text as it is; a very long one in parts, so that the browser need not lay out what is out of view. */
export function Plain({ text }) {
  if (text.length <= PLAIN_AT_ONCE) return html`<pre class="plain-text">${visible(text)}</pre>`;
  const parts = [];
  for (let at = 0; at < text.length; at += PLAIN_AT_ONCE) parts.push(text.slice(at, at + PLAIN_AT_ONCE));
  return html`<div>${parts.map((part, index) => html`<pre class="plain-text lazy" key=${index}>${visible(part)}</pre>`)}</div>`;
}

/** One block of Markdown: plain until it is near the view. */
function Block({ text, atOnce }) {
  const place = useRef(null);
  const [near, setNear] = useState(atOnce);
  useEffect(() => (near ? undefined : whenNear(place.current, () => setNear(true))), [near]);
  useLayoutEffect(() => {
    if (near) drawn(place.current, text);
    else place.current.textContent = visible(text);
  }, [near, text]);
  return html`<div class=${near ? "markdown" : "markdown raw"} ref=${place} dir="auto" />`;
}

/** Puts the Markdown into the element, which holds nothing of Preact's. */
function drawn(element, text) {
  const made = fragment(text);
  element.classList.toggle("raw", !made);
  if (!made) return void (element.textContent = visible(text));
  for (const pre of made.querySelectorAll("pre")) pre.append(copier(pre.textContent));
  element.replaceChildren(made);
}

function copier(text) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy-code";
  button.textContent = "copy";
  button.addEventListener("click", () => copyText(text, "code"));
  return button;
}

const seen = new IntersectionObserver(
  (entries) => entries.forEach((entry) => entry.isIntersecting && reached(entry.target)),
  { rootMargin: "600px" },
);
const callbacks = new WeakMap();

function whenNear(element, callback) {
  callbacks.set(element, callback);
  seen.observe(element);
  return () => seen.unobserve(element);
}

function reached(element) {
  seen.unobserve(element);
  callbacks.get(element)?.();
}

/** A button that copies what `text()` gives. @param {{text: () => string, what: string}} props */
export function Copier({ text, what }) {
  return html`<button type="button" class="plain copier" onClick=${() => copyText(text(), what)} aria-label=${`copy ${what}`}
    title=${`copy ${what}`}><${Icon} name="copy" /></button>`;
}

/** What is folded until it is asked for; its inside does not exist before. */
export function Folded({ title, children, open: atFirst = false, testid }) {
  const [open, setOpen] = useState(atFirst);
  return html`<div class=${`folded ${open ? "open" : ""}`}>
    <button type="button" class="fold-title" aria-expanded=${open} data-testid=${testid} onClick=${() => setOpen(!open)}>
      <${Icon} name="down" /><span>${title}</span></button>
    ${open && html`<div class="fold-body">${typeof children === "function" ? children() : children}</div>`}
  </div>`;
}
