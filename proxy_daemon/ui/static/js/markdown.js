/**
 * A model's Markdown as a fragment that can do nothing: marked makes HTML, DOMPurify takes it apart.
 *
 * Invariant: no element and no attribute that is not in the lists below comes out; nothing in it loads anything; a link
 * leads to http, https or mailto, in a new tab, without a referrer, and shows its address. HTML in the Markdown is shown
 * as the text that it is. What is too long for it is shown as plain text.
 */
import { Marked } from "../vendor/marked.mjs";
import DOMPurify from "../vendor/purify.mjs";
import { visible } from "./format.js";

export const MOST = 24_000; // characters; beyond it a hostile text could keep the page busy

const TAGS = [
  "p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em", "del", "code", "pre", "blockquote",
  "ul", "ol", "li", "a", "table", "thead", "tbody", "tr", "th", "td",
];
const RULES = {
  ALLOWED_TAGS: TAGS,
  ALLOWED_ATTR: ["href", "start", "align"],
  ADD_URI_SAFE_ATTR: ["start", "align"],
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:)/i,
  RETURN_DOM_FRAGMENT: true,
};

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text) => String(text ?? "").replace(/[&<>"']/g, (character) => ENTITIES[character]);

const marked = new Marked({ gfm: true, breaks: true, async: false });
marked.use({
  renderer: {
    html: ({ text }) => escaped(text),
    image: ({ href, text }) => `<em>${escaped(`[image${text ? `: ${text}` : ""}] ${href}`)}</em>`,
    checkbox: ({ checked }) => (checked ? "\u2611 " : "\u2610 "),
  },
});

/**
 * @param {string} text @returns {DocumentFragment|null} null where it is to be shown as plain text
 */
export function fragment(text) {
  if (text.length > MOST || nested(text)) return null;
  try {
    const found = DOMPurify.sanitize(marked.parse(visible(text)), RULES);
    for (const link of found.querySelectorAll("a")) tame(link);
    return found;
  } catch {
    return null; // nothing is lost: the text is shown as it is
  }
}

/** Whether it is built as no person writes: parsers of Markdown are slow at it. */
function nested(text) {
  return /(?:(?:[>*+-]|\d\.)[ \t]*){60}|[[\]()<!*_~`]{400}|\S{3000}/.test(text);
}

/** @param {HTMLAnchorElement} link */
function tame(link) {
  const address = link.getAttribute("href");
  if (!address) return void link.replaceWith(...link.childNodes); // it led nowhere that is allowed
  link.setAttribute("rel", "noopener noreferrer nofollow");
  link.setAttribute("target", "_blank");
  link.setAttribute("title", address);
}
