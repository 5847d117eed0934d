"""The store of `--store off`: nothing is written and nothing is found."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed

from proxy_daemon.core.messages import Recording


class NoStore:
    """Implements `core.services.Store`."""

    trouble = ""

    def find(self, fingerprint: bytes) -> Recording | None:
        """Nothing."""

    def get(self, exchange_id: int) -> Recording | None:
        """Nothing."""

    def similar(self, path: bytes, model: str, limit: int) -> tuple[Recording, ...]:
        """Nothing."""
        return ()

    def page(self, limit: int, before: int = 0) -> tuple[Recording, ...]:
        """Nothing."""
        return ()

    def put(self, recording: Recording, *, replace: bool = False) -> Deferred[bool]:
        """It is not written."""
        return succeed(False)

    def note(self, recording: Recording) -> None:
        """It is not written."""

    def stats(self) -> dict[str, Any]:
        """That there is none."""
        return {"store": "off"}
