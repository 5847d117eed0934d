"""Undoes the content coding of an answer that rules could touch: it is edited and sent on uncoded.

Whoever makes one takes `Content-Encoding` out of the head. Of a body that is cut or damaged comes what could be
decoded, and a problem. Called by `editor.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from proxy_daemon.core.wire.coding import CodingError
from proxy_daemon.core.wire.uncoding import Uncoder

LONGEST = 512 * 1024 * 1024  # octets that come out of one body


class Inner(Protocol):
    """What edits the decoded body: a `Transform`."""

    def piece(self, data: bytes) -> bytes:
        """See `Transform`."""

    def end(self) -> bytes:
        """See `Transform`."""


class Coded:
    """One body. ``codings``: its `Content-Encoding`; ``say``: takes a problem. A `Transform`."""

    def __init__(self, inner: Inner, codings: bytes, say: Callable[[str], None]) -> None:
        self._inner, self._say = inner, say
        self._uncoder = Uncoder(codings, LONGEST)
        self._broken = False

    def piece(self, data: bytes) -> bytes:
        """See `Transform`. Behind damage nothing comes, as for any client that decodes."""
        if self._broken:
            return b""
        try:
            return self._inner.piece(self._uncoder.piece(data))
        except CodingError as error:
            self._stop(error)
            return b""

    def end(self) -> bytes:
        """See `Transform`."""
        out = b""
        if not self._broken:
            try:
                out = self._inner.piece(self._uncoder.end())
            except CodingError as error:
                self._stop(error)
        return out + self._inner.end()

    def _stop(self, error: CodingError) -> None:
        self._broken = True
        self._say(f"the answer ends where it cannot be decoded: {error}")
