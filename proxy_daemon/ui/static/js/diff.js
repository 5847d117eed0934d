/**
 * The Diff tab: what differs from the nearest recording, the previous turn, or any other exchange.
 *
 * Invariant: what was taken away and what was added are told apart by signs and lines, not by colour alone.
 */
import { get } from "./api.js";
import { oneLine, visible } from "./format.js";
import { html, useEffect, useState } from "./html.js";
import { isId } from "./ids.js";
import { Fail, Loading, useAsked } from "./loading.js";
import { keep, preferences, useStore } from "./store.js";

/** @param {{id: string, version: number, open: (id: string) => void}} props */
export function Diff({ id, version, open }) {
  const [other, setOther] = useState("nearest");
  const [all, setAll] = useState(false);
  const asked = useAsked(`exchanges/${id}/diff`, { with: other, all: all ? 1 : null }, [version]);
  return html`<div class="diff" data-testid="diff">
    <${Against} other=${other} choose=${setOther} />
    ${asked.fault && html`<${Fail} fault=${asked.fault} again=${asked.again} />`}
    ${!asked.value && !asked.fault && html`<${Loading} />`}
    ${asked.value && html`<${Found} diff=${asked.value} all=${all} showAll=${() => setAll(true)} open=${open} />`}
  </div>`;
}

/** Against what. */
function Against({ other, choose }) {
  const [text, setText] = useState("");
  const panes = useStore(preferences).panes ?? false;
  const typed = (event) => {
    const value = event.target.value.trim().toLowerCase();
    setText(value);
    if (isId(value)) choose(value);
  };
  return html`<div class="body-head">
    <div class="forms" role="group" aria-label="compare with">
      <button type="button" aria-pressed=${other === "nearest"} data-testid="diff-nearest" onClick=${() => choose("nearest")}>nearest recording</button>
      <button type="button" aria-pressed=${other === "previous"} data-testid="diff-previous" onClick=${() => choose("previous")}>previous turn</button>
    </div>
    <input class="id-box" type="text" value=${text} onInput=${typed} placeholder="or an exchange\u2019s id" aria-label="compare with the exchange of this id"
      aria-invalid=${text !== "" && !isId(text)} spellcheck=${false} autocomplete="off" maxlength="16" data-testid="diff-id" />
    <div class="forms end-of-line" role="group" aria-label="form of the difference">
      <button type="button" aria-pressed=${!panes} onClick=${() => keep({ panes: false })}>inline</button>
      <button type="button" aria-pressed=${panes} onClick=${() => keep({ panes: true })}>two panes</button>
    </div></div>`;
}

function Found({ diff, all, showAll, open }) {
  const panes = useStore(preferences).panes ?? false;
  if (!diff.with) return html`<p class="quiet">${oneLine(diff.problem, 500) || "There is nothing to compare it with."}</p>`;
  const sections = grouped(diff.lines ?? []);
  return html`<p class="against">
      <button type="button" class="text mono" onClick=${() => isId(diff.with) && open(diff.with)}>${visible(diff.titles?.[0] ?? diff.with)}</button>
      <span class="quiet"> \u2192 </span><span class="mono">${visible(diff.titles?.[1] ?? "this one")}</span>
      ${diff.score != null && html`<span class="quiet"> \u00b7 alike: ${(100 * diff.score).toFixed(diff.score > 0.99 ? 2 : 1)} %</span>`}</p>
    ${diff.problem && html`<p class="notice">${oneLine(diff.problem, 500)}</p>`}
    ${!sections.length && html`<p class="quiet">They do not differ.</p>`}
    ${sections.map(([section, lines]) => html`<section key=${section}><h3>${visible(section)}</h3>
      ${lines.map((line, index) => html`<${Line} key=${index} line=${line} panes=${panes} />`)}</section>`)}
    ${diff.cut && html`<p class="quiet">There is more than is shown here. ${!all && html`<button type="button" class="text" onClick=${showAll}>Show all</button>`}</p>`}`;
}

/** Lines by their section, in their order. */
function grouped(lines) {
  const found = new Map();
  for (const line of lines) found.set(line.section, [...(found.get(line.section) ?? []), line]);
  return [...found];
}

function Line({ line, panes }) {
  const words = line.words?.length ? line.words : [...(line.old == null ? [] : [["-", line.old]]), ...(line.new == null ? [] : [["+", line.new]])];
  return html`<div class="difference" data-testid="difference"><div class="path">${visible(line.path)}</div>
    ${panes
      ? html`<div class="panes"><div class="pane old">${marked(words, "-")}</div><div class="pane new">${marked(words, "+")}</div></div>`
      : html`<div class="inline">${marked(words, "-+")}</div>`}
  </div>`;
}

/** Words of both sides, or of one. */
function marked(words, signs) {
  return words.filter(([sign]) => sign === "=" || signs.includes(sign)).map(([sign, text], index) => {
    if (sign === "-") return html`<del key=${index}>${visible(text)}</del>`;
    return sign === "+" ? html`<ins key=${index}>${visible(text)}</ins>` : html`<span key=${index}>${visible(text)}</span>`;
  });
}
