"""Whether a recorded stream has had the last event that its dialect knows: for `net/relay.py` and `keeping.py`."""

from __future__ import annotations

from collections.abc import Iterator

from twisted.logger import Logger

from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.headers import Headers
from proxy_daemon.pipeline.tape import Tape

log = Logger()

TAIL = 4096  # octets in which a stream's last event stands, nearly always
# Where it does not: a whole answer may stand in it once more, or an image.
LONGER_TAILS = (64 * 1024, 1024 * 1024, 16 * 1024 * 1024)
_LINE_ENDS = (b"\n", b"\r")
_BLANK_LINES = (b"\n\n", b"\n\r\n", b"\r\r")


def is_event_stream(headers: Headers) -> bool:
    """By the content type of an answer's head."""
    return headers.get(b"content-type").startswith(b"text/event-stream")


def seen_terminal(dialect: Dialect, headers: Headers, tape: Tape) -> bool:
    """False too where the answer is no stream, or a plugin's dialect cannot tell."""
    if not is_event_stream(headers):
        return False
    try:
        return any(dialect.ends_with_terminal(end) for end in _ends(tape))
    except BaseException:  # noqa: BLE001  (a plugin's dialect must neither keep the answer from being ended, nor recorded)
        log.failure("the dialect {name} cannot read the end of a stream", name=dialect.name)
        return False


def _ends(tape: Tape) -> Iterator[bytes]:
    """The last octets; then the last event, where it begins before them and its last line is whole."""
    tail = tape.tail(TAIL)
    yield tail
    if not tail.endswith(_LINE_ENDS):
        return
    for size in LONGER_TAILS:
        if len(tail) == tape.body.size or _begin(tail):
            return
        tail = tape.tail(size)
        if len(tail) == tape.body.size or _begin(tail):
            yield tail[_begin(tail) :]


def _begin(tail: bytes) -> int:
    """Where the last event begins; 0 where that cannot be seen."""
    text = tail.rstrip(b"\r\n")
    return max(text.rfind(blank) for blank in _BLANK_LINES) + 1
