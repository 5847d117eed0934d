"""What the page shows of one exchange: `api/exchanges/{id}/chat`, `request`, `stream`, `diff` and so on.

Made by the child process (`core/inspecting/`): a body of many megabytes costs the daemon nothing but its answer. Where
there is none, as with a store of a plugin's, it is made in a thread. Mounted by `ui/pages.py`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from attrs import frozen

from proxy_daemon.core.messages import id_text
from proxy_daemon.core.services import Services
from proxy_daemon.hookspecs import JsonPage, Octets
from proxy_daemon.ui.child import asked
from proxy_daemon.ui.here import viewed_here
from proxy_daemon.ui.parameters import (
    Answer,
    Wrong,
    answering,
    exchange,
    flag,
    known,
    number,
    one_of,
    optional_exchange,
)

FORMS = ("pretty", "raw", "hex")
LANGUAGES = ("curl", "python", "javascript")
MOST_OCTETS = 1 << 53  # no body is longer; a number that all clients can hold
PART, MOST_PART = 256 * 1024, 1024 * 1024  # octets or characters of a body at once
EVENTS, MOST_EVENTS = 500, 2000
MOST_MEDIA = 1_000_000  # number of a part
Head = dict[str, Any]
# What a browser shows or plays and never runs; all else is a download.
SAFE_TYPES = frozenset(
    (
        *("image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"),
        *("audio/mpeg", "audio/wav", "audio/x-wav", "audio/wave", "audio/ogg", "audio/webm", "audio/flac", "audio/aac"),
        *("audio/mp4", "video/mp4", "video/webm"),
    )
)


@frozen
class Views:
    """The pages."""

    services: Services

    def pages(self) -> dict[str, JsonPage]:
        """By path."""
        what: dict[str, Callable[[Mapping[str, str]], Head]] = {
            "chat": _nothing,
            "request": _body,
            "response": _body,
            "delivered": _body,
            "stream": _stream,
            "diff": _diff,
            "copy": _copy,
        }
        pages = {f"api/exchanges/{{id}}/{name}": self._page(name, read) for name, read in what.items()}
        return {**pages, "api/exchanges/{id}/media/{n}": JsonPage({"GET": answering(self._media)})}

    def _page(self, what: str, read: Callable[[Mapping[str, str]], Head]) -> JsonPage:
        return JsonPage({"GET": answering(partial(self._viewed, what, read))})

    async def _viewed(self, what: str, read: Callable[[Mapping[str, str]], Head], given: Mapping[str, str]) -> Answer:
        return await self._view(what, exchange(given["id"]), read(given))

    async def _view(self, what: str, exchange_id: int, more: Head) -> Answer:
        head = {"id": id_text(exchange_id), "what": what, **more}
        if self.services.work is not None:
            return await asked(self.services, "view", head)
        answer: Answer = await self.services.worker.run(viewed_here, self.services, head)
        return answer

    async def _media(self, given: Mapping[str, str]) -> Answer:
        """One part's octets: what may be shown is, all else is a download."""
        known(given, ("n",))
        status, value = await self._view("media", exchange(given["id"]), {"n": number(given, "n", 0, 0, MOST_MEDIA)})
        if "data" not in value:
            return status, value
        kind = str(value.get("type", "")).partition(";")[0].strip().lower()
        fields = {"content-disposition": "inline" if kind in SAFE_TYPES else "attachment"}
        kind = kind if kind in SAFE_TYPES else "application/octet-stream"
        return 200, Octets(base64.b64decode(value["data"]), kind, fields)


def _nothing(given: Mapping[str, str]) -> Head:
    known(given, ())
    return {}


def _body(given: Mapping[str, str]) -> Head:
    known(given, ("form", "offset", "limit"))
    return {
        "form": one_of(given, "form", FORMS),
        "offset": number(given, "offset", 0, 0, MOST_OCTETS),
        "limit": number(given, "limit", PART, 1, MOST_PART),
    }


def _stream(given: Mapping[str, str]) -> Head:
    known(given, ("offset", "limit"))
    return {
        "offset": number(given, "offset", 0, 0, MOST_OCTETS),
        "limit": number(given, "limit", EVENTS, 1, MOST_EVENTS),
    }


def _diff(given: Mapping[str, str]) -> Head:
    known(given, ("with", "all"))
    other = given.get("with", "nearest")
    if other not in ("nearest", "previous"):
        try:
            other = id_text(optional_exchange(given, "with") or 0)
        except Wrong:
            raise Wrong(400, "with is nearest, previous or an exchange's id: 16 hexadecimal digits") from None
    return {"with": other, "all": flag(given, "all")}


def _copy(given: Mapping[str, str]) -> Head:
    known(given, ("as",))
    return {"as": one_of(given, "as", LANGUAGES)}
