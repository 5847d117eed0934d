/**
 * What the open exchange must know of what happens: which are under way, which changed, which were deleted, and why
 * one was a miss.
 *
 * Invariant: bounded; the oldest are forgotten, and an exchange that is forgotten is asked for as any other.
 */
import { makeStore } from "./store.js";

const MOST = 500;

const store = makeStore({ underWay: new Map(), versions: new Map(), deleted: new Set(), explained: new Map() });

/** @template T @param {Map<string, T>} map */
function put(map, key, value) {
  const next = new Map(map);
  next.delete(key);
  next.set(key, value);
  for (const old of next.keys()) if (next.size > MOST) next.delete(old);
  return next;
}

function bump(versions, id) {
  return put(versions, id, (versions.get(id) ?? 0) + 1);
}

export const happening = {
  ...store,

  /** Rows of an `exchanges` event. @param {object[]} rows */
  rows(rows) {
    let { underWay, versions } = store.get();
    for (const row of rows) {
      if (row.state && row.state !== "ended") underWay = put(underWay, row.id, row);
      else {
        if (underWay.has(row.id)) [underWay = new Map(underWay), underWay.delete(row.id)];
        versions = bump(versions, row.id);
      }
    }
    store.set({ underWay, versions });
  },

  /** A `changed` event. @param {{id: string, deleted?: boolean}} event */
  changed({ id, deleted }) {
    const { versions, deleted: gone } = store.get();
    store.set({ versions: bump(versions, id), ...(deleted ? { deleted: new Set([...gone].slice(-MOST)).add(id) } : {}) });
  },

  /** An `explained` event: how a miss differs from the nearest recording. @param {{id: string, text: string}} event */
  explained({ id, text }) {
    store.set({ explained: put(store.get().explained, id, text) });
  },

  /** What was under way is not known any more. */
  forget() {
    store.set({ underWay: new Map() });
  },
};
