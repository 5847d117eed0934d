"""What is wrong with a cassette's documents: damaged ones, decoded answers that are not what was recorded, duplicates.

Invariant: it only looks. What answers requests in turn is no duplicate: of equal requests with two different answers
all are fine. Called by `llmproxy lint` and `llmproxy prune`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

from attrs import frozen

from proxy_daemon.core.cassettes.llmproxy import Damaged, Entry, checked, same_answer
from proxy_daemon.core.cassettes.llmproxy.checking import ADVICE
from proxy_daemon.core.dialects import BUILT_IN
from proxy_daemon.core.dialects.dialect import Dialect

DAMAGED, MISSING, ANSWER, VERSION = "damaged", "missing", "answer", "version"
DUPLICATE, UNUSED, ORPHAN, SECRET = "duplicate", "unused", "orphan", "secret"
KINDS = {
    DAMAGED: "a document that cannot be read, and is not served",
    MISSING: "a file beside the cassette is not there, or was changed",
    ANSWER: "a decoded answer that is not what was recorded, without `edited: true`",
    VERSION: "a format that this llmproxy does not know",
    DUPLICATE: "equal requests with equal answers; with different ones they answer in turn, and are fine",
    UNUSED: "a recording that the run of --used-by did not ask for",
    ORPHAN: "a file beside the cassette that no cassette of its directory names",
    SECRET: "what looks like a secret",
}
_BESIDE = "file beside the cassette"


class Document(Protocol):
    """One of a cassette. ``entry`` has its fingerprint; None where it is ``damaged``."""

    @property
    def entry(self) -> Entry | None:
        """What can be served."""

    @property
    def damaged(self) -> Damaged | None:
        """What cannot."""


@frozen
class Finding:
    """``line``: of the file, from 1. ``document``: its place among those that were looked at; None: it is of no one."""

    line: int
    kind: str
    text: str
    document: int | None = None


def told_of(damaged: Damaged, document: int | None = None) -> Finding:
    """What is damaged, by its kind."""
    kind = ANSWER if damaged.reason.endswith(ADVICE) else MISSING if _BESIDE in damaged.reason else DAMAGED
    return Finding(damaged.line, kind, damaged.reason, document)


def findings(
    documents: Sequence[Document], dialects: Sequence[Dialect] = BUILT_IN, unused: Collection[int] = ()
) -> list[Finding]:
    """All of a file, by line. ``unused``: places of documents that nobody asked for."""
    found = [told_of(each.damaged, at) for at, each in enumerate(documents) if each.damaged is not None]
    found += _answers(documents, dialects)
    found += _duplicates(documents, dialects)
    found += [_unused(documents, at) for at in unused]
    return sorted(found, key=lambda one: one.line)


def _answers(documents: Sequence[Document], dialects: Sequence[Dialect]) -> Iterator[Finding]:
    """Of sealed documents: those of others are looked at when they are read."""
    for at, each in enumerate(documents):
        if each.entry is not None and each.entry.sealed and (fault := checked(each.entry, dialects)):
            yield Finding(each.entry.line, ANSWER, fault, at)


def _duplicates(documents: Sequence[Document], dialects: Sequence[Dialect]) -> Iterator[Finding]:
    groups: dict[object, list[int]] = {}
    for at, each in enumerate(documents):
        if each.entry is not None and each.entry.recording.fingerprint:
            groups.setdefault(_answered_by(each.entry), []).append(at)
    for first, *others in groups.values():
        entries = [entry for at in (first, *others) if (entry := documents[at].entry) is not None]
        if all(_same(entries[0], one, dialects) for one in entries[1:]):
            text = f"the same request and the same answer as in line {entries[0].line}"
            yield from (Finding(one.line, DUPLICATE, text, at) for at, one in zip(others, entries[1:], strict=True))


def _answered_by(entry: Entry) -> object:
    """Equal for those that answer the same requests."""
    one = entry.recording
    return one.fingerprint, one.pattern, one.written, one.replayable


def _same(first: Entry, other: Entry, dialects: Sequence[Dialect]) -> bool:
    try:
        return same_answer(first, other.recording, dialects)
    except OSError:  # a file beside the cassette has just gone
        return False


def _unused(documents: Sequence[Document], at: int) -> Finding:
    entry = documents[at].entry
    if entry is None:
        raise ValueError("what is damaged is not served: nobody can say whether it is used")
    request = entry.recording.request
    asked = f"{request.method.decode('latin-1')} {request.target.decode('latin-1')} {entry.recording.model}".rstrip()
    return Finding(entry.line, UNUSED, f"nobody asked for it: {asked}", at)
