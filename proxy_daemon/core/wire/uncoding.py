"""Undoing the content coding of a body where what its head says may be wrong, as in the recordings of many tools.

They store bodies decoded beside the head of the encoded one, or encoded ones without their head: the first octets tell.
Where nothing is wrong it does as `decoder_for`. Called by `core/dialects/reading.py`.
"""

from __future__ import annotations

import re

from proxy_daemon.core.wire.coding import CodingError, Decoder, TooLarge, decoder_for

NEEDED = 4  # octets that tell
LONGEST_TRIAL = 64 * 1024  # octets for which it may turn out that they are not coded
_MAGIC = {b"gzip": b"\x1f\x8b", b"x-gzip": b"\x1f\x8b", b"zstd": b"\x28\xb5\x2f\xfd"}
_WORDS = re.compile(rb'\s*(?:[{\[][\s"{}\[\]0-9-]|data|even|retr|id:|:|\Z)')  # of JSON and of events
_TEXT = re.compile(r"[^\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]+")  # no control characters


class Uncoder:
    """Undoes the coding of one body."""

    def __init__(self, codings: bytes, limit: int) -> None:
        self.coding = b""  # what is undone, once that is known
        self._codings, self._limit = codings, limit
        self._trial = bytearray()  # as it came, while nothing has come out
        self._tried = True  # it may still turn out not to be coded
        self._is_text = False  # by its first octets
        self._decoder: Decoder | None = None

    def piece(self, data: bytes) -> bytes:
        """What ``data`` adds. Raises `CodingError`."""
        if self._decoder is None:
            self._trial += data
            if len(self._trial) < NEEDED:
                return b""
            return self._begin()
        if not self._tried:
            return self._decoder.piece(data)
        self._trial += data
        return self._attempt(data)

    def end(self) -> bytes:
        """What the end adds. Raises `CodingError` where the body is cut."""
        out = self._begin() if self._decoder is None and self._trial else b""
        try:
            if self._decoder is not None:
                self._decoder.end()
        except CodingError:
            if not self._tried or not self._is_text:
                raise
            out = self._as_it_came()
        return out

    def _as_it_came(self) -> bytes:
        self.coding = b""
        self._decoder = decoder_for(b"", limit=self._limit)
        return self._decoder.piece(bytes(self._trial))

    def _begin(self) -> bytes:
        first = bytes(self._trial[:NEEDED])  # no more: the same is seen however the body is cut
        self._is_text = _is_text(first)
        self.coding = _stated_or_seen(self._codings, first)
        self._decoder = decoder_for(self.coding, limit=self._limit)
        return self._attempt(bytes(self._trial))

    def _attempt(self, data: bytes) -> bytes:
        """What ``data`` adds, or all octets as they came, where that fails at once and they are text."""
        assert self._decoder is not None
        try:
            out = self._decoder.piece(data)
        except TooLarge:
            raise
        except CodingError:
            if not self._is_text:
                raise
            out = self._as_it_came()
        self._tried = not out and len(self._trial) <= LONGEST_TRIAL
        if not self._tried:
            self._trial.clear()
        return out


def _stated_or_seen(codings: bytes, first: bytes) -> bytes:
    """The codings as stated, unless the first octets say that they are not applied, or that one is."""
    names = [name.strip() for name in codings.lower().split(b",")]
    outer = next((name for name in reversed(names) if name not in (b"", b"identity")), b"")
    if outer in _MAGIC:
        return codings if first.startswith(_MAGIC[outer]) else b""
    if outer == b"deflate":  # without zlib's header it has no checksum, and words may decode to something
        return b"" if _WORDS.match(first) else codings
    seen = next((coding for coding, magic in _MAGIC.items() if first.startswith(magic)), b"")
    return seen if seen and not outer else codings


def _is_text(first: bytes) -> bool:
    try:
        return _TEXT.fullmatch(first.decode()) is not None
    except UnicodeDecodeError as error:
        return "unexpected end" in error.reason  # a character is cut
