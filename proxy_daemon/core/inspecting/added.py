"""What each item of a stream adds to the answer's words, without putting the answer together each time.

By what is known of each API's texts (`core/rewriting/channels`); of an API of which nothing is known there are no
words. Called by `stream.py`.
"""

from __future__ import annotations

from proxy_daemon.core.dialects.replicate import Replicate
from proxy_daemon.core.inspecting.items import data_of, value_of
from proxy_daemon.core.inspecting.opened import Opened
from proxy_daemon.core.rewriting.channels import Channels, Key, channels_for
from proxy_daemon.core.rewriting.channels.spot import ARGUMENTS, CONTENT, REASONING, Spot
from proxy_daemon.core.wire import Item

WARMING = 50  # items before a page, from which it is known how far a text had come that is repeated each time
_PIECE = "delta"
_FIELDS = (CONTENT, REASONING, ARGUMENTS)  # words come first; where there are none, thoughts, then what calls say


class Added:
    """Give it the items in their order. ``heard``: the first word is known."""

    def __init__(self, read: Opened) -> None:
        self.heard = False
        self._channels = _channels(read)
        self._is_text = isinstance(read.dialect, Replicate)  # its events are the words themselves
        self._in_pieces = False  # texts come piece by piece
        self._length: dict[Key, int] = {}  # of texts that are repeated as they grow

    def depends(self, n: int, at: int) -> bool:
        """Whether item ``n`` says something about those from ``at`` on."""
        return bool(self._length) and at - WARMING <= n < at

    def by(self, item: Item) -> str:
        """The words that this item adds; its thoughts or arguments, where it has none."""
        if self._channels is None:
            return ""
        value = value_of(item)
        if value is None:
            return data_of(item).decode("utf-8", "replace") if self._is_text and item.name == "output" else ""
        try:
            spots = self._channels.spots(item.name, value)
        except (Exception, SystemExit):  # noqa: BLE001  (a plugin's dialect may be made of ours, and break it)
            return ""
        return self._said(spots)

    def _said(self, spots: list[Spot]) -> str:
        said = dict.fromkeys(_FIELDS, "")
        self._in_pieces = self._in_pieces or any(_PIECE in spot.path for spot in spots)
        for spot in spots:
            if self._in_pieces and _PIECE not in spot.path:
                continue  # all of the text so far, which some servers write beside the piece
            if not spot.whole and spot.field in said:
                said[spot.field] += self._grown(spot)
        return next(filter(None, said.values()), "")

    def _grown(self, spot: Spot) -> str:
        if not spot.so_far:
            return spot.text
        before = self._length.get(spot.channel, 0)
        self._length[spot.channel] = len(spot.text)
        return spot.text[before:]


def _channels(read: Opened) -> Channels | None:
    try:
        return channels_for(read.dialect, read.recording.request)
    except (Exception, SystemExit):  # noqa: BLE001  (see above)
        return None
