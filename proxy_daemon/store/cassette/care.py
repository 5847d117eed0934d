"""A cassette's documents for those who tend it, and a new file with what they choose of them.

Invariant: the file is what it was, or what was chosen, and never a part of it; who else writes it waits, or is read
first. Called by `llmproxy prune`, `lint` and `sort`. Raises `CassetteError`. Blocks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from attrs import evolve, frozen

from proxy_daemon.core.cassettes.llmproxy import Damaged, Entry
from proxy_daemon.store.cassette.disk import read_from
from proxy_daemon.store.cassette.file import CassetteFile
from proxy_daemon.store.cassette.locking import locked, shared
from proxy_daemon.store.cassette.opening import Reading, opened
from proxy_daemon.store.cassette.scanning import Slot
from proxy_daemon.store.cassette.values import CassetteError

_BESIDE = re.compile(rb"^ *file: ([0-9a-f]{64}\.[a-z0-9]{1,8})\s*$", re.MULTILINE)


@frozen(eq=False)
class Document:
    """One of a file. ``entry`` has its fingerprint; None where it is ``damaged``. ``text``: all octets of it."""

    text: bytes
    entry: Entry | None
    damaged: Damaged | None
    _slot: Slot


@frozen
class Cared:
    """What was done. ``beside``: files beside the cassette that none of its documents names any more."""

    kept: int
    dropped: int
    written: bool
    beside: Sequence[str] = ()
    notice: str = ""


@frozen
class Looked:
    """A file as it is. ``path``: without links; ``stray``: what is damaged before the first document."""

    path: str
    documents: Sequence[Document]
    stray: Sequence[Damaged]
    text: bytes


Choose = Callable[[Sequence[Document]], Sequence[Document]]


def looked_through(path: str, reading: Reading) -> Looked:
    """All documents of a file, which is only read, also where it is damaged. Raises `CassetteError`."""
    found = opened(path, evolve(reading, mode="none", tolerate_damage=True))
    if found.foreign:
        raise CassetteError(f"{found.file.path} is no cassette of llmproxy's own: llmproxy show and scan read it")
    try:
        with shared(found.file.path) as descriptor:
            found.file.refresh(descriptor, repair=False)
            text = read_from(descriptor, found.file.path)
            documents = [_document(found.file, descriptor, slot) for slot in found.file.slots]
    except OSError as error:
        raise CassetteError(f"{found.file.path} cannot be read: {error}") from error
    slots = {id(slot.damaged) for slot in found.file.slots}
    stray = [one for one in found.file.damaged if id(one) not in slots]
    return Looked(found.file.path, documents, stray, text)


def rewritten(path: str, reading: Reading, choose: Choose) -> Cared:
    """Write the file anew with what ``choose`` gives of its documents, in that order; not where nothing changes.

    A damaged file is refused, unless ``reading`` tolerates it: then damaged documents are among them.
    """
    found = opened(path, reading)
    if found.foreign:
        raise CassetteError(f"{found.file.path} is a cassette of another tool: it is only read")
    try:
        with locked(found.file.path, make=False) as descriptor:
            found.file.refresh(descriptor, repair=True)
            found.file.ascertain(descriptor)
            return _chosen(found.file, descriptor, choose)
    except OSError as error:
        raise CassetteError(f"{found.file.path} cannot be written anew: {error}") from error


def pruned(path: str, reading: Reading, drop: Callable[[Document], bool]) -> Cared:
    """Without those that ``drop`` says. Raises as `rewritten`."""
    return rewritten(path, reading, lambda documents: [one for one in documents if not drop(one)])


def _chosen(file: CassetteFile, descriptor: int, choose: Choose) -> Cared:
    documents = [_document(file, descriptor, slot) for slot in file.slots]
    chosen = list(choose(documents))
    if len(set(chosen)) != len(chosen) or not set(chosen) <= set(documents):
        raise ValueError("what is written must be documents of the file, each once")
    same = chosen == documents
    if not same:
        file.rewrite(descriptor, [one._slot for one in chosen])  # noqa: SLF001  (ours: callers need not know slots)
    kept = set(chosen)
    gone = _named(one for one in documents if one not in kept) - _named(chosen)
    return Cared(len(chosen), len(documents) - len(chosen), not same, sorted(gone), file.notice)


def _document(file: CassetteFile, descriptor: int, slot: Slot) -> Document:
    entry = None if slot.held is None else slot.held.entry
    return Document(file.text_of(descriptor, slot), entry, slot.damaged, slot)


def _named(documents: Iterable[Document]) -> set[str]:
    """Files beside that these name."""
    return {name.decode() for one in documents for name in _BESIDE.findall(one.text)}
