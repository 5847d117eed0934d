"""The shelves of a daemon: its own, and the cassettes that requests name. Files are opened in a thread, each once.

    named or bound -> opening (all who ask meanwhile wait for it) -> open -> released, or closed with the daemon

Called by `pipeline/exchange.py` at the beginning of an exchange; made in `tap.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.modes import MODES, cassette_mode
from proxy_daemon.core.routing import CASSETTE_NAME
from proxy_daemon.core.shelves import Binding, Shelf, Unavailable

MOST_OPEN = 1000  # cassettes; each is in memory
YAML, JSON = ".yaml", ".json"  # of files in the directory
DEFAULT = "(--cassette)"  # no name that a request can give


@define(eq=False)
class Opened:
    """A cassette that was opened: a `Store`, what it was like at that moment, and how it is closed.

    ``matcher``: its recordings are found by it; None: by that of the settings.
    """

    store: Any
    holds_recordings: bool
    close: Callable[[], Awaitable[None]]
    matcher: Matcher | None = None


@define(eq=False)
class Shelves:
    """``default``: for exchanges that name no cassette. ``directory``: of those that are named; empty: there is none.

    ``open``: makes an `Opened` of a file and the name of a mode. Raises `Unavailable`. ``increment``: each cassette is
    many files, NAME-0, NAME-1 ...
    """

    default: Shelf
    directory: str = ""
    mode: str = "new_episodes"
    open: Callable[[Binding], Awaitable[Opened]] | None = None
    suffix: str = YAML
    increment: bool = False
    _file: str = field(default="", init=False)  # of the default, where that is a cassette
    _history: Any = field(init=False)  # the store, to which all exchanges are written, whatever `default` is
    _bound: dict[str, Binding] = field(factory=dict, init=False)
    _shelves: dict[str, Shelf] = field(factory=dict, init=False)
    _opened: dict[str, Opened] = field(factory=dict, init=False)
    _opening: dict[str, list[Deferred[Shelf]]] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._history = self.default.store

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
        if name in self._opened or name in self._opening:
            raise Unavailable(409, f"The cassette {name} is open already: release it, or take another name.")
        self._bound[name] = binding
        try:
            return await self._once(name, binding)
        except BaseException:
            self._bound.pop(name, None)
            raise

    async def release(self, name: str) -> None:
        """See `core/shelves.py`. That of `--cassette` stays: it has no name that anybody could give."""
        if name != DEFAULT:
            await self._close(name)

    async def _close(self, name: str) -> None:
        """One that is being opened is closed once it is open: nobody else would."""
        self._bound.pop(name, None)
        if name in self._opening:
            with suppress(Unavailable):
                await self._waited(name)
        self._shelves.pop(name, None)
        opened = self._opened.pop(name, None)
        if opened is not None:
            await opened.close()

    def adopt(self, opened: Opened, file: str) -> None:
        """Make this cassette that of all exchanges that name none. Called before there are any."""
        self._file = file
        self._shelve(opened, self.mode, holds_recordings=opened.holds_recordings)

    def _shelve(self, opened: Opened, mode: str, *, holds_recordings: bool, since: int = 0) -> None:
        self._opened[DEFAULT] = opened
        known = cassette_mode(mode, holds_recordings=holds_recordings)
        self.default = Shelf(opened.store, known, Path(self._file).stem, opened.matcher, since=since)

    async def set_mode(self, name: str, since: int) -> None:
        """Another mode (of `core.modes.NAMES`) for exchanges that name no cassette; those under way keep theirs.

        With --cassette a run begins: what was recorded so far is served. ``since``: the least id that an exchange of
        this moment can have. Raises `Unavailable`: nothing has changed. Not called again before it has returned.
        """
        before = self._opened.get(DEFAULT)
        if before is None:
            self.default = Shelf(self._history, MODES[name], since=since)
            return
        holds = bool(before.store.stats()["recordings"])
        if cassette_mode(name, holds_recordings=holds).keeps and not before.store.records:
            opened = await self._reopened(name)
            self._shelve(opened, name, holds_recordings=opened.holds_recordings, since=since)
            await before.close()  # it has not been written, so nobody waits for that
            return
        before.store.begin_run()
        self._shelve(before, name, holds_recordings=holds, since=since)

    async def _reopened(self, name: str) -> Opened:
        """One that was only read so far is opened to be written, as it is at a start in this mode."""
        if self.open is None:
            raise Unavailable(503, f"The cassette {self._file} cannot be opened again.")
        return await self.open(Binding(self._file, name))

    def sweep(self) -> None:
        """Call it every second."""
        for opened in self._opened.values():
            opened.store.sweep()

    async def close(self) -> None:
        """All of them, when the daemon stops."""
        for name in (*self._opened, *self._opening):
            await self._close(name)

    def stats(self) -> dict[str, Any]:
        """Of each open cassette, by its name."""
        return {name: opened.store.stats() for name, opened in self._opened.items()}

    def open_by(self, name: str) -> Shelf | None:
        """See `core/shelves.py`."""
        return self._shelves.get(name)

    def trouble(self) -> str:
        """See `core/shelves.py`."""
        stores = [self._history, *(opened.store for opened in self._opened.values())]
        return "; ".join(dict.fromkeys(store.trouble for store in stores if store.trouble))

    def _in_directory(self, name: str, may_make: bool) -> Binding:
        if CASSETTE_NAME.match(name.encode("utf-8", "replace")) is None:  # it must not lead out of the directory
            raise Unavailable(400, "The name of a cassette is of letters, digits, `.`, `-` and `_`, without a path.")
        if not self.directory:
            raise Unavailable(400, f"No cassette can be named: give the daemon --cassette-dir to keep {name} in.")
        file = Path(self.directory) / f"{name}{self.suffix}"
        if not may_make and not self._is_there(file):
            raise Unavailable(403, f"There is no cassette {name}, and only this machine, or the admin, makes new ones.")
        return Binding(str(file))

    def _is_there(self, file: Path) -> bool:
        """A name holds no sign that means something in a pattern of names."""
        return any(file.parent.glob(f"{file.stem}-[0-9]*{file.suffix}")) if self.increment else file.exists()

    async def _once(self, name: str, binding: Binding) -> Shelf:
        """Who comes while it is being opened waits for the same opening; who leaves does not end it."""
        begins = name not in self._opening
        waited = self._waited(name)
        if begins:
            Deferred.fromCoroutine(self._made(name, binding)).addBoth(self._tell, name)
        return await waited

    def _waited(self, name: str) -> Deferred[Shelf]:
        """Fires as the opening of this one ends."""
        waiter: Deferred[Shelf] = Deferred()
        self._opening.setdefault(name, []).append(waiter)
        return waiter

    async def _made(self, name: str, binding: Binding) -> Shelf:
        if self.open is None or len(self._opened) >= MOST_OPEN:
            advice = f"release those that are done: DELETE /_llmproxy/api/cassettes?name=NAME (at most {MOST_OPEN})"
            raise Unavailable(503, f"The cassette {name} cannot be opened: {len(self._opened)} are open; {advice}.")
        mode = binding.mode or self.mode
        opened = await self.open(binding)
        self._opened[name] = opened
        rules = (opened.matcher or binding.matcher, binding.repeat, binding.on_error_response)
        shelf = Shelf(opened.store, cassette_mode(mode, holds_recordings=opened.holds_recordings), name, *rules)
        self._shelves[name] = shelf
        return shelf

    def _tell(self, result: Any, name: str) -> None:
        for waiter in self._opening.pop(name):
            if not waiter.called:
                (waiter.errback if isinstance(result, Failure) else waiter.callback)(result)
