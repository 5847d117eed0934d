"""Finds JSON values in octets by path, and replaces, removes or adds them; every other octet stays as it was.

Number text, order, spacing, escapes and a byte order mark are left alone. Of a name that an object has twice, the last
one rules, as it does in parsers; names are compared by their meaning. Where a text is no JSON, `NotJSON` is raised;
where a path leads nowhere, the answer is None: nothing is edited by half. Paths and edits: `edits.py`. Called by rules
that change what passes, on whole bodies and on the `data` of one event of a stream.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from proxy_daemon.core.splice.container import Cut
from proxy_daemon.core.splice.edits import Add, Edit, Path, Remove, Replace, tree, wanted_at
from proxy_daemon.core.splice.events import Lines
from proxy_daemon.core.splice.grammar import NotJSON
from proxy_daemon.core.splice.walk import hits
from proxy_daemon.core.splice.wanted import Meeting

__all__ = [
    "Add",
    "Edit",
    "Meeting",
    "NotJSON",
    "Path",
    "Remove",
    "Replace",
    "Span",
    "added",
    "edited",
    "edited_event",
    "find",
    "find_all",
    "removed",
    "replace",
]


@frozen
class Span:
    """Where a value stands: from the first octet of it to behind its last."""

    start: int
    end: int

    def of(self, octets: bytes) -> bytes:
        """The value as it is written."""
        return octets[self.start : self.end]


def find(octets: bytes, path: Path) -> Span | None:
    """The first value at ``path``; None where there is none. Raises `NotJSON`."""
    return next(iter(find_all(octets, path)), None)


def find_all(octets: bytes, path: Path) -> list[Span]:
    """All values at ``path``, of which there are several only where it holds "*". Raises `NotJSON`."""
    return [Span(cut.start, cut.end) for cut in hits(octets, wanted_at(path))]


def replace(octets: bytes, path: Path, value: object) -> bytes | None:
    """The text with ``value`` at ``path``; None where nothing is there. Raises as `edited`."""
    return edited(octets, [Replace(path, value)])


def removed(octets: bytes, path: Path) -> bytes | None:
    """The text without what is at ``path``; None where nothing is there. Raises as `edited`."""
    return edited(octets, [Remove(path)])


def added(octets: bytes, path: Path, value: object) -> bytes | None:
    """The text with ``value`` added at ``path``, see `Add`; None where there is no such place. Raises as `edited`."""
    return edited(octets, [Add(path, value)])


def edited(octets: bytes, edits: Sequence[Edit]) -> bytes | None:
    """The text with all edits made, in one pass; None where one of them leads nowhere: then none is made.

    Raises `NotJSON`, `Meeting` for edits that change the same, ValueError and TypeError for a value that is no JSON.
    """
    cuts = _cuts(octets, edits)
    return None if cuts is None else _joined(octets, cuts)


def edited_event(event: bytes, edits: Sequence[Edit]) -> bytes | None:
    """The same with the JSON in the `data` of ``event``: the octets of one whole server-sent event.

    Its other fields, comments and line ends stay. A line break within a new value begins another `data` line.
    """
    lines = Lines(event)
    cuts = _cuts(lines.data, edits)
    return None if cuts is None else _joined(event, [lines.placed(cut) for cut in cuts])


def _cuts(octets: bytes, edits: Sequence[Edit]) -> list[Cut] | None:
    cuts = hits(octets, tree(edits))
    if len({cut.edit for cut in cuts if cut.edit >= 0}) < len(edits):
        return None
    return [cut for cut in cuts if cut.start < cut.end or cut.text]


def _joined(octets: bytes, cuts: Sequence[Cut]) -> bytes:
    parts, at = [], 0
    for cut in cuts:
        assert cut.start >= at, "cuts overlap"
        parts += [octets[at : cut.start], cut.text]
        at = cut.end
    return b"".join([*parts, octets[at:]])
