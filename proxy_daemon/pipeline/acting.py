"""What people do to recorded exchanges and to the running daemon (`core/acts.py`): edits, remarks, deletions, the mode.

Invariant: what is refused has changed nothing; what is done is committed. Followers of `api/events` are told of it.
Made in `tap.py`; called by the pages below `/_llmproxy/api/`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from attrs import define, evolve, field
from twisted.internet.defer import DeferredLock

from proxy_daemon.core.acts import ModeNow, Promoted, Refused, Remark
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.ids import Ids
from proxy_daemon.core.inspecting.summary import summary
from proxy_daemon.core.messages import JSON_LIMIT, Recording, id_text
from proxy_daemon.core.modes import NAMES, ONCE
from proxy_daemon.core.noted import noted_comment, noted_mark
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.services import Clock, Curated, InFile, Store, Worker
from proxy_daemon.core.shelves import Unavailable
from proxy_daemon.pipeline.promoting import Promoter, in_memory
from proxy_daemon.pipeline.secret_watch import SecretWatch
from proxy_daemon.pipeline.shelves import Shelves

ONCE_NEEDS = "mode once belongs to cassettes: start the daemon with --cassette"  # as `shelving.py` has it
IN_A_CASSETTE = (
    "this answer stands in {place}: edit it there, below `answer`, and write `edited: true` above `request` "
    "(docs/cassettes.md, Change an answer)"
)


def _nobody(kind: str, data: dict[str, Any]) -> None:
    """Nobody follows."""


@define(eq=False)
class Acting:
    """Implements `core.acts.Acts`.

    ``configured``: the mode of the settings. ``publish``: tells those who follow.
    """

    store: Store
    shelves: Shelves
    clock: Clock
    worker: Worker
    redactor: Redactor
    dialects: Sequence[Dialect]
    promoter: Promoter
    watch: SecretWatch
    configured: str
    publish: Callable[[str, dict[str, Any]], object] = _nobody
    _ids: Ids = field(init=False)
    _turn: DeferredLock = field(factory=DeferredLock, init=False)  # modes are set one after the other

    def __attrs_post_init__(self) -> None:
        self._ids = Ids(self.clock)

    # --- exchanges ---------------------------------------------------------------------------------------------------

    async def section(self, exchange_id: int) -> dict[str, Any]:
        """See `core.acts.Acts`."""
        from proxy_daemon.core.edited_answer import section_of  # noqa: PLC0415  (a quick start)
        from proxy_daemon.core.inspecting.opened import shown  # noqa: PLC0415  (few edit: a quick start)

        recording, why = self._answered(exchange_id), ""
        try:
            self._check_editable(recording)
        except Refused as error:
            why = str(error)
        loaded, rules = in_memory(recording, JSON_LIMIT), self.redactor.rules.for_showing
        found: dict[str, Any] = await self.worker.run(lambda: section_of(shown(loaded, rules), self.dialects))
        return {"id": id_text(recording.id), "answer": found, "why_not": why}

    async def edit(self, exchange_id: int, section: Any) -> int:
        """See `core.acts.Acts`."""
        from proxy_daemon.core.edited_answer import edited_answer  # noqa: PLC0415  (a quick start)

        store, recording = self._curated(), self._answered(exchange_id)
        self._check_editable(recording)
        loaded = in_memory(recording, JSON_LIMIT)
        made: Recording = await self.worker.run(edited_answer, loaded, section, self.dialects, self.redactor)
        now = self.clock.wall()
        new: Recording = evolve(made, id=self._ids.next(), started=now, imported=now if recording.imported else 0.0)
        if await self.watch.looked(new) is not new:
            raise Refused(400, "answer: it looks as if it held a secret (--on-secret refuse)")
        if not await store.supersede(new, recording.id):
            self._not_done(recording.id)
        self.publish("changed", {"id": id_text(recording.id), "replayable": False})
        self.publish("changed", summary(new, redactor=self.redactor))
        return new.id

    def _check_editable(self, recording: Recording) -> None:
        """Raises `Refused`."""
        from proxy_daemon.core.edited_answer import why_not_edited  # noqa: PLC0415  (a quick start)

        place = self._place(recording.id)
        if place or self.shelves.default.cassette:
            raise Refused(409, IN_A_CASSETTE.format(place=place or f"the cassette {self.shelves.default.cassette}"))
        if why := why_not_edited(recording):
            raise Refused(409, f"exchange {id_text(recording.id)} cannot be edited: {why}")

    async def remark(
        self, exchange_id: int, *, mark: str | None = None, comment: str | None = None, pinned: bool | None = None
    ) -> Remark:
        """See `core.acts.Acts`."""
        store = self._curated()
        self._there(exchange_id)
        try:
            mark = None if mark is None else self.redactor.text(noted_mark(mark))
            comment = None if comment is None else self.redactor.text(noted_comment(comment))
        except ValueError as error:
            raise Refused(400, str(error)) from None
        if not await store.remark(exchange_id, mark=mark, comment=comment, pinned=pinned):
            self._not_done(exchange_id)
        found = self._there(exchange_id)
        now = Remark(*store.remarks([exchange_id]).get(exchange_id, ("", "")), pinned=found.pinned)
        told = {"mark": now.mark, "comment": now.comment, "pinned": now.pinned}
        self.publish("changed", {"id": id_text(exchange_id)} | told)
        return now

    async def delete(self, exchange_id: int, *, force: bool = False) -> None:
        """See `core.acts.Acts`."""
        store, recording = self._curated(), self._there(exchange_id)
        if recording.pinned and not force:
            raise Refused(409, f"exchange {id_text(exchange_id)} is pinned: unpin it, or delete it by force")
        if not await store.remove([exchange_id]):
            self._not_done(exchange_id)
        self.publish("changed", {"id": id_text(exchange_id), "deleted": True})

    async def promote(self, exchange_id: int, name: str) -> Promoted:
        """See `core.acts.Acts`."""
        return await self.promoter.promote(self._answered(exchange_id), name)

    def remarks(self, ids: Iterable[int]) -> dict[int, tuple[str, str]]:
        """See `core.acts.Acts`."""
        return dict(self.store.remarks(list(ids))) if isinstance(self.store, Curated) else {}

    def _curated(self) -> Curated:
        if not isinstance(self.store, Curated):
            raise Refused(501, "this store keeps no remarks, and nothing in it can be edited or deleted")
        return self.store

    def _there(self, exchange_id: int) -> Recording:
        found = self.store.get(exchange_id)
        if found is None:
            raise Refused(404, f"there is no exchange {id_text(exchange_id)} in the store")
        return found

    def _answered(self, exchange_id: int) -> Recording:
        """The exchange; for a hit, the recording that answered it: its own has no answer."""
        found = self._there(exchange_id)
        if not found.served_from or found.response is not None:
            return found
        stores: list[Store] = [self.store, *self._cassettes()]
        sources = (store.get(found.served_from) for store in stores)
        source = next((each for each in sources if each is not None), None)
        if source is None:
            raise Refused(
                409,
                f"exchange {id_text(exchange_id)} was answered by the recording {id_text(found.served_from)}, "
                "which was deleted, or stands in a cassette that is not open",
            )
        return source

    def _cassettes(self) -> list[Any]:
        """The stores of those that are open."""
        opened = [self.shelves.default, *filter(None, map(self.shelves.open_by, self.shelves.stats()))]
        return [shelf.store for shelf in opened if isinstance(shelf.store, InFile)]

    def _place(self, number: int) -> str:
        """Where it stands in a cassette that is open; empty where in none."""
        return next(filter(None, (each.places({number}).get(number) for each in self._cassettes())), "")

    def _not_done(self, exchange_id: int) -> NoReturn:
        """It went meanwhile, or could not be written."""
        self._there(exchange_id)
        why = self.store.trouble or "the disk is too slow, or the daemon stops"
        raise Refused(503, f"nothing was changed: {why}")

    # --- the mode ----------------------------------------------------------------------------------------------------

    def mode(self) -> ModeNow:
        """See `core.acts.Acts`."""
        return ModeNow(self.shelves.default.mode.name, self.configured)

    async def set_mode(self, name: str) -> ModeNow:
        """See `core.acts.Acts`."""
        if name not in NAMES:
            raise Refused(400, f"there is no mode {name[:40]!r}: there are {', '.join(NAMES)}")
        if name == ONCE and not self.shelves.default.cassette:
            raise Refused(400, f"{ONCE_NEEDS}, or take another mode")
        await self._turn.acquire()
        try:
            await self.shelves.set_mode(name, self._ids.least())
        except Unavailable as error:
            raise Refused(409, str(error)) from None
        finally:
            self._turn.release()
        self.publish("mode", {"mode": self.mode().mode, "configured": self.configured})
        return self.mode()
