"""The child process's loop: questions come on one descriptor, answers go on another; between them the index grows.

Ends when the questions do. A fault in one question is its answer, and the next is taken. Called by `__main__.py`.
"""

from __future__ import annotations

import os
import select
import sqlite3
import sys
import time
from collections.abc import Callable
from typing import Any

from proxy_daemon.core.carried_rules import carried_back
from proxy_daemon.core.matching.nearness.sketch import VERSION
from proxy_daemon.core.messages import id_number
from proxy_daemon.core.secret_rules import NO_RULES, Rules
from proxy_daemon.core.work_frames import RULES, FrameError, Frames, packed
from proxy_daemon.store.access import StoreError
from proxy_daemon.store.catalogue.asking import Asked, Asking, WrongQuestion
from proxy_daemon.store.made_anew import remove
from proxy_daemon.work.catching_up import BUSY_DUTY, IDLE_DUTY, LOOK_SECONDS, CatchingUp
from proxy_daemon.work.index import Index, IndexDamaged, opened
from proxy_daemon.work.nearest import index_facts, nearest
from proxy_daemon.work.recorded import Recorded
from proxy_daemon.work.viewing import Viewing

READ = 1024 * 1024
LONGEST_SECONDS = 30  # for one question, or one step between two: then the system ends the process, whatever it does
REST_SECONDS = 30.0  # after a fault of the idle work
STEP_SECONDS, BUSY_STEP_SECONDS = 0.008, 0.004  # of the catalogue's growth
Answer = dict[str, Any]


class Work:
    """What the child knows. ``path``: of the daemon's store; the index and the catalogue stand beside it.

    There is a catalogue once somebody has asked for what it is for.

    ``grows``: whether the index grows before anybody has asked what is near.

    ``alarm``: is told how many seconds may pass, and 0 when they have not.
    """

    def __init__(
        self,
        path: str,
        seconds: Callable[[], float] = time.monotonic,
        alarm: Callable[[int], object] = lambda _: None,
        *,
        grows: bool = True,
    ) -> None:
        """Raises `StoreError`."""
        self._index_path = f"{path}.near"
        self._store = Recorded(path)
        self._seconds = seconds
        self._alarm = alarm
        self._grows = grows
        self._trouble = self._text_trouble = ""
        self._near_at = self._text_at = 0.0  # when either grows next
        self._path = path
        self._rules = NO_RULES
        self._asking: Asking | None = None
        if os.path.exists(f"{path}.text"):
            self._asking = Asking(path, seconds)
        self._viewing = Viewing(path, self._store.version, lambda exchange_id: self.asking().previous(exchange_id))
        self._begin(opened(self._index_path, self._store.key, VERSION))

    def _begin(self, index: Index) -> None:
        self._catching_up = CatchingUp(self._store, index, self._seconds)

    def learn(self, rules: Rules) -> None:
        """What is a secret, besides what is known, in all that is shown from now on."""
        self._rules = rules
        self._viewing.learn(rules)
        if self._asking is not None:
            self._asking.rules = rules

    def close(self) -> None:
        """Let the files go."""
        self._viewing.close()
        self._catching_up.index.close()
        if self._asking is not None:
            self._asking.close()
        self._store.close()

    def answer(self, head: dict[str, Any], octets: bytes) -> Answer:
        """To one question; what went wrong is told as "trouble"."""
        self._alarm(LONGEST_SECONDS)
        try:
            return self._answered(head, octets)
        except IndexDamaged as damage:
            self._renew(str(damage))
            return {"trouble": f"the index was damaged ({damage}) and is made anew"}
        except MemoryError:
            return {"trouble": "not enough memory for this question"}
        except (StoreError, sqlite3.Error, OSError) as error:
            return {"trouble": str(error)}
        except Exception as error:  # noqa: BLE001  (a question that breaks us must not keep the next from its answer)
            return {"trouble": f"a defect: {type(error).__name__}: {error}"}
        finally:
            self._alarm(0)

    def _answered(self, head: dict[str, Any], octets: bytes) -> Answer:
        if not self._grows and _asks_what_is_near(head):
            self._grows, self._near_at = True, 0.0
        match head.get("name"):
            case "near":
                return nearest(self._catching_up, head, octets, self._rules)
            case "stats":
                return {"index": index_facts(self._catching_up) | {"trouble": self._trouble}}
            case "list":
                return self._listed(lambda: self.asking().listing(Asked.of(head)))
            case "told":
                self.asking().begin()
                return self._listed(lambda: self.asking().told(_ids(head)))
            case "view":
                return self._viewing.answer(head, self._catching_up)
        return {"trouble": "there is no such question"}

    def asking(self) -> Asking:
        """Who answers by the catalogue. Raises `StoreError`."""
        if self._asking is None:
            self._asking = Asking(self._path, self._seconds, self._rules)
        return self._asking

    def _listed(self, question: Callable[[], Answer]) -> Answer:
        """The answer as one of HTTP."""
        try:
            return {"status": 200, "value": question()}
        except WrongQuestion as wrong:
            return {"status": 400, "value": wrong.value}

    def idle(self) -> float:
        """Nothing is asked: let the index and the catalogue grow a little; the seconds to rest."""
        if self._asking is None:
            return self._near_grown()
        if self._seconds() >= self._near_at:
            self._near_at = self._near_grown() + self._seconds()
        if self._seconds() >= self._text_at:
            self._text_at = self._text_grown(self._asking) + self._seconds()
        return max(0.0, min(self._near_at, self._text_at) - self._seconds())

    def _text_grown(self, asking: Asking) -> float:
        """A step of the catalogue; the seconds to rest."""
        self._alarm(LONGEST_SECONDS)
        began = self._seconds()
        try:
            more = asking.idle(BUSY_STEP_SECONDS if self._catching_up.busy else STEP_SECONDS)
        except Exception as error:  # noqa: BLE001  (as below)
            _tell(f"the catalogue does not grow: {type(error).__name__}: {error}")
            return REST_SECONDS
        finally:
            self._alarm(0)
        if asking.trouble != self._text_trouble:
            self._text_trouble = asking.trouble
            if asking.trouble:
                _tell(asking.trouble)
        if asking.trouble:
            return REST_SECONDS
        worked = self._seconds() - began
        rest = worked / (BUSY_DUTY if self._catching_up.busy else IDLE_DUTY) - worked
        return rest if more else max(LOOK_SECONDS, rest)

    def _near_grown(self) -> float:
        """A step of the index; the seconds to rest."""
        if not self._grows:
            return REST_SECONDS
        self._alarm(LONGEST_SECONDS)
        try:
            rest = self._catching_up.step()
            self._trouble = ""
        except IndexDamaged as damage:
            self._renew(str(damage))
            return REST_SECONDS
        except Exception as error:  # noqa: BLE001  (as above: a full disk, or a row that breaks us)
            self._say(f"the index of near misses does not grow: {type(error).__name__}: {error}")
            return REST_SECONDS
        finally:
            self._alarm(0)
        return rest

    def _renew(self, why: str) -> None:
        self._say(f"the index of near misses was damaged ({why}) and is made anew")
        self._catching_up.index.close()
        remove(self._index_path)
        self._begin(opened(self._index_path, self._store.key, VERSION))

    def _say(self, trouble: str) -> None:
        """Once, on the standard error: the daemon writes it into its log."""
        if trouble != self._trouble:
            self._trouble = trouble
            _tell(trouble)


def serve(work: Work, questions: int, answers: int) -> None:
    """Until the questions end. Raises `FrameError` where they are none.

    Before the first frame, which tells the rules, nothing is done.
    """
    frames = Frames()
    rest: float | None = None
    while True:
        if not select.select([questions], [], [], rest)[0]:
            rest = work.idle()
            continue
        data = os.read(questions, READ)
        if not data:
            return
        for head, octets in frames.feed(data):
            if head.get("name") == RULES:
                work.learn(_rules(head))
            else:
                _write(answers, _framed(head, work.answer(head, octets)))
            rest = rest or 0.0
        rest = rest and min(rest, 1.0)


def _rules(head: dict[str, Any]) -> Rules:
    """Raises `FrameError`: without them nothing may be shown."""
    try:
        return carried_back(head.get("rules"))
    except ValueError:  # its words may quote a pattern
        raise FrameError("the rules for what is a secret could not be read") from None


def _asks_what_is_near(head: dict[str, Any]) -> bool:
    name, what, other = head.get("name"), head.get("what"), head.get("with")
    return name == "near" or (name, what, other) == ("view", "diff", "nearest")


def _ids(head: dict[str, Any]) -> list[int]:
    """Of a question. Raises `WrongQuestion`."""
    ids = head.get("ids")
    try:
        return [id_number(each) for each in ids or []]
    except (ValueError, TypeError):
        raise WrongQuestion("ids are those of exchanges") from None


def _tell(trouble: str) -> None:
    """The daemon writes it into its log."""
    print(trouble, file=sys.stderr, flush=True)  # noqa: T201  (that is the way there)


def _framed(head: dict[str, Any], answer: Answer) -> bytes:
    number = head.get("number", 0)
    try:
        return packed(answer | {"number": number})
    except FrameError as error:
        return packed({"number": number, "trouble": str(error)})


def _write(answers: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(answers, view) :]
