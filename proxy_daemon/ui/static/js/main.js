/**
 * The page: address, top bar, list, detail. Puts the parts together; nobody imports it.
 *
 * Invariant: what is shown follows from the address; whatever moves, moves by changing it.
 */
import { copyAs, copyLink, setMode } from "./acts.js";
import { get } from "./api.js";
import { Detail } from "./detail.js";
import { Dialogs } from "./dialogs.js";
import * as feed from "./feed.js";
import { Filter } from "./filter.js";
import { clock, day } from "./format.js";
import { happening } from "./happening.js";
import { html, render, useLayoutEffect } from "./html.js";
import { Icon } from "./icons.js";
import { idAt, timeOf } from "./ids.js";
import { listenToKeys } from "./keys.js";
import { cursor, List } from "./list.js";
import { listen } from "./live.js";
import { Menu } from "./menu.js";
import { Notice } from "./notice.js";
import { format, parse } from "./route.js";
import { Split, widthOf } from "./split.js";
import { keep, page, preferences, useStore } from "./store.js";
import { applyTheme, toggleTheme } from "./theme.js";

const MODES = ["off", "new_episodes", "none", "once", "all"];

/** Goes where the route says; `quietly`: the way back does not lead through it. */
function go(change, quietly = false) {
  const hash = format({ ...page.get().route, ...change });
  if (hash === (location.hash || "#/")) return;
  if (quietly) history.replaceState(null, "", hash);
  else history.pushState(null, "", hash);
  moved();
}

/** The address changed. */
function moved() {
  const route = parse(location.hash);
  const { q, at } = feed.feed.get();
  page.set({ route });
  if (route.q !== q || route.at !== at) feed.open(route.q, route.at);
  document.title = route.id ? `${route.id.slice(-6)} \u00b7 llmproxy` : "llmproxy";
}

const open = (id, quietly = false) => go({ id }, quietly || page.get().route.id !== null);
const openDialog = (kind) => () => page.set({ dialog: { kind } });
const filterBy = (term) => {
  const { q } = page.get().route;
  go({ q: q.includes(term) ? q : [q, term].filter(Boolean).join(" "), at: null });
};

/** The list gets the focus with the next frame, unless something else has got it by then. */
const rest = () => requestAnimationFrame(() => [document.body, null].includes(document.activeElement) && cursor.focus());

function close() {
  if (page.get().route.id === null) return cursor.focus();
  go({ id: null });
  rest();
}

function TopBar({ route, mode, configured }) {
  const { paused, at } = useStore(feed.feed);
  const said = paused ? "paused: follow what happens (p)" : "following: pause (p)";
  return html`<header class="topbar">
    <h1><a class="brand" href="#/" aria-label="llmproxy, all exchanges">llmproxy</a></h1>
    <${Filter} q=${route.q} change=${(q) => go({ q, at: null }, true)} help=${openDialog("help")} />
    ${at && html`<button type="button" class="chip at-time" data-testid="at-time" onClick=${() => go({ at: null })} title="back to now">until ${day(timeOf(at) / 1000).slice(5)} ${clock(timeOf(at) / 1000).slice(0, 5)} \u00d7</button>`}
    ${!at && html`<button type="button" class=${`follow ${paused ? "paused" : ""}`} aria-pressed=${!paused} title=${said} data-testid="pause" onClick=${() => feed.pause(!paused)}>
      <${Icon} name=${paused ? "play" : "pause"} /><span>${paused ? "paused" : "following"}</span></button>`}
    <${Mode} mode=${mode} configured=${configured} />
    <${Menu} label="more" testid="top-menu" items=${[
      ["Jump to a time\u2026", openDialog("jump"), "jump"],
      ["Columns\u2026", openDialog("columns"), "columns"],
      ["Verdict\u2026", openDialog("verdict"), "verdict"],
      ["Keys and filters\u2026", openDialog("help"), "help"],
    ]}><${Icon} name="more" /></${Menu}>
    <button type="button" class="plain" aria-label="dark or light" title="dark or light (t)" data-testid="theme" onClick=${toggleTheme}><${Icon} name="theme" /></button>
  </header>`;
}

function Mode({ mode, configured }) {
  if (!mode) return null;
  const known = MODES.includes(mode) ? MODES : [mode, ...MODES];
  const title = configured && configured !== mode ? `mode; the configured one is ${configured}` : "mode";
  return html`<label class=${`mode ${configured && configured !== mode ? "changed" : ""}`} title=${title}><span class="quiet">mode</span>
    <select aria-label="mode" data-testid="mode" value=${mode} onChange=${(event) => setMode(event.target.value).then(() => (event.target.value = page.get().mode))}>
      ${known.map((name) => html`<option key=${name} value=${name} selected=${name === mode}>${name}</option>`)}</select></label>`;
}

function App() {
  const { route, mode, configured, lost } = useStore(page);
  const width = widthOf(useStore(preferences));
  useLayoutEffect(() => listenToKeys(KEYS), []);
  return html`<div class=${`app ${route.id ? "with-detail" : ""}`} style=${{ "--detail": `${width}%` }}>
    <${TopBar} route=${route} mode=${mode} configured=${configured} />
    ${lost && html`<div class="lost" role="alert" data-testid="lost">The daemon cannot be reached. What happens meanwhile is shown when it is back.</div>`}
    <main><${List} open=${open} filter=${filterBy} />
      ${route.id && html`<${Split} /><${Detail} key=${route.id} id=${route.id} tab=${route.tab} go=${go} />`}</main>
    <${Dialogs} go=${go} jump=${(ms) => go({ at: idAt(ms) })} /><${Notice} />
  </div>`;
}

const withOpen = (act) => () => {
  const id = page.get().route.id ?? cursor.id;
  if (id) act(id);
};
const KEYS = {
  down: () => cursor.move(1),
  up: () => cursor.move(-1),
  pageDown: () => cursor.move(20),
  pageUp: () => cursor.move(-20),
  first: () => cursor.to(0),
  last: () => cursor.to(Infinity),
  open: () => cursor.id && open(cursor.id),
  back: close,
  filter: () => document.getElementById("filter").select(),
  help: openDialog("help"),
  pause: () => feed.pause(!feed.feed.get().paused),
  theme: toggleTheme,
  copy: withOpen((id) => copyAs(id, "curl")),
  link: withOpen(copyLink),
  plain: () => keep({ plain: !preferences.get().plain }),
  tab: (tab) => page.get().route.id && go({ tab }, true),
};

/** Loads anew: what was missed is not known. */
function anew() {
  happening.forget();
  feed.open();
  askMode();
}

async function askMode() {
  try {
    const { mode, configured } = await get("mode");
    page.set({ mode, configured });
  } catch {
    page.set({ mode: "" }); // the daemon does not tell: there is nothing to switch
  }
}

function start() {
  applyTheme();
  page.set({ route: parse(location.hash) });
  const { route } = page.get();
  feed.open(route.q, route.at);
  addEventListener("hashchange", moved);
  addEventListener("popstate", moved);
  render(html`<${App} />`, document.getElementById("app"));
  listen({
    exchanges: (event) => (happening.rows(event.rows), feed.happened(event)),
    changed: (event) => (happening.changed(event), feed.altered(event)),
    explained: happening.explained,
    mode: ({ mode, configured }) => page.set({ mode, ...(configured ? { configured } : {}) }),
    reset: anew,
    connected: feed.connected,
  }, (lost) => page.set({ lost }));
  askMode();
  rest();
}

start();
