"""Whether a recorded stream has had the last event that its dialect knows: for `net/relay.py` and `keeping.py`."""

from __future__ import annotations

from collections.abc import Iterator

from twisted.logger import Logger

from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.wire.json_text import NotJSON, parse
from proxy_daemon.core.wire.sse import Event
from proxy_daemon.pipeline.tape import Taped

log = Logger()

TAIL = 4096  # octets in which a stream's last event stands, nearly always
# Where it does not: a whole answer may stand in it once more, or an image.
LONGER_TAILS = (64 * 1024, 1024 * 1024, 16 * 1024 * 1024)
_LINE_ENDS = (b"\n", b"\r")
_BLANK_LINES = (b"\n\n", b"\n\r\n", b"\r\r")


def is_event_stream(headers: Headers) -> bool:
    """By the content type of an answer's head."""
    return headers.get(b"content-type").startswith(b"text/event-stream")


def seen_terminal(dialect: Dialect, headers: Headers, tape: Taped) -> bool:
    """False too where the answer is no stream, or a plugin's dialect cannot tell."""
    if not is_event_stream(headers):
        return False
    try:
        return any(dialect.ends_with_terminal(end) for end in _ends(tape))
    except BaseException:  # noqa: BLE001  (a plugin's dialect must neither keep the answer from being ended, nor recorded)
        log.failure("the dialect {name} cannot read the end of a stream", name=dialect.name)
        return False


def _ends(tape: Taped) -> Iterator[bytes]:
    """The last octets, but for an event that is cut off; then the last event, where it begins before them.

    Of one that begins before them only the last line is looked at.
    """
    tail = tape.tail(TAIL)
    begin = _begin(tail)
    yield tail if _is_whole(tail[begin:]) or (not begin and len(tail) < tape.body.size) else tail[:begin]
    if not tail.endswith(_LINE_ENDS):
        return
    for size in LONGER_TAILS:
        if len(tail) == tape.body.size or _begin(tail):
            return
        tail = tape.tail(size)
        if len(tail) == tape.body.size or _begin(tail):
            yield tail[_begin(tail) :]


def _is_whole(event: bytes) -> bool:
    """Ended by a blank line; servers leave that out at the end, so without it too, where the data are all there."""
    if event.endswith(_BLANK_LINES):
        return True
    data = Event(event + b"\n\n").data
    return bool(data) and (not data.startswith(b"{") or _is_json(data))


def _is_json(data: bytes) -> bool:
    try:
        parse(data)
    except NotJSON:
        return False
    return True


def _begin(tail: bytes) -> int:
    """Where the last event begins; 0 where that cannot be seen."""
    text = tail.rstrip(b"\r\n")
    return max(text.rfind(blank) for blank in _BLANK_LINES) + 1
