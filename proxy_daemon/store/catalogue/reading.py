"""Makes an entry of a recording: what filters ask of it, what it says, and what the list tells of it.

Invariant: nothing raises but OSError, whatever the bodies hold; an exchange that says more than is kept is marked so.
Called by `filling.py` and `asking.py`.
"""

from __future__ import annotations

from typing import Any

import orjson

from proxy_daemon.core.filtering.recorded import Recorded
from proxy_daemon.core.filtering.said import folded
from proxy_daemon.core.inspecting.told import told_of
from proxy_daemon.core.messages import Recording
from proxy_daemon.core.secret_rules import NO_RULES, Rules
from proxy_daemon.store.catalogue.chain import chains
from proxy_daemon.store.catalogue.entry import LONGEST_TEXT, LONGEST_WORD, MOST_TEXT, Entry
from proxy_daemon.store.catalogue.layout import Kind

MOST_PASSAGES = 1000  # of one exchange
LONGEST_TOLD = 500  # characters of each text of TOLD
LARGEST = 2**63 - 1


def entry(recording: Recording, answering: Recording | None, rules: Rules = NO_RULES) -> Entry:
    """What a catalogue keeps of it. ``answering``: the recording that answered it, where one did."""
    subject = Recorded(recording, answering=answering, rules=rules)
    said, whole = _bounded([folded(passage) for passage in subject.said])
    words = _words(subject)
    whole = whole and all(len(each) <= LONGEST_WORD for each in words.values())
    total = subject.tokens
    return Entry(
        recording.id,
        words=words,
        said=said,
        told=told(subject),
        whole=whole,
        status=recording.status,
        has_response=subject.has_response,
        failed=bool(subject.error),
        edited=subject.edited,
        total=total if total is not None and abs(total) <= LARGEST else None,
        seconds=subject.seconds,
        chain=chain(subject),
        source=recording.served_from if answering is not None else 0,
    )


def _bounded(said: list[str]) -> tuple[tuple[str, ...], bool]:
    """As much of the passages as is indexed, and whether that is all."""
    kept, left = [], MOST_TEXT
    for passage in said[:MOST_PASSAGES]:
        kept.append(passage[: min(left, LONGEST_TEXT)])
        left -= len(kept[-1])
    return tuple(filter(None, kept)), kept == said


def told(subject: Recorded) -> bytes:
    """TOLD as JSON; empty where the store has lost a body."""
    read = subject.opened
    return b"" if read is None else _as_json(told_of(read))


def chain(subject: Recorded) -> int | None:
    """Of all its messages; None where it has none."""
    read = subject.opened
    numbers = chains(read.conversation.messages) if read is not None else []
    return numbers[-1] if numbers else None


def _words(subject: Recorded) -> dict[Kind, str]:
    return {
        Kind.URL: subject.url,
        Kind.METHOD: subject.method,
        Kind.HOST: subject.host,
        Kind.ASK_TYPE: _lines(subject.request_types),
        Kind.ANSWER_TYPE: _lines(subject.response_types),
        Kind.MODEL: subject.model,
        Kind.DIALECT: subject.dialect,
        Kind.OUTCOME: subject.outcome,
        Kind.SESSION: subject.session,
        Kind.TOOLS: "\n".join(subject.tools),
        Kind.CASSETTE: subject.cassette,
    }


def _lines(values: Any) -> str:
    return "\n".join(value.decode("utf-8", "replace") for value in values)


def _as_json(value: dict[str, Any]) -> bytes:
    """Names may be of any length, lone surrogates have no UTF-8, and others do not read numbers that are too large."""
    return orjson.dumps({name: _plain(each) for name, each in value.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value[:LONGEST_TOLD].encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return None if isinstance(value, int) and abs(value) > LARGEST else value
