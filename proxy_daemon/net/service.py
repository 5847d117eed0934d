"""The daemon as a Twisted service: starts, listens, reloads, drains and stops.

A start that fails is one line on the standard error and exit code 1. Made by `tap.py`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from attrs import Factory, frozen
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from proxy_daemon.core.notices import NOTICES
from proxy_daemon.core.services import Life
from proxy_daemon.net import listening, signals
from proxy_daemon.net.accepting import in_parts
from proxy_daemon.net.reloading import Reloader
from proxy_daemon.net.signals import Signals
from proxy_daemon.net.site import FrontSite
from proxy_daemon.net.systemd import Notifier
from proxy_daemon.pipeline.faults import StartError
from proxy_daemon.settings import Settings

log = Logger()

POLL_SECONDS = 0.05
NEW_SECONDS = 1.0  # so long a new connection may still ask its first question when the daemon stops
STOP_SECONDS = 15.0  # what the parts may take, after the grace time
SIGNS = 3  # of life, within the watchdog's time
BROKEN_OFF = "llmproxy stopped before the answer was whole (--grace)"


class Stopping(Protocol):
    """A part that is to be stopped."""

    def __call__(self) -> Awaitable[object] | None:
        """Stop it."""


async def _no_parts(_: Settings) -> None:
    """Nothing takes settings."""


@frozen
class Daemon:
    """The parts, put together: what listens, what to say when it does, and how to stop, in order.

    ``adopt`` gives the parts settings of which only reloadable ones are new.
    """

    site: FrontSite
    start_lines: Callable[[list[str]], list[str]]
    stops: tuple[Stopping, ...]
    settings: Settings = Factory(Settings)
    life: Life = Factory(Life)
    adopt: Callable[[Settings], Awaitable[None]] = _no_parts


@frozen
class Surroundings:
    """What the process stands in. ``notifier`` is made at the start: only then the process has its number."""

    signals: Signals
    notifier: Callable[[], Notifier]
    read: Callable[[], Settings]  # all settings anew


class DaemonService(Service):
    """``assemble`` puts the daemon together; it is called at the start and raises `StartError` where it cannot."""

    def __init__(
        self,
        reactor: Any,
        listen: tuple[str, ...],
        assemble: Callable[[], Awaitable[Daemon]],
        surroundings: Surroundings,
    ) -> None:
        self._reactor = reactor
        self._listen = listen
        self._assemble = assemble
        self._surroundings = surroundings
        self._ports: list[Any] = []
        self._daemon: Daemon | None = None
        self._reloader: Reloader | None = None
        self._signs: LoopingCall | None = None
        self._hung_up = self._reloading = self._hurried = False

    def startService(self) -> None:
        """Assemble and listen."""
        super().startService()
        self._notifier = self._surroundings.notifier()
        self._surroundings.signals.on(self._hang_up, signals.HUP)
        starting = Deferred.fromCoroutine(self._start())
        failures: list[Failure] = []
        starting.addErrback(failures.append)
        if failures:
            _exit_now(failures[0])
        starting.addCallback(lambda _: self._exit_later(failures))

    async def _start(self) -> None:
        daemon = self._daemon = await self._assemble()
        if not self.running:  # it was stopped meanwhile
            await self._stop_parts()
            return
        try:
            for description in self._listen:
                endpoint = listening.endpoint(self._reactor, description)
                self._ports.append(in_parts(await endpoint.listen(daemon.site)))
        except Exception as error:
            await self._stop_parts()
            raise StartError(f"cannot listen on {description}: {_plain(error)}") from error
        lines = daemon.start_lines([listening.address(port) for port in self._ports])
        self._reloader = Reloader(daemon.settings, daemon.life, self._surroundings.read, daemon.adopt)
        self._reactor.callWhenRunning(lambda: self._started(lines))  # before, a signal would find no handler of its own

    def _started(self, lines: list[str]) -> None:
        for line in lines:
            _announce(f"llmproxy: {line}")
        self._status = lines[0]
        self._notifier.ready(self._status)
        self._give_signs()
        self._reload_if_asked()

    def _give_signs(self) -> None:
        """Of life, to the watchdog of the service manager: they come only while the reactor turns."""
        if self._notifier.watchdog:
            self._signs = LoopingCall(self._notifier.alive)
            self._signs.clock = self._reactor
            self._signs.start(self._notifier.watchdog / SIGNS)

    def _exit_later(self, failures: list[Failure]) -> None:
        """A plugin's Deferred failed while the reactor already ran."""
        if failures:
            _tell(_line(failures[0]))
            self._reactor.addSystemEventTrigger("after", "shutdown", os._exit, 1)
            if self.running:
                self._reactor.stop()

    # --- reloading ---------------------------------------------------------------------------------------------------

    def _hang_up(self) -> None:
        """SIGHUP. Before the start is done and during a reload it is remembered."""
        self._hung_up = True
        self._reload_if_asked()

    def _reload_if_asked(self) -> None:
        if self._hung_up and self.running and self._reloader is not None and not self._reloading:
            self._reloading = True
            Deferred.fromCoroutine(self._reload(self._reloader)).addErrback(_defect)

    async def _reload(self, reloader: Reloader) -> None:
        try:
            while self._hung_up:
                self._hung_up = False
                self._notifier.reloading()
                if line := await reloader.reload():
                    _announce(f"llmproxy: reload: {line}")
        finally:
            self._reloading = False
            if self.running:
                self._notifier.ready(f"{self._status}{reloader.trouble}")

    # --- stopping ----------------------------------------------------------------------------------------------------

    def stopService(self) -> Deferred[None]:
        """Accept nothing new, let what is under way end within the grace time, then stop the parts."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._surroundings.signals.last(self._hurry, signals.TERM, signals.INT)
        await DeferredList([maybeDeferred(port.stopListening) for port in self._ports], consumeErrors=True)
        if self._daemon is not None:
            await self._drained(self._daemon)
            await self._stop_parts()
        if self._signs is not None:
            self._signs.stop()

    def _hurry(self) -> None:
        """A second signal: break off what is under way. A third one ends the process."""
        self._hurried = True

    async def _drained(self, daemon: Daemon) -> None:
        """Wait for the connections to be lost, not for the answers to be written: the last octets matter."""
        site, began = daemon.site, self._reactor.seconds()
        deadline = began + daemon.settings.grace
        site.drain()
        daemon.life.draining = True
        self._notifier.stopping(f"draining {len(site.channels)} connections", daemon.settings.grace + STOP_SECONDS)
        await self._later(0)  # what clients had sent already is read first: a close would throw it away
        while site.channels and not self._hurried and self._reactor.seconds() < deadline:
            for channel in tuple(site.channels):
                channel.leave(new_too=self._reactor.seconds() - began >= NEW_SECONDS)
            await self._later(POLL_SECONDS)
        for channel in tuple(site.channels):
            for request in getattr(channel, "requests", ()):
                request.note(BROKEN_OFF)
            channel.transport.abortConnection()
        await self._later(0)

    def _later(self, seconds: float) -> Deferred[None]:
        waiting: Deferred[None] = Deferred()
        self._reactor.callLater(seconds, waiting.callback, None)
        return waiting

    async def _stop_parts(self) -> None:
        daemon, self._daemon = self._daemon, None
        for stop in daemon.stops if daemon is not None else ():
            try:
                result = stop()
                if result is not None:
                    await result
            except Exception:  # noqa: BLE001  (the other parts must be stopped too)
                log.failure("a part did not stop cleanly")


def _defect(failure: Failure) -> None:
    log.failure("a reload failed: a defect in llmproxy, please report it", failure)


def _tell(line: str) -> None:
    """To the person who started the daemon: twistd takes `sys.stderr` for its log."""
    with suppress(OSError):  # who reads has gone, which is no reason to go too
        if not NOTICES.is_shown(line) and sys.__stderr__ is not None:
            sys.__stderr__.write(line + "\n")
            sys.__stderr__.flush()


def _announce(line: str) -> None:
    """To the log, where nobody reads the standard error."""
    if _is_detached():
        log.info("{line}", line=line)
    else:
        _tell(line)


def _exit_now(failure: Failure) -> None:
    line = _line(failure)
    if _is_detached():
        log.critical("{line}", line=line)
        raise StartError(line)  # twistd hands it to the process that waits for the start; it would wait on for an exit
    _tell(line)
    raise SystemExit(1)


def _is_detached() -> bool:
    """Whether nobody reads the standard error: twistd has forked into the background."""
    return sys.__stderr__ is None or os.path.samestat(os.fstat(sys.__stderr__.fileno()), Path(os.devnull).stat())


def _line(failure: Failure) -> str:
    if failure.check(StartError):
        return f"llmproxy: {failure.getErrorMessage()}"
    return f"llmproxy: cannot start: {failure.getTraceback()}"


def _plain(error: Exception) -> str:
    """`CannotListenError` wraps the error of the socket."""
    inner = getattr(error, "socketError", None)
    return getattr(inner, "strerror", None) or str(error)
