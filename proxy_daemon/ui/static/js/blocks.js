/**
 * Cuts a Markdown text where nothing runs across the cut, so that a long text is drawn in parts, and one that grows
 * draws its last part only. Pure.
 *
 * Invariant: the blocks put together are the text; as a text grows by its end, its blocks but the last two stay.
 */
const ENOUGH = 2000; // characters of a block before it is cut at the next good place

/** @param {string} text @returns {string[]} */
export function blocks(text) {
  const found = [];
  let [start, at, fence, blank] = [0, 0, "", false];
  while (at < text.length) {
    const end = text.indexOf("\n", at) + 1 || text.length;
    const line = text.slice(at, Math.min(end, at + 200));
    if (blank && !fence && at - start >= ENOUGH && begins(line)) {
      found.push(text.slice(start, at));
      start = at;
    }
    fence = fenced(line, fence);
    blank = line.trim() === "";
    at = end;
  }
  if (start < text.length) found.push(text.slice(start));
  return found;
}

/** Whether a line begins something of its own: no list's item, quote, table or what is indented. */
const begins = (line) => /^[^\s>|*+\-\d]/.test(line) || /^\*\*\S/.test(line);

/** The fence that is open behind the line. */
function fenced(line, fence) {
  const mark = /^ {0,3}(`{3,}|~{3,})(.*)/.exec(line);
  if (!mark) return fence;
  if (!fence) return mark[1];
  const closes = mark[1][0] === fence[0] && mark[1].length >= fence.length && mark[2].trim() === "";
  return closes ? "" : fence;
}

/** The beginning of a text that is shown while it is folded: whole lines where that is possible. */
export function beginning(text, most) {
  const lines = /^(?:[^\n]*\n){0,24}/.exec(text.slice(0, most + 1))[0];
  if (text.length <= most && lines.length >= text.replace(/[^\n]*$/, "").length) return text;
  const cut = text.slice(0, most).split("\n").slice(0, 24).join("\n");
  const space = cut.lastIndexOf("\n");
  return cut.length === most && space > most / 2 ? cut.slice(0, space) : cut;
}
