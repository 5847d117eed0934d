/**
 * A value that components watch: `get`, `set` (a patch), `watch`. And the page's one state.
 *
 * Invariant: who watches is told after each `set` that changed something, once.
 */
import { useLayoutEffect, useReducer } from "./html.js";

/** @template T @param {T} initial */
export function makeStore(initial) {
  let state = initial;
  const watchers = new Set();
  return {
    get: () => state,
    set(patch) {
      if (Object.keys(patch).every((key) => Object.is(state[key], patch[key]))) return;
      state = { ...state, ...patch };
      for (const watcher of [...watchers]) watcher(state);
    },
    watch(watcher) {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
  };
}

/** The state now, drawn again when it changes. */
export function useStore(store) {
  const [, redraw] = useReducer((count) => count + 1, 0);
  const state = store.get();
  useLayoutEffect(() => {
    if (store.get() !== state) redraw(); // it changed between the drawing and now
    return store.watch(redraw);
  }, [store]);
  return state;
}

const KEPT = "llmproxy";

function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "{}") ?? {};
  } catch {
    return {}; // no storage, or somebody else's words in it
  }
}

/** Keeps choices (theme, columns, width) from visit to visit. */
export function keep(choices) {
  preferences.set(choices);
  try {
    localStorage.setItem(KEPT, JSON.stringify(preferences.get()));
  } catch {
    // a browser without storage: they hold until the page is left
  }
}

export const preferences = makeStore({ theme: "", columns: null, width: null, plain: false, ...kept() });

/** The route, the mode, the connection, notices and the open dialog. */
export const page = makeStore({
  route: { id: null, tab: "chat", q: "", at: null },
  mode: "",
  configured: "",
  lost: false,
  notice: null,
  dialog: null,
});

let notices = 0;

/** Says something for a moment. @param {string} text @param {"good"|"bad"} [kind] */
export function notify(text, kind = "good") {
  page.set({ notice: { text, kind, number: ++notices } });
}
