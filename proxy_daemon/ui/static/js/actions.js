/**
 * What can be done with the exchange that is shown: buttons for the common, a menu for the rest.
 */
import { copyAs, copyLink, mark, pin } from "./acts.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { Menu } from "./menu.js";
import { page } from "./store.js";

/** @param {{exchange: object, live: boolean}} props */
export function Actions({ exchange, live }) {
  if (live) return html`<div class="actions" />`;
  const { id } = exchange;
  const ask = (kind) => page.set({ dialog: { kind, id, exchange } });
  return html`<div class="actions" role="toolbar" aria-label="what to do with it">
    <button type="button" class="plain" aria-pressed=${Boolean(exchange.pinned)} aria-label="pin" title=${exchange.pinned ? "pinned: click to unpin" : "pin: keep it for good"} data-testid="pin" onClick=${() => pin(exchange)}><${Icon} name="pin" /></button>
    <button type="button" class="plain" aria-pressed=${Boolean(exchange.mark)} aria-label="mark" title=${exchange.mark ? "marked: click to take it away" : "mark"} data-testid="mark" onClick=${() => mark(exchange)}><${Icon} name="star" /></button>
    <button type="button" class="plain" aria-label="copy link" title="copy link (y)" data-testid="copy-link" onClick=${() => copyLink(id)}><${Icon} name="link" /></button>
    <${Menu} label="copy the request" testid="copy-menu" items=${[
      ["as curl", () => copyAs(id, "curl"), "copy-curl"],
      ["as Python", () => copyAs(id, "python"), "copy-python"],
      ["as JavaScript", () => copyAs(id, "javascript"), "copy-javascript"],
    ]}><${Icon} name="copy" /></${Menu}>
    <${Menu} label="more" testid="more-menu" items=${[
      ["Edit the answer\u2026", () => ask("edit"), "edit"],
      ["Comment\u2026", () => ask("comment"), "comment"],
      ["Put into a cassette\u2026", () => ask("promote"), "promote"],
      ["Delete\u2026", () => ask("delete"), "delete", true],
    ]}><${Icon} name="more" /></${Menu}>
  </div>`;
}
