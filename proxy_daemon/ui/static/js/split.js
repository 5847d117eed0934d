/**
 * The line between list and detail: dragged, or moved by arrows; kept from visit to visit.
 */
import { html } from "./html.js";
import { keep, preferences, useStore } from "./store.js";

const [LEAST, MOST] = [25, 80];

/** Per cent of the width that the detail has. */
export const widthOf = ({ width }) => Math.min(MOST, Math.max(LEAST, Number(width) || 56));

export function Split() {
  const width = widthOf(useStore(preferences));
  const set = (value) => keep({ width: Math.min(MOST, Math.max(LEAST, value)) });
  const drag = (event) => {
    event.preventDefault();
    const handle = event.currentTarget;
    handle.setPointerCapture(event.pointerId);
    handle.onpointermove = (move) => set(Math.round(1000 * (1 - move.clientX / innerWidth)) / 10);
    handle.onpointerup = () => (handle.onpointermove = null);
  };
  const pressed = (event) => {
    const by = { ArrowLeft: 2, ArrowRight: -2 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    set(width + by);
  };
  return html`<div class="split" role="separator" aria-orientation="vertical" aria-label="width of the detail" tabindex="0" data-testid="split"
    aria-valuenow=${Math.round(width)} aria-valuemin=${LEAST} aria-valuemax=${MOST} onPointerDown=${drag} onKeyDown=${pressed} onDblClick=${() => keep({ width: null })} />`;
}
