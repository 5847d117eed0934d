/**
 * What the address says: `#/x/ID/TAB?q=FILTER&at=ID`. Pure; main.js listens to the address.
 *
 * Invariant: parse(format(route)) is the route, and whatever stands in an address parses to some route.
 */
import { isId } from "./ids.js";

export const TABS = ["chat", "request", "response", "stream", "timing", "diff", "rules"];

/** @typedef {{id: string|null, tab: string, q: string, at: string|null}} Route */

/** @param {string} hash @returns {Route} */
export function parse(hash) {
  const [path, query = ""] = divide(hash.replace(/^#/, ""));
  const [, kind, id, tab] = path.split("/");
  const asked = new URLSearchParams(query);
  const at = asked.get("at");
  return {
    id: kind === "x" && isId(id) ? id : null,
    tab: TABS.includes(tab) ? tab : "chat",
    q: asked.get("q") ?? "",
    at: isId(at) ? at : null,
  };
}

/** @param {string} text */
function divide(text) {
  const at = text.indexOf("?");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

/** @param {Partial<Route>} route @returns {string} with its "#" */
export function format({ id = null, tab = "chat", q = "", at = null }) {
  const asked = new URLSearchParams();
  if (q) asked.set("q", q);
  if (at) asked.set("at", at);
  const path = id ? `/x/${id}${tab === "chat" ? "" : `/${tab}`}` : "/";
  return `#${path}${asked.size ? `?${asked}` : ""}`;
}
