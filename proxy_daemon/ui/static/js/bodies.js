/**
 * The Request and Response tabs: headers, and the body pretty, raw or in hex, page by page.
 *
 * Invariant: as much of a body is held as somebody asked to see.
 */
import { address, get } from "./api.js";
import { copyText } from "./clipboard.js";
import { grouped, octets, oneLine, visible } from "./format.js";
import { html, useEffect, useState } from "./html.js";
import { Icon } from "./icons.js";
import { Json } from "./json.js";
import { Fail, Loading } from "./loading.js";
import { Plain } from "./words.js";

const FORMS = ["pretty", "raw", "hex"];
const PAGE = 65_536;

/** @param {{id: string, side: "request"|"response"|"delivered", message: object|undefined, line: unknown}} props */
export function Side({ id, side, message, line }) {
  if (!message) return html`<p class="quiet empty-tab">${side === "request" ? "Nothing is known of the request." : "There is no response."}</p>`;
  return html`<div class="side">
    <p class="start-line">${line}</p>
    <${Headers} pairs=${message.headers ?? []} />
    ${message.trailers?.length > 0 && html`<h3>Trailers</h3><${Headers} pairs=${message.trailers} />`}
    <${Body} key=${side} id=${id} side=${side} />
  </div>`;
}

function Headers({ pairs }) {
  const copy = () => copyText(pairs.map(([name, value]) => `${name}: ${value}`).join("\n"), "headers");
  if (!pairs.length) return html`<p class="quiet">No headers.</p>`;
  return html`<div class="headers"><button type="button" class="plain copier" aria-label="copy headers" title="copy headers" onClick=${copy}><${Icon} name="copy" /></button>
    <table data-testid="headers"><tbody>
      ${pairs.map(([name, value], index) => html`<tr key=${index}><th scope="row">${visible(name)}</th><td>${visible(value)}</td></tr>`)}
    </tbody></table></div>`;
}

/** The body in the form that was chosen. */
export function Body({ id, side }) {
  const [form, setForm] = useState("pretty");
  const pages = usePages(id, side, form);
  const first = pages.first;
  return html`<div class="body">
    <div class="body-head">
      <div class="forms" role="group" aria-label="form of the body">
        ${FORMS.map((name) => html`<button type="button" key=${name} aria-pressed=${form === name} data-testid=${`form-${name}`} onClick=${() => setForm(name)}>${name}</button>`)}
      </div>
      ${first && html`<span class="quiet">${about(first)}</span>`}
      <a class="quiet-link" href=${address(`exchanges/${id}/${side}/body`)} download=${`${id}-${side}`}>download</a>
    </div>
    ${first?.problem && html`<p class="notice">${oneLine(first.problem, 500)}</p>`}
    ${pages.fault && html`<${Fail} fault=${pages.fault} again=${pages.more} />`}
    ${!first && !pages.fault && html`<${Loading} />`}
    ${first && first.kind === "empty" && html`<p class="quiet">No body.</p>`}
    <div data-testid="body">${pages.texts.map((text, index) => drawn(text, index, form, first))}</div>
    ${pages.next !== null && html`<button type="button" class="text more" data-testid="more" disabled=${pages.loading} onClick=${pages.more}>more</button>`}
  </div>`;
}

function drawn(text, index, asked, first) {
  const form = first.form ?? asked;
  if (form === "pretty" && ["json", "sse", "lines"].includes(first.kind)) return html`<${Json} key=${index} text=${text} />`;
  return form === "hex" ? html`<pre class="json hex" key=${index}>${text}</pre>` : html`<${Plain} key=${index} text=${text} />`;
}

const about = (page) => [page.media_type || "no content type", `${grouped(page.size)} octets (${octets(page.size)})`, page.coded && `coded: ${page.coded}`].filter(Boolean).map((word) => oneLine(word, 80)).join(" \u00b7 ");

/** The pages so far, and a way to the next. */
function usePages(id, side, form) {
  const none = { key: "", texts: [], first: null, next: null, fault: null, loading: true };
  const [state, setState] = useState(none);
  const key = `${id} ${side} ${form}`;
  const ask = (offset, before, signal) =>
    get(`exchanges/${id}/${side}`, { form, offset, limit: PAGE }, signal)
      .then((page) => setState({ key, texts: [...before.texts, page.text], first: before.first ?? page, next: page.next, fault: null, loading: false }))
      .catch((fault) => signal?.aborted || setState({ ...before, key, fault, loading: false }));
  useEffect(() => {
    const control = new AbortController();
    setState({ ...none, key });
    ask(0, none, control.signal);
    return () => control.abort();
  }, [key]);
  const mine = state.key === key ? state : none;
  const more = () => {
    setState({ ...mine, loading: true });
    ask(mine.next ?? 0, mine);
  };
  return { ...mine, more };
}
