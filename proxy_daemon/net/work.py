"""The child process as the daemon sees it (`core.services.Work`): starts it, asks one question at a time, ends it.

Nothing here waits for the child on the reactor. It is started anew when it dies, later each time, and killed when it is
stuck. It gets three descriptors, and of the environment what Python needs: no secrets. The rules for what is a secret
are the first that it hears, on a pipe: a pattern may hold one. Made by `tap.py`.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ProcessDone, ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from proxy_daemon.core.carried_rules import carried
from proxy_daemon.core.secret_rules import NO_RULES, Rules
from proxy_daemon.core.services import Scheduler
from proxy_daemon.core.work_frames import RULES, WHEN_ASKED, FrameError, Frames, packed

log = Logger()

ANSWER_SECONDS = 4.0  # for a question, its turn included: below the deadline of `llmproxy_fuzzy_match`
STUCK_SECONDS = 60.0  # for what the child has at hand: then it is killed
START_SECONDS = 1.0  # after the daemon: those who start it wait for the daemon, not for the child
STOP_SECONDS = 1.0  # that it has for its end before it is killed
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # before a new start
MOST_WAITING = 64
LONGEST_LINE, MOST_LINES = 500, 20  # of its standard error, for each start
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SQLITE_TMPDIR", "LD_LIBRARY_PATH")
ROOT = Path(__file__).parents[2]  # of the package
Answer = dict[str, Any]


@define(eq=False)
class Question:
    """One that waits for its turn, or for its answer."""

    number: int
    frame: bytes
    answer: Deferred[Answer] = field(factory=Deferred)
    timer: Any = None

    def give(self, answer: Answer) -> None:
        """Unless it is too late."""
        if self.timer is not None and self.timer.active():
            self.timer.cancel()
        if not self.answer.called:
            self.answer.callback(answer)


class ChildWork:
    """Use `start`, at the latest by the first question; `stop` at the end. Nothing is started after that."""

    def __init__(self, reactor: Any, command: list[str], environ: Mapping[str, str], rules: Rules = NO_RULES) -> None:
        """``rules``: what the child takes for a secret. Raises `FrameError` where they are too large to be told."""
        self._reactor = reactor
        self._first = packed({"name": RULES, "rules": carried(rules)})
        self._command = command
        self._environ = environment(environ)
        self._waiting: deque[Question] = deque()
        self._asked: Question | None = None
        self._stuck: Any = None  # the timer of what was asked
        self._is_behind = False  # what was asked is overdue: nobody else need wait as long to hear of it
        self._child: Child | None = None
        self._again: Any = None  # the timer of a new start
        self._pause = FIRST_PAUSE
        self._number = 0
        self._stopped: Deferred[None] | None = None
        self._counts = {"answered": 0, "overdue": 0, "died": 0}
        self.trouble = ""

    # --- questions ---------------------------------------------------------------------------------------------------

    def call(self, name: str, head: dict[str, Any], octets: bytes = b"") -> Deferred[Answer]:
        """See `core.services.Work`. Whoever cancels it leaves the queue."""
        if len(self._waiting) >= MOST_WAITING or self._stopped is not None:
            return succeed({"trouble": "the child process has too much to do, or is stopping"})
        if self._is_behind:
            return succeed({"trouble": "the child process is busy with a question that takes it very long"})
        self._number += 1
        try:
            frame = packed(head | {"name": name, "number": self._number}, octets)
        except FrameError as error:
            return succeed({"trouble": str(error)})
        question = Question(self._number, frame)
        question.answer = Deferred(lambda _: self._forget(question))
        question.timer = self._reactor.callLater(ANSWER_SECONDS, self._overdue, question)
        self._waiting.append(question)
        self.start()
        self._ask()
        return question.answer

    def post(self, name: str, head: dict[str, Any], octets: bytes, then: Callable[[Answer], object]) -> None:
        """See `core.services.Work`."""
        self.call(name, head, octets).addCallback(then).addErrback(_defect)

    def stats(self) -> dict[str, Any]:
        """Numbers for people."""
        child = self._child.pipes.pid if self._child is not None else None
        return self._counts | {"waiting": len(self._waiting), "process": child, "trouble": self.trouble}

    def _forget(self, question: Question) -> None:
        """It was cancelled. What the child has at hand it goes on with; nobody hears the answer."""
        if question.timer.active():
            question.timer.cancel()
        if question in self._waiting:
            self._waiting.remove(question)

    def _overdue(self, question: Question) -> None:
        self._counts["overdue"] += 1
        self._is_behind = self._is_behind or question is self._asked
        self._forget(question)
        question.give({"trouble": f"the child process gave no answer within {ANSWER_SECONDS:g} s"})

    def _ask(self) -> None:
        if self._asked is None and self._waiting and self._child is not None:
            self._asked = self._waiting.popleft()
            self._stuck = self._reactor.callLater(STUCK_SECONDS, self._kill)
            self._child.pipes.write(self._asked.frame)

    def answered(self, answer: Answer) -> None:
        """The child has answered. Anything but the answer to what was asked ends it."""
        question = self._asked
        if question is None or answer.get("number") != question.number:
            self._kill()
            return
        _cancel([self._stuck])
        self._asked, self._pause, self.trouble, self._is_behind = None, FIRST_PAUSE, "", False
        self._counts["answered"] += 1
        question.give(answer)
        self._ask()

    # --- the process -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Where it does not run, and is not about to."""
        if self._child is not None or self._again is not None or self._stopped is not None:
            return
        child = Child(self)
        try:
            self._reactor.spawnProcess(
                child, self._command[0], self._command, env=self._environ, path="/", childFDs={0: "w", 1: "r", 2: "r"}
            )
        except Exception as error:  # noqa: BLE001  (no descriptors, no memory, no more processes)
            self._lost(f"could not be started: {error}")
            return
        self._child = child
        child.pipes.write(self._first)
        self._ask()

    def ended(self, reason: Failure) -> None:
        """The process is no more."""
        self._child = None
        if self._stopped is not None:
            _fire(self._stopped)
        else:
            self._lost("ended" if reason.check(ProcessDone) else f"died: {reason.getErrorMessage()}")

    def _lost(self, how: str) -> None:
        """Those who wait are told; it is started anew after a pause, a longer one each time."""
        self._counts["died"] += 1
        trouble = f"the child process {how}; it is started again"
        if not self.trouble:
            log.warn("near misses: {trouble}", trouble=trouble)  # noqa: G010  (a Twisted logger)
        self.trouble = trouble
        self._give_up({"trouble": trouble})
        self._again = self._reactor.callLater(self._pause, self._start_again)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def _start_again(self) -> None:
        self._again = None
        self.start()

    def _give_up(self, answer: Answer) -> None:
        asked, self._asked, self._is_behind = self._asked, None, False
        if asked is not None:
            _cancel([self._stuck])
        waiting, self._waiting = [*filter(None, [asked]), *self._waiting], deque()
        for question in waiting:
            question.give(answer)

    def _kill(self) -> None:
        if self._child is not None:
            self._child.kill()

    def stop(self) -> Deferred[None] | None:
        """Let it end, and kill it where it does not in time."""
        if self._again is not None:
            self._again.cancel()
            self._again = None
        stopped: Deferred[None] = Deferred()
        self._stopped = stopped
        self._give_up({"trouble": "the daemon stops"})
        if self._child is None:
            return None
        self._child.pipes.closeStdin()
        timers = [
            self._reactor.callLater(STOP_SECONDS, self._kill),
            self._reactor.callLater(2 * STOP_SECONDS, _fire, stopped),
        ]
        stopped.addCallback(lambda _: _cancel(timers))
        return stopped


class Child(ProcessProtocol):
    """The ends of its pipes."""

    def __init__(self, work: ChildWork) -> None:
        self._work = work
        self._frames = Frames()
        self._said = b""
        self._lines = 0

    @property
    def pipes(self) -> Any:
        """Twisted's end of them, from the start of the process on."""
        return self.transport

    def outReceived(self, data: bytes) -> None:
        """Answers."""
        try:
            for answer, _ in self._frames.feed(data):
                self._work.answered(answer)
        except FrameError as error:
            log.warn("near misses: the child process said something else: {error}", error=error)  # noqa: G010
            self.kill()

    def errReceived(self, data: bytes) -> None:
        """What it says goes into the log, a line each, so many and so long."""
        *lines, self._said = (self._said + data).split(b"\n")
        self._said = self._said[:LONGEST_LINE]
        for line in lines:
            self._lines += 1
            if self._lines <= MOST_LINES:
                text = line[:LONGEST_LINE].decode("utf-8", "replace")
                log.warn("child process: {line}", line=text)  # noqa: G010

    def processEnded(self, reason: Failure) -> None:
        """It is no more, and all that it said was read."""
        self._work.ended(reason)

    def kill(self) -> None:
        """At once."""
        with suppress(ProcessExitedAlready):
            self.pipes.signalProcess("KILL")


def child_of(
    store: str,
    reactor: Any,
    scheduler: Scheduler,
    environ: Mapping[str, str],
    rules: Rules = NO_RULES,
    *,
    waits: bool = False,
) -> ChildWork:
    """The child process of this store. It is started a little later, or by the first question, and ends at the stop.

    ``waits``: it is started by the first question only, and the index of near misses by the first that needs it;
    ``rules``: what it takes for a secret in what it shows.
    """
    work = ChildWork(reactor, command(store) + [WHEN_ASKED] * waits, environ, rules)
    if not waits:
        reactor.callLater(START_SECONDS, work.start)
    scheduler.at_stop(work.stop)
    return work


def command(store: str) -> list[str]:
    """The child process of this store. `-P`: a folder in which the daemon was started is no place for modules."""
    return [sys.executable, "-P", "-m", "proxy_daemon.work", str(Path(store).resolve())]


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What Python needs to find the package, and no secrets."""
    passed = {name: environ[name] for name in PASSED_ON if name in environ}
    paths = [
        str(ROOT),
        *(str(Path(each).resolve()) for each in environ.get("PYTHONPATH", "").split(os.pathsep) if each),
    ]
    return passed | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}


def _fire(waiting: Deferred[None]) -> None:
    if not waiting.called:
        waiting.callback(None)


def _cancel(timers: Iterable[Any]) -> None:
    for timer in timers:
        if timer.active():
            timer.cancel()


def _defect(failure: Failure) -> None:
    log.failure("the answer of the child process could not be taken", failure)
