"""Writes HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/), which browsers, proxies and editors open.

Invariant: an answer's body is there as HAR wants it, without its content coding, and exact; the fields beside it are
those of that body. What HAR has no words for stands in `_llmproxy` (`har/own.py`), so that our reader reads back what
was written. Called as one of `writers.py`.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import orjson
from attrs import frozen

from proxy_daemon import __version__
from proxy_daemon.core.cassettes.foreign_text import CannotSay, WrittenEntry, left_out
from proxy_daemon.core.cassettes.har.bodies import Plain, plain, uncoded
from proxy_daemon.core.cassettes.har.cookies import received, sent
from proxy_daemon.core.cassettes.har.own import BASE64, NO_HOST, OWN, own_member, said_fields
from proxy_daemon.core.cassettes.whole_exchange import (
    SHARED,
    Address,
    Fields,
    address,
    check,
    clean,
    fields,
    octets,
    only_ours,
    text_of,
    told,
)
from proxy_daemon.core.messages import Ending, Pieces, Recording, Response, Unknown

CODING = "the content coding of its answer: HAR holds bodies decoded"
REASON = "words beside the status that are no text"
LOSSES = (CODING, REASON, *SHARED)

VERSION = "HTTP/1.1"
_DOES_NOT_APPLY = -1  # section "timings", and of sizes that are not known
_LATEST = 253402300799.0  # the end of year 9999, in seconds since 1970


class HarWriter:
    """The format."""

    name = "har"
    suffix = ".har"
    single = False
    head = b'{"log":{"version":"1.2","creator":{"name":"llmproxy","version":"%b"},"entries":[\n' % __version__.encode()
    between = b",\n"
    tail = b"\n]}}\n"
    empty = head + tail[1:]

    def entry(self, recording: Recording) -> WrittenEntry:
        """One entry, on a line. Raises OSError where a body cannot be read."""
        try:
            check(recording)
        except CannotSay as error:
            return left_out(error)
        where = address(recording)
        data = octets(recording.request.body)
        asked = fields(recording.request.headers, len(data))
        answer = _answer(recording)
        entry = {
            **_times(recording),
            "request": _request(recording, where, asked, data),
            "response": answer.said,
            "cache": {},
            OWN: own_member(recording, answer.pieces, answer.trailers, _unknown(recording, answer)),
        }
        losses = [*where.losses, *asked.losses, *answer.losses, *only_ours(recording)]
        return WrittenEntry(orjson.dumps(entry), [*dict.fromkeys(losses)])


# --- times -----------------------------------------------------------------------------------------------------------


def _times(recording: Recording) -> dict[str, Any]:
    """`send`, `wait` and `receive` may not be left out and are never below 0; what was not measured does not apply."""
    began = recording.started if 0 <= recording.started <= _LATEST else 0.0
    wait = recording.head_time
    whole = max(wait, recording.duration)
    return {
        "startedDateTime": datetime.fromtimestamp(began, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "time": whole / 1000,
        "timings": {
            **dict.fromkeys(("blocked", "dns", "connect", "ssl"), _DOES_NOT_APPLY),
            "send": 0,
            "wait": wait / 1000,
            "receive": (whole - wait) / 1000,
        },
    }


# --- the request -----------------------------------------------------------------------------------------------------


def _request(recording: Recording, where: Address, asked: Fields, data: bytes) -> dict[str, Any]:
    is_told = Unknown.REQUEST_BODY not in recording.unknown
    query = where.target.partition(b"?")[2].decode()
    said = {
        "method": recording.request.method.decode(),
        "url": where.url if where.base else NO_HOST + where.url,
        "httpVersion": VERSION,
        "cookies": sent(asked.pairs),
        "headers": said_fields(asked.pairs),
        "queryString": [{"name": name, "value": value} for name, value in parse_qsl(query, keep_blank_values=True)],
        "headersSize": _DOES_NOT_APPLY,
        "bodySize": len(data) if is_told else _DOES_NOT_APPLY,
    }
    return said | ({"postData": _post_data(recording, data)} if data else {})


def _post_data(recording: Recording, data: bytes) -> dict[str, str]:
    """HAR has text only here: other octets stand in a member of our own."""
    kind = {"mimeType": recording.request.headers.get(b"content-type").decode("latin-1")}
    text = text_of(data)
    return kind | ({BASE64: b64encode(data).decode()} if text is None else {"text": text})


# --- the answer ------------------------------------------------------------------------------------------------------


@frozen
class _Answer:
    """``said``: HAR's `response`."""

    said: dict[str, Any]
    pieces: Pieces
    trailers: Sequence[Any] = ()
    losses: Sequence[str] = ()
    uncoded: bool = False


def _answer(recording: Recording) -> _Answer:
    response = recording.response
    if response is None:
        return _no_answer(recording)
    body = plain(response)
    headers = uncoded(response.head.headers, len(body.data)) if body.uncoded else response.head.headers
    said = fields(headers, len(body.data), bodiless=recording.request.method == b"HEAD")
    error = {} if recording.ending is Ending.COMPLETE else {"_error": _why(recording)}
    return _Answer(
        _response(response, said, _content(response, body)) | error,
        body.pieces,
        said_fields(fields(response.trailers, 0).pairs),
        [*told({CODING: body.uncoded, REASON: text_of(response.head.reason) is None}), *said.losses],
        body.uncoded,
    )


def _no_answer(recording: Recording) -> _Answer:
    """As browsers say it: status 0, and why in `_error`."""
    said = {"content": {"size": 0, "mimeType": ""}, "cookies": [], "headers": [], "redirectURL": ""}
    said |= {"_error": _why(recording)}
    sizes = dict.fromkeys(("headersSize", "bodySize"), _DOES_NOT_APPLY)
    return _Answer({"status": 0, "statusText": "", "httpVersion": VERSION} | said | sizes, Pieces())


def _why(recording: Recording) -> str:
    return clean(recording.detail) or recording.ending.value


def _unknown(recording: Recording, answer: _Answer) -> list[Unknown]:
    """What is not known of what is written, in one order."""
    facts = {
        Unknown.RESPONSE_OCTETS: answer.uncoded,
        Unknown.PIECES: bool(recording.response and recording.response.body.size) and not answer.pieces.sizes,
        Unknown.PIECE_TIMES: bool(answer.pieces.sizes) and not answer.pieces.times,
    }
    return [each for each in Unknown if each in recording.unknown or facts.get(each)]


def _response(response: Response, said: Fields, content: dict[str, Any]) -> dict[str, Any]:
    return {
        "status": response.head.status,
        "statusText": response.head.reason.decode("utf-8", "replace"),
        "httpVersion": VERSION,
        "cookies": received(said.pairs),
        "headers": said_fields(said.pairs),
        "content": content,
        "redirectURL": response.head.headers.get(b"location").decode("latin-1"),
        "headersSize": _DOES_NOT_APPLY,
        "bodySize": response.body.size,
    }


def _content(response: Response, body: Plain) -> dict[str, Any]:
    text = text_of(body.data)
    said = {"size": len(body.data), "mimeType": response.head.headers.get(b"content-type").decode("latin-1")}
    if body.uncoded:
        said["compression"] = len(body.data) - response.body.size
    return said | (
        {"text": text} if text is not None else {"text": b64encode(body.data).decode(), "encoding": "base64"}
    )
