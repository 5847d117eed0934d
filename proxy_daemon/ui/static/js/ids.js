/**
 * Exchanges' ids: 16 hex digits, sortable as text, milliseconds since 2025 above 22 bits
 * (core/ids.py). Pure.
 */
const EPOCH = 1_735_689_600_000;
const MOST = (1n << 63n) - 1n;

/** @param {bigint} number */
const text = (number) => (number < 0n ? 0n : number > MOST ? MOST : number).toString(16).padStart(16, "0");

/** Whether it could be one. @param {unknown} id */
export const isId = (id) => typeof id === "string" && /^[0-9a-f]{16}$/.test(id);

/** The next id. @param {string} id */
export const after = (id) => text(BigInt(`0x${id}`) + 1n);

/** The id before it. @param {string} id */
export const before = (id) => text(BigInt(`0x${id}`) - 1n);

/** The smallest id of that time. @param {number} ms since 1970 */
export const idAt = (ms) => text(BigInt(Math.max(0, Math.round(ms - EPOCH))) << 22n);

/** When it began, in ms since 1970. @param {string} id */
export const timeOf = (id) => Number(BigInt(`0x${id}`) >> 22n) + EPOCH;
