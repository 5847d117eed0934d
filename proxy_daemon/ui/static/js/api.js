/**
 * Asks the daemon. Every request of the page goes through here, but the two event streams (live.js).
 *
 * Invariant: a call either returns what the API said, or throws a `Fault` whose message is fit to be shown. The token
 * is asked for once, is held in memory only, and asked for anew where the daemon has another.
 */
export const ROOT = new URL("../api/", import.meta.url).href;

/** What went wrong, in words; `at` and `length`: the place in a filter. */
export class Fault extends Error {
  /** @param {string} words @param {number} status @param {{at?: number, length?: number}} [place] */
  constructor(words, status, place = {}) {
    super(words);
    this.status = status;
    this.at = place.at;
    this.length = place.length;
  }
}

/** @param {string} path @param {Record<string, string|number|null|undefined>} [query] */
export function address(path, query = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, String(value));
  }
  return url.href;
}

/** @param {string} path @param {object} [query] @param {AbortSignal} [signal] */
export const get = (path, query, signal) => call("GET", path, query, undefined, signal);
/** @param {string} path @param {unknown} body @param {object} [query] */
export const put = (path, body, query) => acting("PUT", path, query, body);
/** @param {string} path @param {object} [query] */
export const remove = (path, query) => acting("DELETE", path, query);

let token = "";

async function acting(method, path, query, body) {
  token ||= (await get("token")).token;
  try {
    return await call(method, path, query, body);
  } catch (fault) {
    if (fault.status !== 403) throw fault;
  }
  token = (await get("token")).token; // the daemon began anew
  return call(method, path, query, body);
}

async function call(method, path, query, body, signal) {
  const headers = { accept: "application/json" };
  if (method !== "GET") headers["x-llmproxy-token"] = token;
  if (body !== undefined) headers["content-type"] = "application/json";
  const asked = { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) };
  let answer;
  try {
    answer = await fetch(address(path, query), asked);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Fault("The daemon cannot be reached.", 0);
  }
  return said(answer);
}

/** @param {Response} answer */
async function said(answer) {
  let value;
  try {
    value = await answer.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Fault(`The daemon's answer (status ${answer.status}) is no JSON.`, answer.status);
  }
  if (answer.ok) return value;
  const words = value?.error?.message ?? value?.error; // at the door it refuses in the form of the upstream's API
  throw new Fault(words || `The daemon refused, with status ${answer.status}.`, answer.status, value ?? {});
}
