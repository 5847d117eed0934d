/**
 * The dialogs: questions before an act, and help. One at a time, in a dialog element that holds the focus.
 *
 * Invariant: a dialog closes by Esc, by its button, or when its act is done; an act that fails leaves it open and says why.
 */
import { deleteExchange, editAnswer, promote, remark, resetVerdict } from "./acts.js";
import { CHOICES, DEFAULT } from "./columns.js";
import { FilterHelp } from "./filter.js";
import { oneLine } from "./format.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";
import { Fail, Loading, useAsked } from "./loading.js";
import { keep, page, preferences, useStore } from "./store.js";

const close = () => page.set({ dialog: null });

/** The open dialog. @param {{go: (route: object) => void, jump: (ms: number|null) => void}} props */
export function Dialogs({ go, jump }) {
  const { dialog } = useStore(page);
  if (!dialog) return null;
  const Shown = KINDS[dialog.kind];
  return html`<${Shown} key=${dialog.kind + (dialog.id ?? "")} ...${dialog} go=${go} jump=${jump} />`;
}

/** Whether nothing has the focus: what somebody went to meanwhile keeps it. */
const isNowhere = () => [document.body, null].includes(document.activeElement);

function Dialog({ title, children, act, words = "OK", risky = false, wide = false }) {
  const element = useRef(null);
  const [fault, setFault] = useState(null);
  const [busy, setBusy] = useState(false);
  useLayoutEffect(() => {
    const before = document.activeElement;
    element.current.showModal();
    return () => queueMicrotask(() => isNowhere() && before?.focus?.()); // while it is open nothing else takes the focus
  }, []);
  const carryOut = async () => {
    setBusy(true);
    try {
      await act();
      close();
    } catch (error) {
      [setFault(error), setBusy(false)];
    }
  };
  const pressed = (event) => {
    if (event.key === "Enter" && act && (event.ctrlKey || event.metaKey || event.target.tagName === "INPUT")) carryOut();
    event.stopPropagation();
  };
  return html`<dialog ref=${element} class=${wide ? "wide" : ""} aria-labelledby="dialog-title" data-testid="dialog" onClose=${close} onKeyDown=${pressed}
    onClick=${(event) => event.target === element.current && !act && close()}>
    <header><h2 id="dialog-title">${title}</h2><button type="button" class="plain" aria-label="close" onClick=${close}><${Icon} name="close" /></button></header>
    <div class="dialog-body">${children}${fault && html`<${Fail} fault=${fault} />`}</div>
    ${act && html`<footer><button type="button" class="button" onClick=${close}>Cancel</button>
      <button type="button" class=${`button ${risky ? "risky" : "first"}`} disabled=${busy} data-testid="dialog-act" onClick=${carryOut}>${words}</button></footer>`}
  </dialog>`;
}

function Delete({ id, exchange, go }) {
  const act = async () => {
    await deleteExchange(id, Boolean(exchange.pinned));
    go({ id: null });
  };
  return html`<${Dialog} title="Delete this exchange?" words="Delete" risky=${true} act=${act}>
    <p>${oneLine(exchange.method, 10)} ${oneLine(exchange.path, 100)}<br /><span class="quiet">${id}</span></p>
    <p>${exchange.pinned ? "It is pinned: somebody wanted to keep it. " : ""}It is not replayed any more, and cannot be brought back.</p></${Dialog}>`;
}

function Comment({ id, exchange }) {
  const [text, setText] = useState(exchange.comment ?? "");
  const [mark, setMark] = useState(exchange.mark ?? "");
  const act = async () => {
    if ((await remark(id, { comment: text, mark }, "Noted.")) === null) throw new Error("It is not noted.");
  };
  return html`<${Dialog} title="Comment" words="Save" act=${act}>
    <label>Mark <input type="text" value=${mark} maxlength="40" onInput=${(event) => setMark(event.target.value)} data-testid="mark-text" /></label>
    <label>Comment <textarea rows="5" value=${text} maxlength="4000" onInput=${(event) => setText(event.target.value)} data-testid="comment-text" /></label></${Dialog}>`;
}

function Promote({ id }) {
  const [name, setName] = useState("");
  return html`<${Dialog} title="Put into a cassette" words="Put" act=${() => promote(id, name.trim())}>
    <label>Name of the cassette <input type="text" value=${name} maxlength="120" spellcheck=${false} onInput=${(event) => setName(event.target.value)} data-testid="cassette-name" /></label>
    <p class="quiet">A file of that name below the daemon\u2019s <code>--cassette-dir</code>: letters, digits, <code>.</code> <code>-</code> <code>_</code>. Empty: its <code>--cassette</code>.</p></${Dialog}>`;
}

/** The answer as text, or as the member `answer` of a cassette's document. */
function Edit({ id, go }) {
  const asked = useAsked(`exchanges/${id}/answer`, {});
  const [form, setForm] = useState("text");
  const [texts, setTexts] = useState({});
  const section = asked.value;
  const first = section?.why_not ? null : written(section?.answer);
  const shown = first && first.text === null ? "json" : form;
  const value = texts[shown] ?? first?.[shown] ?? "";
  const act = async () => go({ id: await editAnswer(section.id, shown === "json" ? parsed(value) : { ...section.answer, text: value }) });
  return html`<${Dialog} title="Edit the answer" words="Save and replay this one" wide=${true} act=${section && first ? act : null}>
    ${asked.fault && html`<${Fail} fault=${asked.fault} again=${asked.again} />`}
    ${!section && !asked.fault && html`<${Loading} />`}
    ${section?.why_not && html`<p class="notice" data-testid="why-not">${oneLine(section.why_not, 500)}</p>`}
    ${section && first && html`<${Editor} form=${shown} setForm=${setForm} both=${first.text !== null} value=${value} change=${(text) => setTexts({ ...texts, [shown]: text })} />`}
  </${Dialog}>`;
}

function Editor({ form, setForm, both, value, change }) {
  return html`<div class="forms" role="group" aria-label="form of the answer">
      ${both && html`<button type="button" aria-pressed=${form === "text"} onClick=${() => setForm("text")} data-testid="edit-as-text">text</button>`}
      <button type="button" aria-pressed=${form === "json"} onClick=${() => setForm("json")} data-testid="edit-as-json">JSON</button></div>
    <textarea class="edit" rows="18" aria-label="the answer" spellcheck=${false} value=${value} onInput=${(event) => change(event.target.value)} data-testid="edit-text" />
    <p class="quiet">What was recorded stays in the history; from now on your words are replayed, as a document and as a stream.</p>`;
}

/** What the fields hold at first; `text` is null where the answer is more than one text. */
function written(answer) {
  return { text: typeof answer?.text === "string" ? answer.text : null, json: JSON.stringify(answer ?? {}, null, 2) };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`This is no JSON: ${error.message}`);
  }
}

function Copy({ text, what }) {
  const area = useRef(null);
  useEffect(() => area.current.select(), []);
  return html`<${Dialog} title=${`Copy ${what}`} wide=${true}><p class="quiet">This page may not write to the clipboard here: copy it by hand.</p>
    <textarea class="edit" rows="14" readonly ref=${area} value=${text} aria-label=${what} data-testid="copy-text" /></${Dialog}>`;
}

function Jump({ jump }) {
  const local = new Date(Date.now() - new Date().getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  const [value, setValue] = useState(local);
  const act = async () => {
    const time = new Date(value).getTime();
    if (!Number.isFinite(time)) throw new Error("Say a day and a time.");
    jump(time + 60_000);
  };
  return html`<${Dialog} title="Jump to a time" words="Jump" act=${act}>
    <label>The list begins with what happened up to <input type="datetime-local" value=${value} onInput=${(event) => setValue(event.target.value)} data-testid="jump-time" /></label></${Dialog}>`;
}

function Columns() {
  const { columns } = useStore(preferences);
  const chosen = Array.isArray(columns) ? columns : DEFAULT;
  const toggle = (key) => keep({ columns: chosen.includes(key) ? chosen.filter((one) => one !== key) : [...chosen, key] });
  return html`<${Dialog} title="Columns"><div class="choices">
      ${CHOICES.map(([key, title]) => html`<label key=${key} class="choice"><input type="checkbox" checked=${chosen.includes(key)} onChange=${() => toggle(key)} data-testid=${`column-${key}`} /> ${title}</label>`)}</div>
    <p class="quiet">Where it is narrow the less important ones make room. <button type="button" class="text" onClick=${() => keep({ columns: null })}>As at first</button></p></${Dialog}>`;
}

function Verdict() {
  const asked = useAsked("verdict", {});
  const act = async () => {
    if ((await resetVerdict()) === null) throw new Error("It was not reset.");
  };
  const sessions = asked.value?.sessions ?? [];
  return html`<${Dialog} title="Verdict on the run" words="Reset" act=${asked.value ? act : null}>
    ${asked.fault && html`<${Fail} fault=${asked.fault} again=${asked.again} />`}
    ${asked.value && !sessions.length && html`<p class="quiet">Nothing was asked since it began.</p>`}
    ${sessions.map((session) => html`<div class="verdict" key=${session.session}><h3>${oneLine(session.session, 80) || "no session"}</h3><p>${tallied(session)}</p></div>`)}
    <p class="quiet">Reset forgets all counts and misses, of all sessions.</p></${Dialog}>`;
}

function tallied(session) {
  const counts = Object.entries(session).filter(([, value]) => typeof value === "number" && value > 0).map(([name, value]) => `${name.replaceAll("_", " ")} ${value}`);
  if (session.unused?.count) counts.push(`unused recordings ${session.unused.count}`);
  return counts.join(" \u00b7 ") || "nothing";
}

const KEYS = [
  ["j k \u2193 \u2191", "next, previous exchange"],
  ["g G", "newest, oldest that is loaded"],
  ["Enter", "open"],
  ["Esc", "close, go back"],
  ["/", "filter"],
  ["1 \u2026 7", "chat, request, response, stream, timing, diff, rules"],
  ["p", "pause, follow"],
  ["c", "copy as curl"],
  ["y", "copy the link"],
  ["m", "Markdown or plain text"],
  ["t", "dark, light"],
  ["?", "this help"],
];

function Help() {
  return html`<${Dialog} title="Keys and filters" wide=${true}><div class="help-columns">
    <section><h3>Keys</h3><dl class="terms keys">${KEYS.map(([key, meaning]) => html`<div key=${key}><dt>${key.split(" ").map((one) => (one === "\u2026" ? " \u2026 " : html`<kbd>${one}</kbd> `))}</dt><dd>${meaning}</dd></div>`)}</dl></section>
    <section><h3>Filters</h3><${FilterHelp} /></section></div></${Dialog}>`;
}

const KINDS = { delete: Delete, comment: Comment, promote: Promote, edit: Edit, copy: Copy, jump: Jump, columns: Columns, verdict: Verdict, help: Help };
