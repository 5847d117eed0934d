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

from proxy_daemon.core.matching.nearness.sketch import VERSION
from proxy_daemon.core.work_frames import FrameError, Frames, packed
from proxy_daemon.store.access import StoreError
from proxy_daemon.work.catching_up import CatchingUp
from proxy_daemon.work.index import Index, IndexDamaged, opened, remove
from proxy_daemon.work.nearest import index_facts, nearest
from proxy_daemon.work.recorded import Recorded

READ = 1024 * 1024
LONGEST_SECONDS = 30  # for one question, or one step between two: then the system ends the process, whatever it does
REST_SECONDS = 30.0  # after a fault of the idle work
Answer = dict[str, Any]


class Work:
    """What the child knows. ``path``: of the daemon's store; the index stands beside it.

    ``alarm``: is told how many seconds may pass, and 0 when they have not.
    """

    def __init__(
        self, path: str, seconds: Callable[[], float] = time.monotonic, alarm: Callable[[int], object] = lambda _: None
    ) -> None:
        """Raises `StoreError`."""
        self._index_path = f"{path}.near"
        self._store = Recorded(path)
        self._seconds = seconds
        self._alarm = alarm
        self._trouble = ""
        self._begin(opened(self._index_path, self._store.key, VERSION))

    def _begin(self, index: Index) -> None:
        self._catching_up = CatchingUp(self._store, index, self._seconds)

    def close(self) -> None:
        """Let the files go."""
        self._catching_up.index.close()
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
        match head.get("name"):
            case "near":
                return nearest(self._catching_up, head, octets)
            case "stats":
                return {"index": index_facts(self._catching_up) | {"trouble": self._trouble}}
        return {"trouble": "there is no such question"}

    def idle(self) -> float:
        """Nothing is asked: let the index grow a little; the seconds to rest."""
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
            print(trouble, file=sys.stderr, flush=True)  # noqa: T201  (that is the way to the daemon's log)


def serve(work: Work, questions: int, answers: int) -> None:
    """Until the questions end. Raises `FrameError` where they are none."""
    frames, rest = Frames(), 0.0
    while True:
        if not select.select([questions], [], [], rest)[0]:
            rest = work.idle()
            continue
        data = os.read(questions, READ)
        if not data:
            return
        for head, octets in frames.feed(data):
            _write(answers, _framed(head, work.answer(head, octets)))
        rest = 0.0 if rest == 0.0 else min(rest, 1.0)


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
