/**
 * The filter box: what is typed is asked for when the typing rests; where it does not parse, the place is marked.
 *
 * Invariant: the text in the box, the address and the list agree once the typing rests.
 */
import { feed } from "./feed.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";
import { useStore } from "./store.js";

const REST = 250;

/** @param {{q: string, change: (q: string) => void, help: () => void}} props */
export function Filter({ q, change, help }) {
  const [text, setText] = useState(q);
  const { fault, indexed, searching } = useStore(feed);
  const box = useRef(null);
  const timer = useRef(0);
  useLayoutEffect(() => {
    if (q === text.trim()) return; // it came from here: what was typed stays, blanks at its end too
    clearTimeout(timer.current);
    setText(q);
  }, [q]);
  const typed = (event) => {
    const value = event.target.value;
    setText(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => change(value.trim()), REST);
  };
  const pressed = (event) => {
    if (event.key === "Enter") [clearTimeout(timer.current), change(text.trim())];
    else if (event.key === "Escape") text ? [setText(""), clearTimeout(timer.current), change("")] : box.current.blur();
    else return;
    event.stopPropagation();
  };
  const wrong = fault?.status === 400 && text.trim() === feed.get().q ? fault : null;
  return html`<div class=${`filter ${wrong ? "wrong" : ""}`} role="search">
    <${Icon} name="search" />
    <div class="typed">
      ${wrong && html`<${Marked} text=${text} at=${wrong.at} length=${wrong.length} box=${box} />`}
      <input id="filter" data-testid="filter" ref=${box} type="text" value=${text} onInput=${typed} onKeyDown=${pressed}
        placeholder="Filter: words, ~model gpt, ~c 429, ~slow >10 \u2026" autocomplete="off" autocapitalize="off" spellcheck=${false}
        aria-label="filter" aria-invalid=${Boolean(wrong)} aria-describedby="filter-says" maxlength="2000" />
    </div>
    <kbd class="hint" aria-hidden="true">/</kbd>
    <button type="button" class="plain" onClick=${help} aria-label="what a filter can say" title="what a filter can say"><${Icon} name="help" /></button>
    <div id="filter-says" class="says" aria-live="polite" data-testid="filter-says">${says(wrong, searching, indexed, q)}</div>
  </div>`;
}

function says(wrong, searching, indexed, q) {
  if (wrong) return html`<span class="fault" data-testid="filter-fault">${wrong.message}</span>`;
  if (!q) return "";
  const behind = indexed && indexed.done < indexed.total;
  if (behind) return `indexed: ${Math.floor((100 * indexed.done) / indexed.total)} %`;
  return searching ? "searching on\u2026" : "";
}

/** Lies under the input and underlines the wrong place. */
function Marked({ text, at = 0, length = 1, box }) {
  const points = [...text];
  const lead = text.length - text.trimStart().length; // the API saw the text without it
  const start = Math.min(at + lead, points.length);
  const bad = points.slice(start, start + Math.max(1, length)).join("") || "\u00a0";
  const layer = useRef(null);
  useEffect(() => {
    if (layer.current && box.current) layer.current.scrollLeft = box.current.scrollLeft;
  });
  return html`<div class="underlay" ref=${layer} aria-hidden="true"
    >${points.slice(0, start).join("")}<mark data-testid="filter-mark">${bad}</mark></div>`;
}

const TERMS = [
  ["word", "in the URL, or said in the prompt or the answer"],
  ['"two words"', "the same, with blanks"],
  ["~said TEXT", "said: new messages of the prompt, the answer"],
  ["~model RE  ~dialect NAME", "who was asked, in which API"],
  ["~outcome NAME", "hit, miss, live, collapsed, refused, failed"],
  ["~tool RE", "a tool that the answer calls"],
  ["~tokens >5000", "tokens in all; also < <= >= ="],
  ["~slow >10", "took longer than these seconds"],
  ["~session RE  ~cassette RE", "of a session, of a cassette"],
  ["~c 429  ~m POST", "status, method"],
  ["~u RE  ~d RE", "address, host"],
  ["~b RE  ~bq RE  ~bs RE", "body: either, request, response"],
  ["~h RE  ~hq RE  ~hs RE", "header line \u201cname: value\u201d"],
  ["~t RE  ~tq RE  ~ts RE", "content type"],
  ["~q  ~s  ~e", "without a response, with one, with an error"],
  ["~marked  ~comment RE", "what people noted"],
  ["~pinned  ~edited", "kept for good, changed by hand"],
  ["A B   A & B", "both"],
  ["A | B   !A   ( )", "either, not, groups"],
];

/** What a filter can say. @param {{pick: (term: string) => void}} props */
export function FilterHelp() {
  return html`<dl class="terms">
    ${TERMS.map(([term, meaning]) => html`<div key=${term}><dt><code>${term}</code></dt><dd>${meaning}</dd></div>`)}
  </dl><p class="quiet">RE is a regular expression; case does not matter.</p>`;
}
