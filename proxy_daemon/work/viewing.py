"""The question `view`: what a page shows of one exchange, or of how it differs from another one.

Invariant: an answer is {"status", "value"} as the page's API has it, and fits into a frame. Called by `serving.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proxy_daemon.core.inspecting.answered import answered
from proxy_daemon.core.inspecting.differences import difference
from proxy_daemon.core.inspecting.opened import Opened, opened
from proxy_daemon.core.inspecting.views import view
from proxy_daemon.core.messages import Recording, id_number, id_text
from proxy_daemon.core.secret_rules import NO_RULES, Rules
from proxy_daemon.store.reading import Reading
from proxy_daemon.work.catching_up import CatchingUp
from proxy_daemon.work.nearest import nearest

NEAREST, PREVIOUS = "nearest", "previous"
NO_EXCHANGE = "there is no such exchange"
NO_NEAREST = "no other recording is like it"
NO_PREVIOUS = "no earlier exchange belongs to the same conversation"
Answer = dict[str, Any]
Previous = Callable[[int], int | None]


class Viewing:
    """Reads the exchanges of a store. ``previous``: the id of the turn before, None where there is none."""

    def __init__(self, path: str, version: Callable[[], int], previous: Previous | None = None) -> None:
        """``version``: another number whenever somebody has written into the store."""
        self._path, self._version, self._previous = path, version, previous
        self._rules = NO_RULES
        self._reading: Reading | None = None
        self._last: tuple[int, int, Opened] | None = None  # id, version: a page asks for several views of one

    def learn(self, rules: Rules) -> None:
        """What is a secret, besides what is known, from now on."""
        self._rules, self._last = rules, None

    def close(self) -> None:
        """Let the file go."""
        self._last = None
        if self._reading is not None:
            self._reading.close()
            self._reading = None

    def answer(self, head: dict[str, Any], catching_up: CatchingUp) -> Answer:
        """To one question. ``head``: id, what, and the parameters. Raises `StoreError` and OSError."""
        try:
            read = self._opened(id_number(str(head.get("id", ""))))
            if read is None:
                return _failed(404, NO_EXCHANGE)
            what = str(head.get("what", ""))
            found = self._difference(read, head, catching_up) if what == "diff" else view(read, what, head)
        except ValueError as error:
            return _failed(400, str(error))
        return _failed(404, f"the exchange has no {what} of that kind") if found is None else _told(200, found)

    def _opened(self, exchange_id: int) -> Opened | None:
        version = self._version()
        if self._last is not None and self._last[:2] == (exchange_id, version):
            return self._last[2]
        recording = self._got(exchange_id)
        if recording is None:
            return None
        self._last = (exchange_id, version, opened(recording, rules=self._rules))
        return self._last[2]

    def _got(self, exchange_id: int) -> Recording | None:
        if self._reading is None:
            self._reading = Reading(self._path)
        recording = self._reading.get(exchange_id)
        return None if recording is None else answered(recording, self._reading.get)

    # --- differences -------------------------------------------------------------------------------------------------

    def _difference(self, read: Opened, head: dict[str, Any], catching_up: CatchingUp) -> Answer:
        """From another one to this. Raises ValueError where ``with`` is nothing of the kind."""
        word = str(head.get("with") or NEAREST)
        other, score, problem = self._other(word, read, catching_up)
        nothing: Answer = {"with": None, "score": None, "titles": [], "lines": [], "cut": False, "problem": problem}
        recording = None if other is None else self._got(other)
        if other is None or recording is None:
            return nothing | {"problem": problem or NO_EXCHANGE}
        found = difference(opened(recording, rules=self._rules), read, everything=bool(head.get("all")))
        return nothing | found | {"with": id_text(other), "score": score}

    def _other(self, word: str, read: Opened, catching_up: CatchingUp) -> tuple[int | None, float | None, str]:
        """(Its id, how alike it is, why there is none)."""
        if word == NEAREST:
            octets = read.recording.request.body.whole() or b""
            asked = _asked(read.recording)
            found = nearest(catching_up, asked, octets)
            if "id" not in found:  # an old one has its like among the later ones
                found = nearest(catching_up, asked | {"below": 0}, octets)
            return found.get("id"), found.get("score"), "" if "id" in found else NO_NEAREST
        if word == PREVIOUS:
            before = None if self._previous is None else self._previous(read.recording.id)
            return before, None, "" if before is not None else NO_PREVIOUS
        return id_number(word), None, ""


def _asked(recording: Recording) -> dict[str, Any]:
    """The head of the question which other recording is nearest, an earlier one."""
    request = recording.request
    return {
        "method": request.method.decode("latin-1"),
        "target": request.target.decode("latin-1"),
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.headers.pairs],
        "upstream": recording.upstream.url,
        "size": request.body.size,
        "shown": 0,
        "below": recording.id,
        "besides": recording.id,
    }


def _told(status: int, value: dict[str, Any]) -> Answer:
    return {"status": status, "value": value}


def _failed(status: int, error: str) -> Answer:
    return _told(status, {"error": error})
