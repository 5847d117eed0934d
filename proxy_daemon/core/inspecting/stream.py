"""An answer as it came: each event with its time, what it added to the answer, and a timeline of the whole.

Invariant: linear in the body, a second for 60 MB; events have the time of the piece that completes them, or none where
none is known. Called by `work/viewing.py`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from attrs import define, field, frozen

from proxy_daemon.core.dialects.framing import Framing
from proxy_daemon.core.inspecting.added import Added
from proxy_daemon.core.inspecting.items import Items, data_of
from proxy_daemon.core.inspecting.opened import Opened
from proxy_daemon.core.inspecting.paging import offset_of
from proxy_daemon.core.inspecting.unpacked import Unpacked
from proxy_daemon.core.messages import Pieces, Recording, Response
from proxy_daemon.core.wire import Item

USUAL, MOST = 500, 2000  # events of a page
LONGEST_DATA = 4096  # octets of an event that are shown
_BETWEEN = b" \t\r\n[],"  # what stands between items, and is none
MOST_MARKS = 400  # points of the timeline
_WRITTEN = 2 * 1024 * 1024  # octets of the events of a page, about
_NAMES = {Framing.EVENTS: "sse", Framing.FRAMES: "frames", Framing.LINES: "lines", Framing.ARRAY: "array"}


@frozen
class Timing:
    """When the octets came: ``ends`` of the pieces, in octets decoded, and ``times``; empty where not known."""

    ends: array[int]
    times: array[int]

    def at(self, end: int) -> int | None:
        """When octet ``end`` was there."""
        place = bisect_left(self.ends, end)
        return self.times[min(place, len(self.times) - 1)] if self.times else None


@define
class _Seen:
    """What a walk through the events has found."""

    total: int = 0
    written: int = 0
    first_word: int | None = None
    events: list[dict[str, Any]] = field(factory=list)
    full: bool = False  # the page has no room for more


def stream_view(read: Opened, offset: object = None, limit: object = None) -> dict[str, Any] | None:
    """As the API's `exchanges/ID/stream` has it; None where there is no answer. Raises ValueError."""
    response = read.recording.response
    if response is None:
        return None
    at, most = offset_of(offset), min(MOST, offset_of(limit) or USUAL)
    timing, parts, problem = _timed(response)
    items = Items(read, response)
    seen = _walk(items, parts, timing, Added(read), at, most)
    shown = at + len(seen.events)
    return {
        "framing": _NAMES.get(items.framing, "") if items.is_stream else "",
        "total": seen.total,
        "next": shown if shown < seen.total else None,
        "events": seen.events,
        "first_word_us": seen.first_word,
        "problem": problem or items.problem,
    } | timeline(read.recording, response.pieces)


def _timed(response: Response) -> tuple[Timing, list[bytes], str]:
    """(When which octets came, the decoded octets, what could not be read)."""
    octets = Unpacked(response.head.headers, response.body)
    pieces = response.pieces
    if not octets.is_coded:
        ends = array("Q")
        end = 0
        for size in pieces.sizes:
            end += size
            ends.append(end)
        parts = list(octets)
    else:
        ends, parts = _decoded_ends(octets, pieces)
    known = len(pieces.times) == len(pieces.sizes)
    return Timing(ends, pieces.times if known else array("Q")), parts, octets.problem


def _decoded_ends(octets: Unpacked, pieces: Pieces) -> tuple[array[int], list[bytes]]:
    """Where each piece ends, in decoded octets, and what came out."""
    ends, parts = array("Q"), []
    end = 0
    for _, part in octets.pieces(iter(pieces.sizes)):
        end += len(part)
        parts.append(part)
        ends.append(end)
    return ends, parts


def _walk(items: Items, parts: list[bytes], timing: Timing, added: Added, at: int, most: int) -> _Seen:
    seen = _Seen()
    for item in items.of(parts):
        if not item.raw.strip(_BETWEEN):
            continue
        n = seen.total
        seen.total += 1
        wanted = at <= n < at + most and not seen.full
        words = added.by(item) if wanted or not added.heard or added.depends(n, at) else ""
        if words and not added.heard:
            seen.first_word = timing.at(item.start + len(item.raw))
            added.heard = True
        if wanted:
            _show(seen, item, n, words, timing)
    return seen


def _show(seen: _Seen, item: Item, n: int, words: str, timing: Timing) -> None:
    data = data_of(item) or item.raw.strip(b"\r\n")
    text = data[:LONGEST_DATA].decode("utf-8", "replace")
    event = {
        "n": n,
        "at_us": timing.at(item.start + len(item.raw)),
        "size": len(item.raw),
        "name": item.name,
        "data": text,
        "words": words[:LONGEST_DATA],
    }
    if len(data) > LONGEST_DATA:
        event["cut"] = len(data)
    seen.events.append(event)
    seen.written += 2 * (len(text) + len(words)) + 100
    seen.full = seen.written > _WRITTEN


def timeline(recording: Recording, pieces: Pieces) -> dict[str, Any]:
    """From the pieces on the wire alone. Times are microseconds since the exchange began; null: not known."""
    known = len(pieces.times) == len(pieces.sizes) and bool(pieces.times)
    return {
        "first_byte_us": pieces.times[0] if known else None,
        "end_us": recording.duration or (pieces.times[-1] if known else None),
        "longest_gap": _longest_gap(pieces.times) if known else None,
        "marks": list(_marks(pieces)) if known else [],
    }


def _longest_gap(times: array[int]) -> dict[str, int] | None:
    """Between two pieces: where it begins, and how long it is."""
    if len(times) < 2:  # noqa: PLR2004  (a gap has two ends)
        return None
    long, at = max(((later - one), one) for one, later in pairwise(times))
    return {"at_us": at, "us": long}


def _marks(pieces: Pieces) -> Iterator[list[int]]:
    """[time, octets by then], so many at most; the last piece is always one."""
    step = max(1, -(-len(pieces.sizes) // (MOST_MARKS - 1)))
    total, last = 0, len(pieces.sizes) - 1
    for at, (size, time) in enumerate(zip(pieces.sizes, pieces.times, strict=False)):
        total += size
        if at % step == 0 or at == last:
            yield [time, total]
