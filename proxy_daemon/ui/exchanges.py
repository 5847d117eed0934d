"""The list of exchanges and one of them, in JSON: `api/exchanges`, `api/told`, `api/exchanges/{id}`.

A page of the list comes from the store, in some hundred microseconds; what was said in it, and a search, from the child
process. Invariant: a child that is busy or gone costs the list 150 ms at most. Mounted by `ui/pages.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from proxy_daemon.core.inspecting.answered import answered
from proxy_daemon.core.inspecting.summary import summary
from proxy_daemon.core.inspecting.told import told as told_of
from proxy_daemon.core.messages import Delivered, Recording, Response, id_text
from proxy_daemon.core.services import Services
from proxy_daemon.hookspecs import JsonPage
from proxy_daemon.ui.child import asked
from proxy_daemon.ui.parameters import (
    NO_EXCHANGE,
    Answer,
    Wrong,
    answering,
    exchange,
    exchanges,
    known,
    number,
    optional_exchange,
)

PAGE, PAGE_LIMIT = 50, 500
TOLD_SECONDS = 0.15  # that a list waits for what was said in its exchanges
MOST_TOLD = 500
MOST_FILTER = 10_000  # characters
Row = dict[str, Any]


@frozen
class Exchanges:
    """The pages over the store."""

    services: Services

    def pages(self) -> dict[str, JsonPage]:
        """By path."""
        return {
            "api/exchanges": JsonPage({"GET": answering(self.listed)}),
            "api/told": JsonPage({"GET": answering(self.told)}),
        }

    # --- the list ----------------------------------------------------------------------------------------------------

    async def listed(self, parameters: Mapping[str, str]) -> Answer:
        """A page, newest first."""
        known(parameters, ("limit", "before", "after", "q"))
        limit = number(parameters, "limit", PAGE, 1, PAGE_LIMIT)
        before, after = optional_exchange(parameters, "before"), optional_exchange(parameters, "after")
        text = parameters.get("q", "")
        if not text.strip():
            return await self._page(limit, before, after)
        return await self._searched(text, limit, before, after)

    async def _searched(self, text: str, limit: int, before: int | None, after: int | None) -> Answer:
        if len(text) > MOST_FILTER:
            rest = len(text) - MOST_FILTER
            raise Wrong(400, f"q has more than {MOST_FILTER} characters", at=MOST_FILTER, length=rest)
        if self.services.work is None:
            raise Wrong(503, "there is no search in this store: llmproxy searches its own, SQLite files, only")
        head = {"limit": limit, "before": _text(before), "after": _text(after), "q": text}
        return await asked(self.services, "list", head)

    async def _page(self, limit: int, before: int | None, after: int | None) -> Answer:
        found = [each for each in self.services.store.page(limit + 1, before or 0) if each.id > (after or 0)]
        shown = found[:limit]
        told, indexed = await self._told_soon([id_text(each.id) for each in shown])
        last = id_text(shown[-1].id) if len(found) > limit else None
        rows = self._rows(shown, told)
        return 200, {"exchanges": rows, "next": last, "partial": False, "indexed": indexed}

    def _rows(self, recordings: Sequence[Recording], told: Mapping[str, Any]) -> list[Row]:
        acts = self.services.acts
        remarks = {} if acts is None else acts.remarks([each.id for each in recordings])
        return [self._row(each, told.get(id_text(each.id)), *remarks.get(each.id, ("", ""))) for each in recordings]

    def _row(self, recording: Recording, told: Row | None, mark: str, comment: str) -> Row:
        return summary(recording, redactor=self.services.redactor, mark=mark, comment=comment, told=told)

    # --- what was said in them ---------------------------------------------------------------------------------------

    async def told(self, parameters: Mapping[str, str]) -> Answer:
        """Of several, by their ids."""
        known(parameters, ("ids",))
        ids = exchanges(parameters, "ids", MOST_TOLD)
        if self.services.work is not None:
            return await asked(self.services, "told", {"ids": ids})
        return 200, {"told": await self.services.worker.run(self._told_here, ids)}

    def _told_here(self, ids: list[str]) -> dict[str, Any]:
        """In a thread, without a child process."""
        found = {each: self.services.store.get(int(each, 16)) for each in ids}
        return {each: None if recording is None else _told(recording) for each, recording in found.items()}

    async def _told_soon(self, ids: list[str]) -> tuple[dict[str, Any], Any]:
        """What is known at once, and how far the index has come."""
        if self.services.work is None or not ids:
            return {}, None
        answer = await self.services.within(TOLD_SECONDS, self.services.work.call("told", {"ids": ids}))
        value = answer.get("value") if answer else None
        if not isinstance(value, dict):
            return {}, None
        return value.get("told") or {}, value.get("indexed")

    # --- one exchange ------------------------------------------------------------------------------------------------

    async def one(self, parameters: Mapping[str, str]) -> Answer:
        """All that is known of it but the bodies."""
        known(parameters, ())
        recording = self.services.store.get(exchange(parameters["id"]))
        if recording is None:
            raise Wrong(404, NO_EXCHANGE)
        told, _ = await self._told_soon([id_text(recording.id)])
        recording = answered(recording, self.services.store.get)
        return 200, self._rows([recording], told)[0] | heads(recording)


def heads(recording: Recording) -> dict[str, Any]:
    """Header fields, sizes and times: what a row does not have."""
    request, response, delivered = recording.request, recording.response, recording.delivered
    said: dict[str, Any] = {"request": {"headers": _texts(request.headers.pairs), "size": request.body.size}}
    if response is not None:
        said["response"] = _response(response)
    if delivered is not None:
        said["delivered"] = _delivered(delivered)
    return said


def _response(response: Response) -> dict[str, Any]:
    return {
        "status": response.head.status,
        "reason": response.head.reason.decode("latin-1"),
        "headers": _texts(response.head.headers.pairs),
        "trailers": _texts(response.trailers.pairs),
        "size": response.body.size,
        "pieces": list(response.pieces.sizes),
        "times_us": list(response.pieces.times),
    }


def _delivered(delivered: Delivered) -> dict[str, Any]:
    """What the client got; the size is null where the body is upstream's."""
    return {
        "status": delivered.head.status,
        "headers": _texts(delivered.head.headers.pairs),
        "size": None if delivered.body is None else delivered.body.size,
        "cut": delivered.cut,
    }


def _told(recording: Recording) -> Row | None:
    try:
        return told_of(recording)
    except OSError:  # the store has lost a body
        return None


def _text(number: int | None) -> str | None:
    return None if number is None else id_text(number)


def _texts(pairs: tuple[tuple[bytes, bytes], ...]) -> list[list[str]]:
    return [[name.decode("latin-1"), value.decode("latin-1")] for name, value in pairs]
