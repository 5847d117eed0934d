"""The one daemon of a process: started when the first cassette is asked for, stopped at exit.

Under pytest-xdist each worker is a process, and so has its own. A process that was forked has none yet: the parent's
stays the parent's. Called by `cassette.py` and the pytest plugin.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, field, frozen

from proxy_daemon.cli.asking import Address, address, ask, with_token
from proxy_daemon.cli.child import Child, NotStarted
from proxy_daemon.cli.routes import Route, WrongAddress, environment, routes, with_placeholders
from proxy_daemon.core.lazy import lazy
from proxy_daemon.in_tests.environment import CLIENTS

CASSETTES, VERDICT = "/_llmproxy/api/cassettes", "/_llmproxy/api/verdict"
# What a cassette does not answer is nobody's business here: nothing is kept of it.
OPTIONS = ("--store", "off", "--log", "off", "--mode", "new_episodes")


@frozen(slots=False)
class Running:
    """A daemon that answers, and the ways of the clients to it."""

    child: Child = field(repr=False)
    routes: tuple[Route, ...] = field(repr=False)
    upstreams: tuple[str, ...]  # as they were given
    process: int

    def ask(self, method: str, page: str, parameters: Mapping[str, str]) -> Any:
        """Of its own pages. Raises `asking.NoAnswer`."""
        return ask(address(self.child.url) if method == "GET" else self._known, method, page, parameters)

    @lazy
    def _known(self) -> Address:
        """The daemon with its token, asked for once: tests bind and release thousands of cassettes."""
        return with_token(address(self.child.url))

    def variables(self, url: str, *, placeholders: bool) -> dict[str, str]:
        """What the clients' environment is to be beyond what it is, with the daemon at this URL."""
        before = CLIENTS.without()
        made = environment(before, self.routes, url)
        made = with_placeholders(made, self.routes) if placeholders else made
        return {name: value for name, value in made.items() if before.get(name) != value}

    def paths(self) -> dict[str, str]:
        """Behind the address of a cassette, of each API and each upstream that was given, its clients' base URL."""
        given = (each.partition("=")[0] for each in self.upstreams if "=" in each.partition("://")[0])
        named = {name: f"/_llmproxy/to/{name}" for name in given}
        return named | {each.provider.name: next(iter(each.paths.values())) for each in self.routes}


@define(eq=False)
class Shared:
    """The daemon. ``options``: more of `llmproxy serve`; ``upstreams``: as `--upstream`, empty: as LLMPROXY_UPSTREAM.

    ``environ``: where the clients are sent without us; None: the environment of the moment when it is started. All
    three count until then.
    """

    options: Sequence[str] = ()
    upstreams: Sequence[str] = ()
    environ: Mapping[str, str] | None = field(default=None, repr=False)  # it holds keys
    _running: Running | None = field(default=None, init=False)
    _failed: NotStarted | WrongAddress | None = field(default=None, init=False)  # told to all who come after the first
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    def running(self) -> Running:
        """Started, if it does not run. Raises `NotStarted`, and `WrongAddress` for a base URL of the environment."""
        with self._lock:
            if self._failed is not None:
                raise self._failed
            found = self._running
            if found is None or found.process != os.getpid() or not found.child.runs:
                found = self._running = self._tried()
            return found

    def _tried(self) -> Running:
        try:
            return self._start()
        except (NotStarted, WrongAddress) as error:
            self._failed = error
            raise

    def _start(self) -> Running:
        environ = CLIENTS.without() if self.environ is None else self.environ
        given = tuple(self.upstreams or environ.get("LLMPROXY_UPSTREAM", "").split())
        found = routes(environ, given)
        upstreams = [
            word for each in (*given, *(each.upstream for each in found)) if each for word in ("--upstream", each)
        ]
        child = Child((*OPTIONS, *self.options, *upstreams), environ).start()
        atexit.register(self.stop)
        return Running(child, found, given, os.getpid())

    def stop(self) -> None:
        """All that is recorded is in the files then. It may be started again."""
        with self._lock:
            running, self._running, self._failed = self._running, None, None
            atexit.unregister(self.stop)
            if running is not None and running.process == os.getpid():
                running.child.stop()


SHARED = Shared()
