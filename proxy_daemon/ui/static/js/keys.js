/**
 * The keys of the page. Fields keep their own keys, and keys with Ctrl, Alt or Meta are the browser's.
 */
import { TABS } from "./route.js";

const FIELDS = "input, textarea, select, [contenteditable]";

/**
 * @param {Record<string, (event: KeyboardEvent) => void>} acts by the key's name; `tab` gets the name of a tab
 * @returns {() => void} takes the keys back
 */
export function listenToKeys(acts) {
  const pressed = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest?.(FIELDS) || document.querySelector("dialog[open]")) return;
    const act = actOf(event, acts);
    if (!act) return;
    event.preventDefault();
    act(event);
  };
  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}

/** @param {KeyboardEvent} event */
function actOf(event, acts) {
  if (/^[1-7]$/.test(event.key)) return () => acts.tab(TABS[Number(event.key) - 1]);
  const onButton = event.target.closest?.("button, a, audio");
  if (onButton && ["Enter", " "].includes(event.key)) return undefined;
  const inPanel = event.target.closest?.("[role=tabpanel]");
  if (inPanel && /^(Arrow|Page|Home|End)/.test(event.key)) return undefined; // they scroll what is read
  return NAMES[event.key] ? acts[NAMES[event.key]] : undefined;
}

const NAMES = {
  j: "down", ArrowDown: "down", k: "up", ArrowUp: "up", PageDown: "pageDown", PageUp: "pageUp",
  g: "first", Home: "first", G: "last", End: "last", Enter: "open", Escape: "back", "/": "filter", "?": "help",
  p: "pause", t: "theme", c: "copy", y: "link", m: "plain",
};
