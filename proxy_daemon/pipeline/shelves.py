"""The shelves of a daemon: its own, and the cassettes that requests name. Files are opened in a thread, each once.

    named or bound -> opening (all who ask meanwhile wait for it) -> open -> released, or closed with the daemon

Called by `pipeline/exchange.py` at the beginning of an exchange; made in `tap.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from proxy_daemon.core.modes import cassette_mode
from proxy_daemon.core.shelves import Binding, Shelf, Unavailable

MOST_OPEN = 1000  # cassettes; each is in memory
SUFFIX = ".yaml"
DEFAULT = "(--cassette)"  # no name that a request can give


@define(eq=False)
class Opened:
    """A cassette that was opened: a `Store`, what it was like at that moment, and how it is closed."""

    store: Any
    holds_recordings: bool
    close: Callable[[], Awaitable[None]]


@define(eq=False)
class Shelves:
    """``default``: for exchanges that name no cassette. ``directory``: of those that are named; empty: there is none.

    ``open``: makes an `Opened` of a file and the name of a mode. Raises `Unavailable`.
    """

    default: Shelf
    directory: str = ""
    mode: str = "new_episodes"
    open: Callable[[Binding], Awaitable[Opened]] | None = None
    _bound: dict[str, Binding] = field(factory=dict, init=False)
    _shelves: dict[str, Shelf] = field(factory=dict, init=False)
    _opened: dict[str, Opened] = field(factory=dict, init=False)
    _opening: dict[str, list[Deferred[Shelf]]] = field(factory=dict, init=False)

    async def named(self, name: str, *, may_make: bool) -> Shelf:
        """See `core/shelves.py`."""
        shelf = self._shelves.get(name)
        if shelf is None:
            shelf = await self._once(name, self._bound.get(name) or self._in_directory(name, may_make))
        return shelf

    async def bind(self, name: str, binding: Binding) -> Shelf:
        """See `core/shelves.py`."""
        if name in self._bound:
            raise Unavailable(409, f"The cassette {name} is bound already, to {self._bound[name].file}.")
        self._bound[name] = binding
        try:
            return await self._once(name, binding)
        except BaseException:
            self._bound.pop(name, None)
            raise

    async def release(self, name: str) -> None:
        """See `core/shelves.py`."""
        self._bound.pop(name, None)
        self._shelves.pop(name, None)
        opened = self._opened.pop(name, None)
        if opened is not None:
            await opened.close()

    def adopt(self, opened: Opened, file: str) -> None:
        """Make this cassette that of all exchanges that name none. Called before there are any."""
        self._opened[DEFAULT] = opened
        mode = cassette_mode(self.mode, holds_recordings=opened.holds_recordings)
        self.default = Shelf(opened.store, mode, Path(file).stem)

    def sweep(self) -> None:
        """Call it every second."""
        for opened in self._opened.values():
            opened.store.sweep()

    async def close(self) -> None:
        """All of them, when the daemon stops."""
        for name in tuple(self._opened):
            await self.release(name)

    def stats(self) -> dict[str, Any]:
        """Of each open cassette, by its name."""
        return {name: opened.store.stats() for name, opened in self._opened.items()}

    def _in_directory(self, name: str, may_make: bool) -> Binding:
        if not self.directory:
            raise Unavailable(400, f"No cassette can be named: give the daemon --cassette-dir to keep {name} in.")
        file = Path(self.directory) / f"{name}{SUFFIX}"
        if not may_make and not file.exists():
            raise Unavailable(403, f"There is no cassette {name}, and only this machine, or the admin, makes new ones.")
        return Binding(str(file))

    async def _once(self, name: str, binding: Binding) -> Shelf:
        """Who comes while it is being opened waits for the same opening; who leaves does not end it."""
        waiter: Deferred[Shelf] = Deferred()
        waiting = self._opening.setdefault(name, [])
        waiting.append(waiter)
        if len(waiting) == 1:
            Deferred.fromCoroutine(self._made(name, binding)).addBoth(self._tell, name)
        return await waiter

    async def _made(self, name: str, binding: Binding) -> Shelf:
        if self.open is None or len(self._opened) >= MOST_OPEN:
            raise Unavailable(503, f"The cassette {name} cannot be opened: {len(self._opened)} are open.")
        mode = binding.mode or self.mode
        opened = await self.open(binding)
        self._opened[name] = opened
        rules = (binding.matcher, binding.repeat, binding.on_error_response)
        shelf = Shelf(opened.store, cassette_mode(mode, holds_recordings=opened.holds_recordings), name, *rules)
        self._shelves[name] = shelf
        return shelf

    def _tell(self, result: Any, name: str) -> None:
        for waiter in self._opening.pop(name):
            if not waiter.called:
                (waiter.errback if isinstance(result, Failure) else waiter.callback)(result)
