"""In the writer's place where the store may only be read: takes nothing, has no thread, and tries nothing."""

from __future__ import annotations

from proxy_daemon.store.changing import Change
from proxy_daemon.store.writer import Write


class Unwritable:
    """What `SQLiteStore` asks of a `Writer`."""

    waiting = 0

    def put(self, write: Write) -> bool:
        """Never."""
        return False

    def change(self, change: Change) -> bool:
        """Never."""
        return False

    def wake(self) -> None:
        """Nobody sleeps."""

    def stop(self) -> None:
        """Nothing waits."""
