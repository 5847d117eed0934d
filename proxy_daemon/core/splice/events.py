"""The `data` of one server-sent event as one text, and the way back from its offsets to those of the event.

Source: the WHATWG HTML standard, section 9.2.6 ("Interpreting an event stream"): the values of several data fields are
joined by line feeds. Used by `edited_event`.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from attrs import evolve

from proxy_daemon.core.splice.container import Cut

# A data field: its name at the beginning of a line, a space that does not count, its value.
_DATA = re.compile(rb"(?:\A(?:\xef\xbb\xbf)?|(?<=[\r\n]))(data(?::\x20?)?+)((?<=[: ])[^\r\n]*+)?+(?=[\r\n]|\Z)")
_BREAK = re.compile(rb"\r\n?|\n")


class Lines:
    """The data lines of an event. ``data``: what they say together."""

    def __init__(self, event: bytes) -> None:
        found = list(_DATA.finditer(event))
        values = [(one.end(1), one.end()) for one in found]
        self.data = b"\n".join([event[start:end] for start, end in values])
        self._places = [start for start, _ in values]  # of each value in the event
        self._starts = _offsets(values)  # and in the data
        line_break = _BREAK.search(event)
        self._between = (line_break[0] if line_break else b"\n") + (found[0][1] if found else b"")

    def placed(self, cut: Cut) -> Cut:
        """The cut with the offsets of the event."""
        return evolve(
            cut,
            start=self._place(cut.start),
            end=self._place(cut.end),
            text=_BREAK.sub(lambda _: self._between, cut.text),
        )

    def _place(self, at: int) -> int:
        line = bisect_right(self._starts, at) - 1
        return self._places[line] + at - self._starts[line]


def _offsets(values: list[tuple[int, int]]) -> list[int]:
    offsets, at = [], 0
    for start, end in values:
        offsets.append(at)
        at += end - start + 1
    return offsets
