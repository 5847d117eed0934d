"""What is exported: exchanges of a store, oldest first, or entries of files, one by one.

Invariant: of a store only ids are held, of a file what its reader holds; nothing is skipped in silence. Called by
`exporting.py`.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from attrs import define, field, frozen

from proxy_daemon.cli.given import numbered, opened
from proxy_daemon.cli.listing import say_how_far
from proxy_daemon.core.cassettes import Format, Skipped, Unreadable
from proxy_daemon.core.cassettes.formats import read_stream
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.filtering import Filter, holds
from proxy_daemon.core.filtering.recorded import Recorded
from proxy_daemon.core.inspecting.answered import answered_by
from proxy_daemon.core.messages import Recording, id_number, id_text
from proxy_daemon.core.secret_rules import Rules
from proxy_daemon.store.catalogue.asking import MOST, Asked, Asking
from proxy_daemon.store.catalogue.source import LARGEST, Source
from proxy_daemon.store.catalogue.source import Unreadable as UnreadableRow

_ID = re.compile(r"[0-7][0-9a-f]{15}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_STEM = 80
_AT_ONCE = 10_000
GONE = "it is gone, or was never there"


class LeftOut(Exception):
    """Why an exchange is not exported."""


@frozen
class Found:
    """One exchange. ``place``: how it is called; ``name``: for a file of its own, behind the time.

    ``load``: gives the recording; raises `LeftOut`, `StoreError`, OSError. ``selected``: whether a filter selects it.
    """

    place: str
    name: str
    load: Callable[[], Recording]
    selected: Callable[[Recording], bool] = lambda recording: True


class Exchanges(Protocol):
    """``total``: how many there are; None: not known before the end."""

    @property
    def total(self) -> int | None:
        """See above."""

    def __iter__(self) -> Iterator[Found]:
        """Each once, in order. Raises `StoreError` and `Unreadable`."""


def file_name(found: Found, recording: Recording) -> str:
    """Of a file that holds nothing else, without its suffix: it sorts by time, where that is known."""
    try:
        moment = datetime.fromtimestamp(recording.started, UTC) if recording.started else None
    except (ValueError, OverflowError, OSError):
        moment = None
    return f"{moment:%Y%m%d-%H%M%S}-{found.name}" if moment else found.name


def ids_in(words: Sequence[str]) -> list[int]:
    """Where each word is an exchange's id as `list` shows it: these, each once; else none."""
    return [*dict.fromkeys(map(id_number, words))] if all(map(_ID.fullmatch, words)) else []


# --- the store -------------------------------------------------------------------------------------------------------


@define
class OfStore:
    """Some exchanges of a store. ``select``: asked of each recording, where no index could say it."""

    store: Source
    ids: Sequence[int]
    tree: Filter | None = None
    dialects: Sequence[Dialect] = ()
    rules: Rules = field(factory=Rules)

    @property
    def total(self) -> int | None:
        """See `Exchanges`."""
        return len(self.ids)

    def __iter__(self) -> Iterator[Found]:
        """See `Exchanges`."""
        for number in self.ids:
            name = id_text(number)
            yield Found(name, name, partial(self._loaded, number), self._selected)

    def _loaded(self, number: int) -> Recording:
        """With the bodies of the recording that answered it."""
        recording = self._got(number)
        answering = self.store.answering(recording)
        return recording if answering is None else answered_by(recording, answering)

    def _got(self, number: int) -> Recording:
        try:
            recording = self.store.get(number)
        except UnreadableRow as error:
            raise LeftOut(f"the store is damaged there: {error}") from None
        if recording is None:
            raise LeftOut(GONE)
        return recording

    def _selected(self, recording: Recording) -> bool:
        if self.tree is None:
            return True
        mark, comment = self.store.remarks_of([recording.id]).get(recording.id, ("", ""))
        subject = Recorded(recording, self.dialects, mark=mark, comment=comment, rules=self.rules)
        return holds(self.tree, subject)


def all_ids(store: Source) -> array[int]:
    """Oldest first. Raises `StoreError`."""
    found, high = array("q"), store.newest()
    while high >= 0 and (page := store.below(high, -LARGEST, _AT_ONCE)):
        found.extend(page)
        high = page[-1] - 1
    found.reverse()
    return found


def matching_ids(path: str, q: str, rules: Rules) -> array[int] | None:
    """Those that a filter selects, oldest first; None where no index can be made. Raises `StoreError`."""
    found, before = array("q"), ""
    with closing(Asking(path, rules=rules)) as asking:
        while before is not None:
            value = asking.listing(Asked.of({"limit": MOST, "before": before, "q": q}))
            found.extend(id_number(row["id"]) for row in value["exchanges"])
            say_how_far(value)
            before = value["next"]
        if asking.trouble:
            return None
    found.reverse()
    return found


# --- files -----------------------------------------------------------------------------------------------------------


@define
class OfFiles:
    """Entries of files, or one of a `FILE#n`. ``adopted``: makes an entry one of ours; raises `LeftOut`."""

    names: Sequence[str]
    formats: Sequence[Format]
    adopted: Callable[[Recording], Recording]
    tree: Filter | None = None
    dialects: Sequence[Dialect] = ()
    rules: Rules = field(factory=Rules)
    refused: list[str] = field(factory=list)  # files that could not be read, or not to their end
    total: int | None = None

    def __iter__(self) -> Iterator[Found]:
        """See `Exchanges`. What is wrong with a file stands in `refused` afterwards; the others are read."""
        for name, label in zip(self.names, _labels(self.names), strict=True):
            entry = None if Path(name).exists() else numbered(name)
            path, wanted = (name, None) if entry is None else entry
            try:
                yield from self._entries(path, label, wanted)
            except Unreadable as error:
                self.refused.append(str(error))
            except (Exception, SystemExit) as error:  # noqa: BLE001  (a plugin's format may raise anything)
                self.refused.append(f"{path}: {type(error).__name__}: {error}")

    def _entries(self, path: str, label: str, wanted: int | None) -> Iterator[Found]:
        with opened(path) as file:
            entries, number = read_stream(path, file, self.formats), 0
            for entry in entries:
                if wanted in (None, number):
                    yield Found(f"{path}#{number}", f"{label}-{number}", partial(self._loaded, entry), self._selected)
                del entry  # while the next one is read
                number += 1
        if wanted is not None and wanted >= number:
            raise Unreadable(path, f"it has no entry {wanted}")

    def _loaded(self, entry: Recording | Skipped) -> Recording:
        if isinstance(entry, Skipped):
            raise LeftOut(entry.reason)
        return self.adopted(entry)

    def _selected(self, recording: Recording) -> bool:
        return self.tree is None or holds(self.tree, Recorded(recording, self.dialects, rules=self.rules))


def _labels(names: Sequence[str]) -> list[str]:
    """Of each file a word for names of others: its own name, with a number where two are alike."""
    stems = [_UNSAFE.sub("_", Path(name).stem)[:_LONGEST_STEM].lstrip(".") or "file" for name in names]
    counts = Counter(stems)
    return [stem if counts[stem] == 1 else f"{stem}-{number}" for number, stem in enumerate(stems, 1)]
