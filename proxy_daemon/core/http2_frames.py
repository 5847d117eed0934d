"""What a client of HTTP/2 may make us do for nothing: its frames are counted before they are parsed.

A parser that waits for the whole of a frame or of a head holds what has come, and each frame costs far more to answer
than to send. So only the nine octets before each frame are looked at here. Called by `net/http2.py` with every read.
"""

from __future__ import annotations

# RFC 9113 section 6: types of frames, a flag, and (section 7) why a connection is ended
DATA, HEADERS, RST_STREAM, CONTINUATION = 0, 1, 3, 9
END_STREAM = 1
FRAME_SIZE_ERROR, ENHANCE_YOUR_CALM = 6, 11

PREFACE = 24  # octets that a client sends before its first frame (RFC 9113 section 3.4)
HEADER = 9  # octets before each frame (section 4.1)
MAX_FRAME = 16_384  # octets behind them: we ask for no more (section 6.5.2)
OVER = 64 * 1024  # octets by which a head may be too large and yet be answered with a 431
RESETS, RESETS_A_SECOND = 200, 20  # opening and resetting is cheap for a client, not for us (CVE-2023-44487)
IDLE, IDLE_A_SECOND = 1000, 100  # frames that ask for nothing: PING, SETTINGS, PRIORITY, empty DATA (CVE-2019-9512)
FOR_EACH_SENT, A_KIBIBYTE_SENT = 3, 1  # more of them: a client that reads opens windows, some every 4 KiB


class Allowance:
    """So many at once, and so many a second for ever."""

    def __init__(self, most: int, a_second: int, now: float) -> None:
        self._most, self._a_second = most, a_second
        self._left, self._since = float(most), now

    def spend(self, now: float) -> bool:
        """One; whether it was there."""
        self.add((now - self._since) * self._a_second)
        self._since = now
        self._left -= 1
        return self._left >= 0

    def add(self, number: float) -> None:
        """So many more, but never more than at the beginning."""
        self._left = min(self._most, self._left + number)


class Frames:
    """The frames of one connection. ``max_head``: octets of a head that are not too large."""

    def __init__(self, max_head: int, now: float) -> None:
        self._most = max_head + OVER
        self._skip = PREFACE
        self._header = b""
        self._block = 0  # octets of the head that is coming
        self._resets = Allowance(RESETS, RESETS_A_SECOND, now)
        self._idle = Allowance(IDLE, IDLE_A_SECOND, now)

    def sent(self, size: int = 0) -> None:
        """A frame of an answer, with so many octets of its body, has gone to the client."""
        self._idle.add(FOR_EACH_SENT + A_KIBIBYTE_SENT * size / 1024)

    def trouble(self, data: bytes, now: float) -> int:
        """The error code (RFC 9113 section 7) with which the connection is to be ended because of this read, or 0."""
        at = 0
        while at < len(data):
            if self._skip:
                step = min(self._skip, len(data) - at)
                self._skip -= step
            else:
                step = HEADER - len(self._header)
                self._header += data[at : at + step]
                if len(self._header) == HEADER and (code := self._frame(now)):
                    return code
            at += step
        return 0

    def _frame(self, now: float) -> int:
        header, self._header = self._header, b""
        size, kind, flags = int.from_bytes(header[:3], "big"), header[3], header[4]
        self._skip = size
        if size > MAX_FRAME:
            return FRAME_SIZE_ERROR
        return 0 if self._is_fair(kind, size, flags, now) else ENHANCE_YOUR_CALM

    def _is_fair(self, kind: int, size: int, flags: int, now: float) -> bool:
        if kind in (HEADERS, CONTINUATION):  # CVE-2024-27316
            self._block = size + (self._block if kind == CONTINUATION else 0)
            return self._block <= self._most
        if kind == DATA and (size or flags & END_STREAM):
            return True
        return (self._resets if kind == RST_STREAM else self._idle).spend(now)
