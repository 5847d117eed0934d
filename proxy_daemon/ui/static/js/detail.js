/**
 * One exchange: its head line, what can be done with it, and the tabs. A tab asks for its data when it is opened.
 *
 * Invariant: the page says so when the exchange is still under way, when it was deleted while it was shown, and when
 * it cannot be had; it never shows one exchange's data under another's id.
 */
import { Actions } from "./actions.js";
import { Side } from "./bodies.js";
import { Chat } from "./chat.js";
import { Diff } from "./diff.js";
import { moment, octets, oneLine, shortSession, took, tokenFlow, visible } from "./format.js";
import { html, useEffect, useErrorBoundary, useRef } from "./html.js";
import { Icon, Outcome } from "./icons.js";
import { Fail, Loading, useAsked } from "./loading.js";
import { TABS } from "./route.js";
import { Rules } from "./rules.js";
import { Stream } from "./stream.js";
import { Timing } from "./timing.js";
import { happening } from "./happening.js";
import { useStore } from "./store.js";

/** @param {{id: string, tab: string, go: (route: object) => void}} props */
export function Detail({ id, tab, go }) {
  const now = useStore(happening);
  const live = now.underWay.get(id);
  const version = now.versions.get(id) ?? 0;
  const asked = useAsked(live ? null : `exchanges/${id}`, {}, [version]);
  const last = useRef(null); // what was known of it while it was under way
  last.current = live ?? last.current;
  useEffect(() => patience(asked, last.current), [asked.fault]);
  const exchange = asked.value ?? last.current;
  if (now.deleted.has(id)) return html`<${Gone} id=${id} go=${go} />`;
  if (asked.fault && !last.current) return html`<${Missing} fault=${asked.fault} again=${asked.again} go=${go} />`;
  if (!exchange) return html`<section class="detail" aria-label="exchange"><${Close} go=${go} /><${Loading} /></section>`;
  return html`<section class="detail" aria-label=${`exchange ${id}`} data-testid="detail" data-id=${id}>
    <${Head} exchange=${exchange} live=${asked.value ? null : last.current} why=${now.explained.get(id)} go=${go} />
    <${Tabs} tab=${tab} go=${go} />
    <${Guarded} key=${`${id} ${tab}`}><${Panel} id=${id} tab=${tab} exchange=${exchange} growing=${!asked.value} version=${version} go=${go} /></${Guarded}>
  </section>`;
}

/** What has just ended may not be in the store yet: it is asked for again. */
function patience(asked, last) {
  if (asked.fault?.status !== 404 || !last) return undefined;
  const timer = setTimeout(asked.again, 400);
  return () => clearTimeout(timer);
}

const Close = ({ go }) => html`<button type="button" class="plain close" aria-label="close" title="close (Esc)" data-testid="close" onClick=${() => go({ id: null })}><${Icon} name="close" /></button>`;

function Gone({ id, go }) {
  return html`<section class="detail" aria-label="exchange"><${Close} go=${go} /><p class="notice" role="status" data-testid="gone">The exchange <code>${id}</code> was deleted.</p></section>`;
}

function Missing({ fault, again, go }) {
  const words = fault.status === 404 ? { message: "There is no such exchange (any more)." } : fault;
  return html`<section class="detail" aria-label="exchange"><${Close} go=${go} /><${Fail} fault=${words} again=${again} /></section>`;
}

/** A fault in drawing one tab leaves the others usable. */
function Guarded({ children }) {
  const [error, reset] = useErrorBoundary();
  if (!error) return children;
  return html`<${Fail} fault=${{ message: `This tab cannot be drawn: ${oneLine(error.message, 200)}` }} again=${reset} />`;
}

function Head({ exchange, live, why, go }) {
  const failed = exchange.status >= 400 || (!live && !exchange.status);
  return html`<header class="detail-head">
    <div class="title-line"><${Outcome} outcome=${exchange.outcome} />
      <span class=${`status ${failed ? "bad" : ""}`} data-testid="status">${live ? html`<span class="under-way">${live.state}</span>` : exchange.status ?? "failed"}</span>
      <h2 title=${oneLine(exchange.url, 1000)}>${visible(exchange.method)} ${oneLine(exchange.path, 300)}</h2>
      <${Actions} exchange=${exchange} live=${Boolean(live)} go=${go} /><${Close} go=${go} /></div>
    <div class="meta">${metaOf(exchange).map(([name, value]) => html`<span key=${name} title=${name}>${value}</span>`)}</div>
    ${(exchange.mark || exchange.comment) && html`<div class="remark" data-testid="remark">${exchange.mark && html`<span class="mark">${oneLine(exchange.mark, 40)}</span> `}${visible(exchange.comment)}</div>`}
    ${exchange.detail && !live && (failed || exchange.outcome === "miss") && html`<p class="why">${oneLine(exchange.detail, 500)}</p>`}
    ${why && exchange.outcome === "miss" && html`<p class="why" data-testid="explained">${visible(why)}</p>`}
  </header>`;
}

function metaOf(exchange) {
  const told = exchange.told;
  const flow = tokenFlow(told);
  return [
    ["model", oneLine(exchange.model, 80)],
    ["dialect", oneLine(told?.dialect, 40)],
    ["tokens in and out", flow && `${flow} tokens`],
    ["took", exchange.state && exchange.state !== "ended" ? "" : took(exchange)],
    ["response", octets(exchange.response_size ?? exchange.response?.size)],
    ["session", exchange.session && `session ${oneLine(shortSession(exchange.session), 40)}`],
    ["upstream", exchange.upstream && `upstream ${oneLine(exchange.upstream, 60)}`],
    ["began", moment(exchange.started)],
    ["flags", [exchange.pinned && "pinned", exchange.edited && "edited", exchange.redacted && "redacted", exchange.cut && "cut"].filter(Boolean).join(", ")],
    ["id", exchange.id],
  ].filter(([, value]) => value);
}

function Tabs({ tab, go }) {
  const list = useRef(null);
  const pressed = (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const next = (TABS.indexOf(tab) + by + TABS.length) % TABS.length;
    go({ tab: TABS[next] });
    list.current.children[next].focus();
  };
  return html`<div class="tabs" role="tablist" aria-label="views of the exchange" ref=${list} onKeyDown=${pressed}>
    ${TABS.map((name, index) => html`<button type="button" role="tab" key=${name} id=${`tab-${name}`} data-testid=${`tab-${name}`} aria-selected=${tab === name} aria-controls="panel"
      tabindex=${tab === name ? 0 : -1} title=${`key ${index + 1}`} onClick=${() => go({ tab: name })}>${name}</button>`)}</div>`;
}

function Panel({ id, tab, exchange, growing, version, go }) {
  const panel = useRef(null);
  useEffect(() => void (panel.current.scrollTop = 0), [id, tab]);
  return html`<div class=${`panel panel-${tab}`} id="panel" role="tabpanel" aria-labelledby=${`tab-${tab}`} ref=${panel} tabindex="0" data-testid="panel">
    ${inside({ id, tab, exchange, growing, version, go })}</div>`;
}

function inside({ id, tab, exchange, growing, version, go }) {
  const open = (other) => go({ id: other });
  if (tab === "chat") return html`<${Chat} key=${id} id=${id} growing=${growing} version=${version} />`;
  if (growing) return html`<p class="quiet empty-tab">This exchange is under way. What was on the wire is shown when it has ended; the answer grows in Chat.</p>`;
  switch (tab) {
    case "request":
      return html`<${Side} key=${id} id=${id} side="request" message=${exchange.request} line=${`${visible(exchange.method)} ${visible(exchange.url || exchange.path)}`} />`;
    case "response":
      return html`<${Side} key=${id} id=${id} side="response" message=${exchange.response} line=${`${exchange.status ?? ""} ${visible(exchange.response?.reason)}`} />`;
    case "stream":
      return html`<${Stream} key=${id} id=${id} version=${version} />`;
    case "timing":
      return html`<${Timing} exchange=${exchange} />`;
    case "diff":
      return html`<${Diff} key=${id} id=${id} version=${version} open=${open} />`;
    default:
      return html`<${Rules} exchange=${exchange} open=${open} />`;
  }
}
