"""The store of `--store off`: nothing is written and nothing is found."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed

from proxy_daemon.core.messages import Recording
from proxy_daemon.core.services import Candidate


class NoStore:
    """Implements `core.services.Store`."""

    trouble = ""

    def candidates(self, fingerprint: bytes) -> tuple[Candidate, ...]:
        """Nothing."""
        return ()

    def get(self, exchange_id: int) -> Recording | None:
        """Nothing."""

    def patterns(self) -> tuple[Recording, ...]:
        """Nothing."""
        return ()

    def similar(self, path: bytes, model: str, limit: int) -> tuple[Recording, ...]:
        """Nothing."""
        return ()

    def page(self, limit: int, before: int = 0) -> tuple[Recording, ...]:
        """Nothing."""
        return ()

    def replayable(self, limit: int, behind: tuple[bytes, int] = (b"", 0)) -> tuple[tuple[bytes, int, str], ...]:
        """Nothing."""
        return ()

    def put(self, recording: Recording, *, replace: bool = False, run: int = 0) -> Deferred[bool]:
        """It is not written."""
        return succeed(False)

    def note(self, recording: Recording) -> None:
        """It is not written."""

    def amend(self, recording: Recording) -> None:
        """It is not written."""

    def stats(self) -> dict[str, Any]:
        """That there is none."""
        return {"store": "off"}
