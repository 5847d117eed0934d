"""Whether a recorded stream has had the last event that its dialect knows: for `net/relay.py` and `keeping.py`."""

from __future__ import annotations

from twisted.logger import Logger

from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.headers import Headers
from proxy_daemon.pipeline.tape import Tape

log = Logger()

TAIL = 4096  # octets in which a stream's last event stands


def is_event_stream(headers: Headers) -> bool:
    """By the content type of an answer's head."""
    return headers.get(b"content-type").startswith(b"text/event-stream")


def seen_terminal(dialect: Dialect, headers: Headers, tape: Tape) -> bool:
    """False too where the answer is no stream, or a plugin's dialect cannot tell."""
    if not is_event_stream(headers):
        return False
    try:
        return dialect.ends_with_terminal(tape.tail(TAIL))
    except BaseException:  # noqa: BLE001  (a plugin's dialect must neither keep the answer from being ended, nor recorded)
        log.failure("the dialect {name} cannot read the end of a stream", name=dialect.name)
        return False
