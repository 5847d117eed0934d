"""Where the recordings of an exchange are found and kept: the store, or a cassette. Values and protocols only.

Each exchange has its shelf from its beginning on (`Exchange.shelf`). Made in `pipeline/shelves.py`; plugins get all of
them by `Services.shelves`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from attrs import frozen

from proxy_daemon.core.modes import Mode

if TYPE_CHECKING:
    from proxy_daemon.core.matching.fingerprint import Matcher
    from proxy_daemon.core.matching.sequence import Repeat
    from proxy_daemon.core.services import Store


@frozen(eq=False)
class Shelf:
    """One of them, with the rules that hold for it. What is None is as the settings say."""

    store: Store
    mode: Mode
    cassette: str = ""  # the name of the cassette; empty: it is the store itself
    matcher: Matcher | None = None
    repeat: Repeat | None = None
    on_error_response: str | None = None
    since: int = 0  # its mode holds for exchanges with ids from here on; 0: since the daemon's start


@frozen
class Binding:
    """A file under a name, and the rules for it; what is None or empty is as the settings say."""

    file: str
    mode: str = ""
    matcher: Matcher | None = None
    repeat: Repeat | None = None
    on_error_response: str | None = None


class Unavailable(Exception):
    """A cassette that cannot be used. ``status``: that of the answer to a request that names it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Shelves(Protocol):
    """All shelves. Cassettes are opened when they are first asked for."""

    @property
    def default(self) -> Shelf:
        """That of exchanges which name no cassette."""

    async def named(self, name: str, *, may_make: bool) -> Shelf:
        """The cassette of this name: as it was bound, else in the directory of cassettes. Raises `Unavailable`.

        ``may_make``: a file that is not there yet may be made.
        """

    def open_by(self, name: str) -> Shelf | None:
        """The cassette of this name, where it is open."""

    async def bind(self, name: str, binding: Binding) -> Shelf:
        """Open a file under a name, until it is released. Raises `Unavailable`."""

    async def release(self, name: str) -> None:
        """Close what was bound, once all of it is written. Nothing happens where nothing was."""

    def stats(self) -> dict[str, Any]:
        """Of each open cassette, by its name."""

    def trouble(self) -> str:
        """Why something is not recorded, over the store and all open cassettes; empty while all works."""


@frozen
class OnlyStore:
    """The store and no cassettes."""

    default: Shelf

    async def named(self, name: str, *, may_make: bool) -> Shelf:
        """Raises `Unavailable`."""
        raise Unavailable(400, f"No cassette can be named: give the daemon --cassette-dir to keep {name} in.")

    def open_by(self, name: str) -> Shelf | None:
        """None is."""
        return None

    async def bind(self, name: str, binding: Binding) -> Shelf:
        """Raises `Unavailable`."""
        raise Unavailable(400, f"{binding.file} cannot be opened: there are no cassettes here.")

    async def release(self, name: str) -> None:
        """Nothing is open."""

    def stats(self) -> dict[str, Any]:
        """None."""
        return {}

    def trouble(self) -> str:
        """That of the store."""
        return self.default.store.trouble
