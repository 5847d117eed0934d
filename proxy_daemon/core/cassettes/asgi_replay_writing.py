"""Writes asgi-replay's logs: the ASGI messages of answers, one JSON text a line, as asgi-replay 0.1a0 writes them.

Invariant: the octets of an answer's body and its pieces are exact. The request is not in such a file: an answer is one
to any request. asgi-replay itself wants one answer in a file, since it sends all that is there. Called by
`store/cassette` and, as one of `writers.py`, by `llmproxy export`.

Source: asgi-replay 0.1a0, asgi-proxy-lib 0.2a0; https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any

from proxy_daemon.core.bodies import Body
from proxy_daemon.core.cassettes.asgi_replay import AsgiReplay
from proxy_daemon.core.cassettes.foreign_text import (
    LOST,
    LOST_BY_BOTH,
    REQUEST_FIELDS,
    CannotSay,
    WrittenEntry,
    answer_of,
    left_out,
    lost,
    lost_by_both,
)
from proxy_daemon.core.cassettes.json_text import load
from proxy_daemon.core.messages import Recording, Response, Unknown

REQUEST = "the request: the answer is one to any request"
HEAD_LENGTH = "the length of the body of an answer to HEAD"
LOSSES = (*(what for what in LOST if what != REQUEST_FIELDS), *LOST_BY_BOTH, REQUEST, HEAD_LENGTH)
START, BODY = "http.response.start", "http.response.body"


class AsgiReplayText:
    """The format, as it is written."""

    name = "asgi-replay"
    suffix = ".json"
    single = True
    head = between = tail = empty = b""

    def entry(self, recording: Recording) -> WrittenEntry:
        """One answer, a line a message. Raises OSError where a body cannot be read."""
        try:
            response = answer_of(recording)
        except CannotSay as error:
            return left_out(error)
        is_head = recording.request.method == b"HEAD"
        losses = [what for what in lost(recording, response) if what != REQUEST_FIELDS]
        losses += lost_by_both(recording, response)
        losses += [REQUEST] if Unknown.REQUEST not in recording.unknown else []
        losses += [HEAD_LENGTH] if is_head and response.head.length else []
        return WrittenEntry(b"".join(map(_line, _messages(response, is_head=is_head))), losses)

    def like(self, file: str, data: bytes) -> AsgiReplayText:
        """There is one only."""
        return self

    def whole(self, entries: Iterable[bytes]) -> bytes:
        """A log of these answers."""
        return b"".join(entries)

    def entries(self, file: str, data: bytes) -> list[bytes]:
        """The answers of a log, octet for octet, without messages of the server's own life. Raises `Unreadable`."""
        found: list[list[bytes]] = []
        for kind, line in _kinds(file, data):
            if kind == START:
                found.append([])
            if not kind.startswith("lifespan."):
                found[-1].append(line)
        return [b"".join(lines) for lines in found]


def _kinds(file: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """The type of each message, and its line with an end. Raises `Unreadable` where the reader does."""
    for _ in AsgiReplay().read(file, data):
        pass
    for line in filter(bytes.strip, BytesIO(data)):
        yield str(load(line)["type"]), line if line.endswith(b"\n") else line + b"\n"


def _messages(response: Response, *, is_head: bool) -> Iterator[dict[str, Any]]:
    headers = _fields(response)
    yield {"type": START, "status": response.head.status, "headers": headers}
    for piece in () if is_head else _pieces(response):
        yield {"type": BODY, "body": _coded(piece), "more_body": True}
    yield {"type": BODY, "more_body": False}


def _fields(response: Response) -> list[list[dict[str, str]]]:
    """In lower case, as ASGI asks. A length that is not that of the body would make the server fail."""
    headers = response.head.headers.end_to_end()
    if any(length.strip() != b"%d" % response.body.size for length in headers.all(b"content-length")):
        headers = headers.without((b"content-length",))
    return [[_coded(name.lower()), _coded(value)] for name, value in headers.pairs]


def _pieces(response: Response) -> Iterator[bytes]:
    """As they arrived; all at once where that is not known."""
    size, offset = response.body.size, 0
    sizes = response.pieces.sizes if sum(response.pieces.sizes) == size else [size]
    for length in filter(None, sizes):
        yield _part(response.body, offset, length)
        offset += length


def _part(body: Body, offset: int, length: int) -> bytes:
    """A body may give less than is asked for."""
    found = bytearray()
    while len(found) < length and (data := body.read(offset + len(found), length - len(found))):
        found += data
    return bytes(found)


def _coded(data: bytes) -> dict[str, str]:
    return {"$base64": b64encode(data).decode()}


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"
