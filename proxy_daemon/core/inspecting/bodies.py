"""A body for people: pretty, raw or in hexadecimal, a page of it.

Invariant: no body makes it raise, take long, or hold more than a page and a part of the body; only JSON and forms are
held whole, within limits. Called by `work/viewing.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from attrs import frozen

from proxy_daemon.core.bodies import Body
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.inspecting.charsets import Decoded
from proxy_daemon.core.inspecting.kinds import LOOKED_AT, Kind, kind_of
from proxy_daemon.core.inspecting.opened import Opened
from proxy_daemon.core.inspecting.paging import Page, limit_of, offset_of, page_of
from proxy_daemon.core.inspecting.pretty import LONGEST, Pretty
from proxy_daemon.core.inspecting.unpacked import Unpacked

REQUEST, RESPONSE, DELIVERED = "request", "response", "delivered"
PRETTY, RAW, HEX = "pretty", "raw", "hex"
FORMS = (PRETTY, RAW, HEX)
ROW = 16  # octets of a line in hexadecimal
_WIDTH = 8 + 2 + 3 * ROW + 1 + ROW + 1  # characters of one
_SHOWN = bytes(octet if 0x20 <= octet < 0x7F else ord(".") for octet in range(256))  # noqa: PLR2004  (ASCII)
_HELD = frozenset((Kind.FORM, Kind.MULTIPART))  # of these the whole body is read before anything is shown


@frozen
class Shown:
    """One side of an exchange. ``status``: of an answer."""

    headers: Headers
    body: Body
    status: int = 200
    streams: bool = False


def side_of(read: Opened, side: str) -> Shown | None:
    """None where there is none, or none of its own octets are known. Raises ValueError for another name."""
    recording = read.recording
    if side == REQUEST:
        return Shown(recording.request.headers, recording.request.body)
    response = recording.response
    answered = None
    if response is not None:
        answered = Shown(response.head.headers, response.body, response.head.status, read.streams)
    if side == RESPONSE:
        return answered
    if side != DELIVERED:
        raise ValueError("the side is request, response or delivered")
    delivered = recording.delivered
    if delivered is None:
        return None
    if delivered.body is None:
        return answered  # upstream's own octets
    return Shown(delivered.head.headers, delivered.body, delivered.head.status, read.streams)


def body_view(shown: Shown, form: object = PRETTY, offset: object = None, limit: object = None) -> dict[str, Any]:
    """As the API's `exchanges/ID/request` has it. Raises ValueError for parameters that are none.

    ``offset`` and ``next`` are characters of the text, in hexadecimal octets of the body.
    """
    if form not in FORMS:
        raise ValueError(f"form is one of {', '.join(FORMS)}")
    at, most = offset_of(offset), limit_of(limit)
    content_type = shown.headers.get(b"content-type")
    octets = Unpacked(shown.headers, shown.body)
    first = octets.whole(LOOKED_AT)
    kind = kind_of(content_type, first, status=shown.status, streams=shown.streams)
    form = HEX if form == PRETTY and kind is Kind.BINARY else form
    page, problem = _page(str(form), kind, content_type, first, shown, at, most)
    octets.measure()
    if form == PRETTY and kind in _HELD and octets.size > LONGEST:
        problem = problem or f"only the first {LONGEST} octets of the form are read: see the raw form"
    return {
        "form": form,
        "text": page.text,
        "offset": page.offset,
        "next": page.next,
        "size": octets.size,
        "coded": octets.coded,
        "media_type": content_type.partition(b";")[0].strip().decode("latin-1"),
        "kind": kind.value,
        "problem": octets.problem or problem,
    }


def _page(
    form: str, kind: Kind, content_type: bytes, first: bytes, shown: Shown, at: int, most: int
) -> tuple[Page, str]:
    if form == HEX:
        return _hex_page(shown.body, at, most)
    octets = Unpacked(shown.headers, shown.body)
    if form == RAW:
        decoded = Decoded(content_type, first)
        page = page_of(decoded.parts(octets), at, most)
        return page, octets.problem or decoded.problem
    pretty = Pretty(kind, content_type, first)
    parts: Iterable[bytes] = _bounded(octets) if kind in _HELD else octets
    page = page_of(pretty.parts(parts), at, most)
    return page, octets.problem or pretty.problem


def _bounded(octets: Iterable[bytes]) -> Iterator[bytes]:
    """No more than is made pretty at all."""
    left = LONGEST
    for part in octets:
        yield part[:left]
        left -= len(part)
        if left <= 0:
            return


def _hex_page(body: Body, at: int, most: int) -> tuple[Page, str]:
    """Lines of the octets on the wire; the first line is the one in which ``at`` stands."""
    start = at - at % ROW
    rows = max(1, most // _WIDTH)
    end = start + rows * ROW
    try:
        data = b"".join(_span(body, start, end - start))
    except OSError as error:
        return Page("", start, None), str(error)
    text = "".join(hex_line(start + each, data[each : each + ROW]) for each in range(0, len(data), ROW))
    return Page(text, start, end if end < body.size else None), ""


def _span(body: Body, at: int, size: int) -> Iterator[bytes]:
    while size > 0 and (part := body.read(at, size)):
        yield part
        at += len(part)
        size -= len(part)


def hex_line(at: int, octets: bytes) -> str:
    """Where it stands, the octets, and what of them is ASCII."""
    return f"{at:08x}  {octets.hex(' '):<{3 * ROW}} {octets.translate(_SHOWN).decode('ascii')}\n"
