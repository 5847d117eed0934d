"""A cassette in use: bound to a name of its own in the daemon, which is also the session of what is asked through it.

    begun -> the clients' variables lead to it -> ended: judged, written, released, the variables as before

Called by `use_cassette.py` and the pytest plugin.
"""

from __future__ import annotations

import itertools
import os
import re
import threading
import time
from typing import Any

from attrs import define

from proxy_daemon.cli.asking import NoAnswer
from proxy_daemon.cli.child import STATS
from proxy_daemon.cli.judgement import is_verdict
from proxy_daemon.in_tests.asked import Asked, WrongArgument
from proxy_daemon.in_tests.daemon import CASSETTES, SHARED, VERDICT, Running, Shared
from proxy_daemon.in_tests.environment import CLIENTS
from proxy_daemon.in_tests.told import Told, told

SETTLE_SECONDS = 2.0  # what the test has left under way may take so long to end
SETTLE_BESIDE_OTHERS = 0.25  # as above, where what is under way may be another test's
POLL_SECONDS = 0.01
LONGEST_NAME = 100
_NUMBERS = itertools.count(1)
_IN_USE: set[str] = set()
_LOCK = threading.Lock()


class Unusable(Exception):
    """The cassette cannot be opened, or the daemon does not answer. The message says where and why."""


@define(eq=False, repr=False)
class CassetteInUse:
    """What the fixture `llmproxy_cassette` and `with use_cassette(...)` give."""

    asked: Asked
    name: str
    records: bool  # whether what is not in the file is forwarded, and recorded unless the mode is off
    _running: Running

    @classmethod
    def begin(cls, asked: Asked, called: str, shared: Shared = SHARED) -> CassetteInUse:
        """``called``: what people call the test.

        Raises `Unusable`, `WrongArgument`, `child.NotStarted`, and `routes.WrongAddress` for the environment.
        """
        running, name = shared.running(), _name(called)
        try:
            bound = running.ask("PUT", CASSETTES, _parameters(asked, name))
        except NoAnswer as error:
            raise _refused(asked, str(error)) from None
        made = cls(asked, name, bool(bound["forwards"]), running)
        CLIENTS.take(name, running.variables(made.url, placeholders=not made.records))
        with _LOCK:
            _IN_USE.add(name)
        return made

    def __repr__(self) -> str:
        """As failures of tests show it: short, and without the environment, which holds keys."""
        return f"<cassette {self.file}, mode {self.mode}>"

    # --- what tests ask it -------------------------------------------------------------------------------------------

    @property
    def file(self) -> str:
        """Its path; the file is made with its first recording."""
        return str(self.asked.file)

    @property
    def mode(self) -> str:
        """One of off, once, new_episodes, none, all."""
        return self.asked.mode

    @property
    def url(self) -> str:
        """Of the daemon, for this cassette, without a slash at the end: behind it follows `/v1/chat/completions`."""
        return f"{self._running.child.url}/_llmproxy/cassette/{self.name}"

    def url_for(self, api: str) -> str:
        """The base URL of the clients of one API, such as "openai". Raises `WrongArgument` for one nobody knows."""
        paths = self._running.paths()
        if api not in paths:
            raise WrongArgument(f"no API is called {api!r}: there are {', '.join(sorted(paths))} (llmproxy_upstream)")
        return self.url + paths[api]

    def verdict(self) -> Any:
        """What came of what was asked so far: one of the sessions of docs/verdict.md. Raises `Unusable`."""
        return self._verdict("GET")["sessions"][0]

    # --- its end -----------------------------------------------------------------------------------------------------

    def told(self, *, unused: bool = True) -> Told:
        """What is to be said of what was asked so far. ``unused``: whether unused recordings count. `Unusable`."""
        self._settle()
        return told(self.asked, self._verdict("GET"), records=self.records, unused=unused)

    def end(self) -> Told:
        """All that was recorded is in the file then. What is to be said of all that was asked, unused ones apart.

        Call it once. Raises `Unusable`.
        """
        CLIENTS.let_go(self.name)
        try:
            self._settle()
            return told(self.asked, self._verdict("DELETE"), records=self.records, unused=False)
        finally:
            with _LOCK:
                _IN_USE.discard(self.name)
            self._ask("DELETE", CASSETTES, {"name": self.name})

    def _verdict(self, method: str) -> Any:
        found = self._ask(method, VERDICT, {"session": self.name, "cassette": self.name})
        if not is_verdict(found):
            raise Unusable("the daemon's answer is no verdict of this version")
        return found

    def _settle(self) -> None:
        """Wait until nothing is under way: what a client has read to its end may not have ended for the daemon."""
        until = time.monotonic() + (SETTLE_SECONDS if len(_IN_USE) == 1 else SETTLE_BESIDE_OTHERS)
        while self._ask("GET", STATS, {})["exchanges"]["under_way"] and time.monotonic() < until:
            time.sleep(POLL_SECONDS)

    def _ask(self, method: str, page: str, parameters: dict[str, str]) -> Any:
        try:
            return self._running.ask(method, page, parameters)
        except NoAnswer as error:
            raise Unusable(f"{self.file}: {error}\n{self._running.child.said}".rstrip()) from None


def _name(called: str) -> str:
    """One that nobody has had: the places in sequences and the verdict are by it."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", called).strip("-.")[:LONGEST_NAME]
    return f"{plain or 'cassette'}-{os.getpid()}-{next(_NUMBERS)}"


def _parameters(asked: Asked, name: str) -> dict[str, str]:
    given = {
        "file": str(asked.file),
        "mode": asked.mode,
        "match_on": asked.match_on,
        "repeat": asked.repeat,
        "on_error_response": asked.on_error_response,
    }
    return {"name": name} | {key: value for key, value in given.items() if value}


def _refused(asked: Asked, why: str) -> Exception:
    """A status of 400 is a wrong argument; the daemon's address means nothing to a reader."""
    status, _, reason = why.partition(" answers ")[2].partition(": ")
    if status != "400":
        return Unusable(reason or why)
    named = {"match_on": asked.match_on, "repeat": asked.repeat}
    about = next((f"{name}: " for name, value in named.items() if value and value in reason), "")
    return WrongArgument(about + reason)
