"""HAR 1.2, as browsers, mitmproxy and Polly.js write it (http://www.softwareishard.com/blog/har-12-spec/).

Polly keeps coded answers as a JSON array of base64 pieces within `text`: these are the pieces that arrived, though not
when. Entries of one `_id` are given in the order of their `_order`, which is that of its replay.
Called by `formats.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO
from urllib.parse import urlencode

from attrs import evolve, frozen

from proxy_daemon.core.cassettes import Skipped, Unreadable
from proxy_daemon.core.cassettes.answers import with_pieces
from proxy_daemon.core.cassettes.fields import Broken, text_octets
from proxy_daemon.core.cassettes.har.own import BASE64, is_own, octet_fields, restored
from proxy_daemon.core.cassettes.json_text import NotJson, TooLarge, load
from proxy_daemon.core.cassettes.message import Said, recording
from proxy_daemon.core.cassettes.moments import moment
from proxy_daemon.core.cassettes.stored_body import ABSENT, Stored, from_base64
from proxy_daemon.core.cassettes.streaming import json_items
from proxy_daemon.core.cassettes.streaming.source import NotStreamed
from proxy_daemon.core.messages import Recording

_BEGIN = re.compile(rb'(?:\xef\xbb\xbf)?\s*+\{\s*+"log"\s*+:\s*+\{')
_GLIMPSE = 4096
_FORM = "application/x-www-form-urlencoded"
_NOT_SENT = ("data:", "blob:", "about:")
_LONGEST = 1e12  # milliseconds


class Har:
    """The format."""

    name = "har"

    def recognises(self, file: str, data: bytes) -> bool:
        """By its first member, `log`."""
        return bool(_BEGIN.match(data[:_GLIMPSE]))

    def read(self, file: str, data: bytes) -> Iterator[Recording | Skipped]:
        """All entries. Raises `Unreadable`."""
        try:
            found = load(data)
        except NotJson as error:
            raise Unreadable(file, str(error)) from None
        log = found.get("log") if isinstance(found, dict) else None
        entries = log.get("entries") if isinstance(log, dict) else None
        if not isinstance(entries, list):
            raise Unreadable(file, "a HAR without a list of entries")
        for number in _in_order(entries):
            yield _entry(number, entries[number])

    def stream(self, file: str, source: BinaryIO) -> Iterator[Recording | Skipped]:
        """As `read`."""
        for number, entry in enumerate(json_items.items(file, source, ("log", "entries"))):
            if _is_ordered(entry):
                raise NotStreamed("its entries are in an order of their own")
            yield _entry(number, entry)


def _entry(number: int, entry: Any) -> Recording | Skipped:
    try:
        return _exchange(entry)
    except Broken as error:
        return Skipped(number, str(error))


def _is_ordered(entry: Any) -> bool:
    """Whether it has a place of its own among others, as Polly writes it."""
    return isinstance(entry, dict) and isinstance(entry.get("_id"), str) and _is_number(entry.get("_order"))


def _in_order(entries: list[Any]) -> list[int]:
    """The numbers of the entries, those of one `_id` by their `_order`: Polly sorts its file by time alone."""
    places: dict[str, list[int]] = {}
    for number, entry in enumerate(entries):
        if _is_ordered(entry):
            places.setdefault(entry["_id"], []).append(number)
    order = list(range(len(entries)))
    for numbers in places.values():
        for place, number in zip(numbers, sorted(numbers, key=lambda one: float(entries[one]["_order"])), strict=True):
            order[place] = number
    return order


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _exchange(entry: Any) -> Recording:
    request, response = (_member(entry, name) for name in ("request", "response"))
    _check(entry, request, response)
    content, is_told = _content(response), _is_told(response)
    duration = _microseconds(entry.get("time"))
    found = recording(
        Said(
            method=request.get("method"),
            url=request.get("url"),
            status={"code": response.get("status") if is_told else None, "message": response.get("statusText")},
            request_headers=octet_fields(request.get("headers")),
            request_body=_sent(request),
            response_headers=octet_fields(response.get("headers")),
            response_body=content.body,
            started=moment(entry.get("startedDateTime")),
            duration=duration,
        )
    )
    if is_own(entry):
        return restored(found if is_told else evolve(found, response=None), entry)
    found = evolve(found, head_time=_head_time(duration, entry.get("timings")))
    return with_pieces(found, content.sizes) if content.sizes else found


def _member(entry: Any, name: str) -> dict[str, Any]:
    found = entry.get(name) if isinstance(entry, dict) else None
    if not isinstance(found, dict):
        raise Broken(f"an entry without a {name}")
    return found


def _check(entry: dict[str, Any], request: dict[str, Any], response: dict[str, Any]) -> None:
    url = request.get("url")
    if "_webSocketMessages" in entry or (isinstance(url, str) and url[:4].lower() in ("ws:/", "wss:")):
        raise Broken("a session of WebSocket, not an exchange of HTTP")
    if isinstance(url, str) and url[:6].lower().startswith(_NOT_SENT):
        raise Broken("its URL holds its own content: nothing was sent")
    if not _is_told(response) and not is_own(entry):
        raise Broken("no answer came")


def _is_told(response: dict[str, Any]) -> bool:
    """Whether there is an answer."""
    return response.get("status") not in (0, None)


@frozen
class _Content:
    """An answer's body, and the sizes of its pieces where the file tells them."""

    body: Stored
    sizes: tuple[int, ...] = ()


def _content(response: dict[str, Any]) -> _Content:
    content = response.get("content")
    if not isinstance(content, dict):
        return _Content(ABSENT)
    text, encoding = content.get("text"), content.get("encoding")
    if text is None:
        return _Content(Stored() if content.get("size") == 0 else ABSENT)
    if encoding == "base64" and isinstance(text, str) and text.startswith("["):
        return _of_pieces(text)
    return _Content(_body(text, encoding))


def _of_pieces(text: str) -> _Content:
    try:
        pieces = [from_base64(piece).data for piece in load(text.encode(errors="replace"))]
    except TooLarge as error:
        raise Broken(f"a body whose pieces are {error}") from None
    except NotJson:
        raise Broken("a body whose pieces are no JSON") from None
    return _Content(Stored(b"".join(pieces)), tuple(map(len, pieces)))


def _body(text: Any, encoding: Any) -> Stored:
    if encoding == "base64":
        return from_base64(text)
    if encoding:
        raise Broken("a body in an encoding that is not known")
    return Stored(text_octets(text))


def _sent(request: dict[str, Any]) -> Stored:
    """The request's body."""
    data = request.get("postData")
    if not isinstance(data, dict):
        return Stored() if request.get("bodySize") == 0 and request.get("method") == "POST" else ABSENT
    if BASE64 in data:
        return from_base64(data[BASE64])
    if data.get("text"):
        return _body(data["text"], data.get("encoding"))
    if data.get("params"):
        return _form(data)
    return Stored() if request.get("bodySize") == 0 else ABSENT


def _form(data: dict[str, Any]) -> Stored:
    """Of a body that is told by its parameters only: a form can be written anew, multipart cannot."""
    params, kind = data["params"], data.get("mimeType")
    if not isinstance(kind, str) or not kind.lower().startswith(_FORM) or not isinstance(params, list):
        return ABSENT
    if not all(isinstance(one, dict) for one in params):
        raise Broken("a parameter of a form without a name")
    pairs = [(text_octets(one.get("name")), text_octets(one.get("value"))) for one in params]
    return Stored(urlencode(pairs).encode(), own=False)


def _microseconds(milliseconds: Any) -> int | None:
    """None for what is no time: HAR has -1 for "does not apply"."""
    if not _is_number(milliseconds) or not 0 <= milliseconds < _LONGEST:
        return None
    return round(float(milliseconds) * 1000)


def _head_time(duration: int | None, timings: Any) -> int:
    """When the answer began: what is left of the whole without `receive`. 0 where that is not told, as in Polly's."""
    receive = _microseconds(timings.get("receive")) if isinstance(timings, dict) else None
    return max(0, duration - receive) if duration and receive else 0
