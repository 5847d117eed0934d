"""Writes promptecho's cassettes of version 2, which promptecho 0.1.3 replays.

Invariant: the answer's decoded body is said exactly, or its JSON by its value, where that is what promptecho would
write; it is never another one. Requests are as promptecho normalises them, under its key. Values of the query stay:
secrets are redacted before, and an answer to another query must not be served. Source: promptecho 0.1.3, `cassette.py`
and `patch.py`. Called by `store/cassette` and, as one of `writers.py`, by `llmproxy export`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, ClassVar
from urllib.parse import quote

import yaml
from attrs import frozen

from proxy_daemon.core.cassettes import Unreadable
from proxy_daemon.core.cassettes.documents import document
from proxy_daemon.core.cassettes.foreign_text import (
    LOST,
    LOST_BY_BOTH,
    CannotSay,
    WrittenEntry,
    answer_of,
    left_out,
    lost,
    lost_by_both,
    sent_body,
)
from proxy_daemon.core.cassettes.promptecho.answers import LOSSES as ANSWERS
from proxy_daemon.core.cassettes.promptecho.answers import written_answer
from proxy_daemon.core.cassettes.promptecho.format import VERSION
from proxy_daemon.core.cassettes.promptecho.normal import Members, NotNormal, match_key, normal
from proxy_daemon.core.cassettes.whole_exchange import NOT_OWN
from proxy_daemon.core.matching.counting.promptecho import DEFAULT, RAW
from proxy_daemon.core.messages import Recording, Unknown
from proxy_daemon.core.upstreams import DEFAULT_PORTS, Upstream
from proxy_daemon.core.wire.coding import CodingError

BASE_PATH = "the base path of the upstream: promptecho finds it by the path that the proxy was asked for"
BODY_HASHED = "the request's body: a hash of it is there"
REQUEST_OCTETS = "the octets of the request's body: its value is there, as promptecho normalises it"
NORMAL = "what promptecho leaves out of a request's body when it normalises it"
NO_BODY = "that the request has no body"

LOSSES = (*LOST, *LOST_BY_BOTH, BASE_PATH, BODY_HASHED, REQUEST_OCTETS, NORMAL, NO_BODY, NOT_OWN, *ANSWERS)

_NOT_TOLD = (Unknown.REQUEST_OCTETS, Unknown.RESPONSE_OCTETS, Unknown.RESPONSE_HEADERS)
_WITHOUT_BODY = (b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"TRACE")  # of these, nobody expects one
_METHOD = re.compile(rb"[A-Za-z][A-Za-z0-9_-]{0,63}\Z")
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))


@frozen
class PromptechoText:
    """The format, as it is written. ``match_on``: the members of bodies that keys are made of."""

    match_on: tuple[str, ...] = DEFAULT
    name: ClassVar[str] = "promptecho"
    suffix: ClassVar[str] = ".yaml"
    single: ClassVar[bool] = False
    between: ClassVar[bytes] = b""
    tail: ClassVar[bytes] = b""

    @property
    def head(self) -> bytes:
        """What stands before the first interaction."""
        return self._begun() + b"interactions:\n"

    @property
    def empty(self) -> bytes:
        """A document without interactions."""
        return self._begun() + b"interactions: []\n"

    def entry(self, recording: Recording) -> WrittenEntry:
        """One interaction, an item of the list. Raises OSError where a body cannot be read."""
        try:
            response = answer_of(recording)
            request, losses = _request(recording, self.match_on)
            said, more = written_answer(response, recording.request.method)
            found = _dumped([{"request": request, "response": said}])
        except (CannotSay, NotNormal, CodingError) as error:
            return left_out(error)
        except UnicodeEncodeError:
            return left_out("half a surrogate pair in its request's body")
        return WrittenEntry(found, [*lost(recording, response), *lost_by_both(recording, response), *losses, *more])

    def whole(self, entries: Iterable[bytes]) -> bytes:
        """A document with these interactions."""
        listed = b"".join(entries)
        return self.head + listed if listed else self.empty

    def _begun(self) -> bytes:
        return _dumped({"version": VERSION, "match_on": [*self.match_on]})

    def like(self, file: str, data: bytes) -> PromptechoText:
        """The format as a file has it: what its keys are made of counts for all of it. Raises `Unreadable`."""
        found = _document(file, data).get("match_on") or [*DEFAULT]
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
            raise Unreadable(file, "its 'match_on' is no list of names")
        return PromptechoText(tuple(found))

    def entries(self, file: str, data: bytes) -> list[bytes]:
        """The interactions of a file, each written anew: comments are lost. Raises `Unreadable`."""
        listed = _document(file, data).get("interactions", [])
        if not isinstance(listed, list):
            raise Unreadable(file, "its 'interactions' is no list")
        return [_dumped([one]) for one in listed]


def _document(file: str, data: bytes) -> Members:
    """Raises `Unreadable`."""
    found = document(file, data) if data.strip() else {"version": VERSION}
    if not isinstance(found, dict) or found.get("version") != VERSION:
        raise Unreadable(file, f"no cassette of promptecho of version {VERSION}")
    return found


def _dumped(value: Any) -> bytes:
    """As `Cassette.save` has it; by libyaml, which is ten times as fast."""
    dumped: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return dumped.encode()


class _Dumper(yaml.CSafeDumper):  # type: ignore[misc]  # PyYAML has no types
    """Says each value where it stands: no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


# --- the request -----------------------------------------------------------------------------------------------------


def _request(recording: Recording, match_on: tuple[str, ...]) -> tuple[Members, list[str]]:
    request = recording.request
    if not recording.unknown.isdisjoint((Unknown.REQUEST, Unknown.REQUEST_BODY)):
        raise CannotSay("its request is not known")
    if not _METHOD.match(request.method) or not request.target.startswith(b"/") or b"#" in request.target:
        raise CannotSay("its method or its target is none that promptecho writes")
    data = sent_body(recording)
    body = normal(recording.upstream.host, data)
    target, method = quote(request.target, _PRINTABLE), request.method.decode()
    said = {
        "method": method,
        "url": _base(recording.upstream) + target,
        "match_key": match_key(method, target.partition("?")[0], body, match_on or DEFAULT),
        "matched_on": [*match_on],
        "body": body,
    }
    facts = {
        BASE_PATH: recording.upstream.target(request.target) != request.target,
        BODY_HASHED: RAW in body,
        REQUEST_OCTETS: bool(data) and RAW not in body,
        NORMAL: bool(data) and RAW not in body and request.json != body,
        NO_BODY: not data and (bool(body) or request.method not in _WITHOUT_BODY),
        NOT_OWN: not recording.unknown.isdisjoint(_NOT_TOLD),
    }
    return said, [what for what, holds in facts.items() if holds]


def _base(upstream: Upstream) -> str:
    """Of whom it was asked; the target behind it is as the client had it: clients ask for that again."""
    return f"{upstream.scheme}://{upstream.authority}" if upstream.scheme in DEFAULT_PORTS else ""
