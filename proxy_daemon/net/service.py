"""The daemon as a Twisted service: starts, listens, drains and stops.

A start that fails is one line on the standard error and exit code 1. Made by `tap.py`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

from attrs import frozen
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.logger import Logger
from twisted.python.failure import Failure

from proxy_daemon.net.site import FrontSite
from proxy_daemon.pipeline.faults import StartError

log = Logger()

GRACE_SECONDS = 10.0
POLL_SECONDS = 0.05


class Stopping(Protocol):
    """A part that is to be stopped."""

    def __call__(self) -> Awaitable[object] | None:
        """Stop it."""


@frozen
class Daemon:
    """The parts, put together: what listens, what to say when it does, and how to stop, in order."""

    site: FrontSite
    start_lines: Callable[[list[str]], list[str]]
    stops: tuple[Stopping, ...]


class DaemonService(Service):
    """``assemble`` puts the daemon together; it is called at the start and raises `StartError` where it cannot."""

    def __init__(self, reactor: Any, listen: tuple[str, ...], assemble: Callable[[], Awaitable[Daemon]]) -> None:
        self._reactor = reactor
        self._listen = listen
        self._assemble = assemble
        self._ports: list[Any] = []
        self._daemon: Daemon | None = None

    def startService(self) -> None:
        """Assemble and listen."""
        super().startService()
        starting = Deferred.fromCoroutine(self._start())
        failures: list[Failure] = []
        starting.addErrback(failures.append)
        if failures:
            _exit_now(failures[0])
        starting.addCallback(lambda _: self._exit_later(failures))

    async def _start(self) -> None:
        self._daemon = await self._assemble()
        try:
            for description in self._listen:
                endpoint = serverFromString(self._reactor, description)
                self._ports.append(await endpoint.listen(self._daemon.site))
        except Exception as error:
            await self._stop_parts()
            raise StartError(f"cannot listen on {description}: {_plain(error)}") from error
        for line in self._daemon.start_lines([_address(port) for port in self._ports]):
            _announce(f"llmproxy: {line}")

    def _exit_later(self, failures: list[Failure]) -> None:
        """A plugin's Deferred failed while the reactor already ran."""
        if failures:
            _tell(_line(failures[0]))
            self._reactor.addSystemEventTrigger("after", "shutdown", os._exit, 1)
            self._reactor.stop()

    def stopService(self) -> Deferred[None]:
        """Accept nothing new, let what is under way end within the grace time, then stop the parts."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        await DeferredList([maybeDeferred(port.stopListening) for port in self._ports], consumeErrors=True)
        if self._daemon is not None:
            await self._drained(self._daemon.site)
            await self._stop_parts()

    async def _drained(self, site: FrontSite) -> None:
        """Wait for the connections to be lost, not for the answers to be written: the last octets matter."""
        deadline = self._reactor.seconds() + GRACE_SECONDS
        while site.channels and self._reactor.seconds() < deadline:
            for channel in tuple(site.channels):
                channel.leave()
            await self._later(POLL_SECONDS)
        for channel in tuple(site.channels):
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


def _tell(line: str) -> None:
    """To the person who started the daemon: twistd takes `sys.stderr` for its log."""
    if sys.__stderr__ is not None:
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


def _address(port: Any) -> str:
    host = port.getHost()
    if not hasattr(host, "port"):
        return os.fsdecode(getattr(host, "name", None) or str(host))  # a socket of this machine is a path, in bytes
    name = f"[{host.host}]" if ":" in host.host else host.host
    return f"http://{name}:{host.port}"
