"""R's vcr: as Ruby's, with scalar header fields and status, and JSON bodies that it may have written prettily.

Invariant: see `documents.py`. A body that lies in another file (`file`, `fields`) is unknown. Source:
https://docs.ropensci.org/vcr/. Called by `formats.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from proxy_daemon.core.cassettes import Skipped
from proxy_daemon.core.cassettes.documents import each, entries, member
from proxy_daemon.core.cassettes.message import Said
from proxy_daemon.core.cassettes.moments import moment
from proxy_daemon.core.cassettes.outline import outline
from proxy_daemon.core.cassettes.stored_body import ABSENT, Stored
from proxy_daemon.core.cassettes.streaming.entries import streamed
from proxy_daemon.core.cassettes.vcr_ruby import boxed
from proxy_daemon.core.messages import Recording, Unknown

_RECORDER = re.compile(rb"""recorded_with["']?\s{0,9}:\s{0,9}["']?(?:VCR-)?vcr/""")
_TAIL = 4096  # octets
_PRETTY = re.compile(rb"\s*[{\[]\n\s")


class VcrR:
    """The format."""

    name = "vcr-r"

    def recognises(self, file: str, data: bytes) -> bool:
        """A list of `http_interactions` whose recorder says that it is R's."""
        return _RECORDER.search(data[-_TAIL:]) is not None and outline(data).top == "http_interactions"

    def read(self, file: str, data: bytes) -> Iterator[Recording | Skipped]:
        """All entries."""
        return each(entries(file, data, "http_interactions"), _said)

    def stream(self, file: str, source: BinaryIO) -> Iterator[Recording | Skipped]:
        """As `read`."""
        return each(streamed(file, source, "http_interactions"), _said)


def _said(entry: Any) -> Said:
    request, response = member(entry, "request"), member(entry, "response")
    answer = _body(response)
    return Said(
        method=request.get("method"),
        url=request.get("uri"),
        status=response.get("status"),
        request_headers=request.get("headers"),
        request_body=_body(request),
        response_headers=response.get("headers"),
        response_body=answer,
        started=moment(entry.get("recorded_at")),
        unknown=frozenset((Unknown.RESPONSE_OCTETS,)) if _PRETTY.match(answer.data) else frozenset(),
    )


def _body(message: dict[str, Any]) -> Stored:
    body = message.get("body")
    if isinstance(body, dict) and ("fields" in body or body.get("file")):
        return ABSENT
    return boxed(message)
