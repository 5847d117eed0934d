"""Frames between the daemon and its child process: a length, a head in JSON, and octets behind it.

Four octets (big end first) say how long the head is; its member "octets" says how many follow it. A frame that is
larger than it may be, or is none, is a `FrameError`: what stands behind it cannot be read either. Used by `net/work.py`
and `work/`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from proxy_daemon.core.messages import JSON_LIMIT

LENGTH = 4
RULES = "rules"  # the name of the first frame to a child, which is no question: it has no answer
WHEN_ASKED = "when-asked"  # an argument of the child: the index of near misses waits for the first who asks for it
LARGEST_HEAD = 12 * 1024 * 1024  # an image of eight million octets in base64 stands in one
LARGEST_OCTETS = JSON_LIMIT
Frame = tuple[dict[str, Any], bytes]


class FrameError(ValueError):
    """What was read is no frame, or too large a one."""


def packed(head: dict[str, Any], octets: bytes = b"") -> bytes:
    """The frame as it is written. Raises `FrameError` for one that the other side would refuse."""
    try:
        text = orjson.dumps(head | {"octets": len(octets)})
    except (TypeError, ValueError) as error:
        raise FrameError(f"the head of a frame cannot be written: {error}") from error
    if len(text) > LARGEST_HEAD or len(octets) > LARGEST_OCTETS:
        raise FrameError(f"a frame of {len(text)} and {len(octets)} octets is too large")
    return len(text).to_bytes(LENGTH, "big") + text + octets


class Frames:
    """Takes octets as they come and gives whole frames."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._head: dict[str, Any] | None = None  # of the frame whose octets are still to come

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Each frame that is whole by now. Raises `FrameError`."""
        self._data += data
        while (head := self._next_head()) is not None:
            size = head["octets"]
            if len(self._data) < size:
                return
            self._head = None  # before the yield: whoever takes the frame may not come back for the next
            yield head, self._taken(size)

    def _next_head(self) -> dict[str, Any] | None:
        if self._head is None and len(self._data) >= LENGTH:
            size = int.from_bytes(self._data[:LENGTH], "big")
            if size > LARGEST_HEAD:
                raise FrameError(f"the head of a frame has {size} octets")
            if len(self._data) >= LENGTH + size:
                self._head = _head(self._taken(LENGTH + size)[LENGTH:])
        return self._head

    def _taken(self, size: int) -> bytes:
        data = bytes(self._data[:size])
        del self._data[:size]
        return data


def _head(text: bytes) -> dict[str, Any]:
    try:
        head = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise FrameError(f"the head of a frame is no JSON: {error}") from error
    size = head.get("octets") if isinstance(head, dict) else None
    if type(size) is not int or not 0 <= size <= LARGEST_OCTETS:
        raise FrameError("the head of a frame does not say how many octets follow, or too many")
    return head  # type: ignore[no-any-return]
