/**
 * Dark or light: what the system says, or what somebody chose here.
 */
import { keep, preferences } from "./store.js";

const system = matchMedia("(prefers-color-scheme: dark)");

const now = () => preferences.get().theme || (system.matches ? "dark" : "light");

/** Puts the choice onto the page; also when the system changes its mind. */
export function applyTheme() {
  document.documentElement.dataset.theme = now();
}

export function toggleTheme() {
  const other = now() === "dark" ? "light" : "dark";
  keep({ theme: other === (system.matches ? "dark" : "light") ? "" : other });
  applyTheme();
}

system.addEventListener("change", applyTheme);
