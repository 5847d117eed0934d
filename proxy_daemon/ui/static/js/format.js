/**
 * Figures, times and foreign text as people read them. Pure: no document, no clock.
 *
 * Invariant: text that goes through `visible` cannot hide or reorder what stands beside it: control characters and
 * marks of direction are shown as what they are.
 */

// What a terminal or a reader of lines would obey: C0 but tab and line feed, DEL, C1, marks of direction, line separators.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** @param {string} character @returns {string} a picture of it, or its number */
function shown(character) {
  const code = character.codePointAt(0);
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `\u27e8U+${code.toString(16).toUpperCase().padStart(4, "0")}\u27e9`;
}

/** Foreign text without hidden characters. Line ends of other systems become ours. @param {unknown} text */
export function visible(text) {
  return String(text ?? "").replace(/\r\n/g, "\n").replace(UNSEEN, shown);
}

/** In one line, at most `most` characters. @param {unknown} text */
export function oneLine(text, most = 300) {
  const whole = String(text ?? "");
  const cut = visible(whole.slice(0, most).replace(/\s+/g, " ").trim());
  return whole.length > most ? cut + "\u2026" : cut;
}

/** 1234567 -> "1.2 MB". @param {number|null|undefined} count */
export function octets(count) {
  if (count === null || count === undefined) return "";
  if (count < 1000) return `${count} B`;
  const [unit, by] = count < 999_500 ? ["KB", 1e3] : count < 999_500_000 ? ["MB", 1e6] : ["GB", 1e9];
  return `${significant(count / by)} ${unit}`;
}

/** 14210 -> "14.2k". @param {number|null|undefined} count */
export function short(count) {
  if (count === null || count === undefined) return "";
  if (count < 1000) return String(count);
  return count < 999_500 ? `${significant(count / 1e3)}k` : `${significant(count / 1e6)}M`;
}

/** With separators of thousands. @param {number|null|undefined} count */
export function grouped(count) {
  return count === null || count === undefined ? "" : String(count).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
}

function significant(value) {
  return value < 9.95 ? value.toFixed(1) : String(Math.round(value));
}

/** Milliseconds -> "0.8 ms", "412 ms", "3.2 s", "2 m 05 s". @param {number|null|undefined} ms */
export function duration(ms) {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return "";
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${significant(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, "0")} s`;
}

/** Microseconds, as `duration`. @param {number|null|undefined} us */
export function micros(us) {
  return us === null || us === undefined ? "" : duration(us / 1000);
}

const two = (value) => String(value).padStart(2, "0");

/** Seconds since 1970 -> "14:03:22". @param {number} seconds */
export function clock(seconds) {
  const date = new Date(seconds * 1000);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** Seconds since 1970 -> "2026-11-21". @param {number} seconds */
export function day(seconds) {
  const date = new Date(seconds * 1000);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** The clock; of another day with the day, of another year the day alone. @param {number} seconds @param {number} now */
export function when(seconds, now) {
  if (!(seconds > 0)) return "\u2013"; // an import that does not say
  const [then, today] = [day(seconds), day(now)];
  if (then === today) return clock(seconds);
  return then.slice(0, 4) === today.slice(0, 4) ? `${then.slice(5)} ${clock(seconds)}` : then;
}

/** The day and the clock, or that nobody knows. @param {number} seconds */
export const moment = (seconds) => (seconds > 0 ? `${day(seconds)} ${clock(seconds)}` : "at an unknown time");

/** "24k \u2192 1.7k", as much of it as is known. @param {{input?: number|null, output?: number|null}|null|undefined} told */
export function tokenFlow(told) {
  if (!told || (told.input == null && told.output == null)) return "";
  return told.output == null ? short(told.input) : `${short(told.input) || "?"} \u2192 ${short(told.output)}`;
}

/** A session's name; of a path its end, which tells it apart. @param {string|null|undefined} name */
export function shortSession(name) {
  const text = oneLine(name, 400);
  return text.length > 24 && text.includes("/") ? `\u2026/${text.slice(text.lastIndexOf("/") + 1)}` : text;
}

/** How long an exchange took; empty where the recording does not say. @param {object} row */
export function took(row) {
  return (row.unknown ?? []).includes("how long it took") ? "" : duration(row.duration_ms);
}

/** A model's name without its date: what tells models apart in a narrow column. @param {string} model */
export function shortModel(model) {
  return visible(model).replace(/^models\//, "").replace(/-(?:20\d{6}|20\d\d-\d\d-\d\d)$/, "");
}

/** "1 message", "3 messages". */
export function plural(count, one, many = `${one}s`) {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** JSON made readable, or the text as it is where it is none (or too long to be worth it). @param {string} text */
export function prettyJson(text) {
  if (text.length > 400_000) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** A word of a filter, quoted where the language needs it. @param {string} text */
export function quoted(text) {
  const literal = text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return /^[\w./:@-]+$/.test(text) ? literal : `"${literal.replace(/["\\]/g, "\\$&")}"`;
}
