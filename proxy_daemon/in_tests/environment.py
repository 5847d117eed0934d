"""The clients' variables while cassettes are in use: set at the beginning of the first, as before after the last.

There is one environment for a whole process. Of several cassettes at once (threads, tasks) the one that was begun last
has it, and when it ends, the one that was begun last before it. Called by `cassette.py`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping

from attrs import define, field


@define(eq=False)
class Environment:
    """Safe to use from any thread. ``_before``: of each variable that was set here, what it was; None: not there."""

    _before: dict[str, str | None] = field(factory=dict, init=False)
    _set: dict[str, Mapping[str, str]] = field(factory=dict, init=False)  # by owner, oldest first
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    def take(self, owner: str, variables: Mapping[str, str]) -> None:
        """Set these, until the owner lets go."""
        with self._lock:
            for name in variables:
                self._before.setdefault(name, os.environ.get(name))
            self._set[owner] = variables
            os.environ.update(variables)

    def let_go(self, owner: str) -> None:
        """As it would be without this owner; a second call does nothing."""
        with self._lock:
            if self._set.pop(owner, None) is None:
                return
            left: dict[str, str | None] = dict(self._before)
            for variables in self._set.values():
                left.update(variables)
            for name, value in left.items():
                _put(name, value)
            if not self._set:
                self._before.clear()

    def without(self) -> dict[str, str]:
        """The environment as it is without all owners."""
        with self._lock:
            made = dict(os.environ)
            for name, value in self._before.items():
                made.pop(name, None)
                if value is not None:
                    made[name] = value
            return made


def _put(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


CLIENTS = Environment()
