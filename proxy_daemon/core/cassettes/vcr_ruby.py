"""Ruby VCR, and betamax, which writes the same: `http_interactions` with `{encoding, string}` bodies and `recorded_at`.

Invariant: see `documents.py`. Source: https://www.rubydoc.info/gems/vcr, `VCR::HTTPInteraction#to_hash`.
Called by `formats.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from proxy_daemon.core.cassettes import Skipped
from proxy_daemon.core.cassettes.documents import each, entries, member
from proxy_daemon.core.cassettes.fields import Broken
from proxy_daemon.core.cassettes.message import Said
from proxy_daemon.core.cassettes.moments import moment
from proxy_daemon.core.cassettes.outline import outline
from proxy_daemon.core.cassettes.stored_body import ABSENT, Stored, stored
from proxy_daemon.core.cassettes.streaming.entries import streamed
from proxy_daemon.core.messages import Recording

_KNOWN = ("string", "base64_string")


class VcrRuby:
    """The format."""

    name = "vcr-ruby"

    def recognises(self, file: str, data: bytes) -> bool:
        """A list of `http_interactions`; R's are looked for before."""
        return outline(data).top == "http_interactions"

    def read(self, file: str, data: bytes) -> Iterator[Recording | Skipped]:
        """All entries."""
        return each(entries(file, data, "http_interactions"), _said)

    def stream(self, file: str, source: BinaryIO) -> Iterator[Recording | Skipped]:
        """As `read`."""
        return each(streamed(file, source, "http_interactions"), _said)


def _said(entry: Any) -> Said:
    request, response = member(entry, "request"), member(entry, "response")
    return Said(
        method=request.get("method"),
        url=request.get("uri"),
        status=response.get("status"),
        request_headers=request.get("headers"),
        request_body=boxed(request),
        response_headers=response.get("headers"),
        response_body=boxed(response),
        started=moment(entry.get("recorded_at")),
    )


def boxed(message: dict[str, Any]) -> Stored:
    """A body in its box, or as bare text. Raises `Broken`."""
    body = message.get("body")
    if not isinstance(body, dict) or not body:
        return stored(body) if isinstance(body, str | bytes) else ABSENT
    if not any(name in body for name in _KNOWN):
        raise Broken("a body that is neither 'string' nor 'base64_string'")
    return stored({name: body[name] for name in _KNOWN if name in body})
