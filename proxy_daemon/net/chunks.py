"""Twisted's decoder of chunked request bodies, with what it leaves open: how large a chunk may be, and bare line feeds.

What the chunks of one read hold is handed on in one piece: each piece costs memory, however small it is. Made by
`net.channel.FrontChannel.judge`. Twisted answers 400 to what it raises.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.web.http import _ChunkedTransferDecoder, _MalformedChunkedDataError

from proxy_daemon.core.strictness import MAX_CHUNK, has_bare_end


class StrictChunks(_ChunkedTransferDecoder):
    """RFC 9112 section 7.1: sizes that overflow are refused, as the section demands of recipients."""

    def __init__(self, received: Callable[[bytes], None], finished: Callable[[bytes], None]) -> None:
        self._pieces: list[bytes] = []
        self._received, self._finished = received, finished
        super().__init__(self._pieces.append, self._finish)

    def dataReceived(self, data: bytes) -> None:
        """One read."""
        super().dataReceived(data)
        self._hand_on()

    def _hand_on(self) -> None:
        if self._pieces:
            data = b"".join(self._pieces)
            self._pieces.clear()
            self._received(data)

    def _finish(self, rest: bytes) -> None:
        self._hand_on()
        self._finished(rest)

    def _dataReceived_CHUNK_LENGTH(self) -> bool:
        whole = super()._dataReceived_CHUNK_LENGTH()
        if whole and self.length >= MAX_CHUNK:
            raise _MalformedChunkedDataError("The chunk is too large.")
        return whole or self._waits()

    def _dataReceived_TRAILER(self) -> bool:
        return super()._dataReceived_TRAILER() or self.state == "FINISHED" or self._waits()

    def _waits(self) -> bool:
        """A line that is not whole and never will be: its client may wait for an answer for ever."""
        if has_bare_end(self._buffer):
            raise _MalformedChunkedDataError("A line holds a CR or an LF alone.")
        return False
