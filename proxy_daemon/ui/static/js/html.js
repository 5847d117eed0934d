/**
 * The one door to the drawing library: templates, hooks, components.
 *
 * Invariant: whatever stands in a template becomes a text node or an attribute, never HTML. `dangerouslySetInnerHTML`
 * is used nowhere; Markdown comes in as a sanitised fragment (markdown.js).
 */
import { h } from "../vendor/preact.mjs";
import htm from "../vendor/htm.mjs";

export { Component, Fragment, render } from "../vendor/preact.mjs";
export {
  useCallback,
  useEffect,
  useErrorBoundary,
  useLayoutEffect,
  useMemo,
  useReducer,
  useRef,
  useState,
} from "../vendor/hooks.mjs";

export const html = htm.bind(h);
