"""The chunks of Bedrock's `invoke` streams: frames whose payload holds the maker's event in base64.

Called by `carriers.py` and `stream.py`.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import orjson

from proxy_daemon.core.splice import replace
from proxy_daemon.core.wire.event_stream import Frame, write_frame

MARK = b"\x05chunk"  # in each of them: the type of the event, behind its length


def payload_of(frame: Frame) -> bytes:
    """The JSON of the maker's event in a chunk, or the payload itself."""
    inner = _unpacked(frame) if frame.name == "chunk" else None
    return frame.data if inner is None else inner


def with_payload(frame: Frame, payload: bytes) -> bytes:
    """The frame with another such JSON in it. Raises ValueError where it would be too long."""
    if frame.name != "chunk" or _unpacked(frame) is None:
        return write_frame(frame.headers, payload)
    packed = replace(frame.data, ["bytes"], b64encode(payload).decode())
    return write_frame(frame.headers, packed or frame.data)


def _unpacked(frame: Frame) -> bytes | None:
    try:
        packed: Any = orjson.loads(frame.data)
        return b64decode(packed["bytes"], validate=True)
    except (ValueError, TypeError, KeyError):
        return None
