/**
 * Asks the API for what a tab shows, and draws that it waits or why it failed.
 *
 * Invariant: an answer to a question that nobody has any more is dropped.
 */
import { get } from "./api.js";
import { html, useEffect, useState } from "./html.js";

/**
 * @param {string|null} path null: nothing to ask @param {object} query @param {unknown[]} watched asks again as these change
 * @returns {{value: any, fault: any, again: () => void}}
 */
export function useAsked(path, query, watched = []) {
  const [state, setState] = useState({ value: null, fault: null, key: "" });
  const [tries, setTries] = useState(0);
  const key = `${path} ${JSON.stringify(query)}`;
  useEffect(() => {
    if (!path) return undefined;
    const control = new AbortController();
    get(path, query, control.signal)
      .then((value) => setState({ value, fault: null, key }))
      .catch((fault) => control.signal.aborted || setState({ value: null, fault, key }));
    return () => control.abort();
  }, [key, tries, ...watched]);
  const mine = state.key === key;
  return { value: mine ? state.value : null, fault: mine ? state.fault : null, again: () => setTries(tries + 1) };
}

/** Shown a moment late, so that what is quick does not flicker. */
export const Loading = () => html`<p class="loading" role="status">Loading\u2026</p>`;

/** @param {{fault: Error, again?: () => void}} props */
export function Fail({ fault, again }) {
  return html`<p class="notice bad" role="alert" data-testid="fault">${fault.message}
    ${again && html` <button type="button" class="text" onClick=${again}>Try again</button>`}</p>`;
}
