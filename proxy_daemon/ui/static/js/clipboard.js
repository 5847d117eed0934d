/**
 * Copies text and says so. Where the page may not (no secure context), it shows the text to be copied by hand.
 */
import { notify, page } from "./store.js";

/** @param {string} text @param {string} what it is, for the notice */
export async function copyText(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    notify(`Copied ${what}.`);
  } catch {
    page.set({ dialog: { kind: "copy", text, what } });
  }
}
