"""asgi-replay's logs: the ASGI messages of an answer, one JSON text a line, octets as `{"$base64": ...}`.

The request is not in the file. Each `http.response.body` is a piece as it arrived; when it came is not told.
Source: asgi-replay 0.1a0, `asgi_replay.py`; https://asgi.readthedocs.io/en/latest/specs/www.html
Called by `formats.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any, BinaryIO

from attrs import define, evolve, field

from proxy_daemon.core.cassettes import MOST, Skipped, Unreadable
from proxy_daemon.core.cassettes.answers import answer, with_pieces
from proxy_daemon.core.cassettes.fields import Broken
from proxy_daemon.core.cassettes.json_text import NotJson, TooLarge, load
from proxy_daemon.core.cassettes.stored_body import Stored, from_base64
from proxy_daemon.core.messages import Ending, Recording

_BEGIN = re.compile(rb'\s*+\{\s*+"type"\s*+:\s*+"(?:http|websocket|lifespan)\.')
_GLIMPSE = 4096


class AsgiReplay:
    """The format."""

    name = "asgi-replay"

    def recognises(self, file: str, data: bytes) -> bool:
        """By the type of the first message."""
        return bool(_BEGIN.match(data[:_GLIMPSE]))

    def read(self, file: str, data: bytes) -> Iterator[Recording | Skipped]:
        """All answers; one without its end is marked as broken off. Raises `Unreadable` at a line that is none."""
        if len(data) > MOST:
            raise Unreadable(file, f"larger than {MOST} octets")
        return self.stream(file, BytesIO(data))

    def stream(self, file: str, source: BinaryIO) -> Iterator[Recording | Skipped]:
        """As `read`."""
        entry, now = 0, None
        try:
            for number, message in _messages(file, source):
                if message.get("type") == "http.response.start":
                    if now is not None:
                        yield now.recording(entry)
                        entry += 1
                    now = _Answer(message.get("status"), message.get("headers"))
                else:
                    _take(now, message, file, number)
        except Unreadable:
            if now is not None:
                yield now.recording(entry)
            raise
        if now is not None:
            yield now.recording(entry)


def _take(now: _Answer | None, message: dict[str, Any], file: str, number: int) -> None:
    """What is no beginning, where it belongs. Raises `Unreadable` where it belongs nowhere."""
    kind = message.get("type")
    if kind == "http.response.body" and now is not None and not now.ended:
        now.add(message)
    elif not isinstance(kind, str) or not kind.startswith("lifespan."):  # of the server's own life
        raise Unreadable(file, f"line {number}: {_why(kind)}")


def _why(kind: Any) -> str:
    if str(kind).startswith("websocket."):
        return "a WebSocket session, no exchange of HTTP"
    if kind == "http.response.body":
        return "a piece of no answer: several answers may have been written into one file at once"
    return "no message of ASGI's that an answer is made of"


def _messages(file: str, source: BinaryIO) -> Iterator[tuple[int, dict[str, Any]]]:
    """The number of each line and what it holds."""
    for number, line in enumerate(iter(lambda: source.readline(MOST + 1), b""), 1):
        if not line.strip():
            continue
        try:
            found = load(line)
        except TooLarge as error:
            raise Unreadable(file, f"line {number}: {error}") from None
        except NotJson:
            found = None
        if not isinstance(found, dict):
            raise Unreadable(file, f"line {number} is not a JSON object, or it is cut off")
        yield number, found


@define
class _Answer:
    """One that is being put together. ``broken``: why it is none."""

    status: Any
    headers: Any
    pieces: list[bytes] = field(factory=list)
    ended: bool = False
    broken: str = ""
    size: int = 0

    def add(self, message: dict[str, Any]) -> None:
        """One more piece."""
        try:
            piece = _octets(message.get("body"))
        except Broken as error:
            self.broken = str(error)
            return
        self.size += len(piece)
        if self.size > MOST:
            self.broken = f"larger than {MOST} octets"
            self.pieces.clear()
        elif piece:
            self.pieces.append(piece)
        self.ended = not message.get("more_body")

    def recording(self, entry: int) -> Recording | Skipped:
        """It as a recording, or why it is none."""
        try:
            return self._recording()
        except Broken as error:
            return Skipped(entry, str(error))

    def _recording(self) -> Recording:
        if self.broken:
            raise Broken(self.broken)
        found = answer(self.status, _headers(self.headers), Stored(b"".join(self.pieces)))
        found = with_pieces(found, [len(piece) for piece in self.pieces])
        if self.ended:
            return found
        return evolve(found, ending=Ending.BROKEN_OFF, detail="the file ends before the answer does")


def _headers(given: Any) -> list[list[bytes]]:
    """The fields. None where a failed request left none."""
    pairs = [] if given is None else given
    if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):  # noqa: PLR2004  (a name and a value)
        raise Broken("header fields that are no pairs")
    return [[_octets(name), _octets(value)] for name, value in pairs]


def _octets(given: Any) -> bytes:
    if given is None:
        return b""
    if not isinstance(given, dict) or not isinstance(given.get("$base64"), str):
        raise Broken("octets that are not in base64")
    return from_base64(given["$base64"]).data
