"""Whether a stream of events is whole and good at a glance. It is never wrong where it says yes.

Every stream that may be served again goes through this (`pipeline/good_ends.py`), so it costs a microsecond or two.
Where it says no, `judging.fault` reads the stream and knows.
"""

from __future__ import annotations

import re

from proxy_daemon.core.bodies import Body, chunks
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.headers import Headers

TAIL = 4096  # octets in which a stream's last event stands, nearly always
PART, OVERLAP = 256 * 1024, 256
_BLANK_LINES = (b"\n\n", b"\r\n\r\n", b"\r\r")
# What an error looks like in an event. Many APIs write `"error": null` into every good one. Each line is looked at
# once for its name: at each `event:` within one, a long line would take hours.
_ERROR = re.compile(rb'"error"\s*+(?:[,}]|:\s*+(?!null))|(?:\A|[\r\n])event:[^\r\n]*?(?:error|failed)|[".]failed"')


def is_good_stream(dialect: Dialect, headers: Headers, body: Body) -> bool:
    """Whether ``body`` surely is a whole event stream without an error. Raises what a plugin's dialect raises."""
    if b"content-encoding" in headers or not dialect.terminal:
        return False
    if not headers.get(b"content-type").lower().startswith(b"text/event-stream"):
        return False
    tail = body.read(max(0, body.size - TAIL), TAIL)
    return tail.endswith(_BLANK_LINES) and dialect.ends_with_terminal(tail) and not _tells_of_error(body)


def _tells_of_error(body: Body) -> bool:
    """What lies on the disk is read in parts that overlap."""
    data = body.whole()
    if data is not None:
        return _is_told(data)
    before = b""
    for part in chunks(body, PART):
        if _is_told(before + part):
            return True
        before = part[-OVERLAP:]
    return False


def _is_told(data: bytes) -> bool:
    named = data.count(b"error")
    harmless = named and data.count(b'"error":null') + data.count(b'"error": null')
    # The pattern takes twenty times as long.
    return (named != harmless or b"failed" in data) and _ERROR.search(data) is not None
