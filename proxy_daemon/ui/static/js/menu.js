/**
 * A button with a menu below it: arrows move, Enter chooses, Esc and a click elsewhere close.
 *
 * Invariant: the focus is on an item while the menu is open, and back on its button when it closes by a key.
 */
import { html, useLayoutEffect, useRef, useState } from "./html.js";

/** @param {{label: string, title?: string, items: [string, () => void, string?][], children: unknown, testid?: string}} props */
export function Menu({ label, items, children, testid, kind = "plain" }) {
  const [open, setOpen] = useState(false);
  const place = useRef(null);
  useLayoutEffect(() => {
    if (!open) return undefined;
    place.current.querySelector("[role=menuitem]")?.focus();
    const elsewhere = (event) => place.current.contains(event.target) || setOpen(false);
    addEventListener("pointerdown", elsewhere);
    return () => removeEventListener("pointerdown", elsewhere);
  }, [open]);
  const close = () => {
    setOpen(false);
    place.current.firstElementChild.focus();
  };
  return html`<div class="menu" ref=${place} onKeyDown=${(event) => open && pressed(event, place.current, close)}>
    <button type="button" class=${kind} aria-haspopup="menu" aria-expanded=${open} aria-label=${label} title=${label} data-testid=${testid} onClick=${() => setOpen(!open)}>${children}</button>
    ${open && html`<div class="menu-items" role="menu" aria-label=${label}>
      ${items.map(([words, act, id, risky]) => html`<button type="button" role="menuitem" tabindex="-1" key=${words} class=${risky ? "risky" : ""} data-testid=${id}
        onClick=${() => { close(); act(); }}>${words}</button>`)}</div>`}
  </div>`;
}

function pressed(event, place, close) {
  const items = [...place.querySelectorAll("[role=menuitem]")];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (event.key === "Escape" || event.key === "Tab") close();
  else if (to !== undefined) items[(to + items.length) % items.length].focus();
  if (event.key === "Escape" || to !== undefined) event.preventDefault();
  if (event.key !== "Tab") event.stopPropagation();
}
