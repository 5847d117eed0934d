/**
 * Asks for what bodies tell (words, tokens, tools) of the rows that are in view and do not know it yet.
 *
 * Invariant: one question at a time, for all of them together, and a few times at most for each.
 */
import { get } from "./api.js";

const MOST = 60; // ids in a question
const TIMES = 4;
const SOON = 120; // ms: what scrolls by is not asked for
const AGAIN = 700;

/**
 * @param {object} list
 * @param {() => (object|undefined)[]} list.inView
 * @param {(id: string, told: object) => boolean} list.take whether the row is held
 * @param {() => void} list.changed
 * @param {() => AbortSignal} list.signal
 */
export function makeTelling({ inView, take, changed, signal }) {
  /** How often each id was asked for. @type {Map<string, number>} */
  const times = new Map();
  let timer = 0;

  function untold(row) {
    if (!row || row.told || (row.state ?? "ended") !== "ended") return false;
    return (times.get(row.id) ?? 0) < TIMES;
  }

  async function told() {
    const wanted = inView().filter(untold).slice(0, MOST);
    if (wanted.length) await these(wanted.map((row) => row.id));
    timer = inView().some(untold) ? setTimeout(told, AGAIN) : 0;
  }

  async function these(ids) {
    if (times.size > 5000) times.clear();
    for (const id of ids) times.set(id, (times.get(id) ?? 0) + 1);
    try {
      const answer = await get("told", { ids: ids.join(",") }, signal());
      const taken = Object.entries(answer.told).filter(([id, value]) => value && take(id, value));
      if (taken.length) changed();
    } catch {
      // the row shows its path; it is asked again when it comes into view
    }
  }

  return {
    /** Asks soon. */
    ask: () => void (timer ||= setTimeout(told, SOON)),
    /** The rows are others now. */
    forget: () => times.clear(),
  };
}
