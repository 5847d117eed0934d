/**
 * What the page does to exchanges and to the daemon. Each act says in words how it ended.
 *
 * Invariant: nothing is deleted or replaced without a question before it; a failed act says why and changes nothing here.
 */
import { address, get, put, remove } from "./api.js";
import { copyText } from "./clipboard.js";
import { notify, page } from "./store.js";

/** Does it and tells how it ended; what it gave, or null. */
async function attempt(act, done) {
  try {
    const value = await act();
    notify(typeof done === "function" ? done(value) : done);
    return value;
  } catch (fault) {
    notify(fault.message, "bad");
    return null;
  }
}

/** @param {string} id @param {{mark?: string, comment?: string, pinned?: boolean}} members @param {string} words */
export const remark = (id, members, words) => attempt(() => put(`exchanges/${id}/remark`, members), words);

/** @param {object} exchange */
export const pin = ({ id, pinned }) => remark(id, { pinned: !pinned }, pinned ? "Not pinned any more." : "Pinned: it stays.");

/** @param {object} exchange */
export const mark = ({ id, mark: old }) => remark(id, { mark: old ? "" : "\u2605" }, old ? "The mark is gone." : "Marked.");

/** @param {string} id @param {"curl"|"python"|"javascript"} language */
export async function copyAs(id, language) {
  try {
    await copyText((await get(`exchanges/${id}/copy`, { as: language })).text, `the request as ${language}`);
  } catch (fault) {
    notify(fault.message, "bad");
  }
}

/** @param {string} id */
export function copyLink(id) {
  const link = new URL(location.href);
  link.hash = `/x/${id}`;
  return copyText(link.href, "the link");
}

/** Throws where it is pinned, unless forced. @param {string} id */
export async function deleteExchange(id, force = false) {
  await remove(`exchanges/${id}`, force ? { force: 1 } : {});
  notify("Deleted.");
}

/** @param {string} id @param {unknown} answer @returns {Promise<string>} the id of what is replayed now */
export async function editAnswer(id, answer) {
  const made = await put(`exchanges/${id}/answer`, answer);
  notify("Saved: this one is replayed now.");
  return made.id;
}

/** @param {string} id @param {string} name @returns {Promise<string>} where it stands */
export async function promote(id, name) {
  const { place } = await put(`exchanges/${id}/cassette`, undefined, { name });
  notify(`It stands in ${place}.`);
  return place;
}

/** @param {string} mode */
export async function setMode(mode) {
  const value = await attempt(() => put("mode", { mode }), (now) => `Mode is ${now.mode} now.`);
  if (value) page.set({ mode: value.mode });
}

export const resetVerdict = () => attempt(() => remove("verdict"), "The verdict begins anew.");

/** @param {string} id @param {string} side */
export const bodyAddress = (id, side) => address(`exchanges/${id}/${side}/body`);
