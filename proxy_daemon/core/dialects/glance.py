"""Whether a stream of events is whole and good at a glance. It is never wrong where it says yes.

Every stream that may be served again goes through this (`pipeline/good_ends.py`), so it costs a microsecond or two.
Where it says no, `judging.fault` reads the stream and knows.
"""

from __future__ import annotations

import re

from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.headers import Headers

TAIL = 4096  # octets in which a stream's last event stands, nearly always
_BLANK_LINES = (b"\n\n", b"\r\n\r\n", b"\r\r")
# What an error looks like in an event. Many APIs write `"error": null` into every good one.
_ERROR = re.compile(rb'"error"\s*+(?:[,}]|:\s*+(?!null))|event:[^\r\n]*(?:error|failed)|[".]failed"')


def is_good_stream(dialect: Dialect, headers: Headers, body: bytes) -> bool:
    """Whether ``body`` surely is a whole event stream without an error. Raises what a plugin's dialect raises."""
    if b"content-encoding" in headers or not dialect.terminal or not body.endswith(_BLANK_LINES):
        return False
    if not headers.get(b"content-type").lower().startswith(b"text/event-stream"):
        return False
    return dialect.ends_with_terminal(body[-TAIL:]) and not _tells_of_error(body)


def _tells_of_error(body: bytes) -> bool:
    named = body.count(b"error")
    harmless = named and body.count(b'"error":null') + body.count(b'"error": null')
    # The pattern takes twenty times as long.
    return (named != harmless or b"failed" in body) and _ERROR.search(body) is not None
