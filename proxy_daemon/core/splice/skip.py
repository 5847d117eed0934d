"""Single steps through a JSON text, and whole values at once. All raise `NotJSON`, with the place.

The text is what `grammar.plain` gives. Used by `walk.py`.
"""

from __future__ import annotations

import re

from proxy_daemon.core.splice.grammar import NAME, NEXT, OPEN, NotJSON, elements, members, value


def end_of(text: bytes, at: int) -> int:
    """Where the value ends that begins at ``at``, however deep it is."""
    closers: list[str] = []
    while True:
        whole = value().match(text, at)
        if whole is None:
            at, closer = opened(text, at)  # it is not empty: that would have been a whole value
            closers.append(closer)
        else:
            at = _out(text, whole.end(), closers)
            if not closers:
                return at
        at = _next_value(text, at, closers[-1])


def _out(text: bytes, at: int, closers: list[str]) -> int:
    """Behind a value: past the closers that follow it, and past a comma."""
    while closers:
        at, closes = behind(text, at, closers[-1])
        if not closes:
            break
        closers.pop()
    return at


def _next_value(text: bytes, at: int, closer: str) -> int:
    """Where the first item begins that is nested, or is the last one."""
    run = (members() if closer == "}" else elements()).match(text, at)
    at = run.end() if run else at
    return named_value(text, at).end() if closer == "}" else at


def opened(text: bytes, at: int) -> tuple[int, str]:
    """(Where the first item of the container would begin, its closer)."""
    found = OPEN.match(text, at)
    if found is None:
        raise _missing("value", text, at)
    return found.end(), "]" if text.startswith(b"[", at) else "}"


def named_value(text: bytes, at: int) -> re.Match[bytes]:
    """A name, its group 1, and its colon, up to where the value begins."""
    found = NAME.match(text, at)
    if found is None:
        raise _missing("name", text, at)
    return found


def behind(text: bytes, at: int, closer: str) -> tuple[int, bool]:
    """(Where it goes on behind a value, whether that is behind the container's end rather than behind a comma)."""
    found = NEXT[closer].match(text, at)
    if found is None:
        raise NotJSON(f"neither a comma nor {closer}", at)
    return found.end(), not found[1]


def _missing(what: str, text: bytes, at: int) -> NotJSON:
    return NotJSON(f"no {what}" if at < len(text) else "cut off", at)
