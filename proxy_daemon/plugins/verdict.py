"""The verdict on a run: what of it came from recordings, what did not and why, and which recordings nobody used.

`/_llmproxy/api/verdict`: GET tells, DELETE tells and forgets; `?session=NAME` speaks of one session only, and
`?cassette=NAME` looks for unused recordings in that cassette, `?unused=NUMBER` lists so many of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from heapq import nsmallest
from typing import Any

from attrs import define, field

from proxy_daemon.core.ids import Ids
from proxy_daemon.core.messages import Exchange, Recording, id_text
from proxy_daemon.core.services import InFile, Services, Store
from proxy_daemon.core.shelves import Shelf, Unavailable
from proxy_daemon.core.tally import Tallies, Tally
from proxy_daemon.hookspecs import Event, JsonPage, events, hookimpl

SLICE = 1000  # recordings that are looked at in one go: a fraction of a millisecond
SHOWN = 20  # unused recordings of a session
MOST_SHOWN = 200  # of all sessions
MOST_ASKED = 2000  # of both, where somebody asks for more
WRONG = (
    "the parameters are session, as in ?session=NAME or ?session= for the one without name, cassette, and unused, the "
    "number of unused recordings that are listed"
)
FORBIDDEN = 403  # RFC 9110 section 15.5.4
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


@define
class Unused:
    """Recordings of a session's scope that were not served. ``most``: how many of them are listed."""

    most: int = SHOWN
    count: int = 0
    first: list[int] = field(factory=list)  # ids, smallest first

    def add(self, ids: list[int]) -> None:
        """These too."""
        self.count += len(ids)
        self.first = nsmallest(self.most, self.first + ids)


class Verdict:
    """`llmproxy_log` into tallies, and a page that shows them."""

    @hookimpl
    def llmproxy_configure(self, services: Services) -> None:
        """Begin with nothing."""
        self._shelves, self._worker, self._redactor = services.shelves, services.worker, services.redactor
        self._ids = Ids(services.clock)
        self._tallies = Tallies(self._ids.least())

    @hookimpl
    def llmproxy_resources(self) -> dict[str, Any]:
        """The page."""
        return {"api/verdict": JsonPage({"GET": self.shown, "DELETE": self.reset})}

    @hookimpl
    @events("explained", "ended", "failed")
    def llmproxy_log(self, exchange: Exchange, event: Event) -> None:
        """One more, or why one missed."""
        if event.kind == "explained":
            self._tallies.explained(exchange, event.text)
        elif is_drive_by(exchange):
            return
        elif self._tallies.ended(exchange):
            self._tallies.report(exchange, self._redactor.target(exchange.request.target).decode("latin-1"))

    async def shown(self, parameters: Mapping[str, str]) -> tuple[int, Any]:
        """GET: (status, value)."""
        return await self._answer(parameters, forget=False)

    async def reset(self, parameters: Mapping[str, str]) -> tuple[int, Any]:
        """DELETE: the same, of what is forgotten by it. Nothing that comes meanwhile is lost."""
        return await self._answer(parameters, forget=True)

    async def _answer(self, parameters: Mapping[str, str], *, forget: bool) -> tuple[int, Any]:
        listed = parameters.get("unused", str(SHOWN))
        if set(parameters) - {"session", "cassette", "unused"} or not _NUMBER.fullmatch(listed):
            return 400, {"error": WRONG}  # a typing error must not reset everything
        try:
            named = await self._named(parameters.get("cassette", ""))
        except Unavailable as error:
            return error.status, {"error": str(error)}
        tallies = self._tallies
        asked, served, at_most = self._asked(parameters), tallies.served(), tallies.served_left_off()
        beyond = self._beyond(parameters)
        if forget:
            self._forget(parameters)
        most = min(int(listed), MOST_ASKED)
        shelves = {name: named or self._shelves.open_by(name) or self._shelves.default for name in asked}
        unused: dict[str, Unused] = {}
        for shelf in dict.fromkeys(shelves.values()):
            theirs = {name: tally for name, tally in asked.items() if shelves[name] is shelf}
            unused |= await self._unused(shelf, theirs, served, most)
        left = max(most, MOST_SHOWN) if "unused" in parameters else MOST_SHOWN
        said = []
        for name, tally in asked.items():
            shown = _recordings(shelves[name].store, unused[name].first[:left])
            left -= len(shown)
            told = {"count": unused[name].count, "at_most": at_most, "first": shown}
            said.append({"session": name, **tally.counts, "unused": told, **_reports(tally)})
        return 200, {"sessions": said, "beyond": beyond, "trouble": self._shelves.trouble()}

    def _beyond(self, parameters: Mapping[str, str]) -> dict[str, int] | None:
        """The exchanges of sessions that there was no room for, where they may be among those asked for."""
        tallies = self._tallies
        if not tallies.beyond.exchanges or parameters.get("session") in tallies.sessions:
            return None
        return tallies.beyond.counts

    def _asked(self, parameters: Mapping[str, str]) -> dict[str, Tally]:
        if "session" in parameters:
            return {parameters["session"]: self._tallies.of(parameters["session"])}
        return dict(self._tallies.sessions)

    def _forget(self, parameters: Mapping[str, str]) -> None:
        if parameters.get("session") and parameters.get("cassette"):  # a test has ended: there may be thousands
            self._tallies.drop(parameters["session"])
        elif "session" in parameters:
            self._tallies.reset(parameters["session"], self._ids.least())
        else:
            self._tallies = Tallies(self._ids.least())

    # --- unused recordings -------------------------------------------------------------------------------------------

    async def _named(self, cassette: str) -> Shelf | None:
        """The cassette that was asked for; else each session's own, which has its name, or what all others have."""
        return await self._shelves.named(cassette, may_make=False) if cassette else None

    async def _unused(self, shelf: Shelf, asked: Mapping[str, Tally], served: set[int], most: int) -> dict[str, Unused]:
        """Of each session: those that were recorded in it; of the one without a name: those of the whole store.

        Recordings of a cassette are of no session: they are for all who use it.
        """
        unused = {name: Unused(most) for name in asked}
        behind = (b"", 0)
        while rows := shelf.store.replayable(SLICE, behind):
            behind = rows[-1][:2]
            left = [(number, session) for _, number, session in rows if number not in served]
            found = _by_all(left, asked) if shelf.cassette else _by_session(left, asked)
            for name, ids in found.items():
                since = math.inf if shelf.cassette else asked[name].since  # what a cassette serves was there before
                unused[name].add([number for number in ids if number < since])
            await self._worker.run(_nothing)  # others have their turn
        return unused


def is_drive_by(exchange: Exchange) -> bool:
    """Whether a web page asked that may not: whatever it wanted, it is no part of anybody's run.

    Refused before the way of an exchange began, and sent by a browser (Fetch Metadata, or an `Origin`).
    """
    refused = exchange.shelf is None and exchange.status == FORBIDDEN
    return refused and any(name in exchange.request.headers for name in (b"origin", b"sec-fetch-site"))


def _recordings(store: Store, ids: list[int]) -> list[dict[str, str]]:
    """What people know them by; of what was removed meanwhile, nothing."""
    places = store.places(frozenset(ids)) if isinstance(store, InFile) else {}
    found = [(number, store.page(1, number + 1)) for number in ids]
    return [_shown(page[0], places.get(number, "")) for number, page in found if page and page[0].id == number]


def _by_all(rows: list[tuple[int, str]], asked: Mapping[str, Tally]) -> dict[str, list[int]]:
    return {name: [number for number, _ in rows] for name in asked}


def _by_session(rows: list[tuple[int, str]], asked: Mapping[str, Tally]) -> dict[str, list[int]]:
    ids: dict[str, list[int]] = {}
    for number, session in rows:
        if "" in asked:
            ids.setdefault("", []).append(number)
        if session and session in asked:
            ids.setdefault(session, []).append(number)
    return ids


def _shown(recording: Recording, place: str) -> dict[str, str]:
    from proxy_daemon.core.care.unused import moment  # noqa: PLC0415  (few need it: a quick start)

    return {
        "id": id_text(recording.id),
        "method": recording.request.method.decode("latin-1"),
        "path": recording.request.target.decode("latin-1"),
        "model": recording.model,
        "recorded": moment(recording.started),
    } | ({"place": place} if place else {})


def _reports(tally: Tally) -> dict[str, Any]:
    reports = [
        {
            "exchange": id_text(number),
            "what": report.what,
            "method": report.method,
            "path": report.path,
            "model": report.model,
            "text": report.text,
        }
        for number, report in tally.reports.items()
    ]
    return {"reports": reports, "reports_left_off": tally.left_off}


def _nothing() -> None:
    pass
