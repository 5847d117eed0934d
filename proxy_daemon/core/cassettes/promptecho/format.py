"""promptecho's cassettes of version 2: YAML, with requests as promptecho normalises them.

Invariant: a request's body says what was asked, never in its own octets; headers of requests are not in the file, and
values of queries are scrubbed. Source: promptecho 0.1.3, `cassette.py` and `patch.py`. Called by `formats.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from attrs import evolve

from proxy_daemon.core.cassettes import Skipped, Unreadable
from proxy_daemon.core.cassettes.documents import document, member
from proxy_daemon.core.cassettes.fields import Broken
from proxy_daemon.core.cassettes.message import Said, recording
from proxy_daemon.core.cassettes.outline import outline
from proxy_daemon.core.cassettes.stored_body import ABSENT, Stored, from_base64, from_json
from proxy_daemon.core.cassettes.streaming.entries import streamed
from proxy_daemon.core.cassettes.streaming.source import NotStreamed
from proxy_daemon.core.messages import Recording

VERSION = 2
_HEAD = 4096
_VERSION = re.compile(rb"(?m)^version:[ \t]*%d[ \t]*\r?$" % VERSION)
_HASHED = "__raw_body_sha256__"  # all that is kept of a body that is no JSON object
_REDACTED = b"REDACTED"


class Promptecho:
    """The format."""

    name = "promptecho"

    def recognises(self, file: str, data: bytes) -> bool:
        """A list of `interactions` whose requests have a `match_key`."""
        found = outline(data)
        return found.top == "interactions" and "match_key" in found.request

    def read(self, file: str, data: bytes) -> Iterator[Recording | Skipped]:
        """All interactions. Raises `Unreadable`, also for another version: its keys mean something else."""
        found = document(file, data)
        listed = found.get("interactions") if isinstance(found, dict) else None
        if not isinstance(listed, list):
            raise Unreadable(file, "its 'interactions' is no list")
        if found.get("version", 1) != VERSION:
            raise Unreadable(file, f"a cassette of promptecho of another version than {VERSION}")
        return _each(listed)

    def stream(self, file: str, source: BinaryIO) -> Iterator[Recording | Skipped]:
        """As `read`, where the version stands before the interactions, as promptecho writes it."""
        head = source.peek(_HEAD)[:_HEAD]  # type: ignore[attr-defined]  # a BufferedReader
        if not _VERSION.search(head.partition(b"\ninteractions")[0] + b"\n"):
            raise NotStreamed("its version does not stand before its interactions")
        return _each(streamed(file, source, "interactions"))


def _each(listed: Iterable[Any]) -> Iterator[Recording | Skipped]:
    for number, entry in enumerate(listed):
        try:
            yield _exchange(member(entry, "request"), member(entry, "response"))
        except Broken as error:
            yield Skipped(number, str(error))


def _exchange(request: dict[str, Any], response: dict[str, Any]) -> Recording:
    found = recording(
        Said(
            method=request.get("method"),
            url=request.get("url"),
            status=response.get("status"),
            request_body=_sent(request.get("body")),
            response_headers=response.get("headers"),
            response_body=_received(response),
        )
    )
    assert found.response is not None
    values = [value for _, value in found.response.head.headers.pairs]
    return evolve(found, redacted=_REDACTED in values or _REDACTED in found.request.query)


def _sent(body: Any) -> Stored:
    """`{}` is also what stands for an empty body, so it tells nothing."""
    if not isinstance(body, dict) or not body or _HASHED in body:
        return ABSENT
    return from_json(body)


def _received(response: dict[str, Any]) -> Stored:
    """Events are split and closed anew by promptecho, and JSON is parsed: neither need have its own octets."""
    if response.get("streaming"):
        return _stream(response.get("events"))
    body = response.get("body")
    if response.get("binary"):
        return from_base64(body)
    if body is None:  # also what stands for JSON's null
        return Stored(own=False)
    return _text(body) if isinstance(body, str) else _replayed(body)


def _replayed(value: Any) -> Stored:
    """The octets that promptecho itself replays of it (`patch.py`). Raises `Broken`."""
    try:
        return Stored(json.dumps(value).encode(), own=False)
    except (TypeError, ValueError, RecursionError):
        raise Broken("a parsed body that cannot be written as JSON") from None


def _stream(events: Any) -> Stored:
    if not isinstance(events, list) or not all(isinstance(event, str) for event in events):
        raise Broken("a stream whose events are no list of texts")
    return Stored("".join(events).encode(errors="replace"), own=False)


def _text(body: str) -> Stored:
    """What was no JSON, or a JSON string that has lost its quotes; what was not UTF-8 is lost."""
    return Stored(body.encode(errors="replace"), own=False)
