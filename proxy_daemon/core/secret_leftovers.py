"""What still looks like a secret in a recording that is about to be written: `--on-secret` says what becomes of it.

Redaction has taken out what stands in text. What it cannot alter without damage, octets and what is written in base64,
is looked through here: it is told where something stands, never what. Called by `pipeline/keeping.py` and by
`llmproxy scan`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from itertools import islice

import re2
from attrs import evolve, frozen

from proxy_daemon.core.bodies import EMPTY, Body
from proxy_daemon.core.messages import Recording
from proxy_daemon.core.secret_look import in_body
from proxy_daemon.core.secret_shapes import options, shapes_in
from proxy_daemon.core.secret_spans import is_binary, secrets_in

REDACT, REFUSE, RECORD = "redact", "refuse", "record"
POLICIES = (REDACT, REFUSE, RECORD)
MOST = 20  # that are told of one recording
_SHORTEST = 40  # characters of base64: a key of 30 octets
_RUN = re2.compile(rb"[A-Za-z0-9+/_-]{%d,}={0,2}" % _SHORTEST, options=options())
_ALIGNED = 4096  # characters of a run whose beginning may not be that of the base64
_URL = bytes.maketrans(b"-_", b"+/")
# What may stand in a run as `a`, a backslash too, for JSON may escape a slash; all else as a space.
_KINDS = bytes([b" a"[bool(re.match(rb"[A-Za-z0-9+/_\\-]", bytes([octet])))] for octet in range(256)])
_LONG = b"a" * _SHORTEST


@frozen
class Left:
    """``where`` and ``what`` it looks like, in words."""

    where: str
    what: str


def may_be_left(data: bytes) -> bool:
    """Whether a careful look is worth its time. It may say yes where nothing is, never no where `leftovers` finds.

    Of what is no text, and of base64: not with the policy `RECORD`.
    """
    return _LONG in data.translate(_KINDS) or b"\0" in data


def leftovers(recording: Recording, policy: str = REDACT) -> list[Left]:
    """What is left in a recording, at most `MOST`; with the policy `RECORD` in its texts too."""
    response = recording.response
    bodies: list[tuple[str, Body]] = [("the request's body", recording.request.body)]
    if response is not None:
        bodies.append(("the answer's body", response.body))
    if (delivered := recording.delivered) is not None and delivered.body is not None:
        bodies.append(("the delivered answer's body", delivered.body))
    found = (left for where, body in bodies if body.size for left in _in_body(where, body, policy))
    return list(islice(found, MOST))


def without_bodies(recording: Recording) -> Recording:
    """What `refuse` leaves: that there was an exchange."""
    response, delivered = recording.response, recording.delivered
    return evolve(
        recording,
        request=evolve(recording.request, body=EMPTY),
        response=None if response is None else evolve(response, body=EMPTY, pieces=type(response.pieces)()),
        delivered=None if delivered is None else evolve(delivered, body=EMPTY, cut=True),
        cut=True,
        redacted=True,
        replayable=False,
    )


def _in_body(where: str, body: Body, policy: str) -> Iterator[Left]:
    data = body.whole()
    if data is None:  # too large to be looked into here: redaction has withheld it where it names a secret
        return
    if policy == RECORD or is_binary(data):
        yield from (Left(f"{where}, octets at {each.start}", each.what) for each in shapes_in(data))
    for start, decoded in decoded_runs(data):
        if in_body(decoded):
            yield from (Left(f"{where}, base64 at {start}", each.what) for each in secrets_in(b"", decoded))


def decoded_runs(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(Where it stands, what it says) of all that may be base64, in either alphabet (RFC 4648)."""
    if _LONG not in data.translate(_KINDS):
        return
    data = data.replace(b"\\/", b"//") if b"\\/" in data else data  # JSON may escape a slash
    for run in _RUN.finditer(data):
        text = run[0].rstrip(b"=").translate(_URL)
        for skipped in range(4 if len(text) <= _ALIGNED else 1):
            decoded = _decoded(text[skipped:])
            yield run.start() + skipped, decoded


def _decoded(text: bytes) -> bytes:
    text = text[: len(text) - (len(text) % 4 == 1)]
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        return b""
