/**
 * A long list of rows of one height, of which only those in view are drawn.
 *
 * Invariant: the height of the whole is `count` rows, whatever is drawn, so that the scroll bar tells the truth.
 */
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "./html.js";

const SPARE = 8; // rows drawn above and below the view

/**
 * @param {number} count @param {number} height of a row in CSS pixels @param {number} head of what sticks above them
 * @returns {{box: object, start: number, end: number, top: boolean, onScroll: () => void, show: (index: number) => void}}
 *   `box`: a ref for the element that scrolls; `top`: whether it stands at its top
 */
export function useVirtual(count, height, head) {
  const box = useRef(null);
  const [view, setView] = useState({ first: 0, rows: 40, top: true });
  const measure = useCallback(() => {
    const element = box.current;
    if (!element) return;
    const first = Math.floor(element.scrollTop / height);
    const rows = Math.ceil(element.clientHeight / height) + 1;
    const top = element.scrollTop < 4;
    setView((old) => (old.first === first && old.rows === rows && old.top === top ? old : { first, rows, top }));
  }, [height]);
  useLayoutEffect(measure, [count, measure]);
  useResize(box, measure);
  const start = Math.max(0, Math.min(view.first, count) - SPARE);
  const end = Math.min(count, view.first + view.rows + SPARE);
  return { box, start, end, top: view.top, onScroll: measure, show: (index) => bringIn(box.current, index, height, head) };
}

/** Calls back when the element changes its size. */
export function useResize(box, callback) {
  useEffect(() => {
    const observer = new ResizeObserver(() => callback(box.current));
    observer.observe(box.current);
    return () => observer.disconnect();
  }, [callback]);
}

/** Scrolls as little as shows the row. */
function bringIn(element, index, height, head) {
  if (!element) return;
  const [above, below] = [index * height, (index + 1) * height + head];
  if (above < element.scrollTop) element.scrollTop = above;
  else if (below > element.scrollTop + element.clientHeight) element.scrollTop = below - element.clientHeight;
}
