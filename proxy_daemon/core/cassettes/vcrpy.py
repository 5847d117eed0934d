"""vcrpy and pytest-recording: `interactions: [{request, response}]` in YAML or JSON, of version 1 or none.

Invariant: see `documents.py`. Also what projects write with serializers of their own: `parsed_body`, JSON directly
under `body`, the older form of httpx (`content`, `status_code`). Source: https://vcrpy.readthedocs.io/, its
`vcr/serialize.py` and `vcr/migration.py`. Called by `formats.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from proxy_daemon.core.cassettes import Skipped
from proxy_daemon.core.cassettes.documents import each, entries, member
from proxy_daemon.core.cassettes.fields import Broken, fields
from proxy_daemon.core.cassettes.message import Said
from proxy_daemon.core.cassettes.moments import moment
from proxy_daemon.core.cassettes.outline import outline
from proxy_daemon.core.cassettes.stored_body import ABSENT, Stored, from_form, from_json, stored
from proxy_daemon.core.cassettes.streaming.entries import streamed
from proxy_daemon.core.messages import Recording

GRPC = frozenset(("request_sample", "collections_method"))  # pydantic-ai's, of xAI's SDK
_FORM = b"application/x-www-form-urlencoded"


class Vcrpy:
    """The format."""

    name = "vcrpy"

    def recognises(self, file: str, data: bytes) -> bool:
        """A list of `interactions`, or a bare list of pairs as before version 1."""
        found = outline(data)
        return found.top == "interactions" or (found.top == "-" and "request" in found.entry)

    def read(self, file: str, data: bytes) -> Iterator[Recording | Skipped]:
        """All entries."""
        return each(entries(file, data, "interactions"), said)

    def stream(self, file: str, source: BinaryIO) -> Iterator[Recording | Skipped]:
        """As `read`."""
        return each(streamed(file, source, "interactions"), said)


def said(entry: Any) -> Said:
    """One entry. Raises `Broken`."""
    _check(entry)
    request, response = member(entry, "request"), member(entry, "response")
    return Said(
        method=request.get("method"),
        url=_url(request),
        status=response.get("status", response.get("status_code")),
        request_headers=request.get("headers"),
        request_body=_sent(request),
        response_headers=response.get("headers"),
        response_body=_body(response),
        started=moment(entry.get("recorded_at")),
    )


def _check(entry: Any) -> None:
    """Tell what is known to be no exchange of HTTP."""
    if isinstance(entry, dict) and "request" not in entry:
        if "kind" in entry:
            raise Broken("a frame of a WebSocket session")
        if not GRPC.isdisjoint(entry):
            raise Broken("a call of gRPC")


def _url(request: dict[str, Any]) -> Any:
    """Its URI; the oldest cassettes hold it in parts."""
    if "uri" in request or "host" not in request:
        return request.get("uri", request.get("url"))
    parts = (request.get("protocol", "http"), request["host"], request.get("port"), request.get("path", "/"))
    scheme, host, port, path = map(str, parts)
    return f"{scheme}://{host}{'' if port == 'None' else ':' + port}{path}"


def _sent(request: dict[str, Any]) -> Stored:
    """A request's body; null is how vcrpy writes that there is none."""
    if "body" in request and request["body"] is None and "parsed_body" not in request:
        return Stored()
    return _body(request)


def _body(message: dict[str, Any]) -> Stored:
    if message.get("parsed_body") is not None:
        is_form = fields(message.get("headers")).get(b"content-type").lower().startswith(_FORM)
        return from_form(message["parsed_body"]) if is_form else from_json(message["parsed_body"])
    for name in ("body", "content"):
        if message.get(name) is not None:
            return stored(message[name])
    return ABSENT
