"""pydantic-ai's sessions of WebSocket and calls of gRPC: known, and refused; exchanges of HTTP among them are read.

Invariant: a file without any exchange of HTTP is `Unreadable` with what it is; in others each frame is `Skipped`.
Called by `formats.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proxy_daemon.core.cassettes import Skipped, Unreadable
from proxy_daemon.core.cassettes.documents import each, entries
from proxy_daemon.core.cassettes.outline import outline
from proxy_daemon.core.cassettes.vcrpy import GRPC, said
from proxy_daemon.core.messages import Recording

_FRAME = frozenset(("kind", "direction"))


class Pydantic:
    """The format."""

    name = "pydantic"

    def recognises(self, file: str, data: bytes) -> bool:
        """A list of `interactions` that begins with a frame or a call of gRPC."""
        found = outline(data)
        return found.top == "interactions" and (found.entry >= _FRAME or not GRPC.isdisjoint(found.entry))

    def read(self, file: str, data: bytes) -> Iterator[Recording | Skipped]:
        """The exchanges of HTTP, and each frame as `Skipped`. Raises `Unreadable` where there are frames only."""
        listed = entries(file, data, "interactions")
        if not any(isinstance(entry, dict) and "request" in entry for entry in listed):
            raise Unreadable(file, _what(listed[0] if listed else None))
        return each(listed, said)


def _what(entry: Any) -> str:
    is_call = isinstance(entry, dict) and not GRPC.isdisjoint(entry)
    return f"{'calls of gRPC' if is_call else 'a WebSocket session'}, no exchanges of HTTP"
