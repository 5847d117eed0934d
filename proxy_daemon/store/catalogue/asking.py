"""Answers questions about the exchanges of a store: the list, what the list tells of bodies, and the turn before.

Invariant: an answer is as new as the store. Without a filter nothing is indexed: rows come from the store. With one,
what came meanwhile is taken in first, as far as there is time, and the answer says how far. A damaged catalogue is made
anew. Called by `work/` and by `cli/listing.py`.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import orjson
from attrs import frozen

from proxy_daemon.core.filtering import Filter, FilterError, parse
from proxy_daemon.core.filtering.recorded import Recorded
from proxy_daemon.core.inspecting.summary import summary
from proxy_daemon.core.messages import Recording, id_number, id_text
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.secret_rules import NO_RULES, Rules
from proxy_daemon.store.access import StoreError
from proxy_daemon.store.catalogue.chain import chains
from proxy_daemon.store.catalogue.entry import Entry
from proxy_daemon.store.catalogue.file import CatalogueDamaged, opened
from proxy_daemon.store.catalogue.filling import Filling
from proxy_daemon.store.catalogue.reading import entry, told
from proxy_daemon.store.catalogue.searching import Bounds, Page, Search
from proxy_daemon.store.catalogue.source import LARGEST, Source, Unreadable
from proxy_daemon.store.made_anew import BUSY, code_of, remove

MOST = 500  # rows of an answer
USUAL = 50
MOST_OCTETS = 3 * 1024 * 1024
FILL_SECONDS, SEARCH_SECONDS, TELL_SECONDS = 0.06, 0.1, 0.3  # of one question
_T = TypeVar("_T")
Value = dict[str, Any]


class WrongQuestion(ValueError):
    """A question that cannot be asked so. ``value``: what to answer."""

    def __init__(self, message: str, at: int = 0, length: int = 0) -> None:
        super().__init__(message)
        self.at, self.length = at, length
        self.value = {"error": message, "at": at, "length": length}


@frozen
class Asked:
    """A question for the list. ``before``, ``after``: ids that are not among the answer; 0: any."""

    limit: int = USUAL
    before: int = 0
    after: int = 0
    q: str = ""

    @classmethod
    def of(cls, head: dict[str, Any]) -> Asked:
        """Of the members of a question. Raises `WrongQuestion`."""
        limit, q = head.get("limit") or USUAL, head.get("q") or ""
        if type(limit) is not int or type(q) is not str:
            raise WrongQuestion("limit is a number, and q a text")
        return cls(min(MOST, max(1, limit)), _id(head.get("before")), _id(head.get("after")), q)


class Asking:
    """An open store with its catalogue. Use `close`."""

    def __init__(self, path: str, seconds: Callable[[], float] = time.monotonic, rules: Rules = NO_RULES) -> None:
        """``path``: of the store; ``rules``: for secrets, besides the built-in ones. Raises `StoreError`."""
        self.rules = rules
        self._store = Source(path)
        self._path = f"{path}.text"
        self._seconds = seconds
        self._filling: Filling | None = None
        self.trouble = ""  # why the catalogue does not grow
        if os.path.exists(self._path):
            self._start()

    def close(self) -> None:
        """Let the files go."""
        if self._filling is not None:
            self._filling.catalogue.close()
        self._store.close()

    # --- questions ---------------------------------------------------------------------------------------------------

    def listing(self, asked: Asked) -> Value:
        """GET exchanges. Raises `WrongQuestion`, and `StoreError`."""
        try:
            tree = parse(asked.q) if asked.q.strip() else None
        except FilterError as error:
            raise WrongQuestion(error.message, error.at, error.length) from None
        return self._anew(lambda: self._listed(asked, tree))

    def told(self, ids: Sequence[int]) -> Value:
        """TOLD of these, by their ids as texts; None: not known yet, or not there."""
        return self._anew(lambda: self._told(ids, self._seconds() + TELL_SECONDS))

    def previous(self, exchange_id: int) -> int | None:
        """The turn before: the newest earlier exchange whose messages are the longest beginning of this one's."""
        return self._anew(lambda: self._previous(exchange_id))

    def begin(self) -> None:
        """From now on there is a catalogue, and `idle` lets it grow."""
        self._anew(self._start)

    def idle(self, budget: float) -> bool:
        """Let the catalogue grow, where there is one, for so many seconds; whether there is more to do."""
        if self._filling is None:
            return False
        return self._anew(lambda: self._grown(lambda filling: filling.idle(budget)))

    # --- how ---------------------------------------------------------------------------------------------------------

    def _start(self) -> Filling:
        if self._filling is None:
            self._filling = Filling(self._store, opened(self._path, self._store.key), self._seconds, self._entry)
        return self._filling

    def _entry(self, recording: Recording, answering: Recording | None) -> Entry:
        return entry(recording, answering, self.rules)

    def _anew(self, question: Callable[[], _T]) -> _T:
        """Ask once more of a new catalogue where this one is damaged. Raises what the second one raises."""
        try:
            return question()
        except CatalogueDamaged:
            if self._filling is not None:
                self._filling.catalogue.close()
                self._filling = None
            remove(self._path)
            return question()

    def _grown(self, grow: Callable[[Filling], bool]) -> bool:
        """What keeps it from growing is told, and not raised: a full disk, or another process that writes."""
        try:
            more = grow(self._start())
        except CatalogueDamaged:
            raise
        except (sqlite3.Error, OSError, StoreError) as error:
            if code_of(error) in BUSY:  # another process fills it at this moment
                return True
            self.trouble = f"the catalogue {self._path} does not grow: {error}"
            return False
        self.trouble = ""
        return more

    def _listed(self, asked: Asked, tree: Filter | None) -> Value:
        before = asked.before or LARGEST
        if tree is None:
            page, shown = self._unfiltered(asked, before)
        else:
            page = self._found(asked, before, tree)
            shown = self._store.shown(page.ids)
        rows = _fitting(self._rows(shown))
        before_next = rows[-1]["id"] if len(rows) < len(shown) else page.before and id_text(page.before)
        value: Value = {
            "exchanges": rows,
            "next": before_next,
            "partial": page.partial,
            "indexed": self._indexed() if tree is not None else None,
        }
        return value | ({"trouble": self.trouble} if self.trouble and tree is not None else {})

    def _unfiltered(self, asked: Asked, before: int) -> tuple[Page, Sequence[Recording]]:
        shown = self._store.page(asked.limit + 1, before, asked.after or -1)
        more = len(shown) > asked.limit
        shown = shown[: asked.limit]
        return Page([each.id for each in shown], shown[-1].id if more else None), shown

    def _found(self, asked: Asked, before: int, tree: Filter) -> Page:
        """Down to where the catalogue has gaps. Where these get no smaller, nobody need ask again."""
        self._grown(lambda filling: filling.step(FILL_SECONDS))
        filling = self._start()
        floor = max(filling.floor, asked.after or -1)
        bounds = Bounds(asked.limit, before, floor, self._seconds() + SEARCH_SECONDS)
        page = Search(filling.catalogue, self._store, self._seconds, tree, bounds, self.rules).page()
        if page.before is not None or filling.floor <= (asked.after or -1):
            return page
        return Page(page.ids, None if self.trouble else min(before, floor + 1), partial=True)

    def _rows(self, shown: Sequence[Recording]) -> list[Value]:
        ids = [each.id for each in shown]
        remarks = self._store.remarks_of(ids)
        known = self._filling.catalogue.told(ids) if self._filling is not None else {}
        redactor = Redactor(self.rules)
        return [
            summary(each, redactor=redactor, mark=mark, comment=comment, told=self._parsed(known.get(each.id)))
            for each in shown
            for mark, comment in (remarks.get(each.id, ("", "")),)
        ]

    def _indexed(self) -> Value:
        filling = self._start()
        return {"done": filling.done, "total": filling.total}

    def _told(self, ids: Sequence[int], until: float) -> Value:
        known = self._filling.catalogue.told(ids[:MOST]) if self._filling is not None else {}
        found = {each: self._parsed(known.get(each)) for each in ids[:MOST]}
        for each in ids[:MOST]:
            if found[each] is None and self._seconds() < until:
                found[each] = self._told_of(each)
        return {"told": {id_text(each): value for each, value in found.items()}}

    def _told_of(self, exchange_id: int) -> Value | None:
        subject = self._subject(exchange_id)
        return None if subject is None else self._parsed(told(subject))

    def _subject(self, exchange_id: int) -> Recorded | None:
        try:
            recording = self._store.get(exchange_id)
        except Unreadable:
            return None
        if recording is None:
            return None
        return Recorded(recording, answering=self._store.answering(recording), rules=self.rules)

    def _parsed(self, data: bytes | None) -> Value | None:
        """Once more without secrets: it may have been taken in before there was a rule for them."""
        found = _parsed(data)
        if found is None or not self.rules.rules:
            return found
        safe = Redactor(self.rules).text
        return {name: safe(value) if isinstance(value, str) else value for name, value in found.items()}

    def _previous(self, exchange_id: int) -> int | None:
        self._grown(lambda filling: filling.step(FILL_SECONDS))
        subject = self._subject(exchange_id)
        read = subject.opened if subject is not None else None
        beginnings = chains(read.conversation.messages)[:-1] if read is not None else []
        query = "SELECT id FROM exchange WHERE chain = ? AND id < ? ORDER BY id DESC LIMIT 1"
        for number in reversed(beginnings):
            rows = self._start().catalogue.rows(query, (number, exchange_id))
            if rows:
                return int(rows[0][0])
        return None


def _id(text: object) -> int:
    """Of a member of a question; 0 where there is none. Raises `WrongQuestion`."""
    if text in (None, "", 0):
        return 0
    try:
        return id_number(text if isinstance(text, str) else "")
    except ValueError:
        raise WrongQuestion("before and after are ids of exchanges") from None


def _fitting(rows: list[Value]) -> list[Value]:
    """As many as an answer of the child can hold, one at least: URLs may be long."""
    left = MOST_OCTETS
    for place, row in enumerate(rows):
        left -= len(json.dumps(row))
        if left < 0 and place:
            return rows[:place]
    return rows


def _parsed(data: bytes | None) -> Value | None:
    """What somebody has changed is not known."""
    try:
        found = orjson.loads(data) if data else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
