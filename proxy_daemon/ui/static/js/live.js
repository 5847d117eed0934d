/**
 * The two event streams: `events` (what happens, for the list) and `live/ID` (an answer that grows).
 *
 * Invariant: nothing is missed silently. After a lost connection it goes on behind the last event that was seen; where
 * that is not known, or the daemon has forgotten it, listeners are told to load anew (`reset`).
 */
import { address } from "./api.js";

const NAMES = ["exchanges", "changed", "explained", "mode", "reset"];
const WAITS = [500, 1000, 2000, 4000, 8000];

/** What a stream's event says, or null where it is no JSON. @param {MessageEvent} event */
function parsed(event) {
  try {
    return JSON.parse(event.data);
  } catch {
    return null;
  }
}

/**
 * Listens to `api/events` for as long as the page is open.
 * @param {Record<string, (value: any) => void>} listeners by the event's name; `reset`: load anew; `connected`: for the
 *   first time
 * @param {(lost: boolean) => void} connection
 * @returns {() => void} ends it
 */
export function listen(listeners, connection) {
  let source, timer, last = "", tries = 0, opened = false;

  function heard(name, event) {
    if (event.lastEventId) last = event.lastEventId;
    const value = parsed(event);
    if (value) listeners[name](value);
  }

  function connect() {
    source = new EventSource(address("events", { last }));
    source.onopen = () => {
      if (!opened) listeners.connected();
      else if (!last) listeners.reset({});
      [tries, opened] = [0, true];
      connection(false);
    };
    source.onerror = again;
    for (const name of NAMES) source.addEventListener(name, (event) => heard(name, event));
  }

  function again() {
    source.close(); // the browser's own way of trying again gives up on some errors: this one never does
    connection(true);
    timer = setTimeout(connect, WAITS[Math.min(tries++, WAITS.length - 1)]);
  }

  function now() {
    if (source.readyState !== EventSource.CLOSED) return;
    clearTimeout(timer);
    connect();
  }

  connect();
  addEventListener("online", now);
  return () => {
    removeEventListener("online", now);
    clearTimeout(timer);
    source.close();
  };
}

/**
 * Follows an answer while it grows.
 * @param {string} id
 * @param {(answer: object | null, problem: string) => void} changed with a new value each time, or why there is none
 * @param {(found: boolean) => void} ended with whether it was under way at all
 * @returns {() => void} stops it
 */
export function follow(id, changed, ended) {
  const source = new EventSource(address(`live/${id}`));
  let answer = null;
  source.addEventListener("answer", (event) => {
    const told = parsed(event);
    answer = told?.answer ?? null;
    changed(answer, told?.problem ?? "");
  });
  source.addEventListener("delta", (event) => {
    const changes = parsed(event)?.changes;
    if (!answer || !Array.isArray(changes)) return;
    answer = changes.reduce(grown, answer);
    changed(answer, "");
  });
  source.addEventListener("ended", () => finish());
  source.onerror = () => source.readyState === EventSource.CLOSED && finish();
  function finish() {
    source.close();
    ended(answer !== null);
  }
  return () => source.close();
}

/**
 * An answer after one change. With `part`: text added to it, or its new value; with `choice` alone: members of the
 * choice; with neither: members of the answer.
 * @param {object} answer
 * @param {{choice?: number, part?: number, append?: string, value?: object}} change
 */
export function grown(answer, change) {
  if (change.choice === undefined) return { ...answer, ...change.value };
  const choices = [...(answer.choices ?? [])];
  if (change.choice > choices.length) return answer; // it cannot be: the stream is of another version
  const choice = choices[change.choice] ?? { parts: [], finish: "", said: "", stopped_by: "" };
  choices[change.choice] = change.part === undefined ? { ...choice, ...change.value } : withPart(choice, change);
  return { ...answer, choices };
}

function withPart(choice, { part, value, append }) {
  const parts = [...choice.parts];
  if (part > parts.length) return choice;
  parts[part] = value ?? appended(parts[part], append ?? "");
  return { ...choice, parts };
}

function appended(part, text) {
  const name = part?.type === "ToolCall" ? "arguments" : "text";
  return { ...(part ?? { type: "Text" }), [name]: (part?.[name] ?? "") + text };
}
