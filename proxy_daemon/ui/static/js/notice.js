/**
 * One line at the foot that says how an act ended, and goes away by itself.
 */
import { html, useEffect, useState } from "./html.js";
import { page, useStore } from "./store.js";

const STAYS = 3500; // ms; a fault stays twice as long

export function Notice() {
  const { notice } = useStore(page);
  const [gone, setGone] = useState(0);
  useEffect(() => {
    if (!notice) return undefined;
    const timer = setTimeout(() => setGone(notice.number), notice.kind === "bad" ? 2 * STAYS : STAYS);
    return () => clearTimeout(timer);
  }, [notice]);
  const shown = notice && notice.number !== gone;
  return html`<div class=${`toast ${shown ? notice.kind : "none"}`} role="status" aria-live="polite" data-testid="toast">${shown ? notice.text : ""}</div>`;
}
