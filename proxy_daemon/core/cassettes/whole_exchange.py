"""What the writers of whole exchanges (vcrpy, HAR, mitmproxy) share: address, header fields, bodies, and what is lost.

Invariant: no field contradicts the body beside it: framing is that of the octets which are written. What cannot stand
in such a file is told in constant words. Called by `vcrpy_writing.py`, `har/writing.py` and `mitmproxy/writing.py`.
"""

from __future__ import annotations

import re

from attrs import frozen

from proxy_daemon.core.bodies import Body, chunks
from proxy_daemon.core.cassettes.foreign_text import DELIVERED, PATTERN, CannotSay
from proxy_daemon.core.headers import HOP_BY_HOP, Headers, Pair
from proxy_daemon.core.messages import Recording, Unknown
from proxy_daemon.core.upstreams import DEFAULT_PORTS

BASE_PATH = "which part of the path is the upstream's own"
NO_ADDRESS = "whom it was asked of: it has no address of HTTP"
TARGET = "octets of its target that no URL holds: they are percent-encoded"
ODD_FIELDS = "header fields that HTTP does not allow"
WRITTEN = "that a person wrote its answer, and its pace"
PIECES = "the pieces in which its answer came"
NOT_OWN = "that its bodies are not the octets of the wire, or its fields not told"
PLACE = "its place in llmproxy: client, session, pin and rules"
SHARED = (BASE_PATH, NO_ADDRESS, TARGET, ODD_FIELDS, WRITTEN, PLACE, PATTERN, DELIVERED)  # each writer may tell these

NOT_KNOWN = "its request is not known"
NO_STATUS = "its status is not known"
ODD_REQUEST = "its method or its target is none that other tools read"
SERVED = "it has no answer of its own: a recording answered"

NOT_OWN_PARTS = frozenset(
    (Unknown.REQUEST_OCTETS, Unknown.RESPONSE_OCTETS, Unknown.REQUEST_HEADERS, Unknown.RESPONSE_HEADERS)
)

_METHOD = re.compile(rb"[A-Za-z][A-Za-z0-9_-]{0,63}\Z")
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")  # RFC 9110 section 5.6.2
_NOT_IN_VALUES = re.compile(rb"[\0\r\n]+")
_NOT_IN_URLS = re.compile(rb"[^\x21\x22\x24-\x7e]")  # and no "#": what follows it is not sent


@frozen
class Address:
    """Where a request went. ``base``: scheme, host and port; empty where these are not known, or none of HTTP."""

    base: str
    target: bytes
    losses: tuple[str, ...]

    @property
    def url(self) -> str:
        """Absolute, or the path alone."""
        return self.base + self.target.decode("ascii")


@frozen
class Fields:
    """Header fields as they are written. ``changed``: some were none of HTTP."""

    pairs: tuple[Pair, ...]
    changed: bool

    @property
    def losses(self) -> tuple[str, ...]:
        """In words."""
        return (ODD_FIELDS,) if self.changed else ()


def check(recording: Recording) -> None:
    """Raises `CannotSay` where it is none that a file of whole exchanges can hold."""
    if Unknown.REQUEST in recording.unknown:
        raise CannotSay(NOT_KNOWN)
    if recording.response is not None and (Unknown.STATUS in recording.unknown or not recording.response.head.status):
        raise CannotSay(NO_STATUS)
    if recording.response is None and recording.served_from:
        raise CannotSay(SERVED)
    request = recording.request
    if not _METHOD.match(request.method) or not request.target.startswith(b"/"):
        raise CannotSay(ODD_REQUEST)


def address(recording: Recording) -> Address:
    """As the upstream was asked: under its own base path."""
    upstream, asked = recording.upstream, recording.request.target
    whole = upstream.target(asked)
    target = _NOT_IN_URLS.sub(lambda found: b"%%%02X" % found[0][0], whole)
    is_known = upstream.scheme in DEFAULT_PORTS
    facts = {
        BASE_PATH: whole != asked,
        NO_ADDRESS: not is_known and Unknown.HOST not in recording.unknown,
        TARGET: target != whole,
    }
    base = f"{upstream.scheme}://{upstream.authority}" if is_known else ""
    return Address(base, target, tuple(told(facts)))


def fields(headers: Headers, size: int, *, bodiless: bool = False) -> Fields:
    """Those of a message whose body is written with ``size`` octets; ``bodiless``: of an answer to HEAD.

    Fields of the connection are left out, and a length that is not that of the body.
    """
    kept = headers if HOP_BY_HOP.isdisjoint(headers.by_name) else headers.end_to_end()
    if not bodiless and any(length.strip() != b"%d" % size for length in kept.all(b"content-length")):
        kept = kept.without((b"content-length",))
    pairs = tuple((name, _NOT_IN_VALUES.sub(b" ", value).strip(b" \t")) for name, value in kept.pairs)
    allowed = tuple(pair for pair in pairs if _NAME.match(pair[0]))
    return Fields(allowed, allowed != kept.pairs)


def octets(body: Body) -> bytes:
    """All of a body, in memory. Raises OSError where it cannot be read."""
    whole = body.whole()
    return b"".join(chunks(body)) if whole is None else whole


def text_of(data: bytes) -> str | None:
    """Octets as the text that they are; None where they are none in UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def clean(text: str) -> str:
    """Without lone surrogates, which no file can hold."""
    return text.encode("utf-8", "replace").decode()


def only_ours(recording: Recording) -> list[str]:
    """What of it no tool but llmproxy knows."""
    place = (recording.client, recording.session, recording.pinned, recording.rules, recording.scope, recording.edits)
    facts = {
        PATTERN: recording.pattern is not None,
        DELIVERED: recording.delivered is not None,
        WRITTEN: recording.written or bool(recording.pace),
        PLACE: any(place),
    }
    return told(facts)


def told(facts: dict[str, bool]) -> list[str]:
    """Those that hold."""
    return [what for what, holds in facts.items() if holds]
