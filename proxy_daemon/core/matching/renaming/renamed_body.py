"""Where an answer's body holds ids that are to be renamed, whatever it is made of: a document or the items of a stream.

An item that is no JSON ("[DONE]", a comment) holds none. Invariant: all places are found, or none is said. Called by
`renaming.py`.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from proxy_daemon.core.dialects.framing import Framing
from proxy_daemon.core.matching.renaming.changes import Change, applied
from proxy_daemon.core.matching.renaming.new_names import MOST_PLACES, NewNames, NotRenamed, changes_in
from proxy_daemon.core.splice import find
from proxy_daemon.core.splice.container import NO_EDIT, Cut
from proxy_daemon.core.splice.events import Lines
from proxy_daemon.core.wire import Malformed, Reader
from proxy_daemon.core.wire.event_stream import PRELUDE, EventStreamReader, Frame, write_frame
from proxy_daemon.core.wire.json_array import Element, JSONArrayReader
from proxy_daemon.core.wire.json_text import BOM, NotJSON, parse
from proxy_daemon.core.wire.ndjson import LineReader
from proxy_daemon.core.wire.sse import Event, SSEReader

_CHECKSUM = 4  # octets of a CRC-32
_PACKED = "bytes"  # the member in which Bedrock's `invoke` packs the JSON of a model's own maker


def body_changes(data: bytes, framing: Framing, names: NewNames) -> list[Change]:
    """Of a decoded body. Raises `Malformed` where the framing is broken, `NotRenamed`, and NotJSON for a document."""
    names = names if framing is Framing.FRAMES else names.within(data)  # frames may have theirs packed
    if framing is Framing.OPAQUE or names.searched == ():
        return []
    if framing is Framing.DOCUMENT:
        return _document(data, names)
    if framing is Framing.FRAMES:
        return _gathered(_items(EventStreamReader(), data), names, _frame)
    if framing is Framing.EVENTS:
        return _gathered(_events(data), names, _event)
    if framing is Framing.LINES:
        return _lines(data, names)
    start = len(BOM) if data.startswith(BOM) else 0
    return [change.behind(start) for change in _gathered(_items(JSONArrayReader(), data[start:]), names, _element)]


def _gathered(
    items: Iterable[Any], names: NewNames, changes_of: Callable[[Any, NewNames], list[Change]]
) -> list[Change]:
    found: list[Change] = []
    for item in items:
        try:
            found += [change.behind(item.start) for change in changes_of(item, names)]
        except NotJSON:
            continue
        if len(found) > MOST_PLACES:
            raise NotRenamed("ids stand in too many places")
    return found


def _items(reader: Reader, data: bytes) -> list[Any]:
    """All of them. Raises `Malformed`."""
    items = list(reader.feed(data))
    items += reader.feed(b"")  # a fault that is known already has its say
    return items + list(reader.end())


def _events(data: bytes) -> list[Event]:
    """Those whose blank line at the end is missing too: recorders strip it."""
    reader = SSEReader()
    events = list(reader.feed(data))
    events += reader.feed(b"")
    try:
        return events + list(reader.end())
    except Malformed:
        rest = reader.rest
        return [*events, Event(rest, len(data) - len(rest))]


def _document(data: bytes, names: NewNames) -> list[Change]:
    """Lines are sent as a document too, as `core/dialects/contents.py` reads them."""
    try:
        return changes_in(data, names)
    except NotJSON:
        if b"\n" not in data.strip():
            raise
        return _lines(data, names)


def _lines(data: bytes, names: NewNames) -> list[Change]:
    return _gathered(_items(LineReader(), data), names, _line)


def _line(line: Any, names: NewNames) -> list[Change]:
    return changes_in(line.raw, names) if names.may_be_in(line.raw) else []


def _element(element: Element, names: NewNames) -> list[Change]:
    if not names.may_be_in(element.raw):
        return []
    offset = len(element.raw) - len(element.data)
    return [change.behind(offset) for change in changes_in(element.data, names)] if element.data else []


def _event(event: Event, names: NewNames) -> list[Change]:
    if not names.may_be_in(event.raw):
        return []
    lines = Lines(event.raw)
    cuts = [Cut(change.start, change.end, change.text, NO_EDIT) for change in changes_in(lines.data, names)]
    return [Change(cut.start, cut.end, cut.text) for cut in map(lines.placed, cuts)]


def _frame(frame: Frame, names: NewNames) -> list[Change]:
    """Its payload, and with it the lengths and both checksums."""
    changes = _payload(frame.data, names)
    if not changes:
        return []
    size = len(frame.raw)
    begin = size - _CHECKSUM - len(frame.data)
    new = write_frame(frame.headers, applied(frame.data, changes))
    return [
        Change(0, PRELUDE, new[:PRELUDE]),
        *[change.behind(begin) for change in changes],
        Change(size - _CHECKSUM, size, new[-_CHECKSUM:]),
    ]


def _payload(payload: bytes, names: NewNames) -> Sequence[Change]:
    document = parse(payload)
    packed = document.get(_PACKED) if isinstance(document, dict) else None
    if not isinstance(packed, str):
        return changes_in(payload, names) if names.may_be_in(payload) else []
    try:
        inner = b64decode(packed, validate=True)
    except ValueError:
        return []
    changes = changes_in(inner, names) if names.may_be_in(inner) else []
    span = find(payload, [_PACKED])
    if not changes or span is None:
        return []
    return [Change(span.start, span.end, b'"%b"' % b64encode(applied(inner, changes)))]
