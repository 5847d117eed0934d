"""The views of an exchange by their names, with the parameters that people give them.

Called by `work/viewing.py`, and by whoever shows an exchange without a child process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy_daemon.core.inspecting.bodies import DELIVERED, REQUEST, RESPONSE, body_view, side_of
from proxy_daemon.core.inspecting.chat import chat_view
from proxy_daemon.core.inspecting.copying import copy_view
from proxy_daemon.core.inspecting.media import media_view
from proxy_daemon.core.inspecting.opened import Opened
from proxy_daemon.core.inspecting.stream import stream_view

CHAT, STREAM, COPY, MEDIA = "chat", "stream", "copy", "media"
SIDES = (REQUEST, RESPONSE, DELIVERED)
NAMES = (CHAT, *SIDES, STREAM, COPY, MEDIA)


def view(read: Opened, name: str, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """None where there is nothing of that kind. Raises ValueError for parameters that are none, and OSError.

    ``given``: form, offset, limit; as; n: as the API has them, whole numbers as such.
    """
    if name in SIDES:
        side = side_of(read, name)
        form, offset, limit = given.get("form", "pretty"), given.get("offset"), given.get("limit")
        return None if side is None else body_view(side, form, offset, limit)
    match name:
        case "chat":
            return chat_view(read)
        case "stream":
            return stream_view(read, given.get("offset"), given.get("limit"))
        case "copy":
            return copy_view(read, given.get("as", "curl"))
        case "media":
            return media_view(read, given.get("n"))
    raise ValueError(f"there is no view {name!r}")
