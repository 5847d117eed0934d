/**
 * The Chat tab: what was said, in its order, with calls beside their results; the answer also while it grows.
 *
 * Invariant: a message is left out only behind a button that says how many; a result is shown once, at its call where
 * there is one, else where it stands.
 */
import { visible, plural, oneLine, prettyJson } from "./format.js";
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "./html.js";
import { Json } from "./json.js";
import { follow } from "./live.js";
import { Part, usageText } from "./parts.js";
import { Fail, Loading, useAsked } from "./loading.js";
import { Copier, Folded, Words } from "./words.js";

const FEW = 12; // messages that are all shown
const STEP = 40;

/** @param {{id: string, growing: boolean, version: number}} props */
export function Chat({ id, growing, version }) {
  const asked = useAsked(growing ? null : `exchanges/${id}/chat`, {}, [version]);
  const [answer, stands, problem] = useGrowing(id, growing);
  const place = useFollowing(answer, asked.value);
  if (asked.value) return html`<div ref=${place}><${Conversation} id=${id} chat=${asked.value} answer=${asked.value.answer} /></div>`;
  if (asked.fault && !answer) return html`<${Fail} fault=${asked.fault} again=${asked.again} />`;
  if (problem && growing) return html`<p class="notice" data-testid="not-live">${oneLine(problem, 500)}</p>`;
  if (!growing && !answer) return html`<${Loading} />`;
  return html`<div class="chat" data-testid="chat" ref=${place}><${Answer} id=${id} answer=${answer} grows=${growing && !stands} results=${new Map()} /></div>`;
}

/** The answer that is under way, whether it has ended, and why it is not shown before that. */
function useGrowing(id, growing) {
  const [state, setState] = useState([null, false, ""]);
  useEffect(() => {
    if (!growing) return undefined;
    return follow(id, (answer, problem) => setState([answer, false, problem]), () => setState(([answer]) => [answer, true, ""]));
  }, [id, growing]);
  return state;
}

/**
 * Keeps the end of the answer in view while it grows, if it was in view; and where it stood, when the messages come
 * above it at its end.
 */
function useFollowing(answer, whole) {
  const place = useRef(null);
  const before = useRef(null);
  useLayoutEffect(() => {
    const panel = place.current?.closest("[role=tabpanel]");
    if (!panel || !answer) return;
    const was = before.current;
    const { scrollHeight, clientHeight, scrollTop } = panel;
    const atEnd = !was || was.height - scrollTop - clientHeight < 60;
    if (whole && was && scrollTop > 0) panel.scrollTop = scrollTop + scrollHeight - was.height;
    else if (!whole && atEnd) panel.scrollTop = scrollHeight;
    before.current = whole ? null : { height: scrollHeight };
  }, [answer, whole]);
  return place;
}

function Conversation({ id, chat, answer }) {
  const messages = chat.messages ?? [];
  const results = useMemo(() => resultsOf(messages), [chat]);
  const called = useMemo(() => callsOf(messages, answer), [chat, answer?.choices?.length]);
  const nothing = !messages.length && !answer?.choices?.length && !answer?.error;
  return html`<div class="chat" data-testid="chat">
    ${chat.problem && html`<p class="notice">${oneLine(chat.problem, 500)}</p>`}
    <${Facts} chat=${chat} />
    ${nothing && html`<p class="quiet">This is no conversation. What was sent and what came back stand in Request and Response.</p>`}
    <${Messages} id=${id} messages=${messages} results=${results} called=${called} />
    ${answer && !nothing && html`<${Answer} id=${id} answer=${answer} grows=${false} results=${results} />`}
  </div>`;
}

/** Tool results by their call's id. */
function resultsOf(messages) {
  const found = new Map();
  for (const message of messages) for (const part of message.parts ?? []) if (part.type === "ToolResult" && part.id) found.set(part.id, part);
  return found;
}

/** The ids of all calls. */
function callsOf(messages, answer) {
  const found = new Set();
  const of = (parts) => (parts ?? []).forEach((part) => part.type === "ToolCall" && found.add(part.id));
  for (const message of messages) of(message.parts);
  for (const choice of answer?.choices ?? []) of(choice.parts);
  return found;
}

/** Parameters and tools, in a line each. */
function Facts({ chat }) {
  const parameters = Object.entries(chat.parameters ?? {});
  const tools = chat.tools ?? [];
  return html`${parameters.length > 0 && html`<div class="message facts"><div class="role">asks for</div><div class="said"><dl class="parameters">
      ${parameters.map(([name, value]) => html`<div key=${name}><dt>${visible(name)}</dt><dd>${parameter(value)}</dd></div>`)}</dl></div></div>`}
    ${tools.length > 0 && html`<div class="message facts"><div class="role">tools</div><div class="said">
      <${Folded} title=${html`${plural(tools.length, "tool")} <span class="quiet names">${oneLine(tools.map((tool) => tool.name).join(", "), 160)}</span>`} testid="tools">
        ${() => tools.map((tool) => html`<${Tool} key=${tool.name} tool=${tool} />`)}</${Folded}></div></div>`}`;
}

const parameter = (value) => (typeof value === "string" ? oneLine(value, 80) : oneLine(JSON.stringify(value), 80));

function Tool({ tool }) {
  return html`<div class="tool"><code class="name">${visible(tool.name)}</code>
    ${tool.description && html`<${Words} text=${tool.description} fold=${400} plain=${true} />`}
    ${tool.schema && html`<${Folded} title="schema">${() => html`<${Json} text=${prettyJson(JSON.stringify(tool.schema))} />`}</${Folded}>`}
  </div>`;
}

/** The system's words, what was said before (folded), and what is new. */
function Messages({ id, messages, results, called }) {
  const system = messages.filter((message) => message.role === "system");
  const spoken = messages.filter((message) => message.role !== "system");
  const fresh = spoken.length <= FEW ? 0 : freshFrom(spoken);
  const [earlier, setEarlier] = useState(0);
  const from = Math.max(0, fresh - earlier);
  const draw = (message, key) => html`<${Message} key=${key} id=${id} message=${message} results=${results} called=${called} />`;
  return html`${system.map((message, index) => draw(message, `system-${index}`))}
    ${from > 0 && html`<div class="earlier"><button type="button" class="text" data-testid="earlier" onClick=${() => setEarlier(earlier + STEP)}
      >${from > STEP ? `show ${STEP} of ${from} earlier messages` : `show ${plural(from, "earlier message")}`}</button>
      ${from > STEP && html`<button type="button" class="text" onClick=${() => setEarlier(fresh)}>all</button>`}</div>`}
    ${spoken.slice(from).map((message, index) => draw(message, from + index))}`;
}

/** Where the new messages begin: at the last thing that the model said before this call. */
function freshFrom(messages) {
  const last = messages.findLastIndex((message) => message.role === "assistant");
  return Math.max(0, last < 0 ? messages.length - FEW : last);
}

const FOLDS = { system: 500, tool: 900 };

function Message({ id, message, results, called }) {
  const parts = (message.parts ?? []).filter((part) => part.type !== "ToolResult" || !called.has(part.id));
  if (!parts.length && message.parts?.length) return null; // its results stand at their calls
  const context = { id, results, fold: FOLDS[message.role] ?? 4000, grows: false };
  return html`<${Said} role=${message.role} text=${() => wordsOf(message.parts)}>
    ${parts.map((part, index) => html`<${Part} key=${index} part=${part} context=${context} />`)}
    ${!parts.length && html`<span class="quiet">(empty)</span>`}
  </${Said}>`;
}

function Said({ role, children, text, kind = "", below }) {
  return html`<article class=${`message ${visible(role)} ${kind}`} data-testid="message" data-role=${role}>
    <div class="role">${visible(role)}<${Copier} text=${text} what="message" /></div>
    <div class="said">${children}</div>${below}
  </article>`;
}

const wordsOf = (parts) => (parts ?? []).map((part) => part.text ?? part.arguments ?? "").filter(Boolean).join("\n\n");

/** What came back: each choice, why it ended, what it cost. */
function Answer({ id, answer, grows, results }) {
  if (!answer) return html`<div class="message answer"><div class="role">answer</div><div class="said quiet waiting">waiting for the first word</div></div>`;
  const choices = answer.choices ?? [];
  return html`<div data-testid="answer" class=${grows ? "grows" : ""}>
    ${choices.map((choice, index) => html`<${Choice} key=${index} id=${id} choice=${choice} grows=${grows} results=${results}
      title=${choices.length > 1 ? `answer ${index + 1}` : "answer"} />`)}
    ${answer.error && html`<div class="message answer error"><div class="role">error</div><div class="said"><${Words} text=${answer.error} plain=${true} /></div></div>`}
    <${End} answer=${answer} grows=${grows} />
  </div>`;
}

function Choice({ id, choice, grows, results, title }) {
  const context = { id, results, fold: 30_000, grows };
  const parts = choice.parts ?? [];
  return html`<${Said} role=${title} kind="answer" text=${() => wordsOf(parts)}>
    ${parts.map((part, index) => html`<${Part} key=${index} part=${part} context=${context} />`)}
    ${!parts.length && html`<span class="quiet">(nothing${grows ? " yet" : ""})</span>`}
  </${Said}>`;
}

/** One quiet line: why it ended, what it cost. */
function End({ answer, grows }) {
  if (grows) return html`<div class="end"><span class="under-way">streaming</span></div>`;
  const ends = (answer.choices ?? []).map((choice) => choice.said || choice.finish).filter(Boolean);
  const stopped = (answer.choices ?? []).map((choice) => choice.stopped_by).filter(Boolean);
  const facts = [
    ends.length && `ended: ${ends.join(", ")}${stopped.length ? ` (${stopped.join(", ")})` : ""}`,
    usageText(answer.usage),
    answer.model,
    answer.id,
  ].filter(Boolean);
  return html`<div class="end">${!answer.complete && !answer.error && html`<span class="warn-text">not complete: it broke off. </span>`}${facts.map((fact, index) => html`<span key=${index}>${oneLine(fact, 160)}</span>`)}</div>`;
}
