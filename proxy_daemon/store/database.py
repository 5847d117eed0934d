"""The SQLite store (`core.services.Store`): keyed reads on the reactor thread, writes through one thread.

A read takes microseconds; through a thread it would take ten times that. What was answered lately is kept in bounded
memory. What goes wrong stands in `trouble`; no read and no write raises. A file that may only be read has no thread,
and every write to it fails at once.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, succeed

from proxy_daemon.core.bodies import Body
from proxy_daemon.core.messages import Recording, id_text
from proxy_daemon.core.services import MOST_PATTERNS, Candidate
from proxy_daemon.store.answering import Patterns, candidates
from proxy_daemon.store.changing import Change, Effect, Remarking, Removing, Superseding
from proxy_daemon.store.codec import COLUMNS, Row, from_row
from proxy_daemon.store.hot import Hot
from proxy_daemon.store.known import Known
from proxy_daemon.store.listing import remarks, replayable
from proxy_daemon.store.neighbours import Neighbours
from proxy_daemon.store.opening import Prepared, StoreError, connect, fingerprint_anew, prepare
from proxy_daemon.store.parts import StoredBody
from proxy_daemon.store.refingerprint import Rules, follows
from proxy_daemon.store.retention import Retention
from proxy_daemon.store.unwritable import Unwritable
from proxy_daemon.store.writer import LARGEST, Report, Write, Writer
from proxy_daemon.waiting import Promise

__all__ = ["SQLiteStore", "StoreError"]

RELEASE_SECONDS = 2.0  # how long a client's last bytes wait for a slow disk
UNSERVED = (
    "nothing is served from it: it was written under other rules of matching (another version, or other settings); "
    "start llmproxy on it once where it can be written"
)
FOREIGN = (
    "another llmproxy with other rules of matching (another version, or other settings) writes into this store: "
    "neither finds what the other records; give both the same, then restart both"
)
MANY = f"more than {MOST_PATTERNS} recordings of the store have patterns: those behind them do not answer"
_LISTED = 300  # octets of memory that a candidate holds, about
# What the list shows; bodies stay on the disk.
SUMMARY = COLUMNS.replace("request_body", "NULL").replace("response_body", "NULL").replace("pieces", "x''")


class SQLiteStore:
    """Use `open`. ``key``: 32 octets of this store's own, for keyed hashes."""

    def __init__(
        self,
        file: Prepared,
        writer_of: Callable[..., Writer | Unwritable],
        call: Callable[..., None],
        soon: Callable[[Callable[[], None]], object],
        hot: int,
        rules: bytes = b"",
    ) -> None:
        self.key = file.key
        self._rules = rules
        self.trouble = self._lasting = file.trouble
        self.on_trouble: Callable[[str], None] = lambda trouble: None
        self._path = file.path
        self._reading = connect(file.path, 0.05, file.access)
        self._soon = soon
        self._known = Known()
        self._neighbours = Neighbours(rules)
        self._barred = False  # its fingerprints are not ours: what they find may be anything
        self._standing: dict[str, str] = {}  # trouble that stays while all else works
        if self._lasting:
            self._learn()
        else:
            self._known.add_all(self._fingerprints())
        self._waking = False
        self._pending: OrderedDict[int, tuple[Write, Deferred[bool]]] = OrderedDict()
        self._changing: dict[int, tuple[Change, Deferred[bool]]] = {}
        self._hot: Hot[int, Recording] = Hot(hot)
        self._answers: Hot[bytes, tuple[Candidate, ...]] = Hot(hot // 8)
        self._patterns = Patterns(self._read)
        self._counts = {"written": 0, "failed": 0, "late": 0}
        self._writer = writer_of(lambda report: call(self._settle, report))

    @classmethod
    def open(
        cls,
        path: str,
        *,
        max_bytes: int,
        max_age: float,
        wall: Callable[[], float],
        call_in_reactor: Callable[..., None],
        soon: Callable[[Callable[[], None]], object] = lambda function: function(),
        hot_bytes: int = 32 * 1024 * 1024,
        rules: Rules | None = None,
    ) -> SQLiteStore:
        """The store in this file, made where there is none. Raises `StoreError`.

        ``call_in_reactor(f, *args)`` runs f on the reactor thread, ``soon(f)`` in its next turn; the others are limits.
        ``rules``: what fingerprints follow; those of a store that was written under others are made anew, here.
        """
        file = prepare(path)
        if rules is not None and not file.trouble:
            fingerprint_anew(path, rules)
        digest = b"" if rules is None else rules.digest
        retention = Retention(max_bytes, max_age, wall)

        def writer_of(report: Callable[[Report], None]) -> Writer | Unwritable:
            return Unwritable() if file.trouble else Writer(path, retention, report, digest)

        return cls(file, writer_of, call_in_reactor, soon, hot_bytes, digest)

    def close(self) -> None:
        """Write what waits and close the file."""
        self._writer.stop()
        self._reading.close()

    # --- reading -----------------------------------------------------------------------------------------------------

    def candidates(self, fingerprint: bytes) -> Sequence[Candidate]:
        """The replayable recordings with this fingerprint, oldest first."""
        hot = self._answers.get(fingerprint)
        if hot is not None:
            return hot
        if self._barred or not self._known.may_hold(fingerprint):
            return ()
        try:
            found = candidates(self._reading, fingerprint, self._edited)
        except sqlite3.Error as error:
            self._set_trouble(f"the store cannot be read: {error}")
            return ()
        self._cool(fingerprint)
        if found:
            self._answers.warm(fingerprint, _LISTED * len(found), found)
        return found

    def get(self, exchange_id: int) -> Recording | None:
        """One exchange, whole."""
        hot = self._hot.get(exchange_id)
        if hot is not None:
            return hot
        if not 0 <= exchange_id <= LARGEST:
            return None
        found = self._read(f"SELECT {COLUMNS} FROM exchange WHERE id = ?", (exchange_id,))  # noqa: S608  (constants)
        if found and found[0].replayable:
            self._hot.warm(exchange_id, _held(found[0]), found[0])
        return found[0] if found else None

    def patterns(self) -> Sequence[Recording]:
        """Replayable recordings with a pattern, or that a person wrote, oldest first, without their answers' bodies."""
        if time.monotonic() < self._patterns.until:
            return self._patterns.found
        if self._barred:
            return ()
        try:
            self._patterns.look(self._reading)
        except sqlite3.Error as error:
            self._set_trouble(f"the store cannot be read: {error}")
            return ()
        self._stand("patterns", MANY if self._patterns.left_out else "")
        return self._patterns.found

    def similar(self, path: bytes, model: str, limit: int) -> Sequence[Recording]:
        """Replayable recordings of this path, those of this model first, newest first."""
        query = (
            f"SELECT {COLUMNS} FROM exchange WHERE path = ? AND model {{}} ? AND replayable ORDER BY id DESC LIMIT ?"  # noqa: S608  (constants)
        )
        same = self._read(query.format("="), (path, model, limit))
        return same or self._read(query.format("<>"), (path, model, limit))

    def page(self, limit: int, before: int = 0) -> Sequence[Recording]:
        """Exchanges without their bodies, newest first."""
        query = f"SELECT {SUMMARY} FROM exchange WHERE id < ? ORDER BY id DESC LIMIT ?"  # noqa: S608  (constants)
        return self._read(query, (min(before or LARGEST, LARGEST), limit))

    def replayable(self, limit: int, behind: tuple[bytes, int] = (b"", 0)) -> Sequence[tuple[bytes, int, str]]:
        """(fingerprint, id, session) of replayable recordings, in this order, behind a place."""
        try:
            return replayable(self._reading, limit, behind)
        except sqlite3.Error as error:
            self._set_trouble(f"the store cannot be read: {error}")
            return ()

    def remarks(self, ids: Collection[int]) -> Mapping[int, tuple[str, str]]:
        """See `core.services.Curated`."""
        known = [each for each in ids if 0 <= each <= LARGEST]
        try:
            return remarks(self._reading, known)
        except sqlite3.Error as error:
            self._set_trouble(f"the store cannot be read: {error}")
            return {}

    def _read(self, query: str, values: tuple[Any, ...]) -> list[Recording]:
        try:
            rows = self._reading.execute(query, values).fetchall()
        except sqlite3.Error as error:
            self._set_trouble(f"the store cannot be read: {error}")
            return []
        return [recording for row in rows if (recording := self._recording(row)) is not None]

    def _recording(self, row: Row) -> Recording | None:
        """One that somebody has edited is left out; the others are still there."""
        try:
            return from_row(row, self._body)
        except ValueError as error:
            self._set_trouble(f"exchange {id_text(row[0])} in the store cannot be read: {error}")
            return None

    def _edited(self, exchange_id: int) -> None:
        self._set_trouble(f"exchange {id_text(exchange_id)} in the store cannot be read: somebody has changed it")

    def _fingerprints(self) -> list[bytes]:
        """Of all that can be served: once, at the start."""
        query = "SELECT DISTINCT fingerprint FROM exchange WHERE replayable AND fingerprint IS NOT NULL"
        try:
            return [row[0] for row in self._reading.execute(query) if isinstance(row[0], bytes)]
        except sqlite3.Error as error:
            self._set_trouble(f"the store cannot be read: {error}")
            return []

    def _learn(self) -> None:
        """Without a thread nobody else looks for what other daemons write."""
        try:
            self._known.add_all(self._neighbours.learn(self._reading))
            self._barred = self._neighbours.foreign and not follows(self._reading, self._rules)
            self._stand("rules", UNSERVED if self._barred else "")
        except sqlite3.Error as error:
            self._set_trouble(f"the store cannot be read: {error}")

    def _body(self, exchange_id: int, side: int, size: int) -> StoredBody:
        return StoredBody(self._reading, exchange_id, side, size)

    def _cool(self, fingerprint: bytes) -> None:
        for each in self._answers.cool(fingerprint) or ():
            self._hot.cool(each.id)

    # --- writing -----------------------------------------------------------------------------------------------------

    def put(self, recording: Recording, *, replace: bool = False, run: int = 0) -> Deferred[bool]:
        """Write; fires with whether it is committed, or False when the disk takes too long over it.

        ``replace``, ``run``: as `core.services.Store` has it.
        Its bodies must stay readable for as long as the recording is referred to.
        """
        write = self._queued(recording, replace, run)
        if write is None:
            return succeed(False)
        if not self._waking:
            self._waking = True
            self._soon(self._wake)
        done: Promise[bool] = Promise()
        self._pending[id(write)] = (write, done)
        return done

    def note(self, recording: Recording) -> None:
        """Write some time soon; nobody waits for it."""
        self._queued(recording, False)

    def amend(self, recording: Recording) -> None:
        """See `core.services.Store`. In a store that may only be read there is nothing to amend."""
        if not self._lasting:
            self._queued(recording, False, amends=True)

    def remark(
        self, exchange_id: int, *, mark: str | None = None, comment: str | None = None, pinned: bool | None = None
    ) -> Deferred[bool]:
        """See `core.services.Curated`."""
        return self._change(Remarking(exchange_id, mark, comment, pinned))

    def remove(self, ids: Collection[int]) -> Deferred[bool]:
        """See `core.services.Curated`."""
        return self._change(Removing(tuple(ids)))

    def supersede(self, recording: Recording, original: int) -> Deferred[bool]:
        """See `core.services.Curated`. Its bodies are in memory."""
        return self._change(Superseding(original, recording, _held(recording)))

    def _change(self, change: Change) -> Deferred[bool]:
        if not all(0 <= each <= LARGEST for each in change.ids) or not self._writer.change(change):
            return succeed(False)
        self._writer.wake()
        done: Deferred[bool] = Deferred()
        self._changing[id(change)] = (change, done)
        return done

    def _changed(self, change: Change, effect: Effect) -> None:
        """On the reactor thread: what is remembered of these exchanges may be wrong now."""
        for fingerprint in effect.touched:
            self._cool(fingerprint)
            self._known.add(fingerprint)
        for each in change.ids:
            self._hot.cool(each)
        if effect.done:
            self._patterns.changed()
        waiting = self._changing.pop(id(change), None)
        if waiting is not None:
            waiting[1].callback(effect.done)

    def _queued(self, recording: Recording, replace: bool, run: int = 0, *, amends: bool = False) -> Write | None:
        write = Write(recording, replace, time.monotonic(), _held(recording), run, amends)
        if self._writer.put(write):
            return write
        self._counts["failed"] += 1
        if not self._lasting:
            self._set_trouble("recording is off: the disk is too slow, or the daemon stops")
        return None

    def _wake(self) -> None:
        """Once a reactor turn: all that its sockets brought becomes one batch."""
        self._waking = False
        self._writer.wake()

    def sweep(self) -> None:
        """Call it every second: lets go of those who have waited for the disk for too long."""
        if self._lasting:
            self._learn()
        now = time.monotonic()
        while self._pending:
            key, (write, done) = next(iter(self._pending.items()))
            if now - write.since < RELEASE_SECONDS:
                return
            del self._pending[key]
            self._counts["late"] += 1
            done.callback(False)

    def _settle(self, report: Report) -> None:
        """On the reactor thread: a batch is committed, or has failed."""
        for fingerprint in report.dropped:
            self._cool(fingerprint)
        if report.dropped:
            self._patterns.changed()
        if report.foreign:
            self._stand("rules", FOREIGN)
        self._known.add_all(report.learned)
        if report.written or report.changed or report.trouble:
            self._set_trouble(report.trouble)
        for change, effect in report.changed:
            self._changed(change, effect)
        for write, good in report.written:
            self._written(write, good=good)

    def _written(self, write: Write, *, good: bool) -> None:
        recording = write.recording
        if write.amends:
            self._hot.cool(recording.id)
            return
        self._counts["written" if good else "failed"] += 1
        if good and recording.replayable:
            self._cool(recording.fingerprint)
            self._known.add(recording.fingerprint)
            if recording.pattern is not None or recording.written:
                self._patterns.changed()
        waiting = self._pending.pop(id(write), None)
        if waiting is not None:
            waiting[1].callback(good)

    def _stand(self, name: str, trouble: str) -> None:
        """Trouble that stays beside others until it is taken back with an empty text."""
        if self._standing.get(name, "") != trouble:
            self._standing[name] = trouble
            self._set_trouble("")

    def _set_trouble(self, trouble: str) -> None:
        """Tell what is new. What lasts stays in front of it."""
        trouble = "; ".join(filter(None, (self._lasting, *self._standing.values(), trouble)))
        if trouble != self.trouble:
            self.trouble = trouble
            self.on_trouble(trouble)

    def stats(self) -> dict[str, Any]:
        """Numbers since the start, and the file's size."""
        try:
            size = os.stat(self._path).st_size
        except OSError:
            size = 0
        return self._counts | {
            "file": self._path,
            "octets": size,
            "waiting": self._writer.waiting,
            "hot_octets": self._hot.size + self._answers.size,
            "trouble": self.trouble,
        }


def _held(recording: Recording) -> int:
    """Octets of memory that a recording holds, about."""
    response, delivered = recording.response, recording.delivered
    held = 2000 + _in_memory(recording.request.body)
    held += 0 if response is None else _in_memory(response.body)
    return held if delivered is None or delivered.body is None else held + _in_memory(delivered.body)


def _in_memory(body: Body) -> int:
    return 0 if isinstance(body, StoredBody) else len(body.whole() or b"")
