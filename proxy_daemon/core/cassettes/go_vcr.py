"""go-vcr, version 1 and 2: `interactions` whose requests have a `url`, with `duration`.

Invariant: see `documents.py`. Source: https://pkg.go.dev/gopkg.in/dnaeon/go-vcr.v4/pkg/cassette. Called by
`formats.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from proxy_daemon.core.cassettes import Skipped
from proxy_daemon.core.cassettes.documents import each, entries, member
from proxy_daemon.core.cassettes.message import Said
from proxy_daemon.core.cassettes.moments import microseconds
from proxy_daemon.core.cassettes.outline import outline
from proxy_daemon.core.cassettes.stored_body import ABSENT, Stored, stored
from proxy_daemon.core.cassettes.streaming.entries import streamed
from proxy_daemon.core.messages import Recording, Unknown


class GoVcr:
    """The format."""

    name = "go-vcr"

    def recognises(self, file: str, data: bytes) -> bool:
        """A list of `interactions` whose first request has a `url` and no `uri`."""
        found = outline(data)
        return found.top == "interactions" and "url" in found.request and "uri" not in found.request

    def read(self, file: str, data: bytes) -> Iterator[Recording | Skipped]:
        """All entries."""
        return each(entries(file, data, "interactions"), _said)

    def stream(self, file: str, source: BinaryIO) -> Iterator[Recording | Skipped]:
        """As `read`."""
        return each(streamed(file, source, "interactions"), _said)


def _said(entry: Any) -> Said:
    request, response = member(entry, "request"), member(entry, "response")
    return Said(
        method=request.get("method") or "GET",  # as Go's own client takes the empty one
        url=request.get("url"),
        status=response.get("code") or response.get("status"),
        request_headers=request.get("headers"),
        request_body=_sent(request),
        response_headers=response.get("headers"),
        response_body=stored(response.get("body") or ""),
        trailers=response.get("trailer"),
        duration=microseconds(response.get("duration")) or None,
        # Go's transport took gzip off, and the field with it.
        unknown=frozenset((Unknown.RESPONSE_OCTETS,)) if response.get("uncompressed") is True else frozenset(),
    )


def _sent(request: dict[str, Any]) -> Stored:
    """A request's body; one that was streamed from a file is empty beside a length."""
    length = request.get("content_length")
    if not request.get("body") and isinstance(length, int) and length > 0:
        return ABSENT
    return stored(request.get("body") or "")
