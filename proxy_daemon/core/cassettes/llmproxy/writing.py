"""One recording as a document: what changes with each recording in few lines, what is compared readable, all exact.

Invariant: `reading.py` gives the same recording back, but for what belongs to a store or a run: id, fingerprint,
session, scope, client, outcome, rules and what the client got by them, what it was served from, when it was imported.
Called by who keeps a cassette.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from proxy_daemon.core.cassettes.addresses import NOWHERE
from proxy_daemon.core.cassettes.llmproxy import messages, patterns
from proxy_daemon.core.cassettes.llmproxy.checking import recorded
from proxy_daemon.core.cassettes.llmproxy.scalars import octets, scalar
from proxy_daemon.core.cassettes.llmproxy.times import recorded as moment
from proxy_daemon.core.cassettes.llmproxy.told import told
from proxy_daemon.core.cassettes.llmproxy.tree import NotInYaml, block
from proxy_daemon.core.cassettes.llmproxy.values import Written
from proxy_daemon.core.conversation import Answer
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.messages import Ending, Recording
from proxy_daemon.core.upstreams import Upstream, parse_upstream

_START = b"---\n"
_FLAGS = ("pinned", "cut", "redacted", "written")
_SEAL = 8  # octets


def written(recording: Recording, dialects: Sequence[Dialect] = BUILT_IN, *, answer: Answer | None = None) -> Written:
    """The document, and the files that stand beside the cassette. Raises OSError where a body cannot be read.

    ``answer``: what the recording's dialect reads in it, where somebody has read it already.
    """
    request, files = messages.write_request(recording.request)
    pattern, more = patterns.written(recording.pattern) if recording.pattern is not None else ("", {})
    said = _answer(recorded(recording, recognise(recording.request, dialects)) if answer is None else answer)
    response, most = "", messages.Files()
    if recording.response is not None:
        response, most = messages.write_response(recording.response, parsed=not said)
    text = "".join((_told(recording), request, pattern, said, response))
    document = _START + text.encode("utf-8", "replace")
    return Written(document + _seal(document), files | more | most)


def _seal(document: bytes) -> bytes:
    """The last line, with a hash of what stands before it."""
    return b"... # %b\n" % hashlib.blake2b(document, digest_size=_SEAL).hexdigest().encode()


def is_sealed(document: bytes) -> bool:
    """Whether nobody has changed the document since it was written. No proof against who wants to: see `checked`."""
    at = document.rfind(b"\n", 0, -1) + 1
    return document[at:] == _seal(document[:at])


def _told(recording: Recording) -> str:
    """What is no message."""
    found = f"recorded: {moment(recording.started, recording.head_time, recording.duration)}\n"
    if recording.upstream != NOWHERE:
        found += f"upstream:{_upstream(recording.upstream)}\n"
    if recording.ending is not Ending.COMPLETE:
        found += f"ending: {recording.ending.value}\n"
    if recording.detail:
        found += f"detail:{scalar(recording.detail.encode('utf-8', 'replace').decode(), '  ')}\n"
    if recording.status != (recording.response.head.status if recording.response else 0):
        found += f"status: {recording.status}\n"
    if recording.unknown:
        found += f"unknown: {', '.join(sorted(each.name.lower() for each in recording.unknown))}\n"
    found += "".join(
        [f"{name}: true\n" for name in ("pinned", "cut", "redacted", "written") if getattr(recording, name)]
    )
    found += f"pace:{block(float(recording.pace), '')}\n" if recording.pace else ""
    return found if recording.replayable else found + "replayable: false\n"


def _upstream(upstream: Upstream) -> str:
    """Name and base URL; all parts where these do not tell them."""
    try:
        if parse_upstream(f"{upstream.name}={upstream.url}") == upstream:
            return octets(f"{upstream.name} {upstream.url}".encode(), "  ")
    except ValueError:
        pass
    parts = (upstream.name, upstream.url, upstream.scheme, upstream.host, str(upstream.port), upstream.base_path)
    return "".join([f"\n-{scalar(part.encode('utf-8', 'replace').decode(), '  ')}" for part in parts])


def _answer(answer: Answer) -> str:
    """The decoded answer; empty where there is none."""
    found = told(answer)
    try:
        return f"answer:{block(found, '  ')}\n" if found else ""
    except NotInYaml:
        return ""
