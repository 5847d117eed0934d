"""Alibaba's DashScope: each event has the new words, or all words so far. See `core/dialects/dashscope/answers.py`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from proxy_daemon.core.rewriting.channels.chat import Chat
from proxy_daemon.core.rewriting.channels.spot import CONTENT, Key, Spot, listed, texts


class DashScope:
    """``increments``: the request asks for new words only."""

    moves = True  # in the text-only form, which has no thoughts, moved text is left out

    def __init__(self, *, increments: bool) -> None:
        self._increments = increments
        self._chat = Chat()

    def spots(self, name: str, item: Any) -> list[Spot]:
        """See `Channels`."""
        found = self.document(item)
        return found if self._increments else [spot._replace(so_far=True) for spot in found]

    def document(self, document: Any) -> list[Spot]:
        """See `Channels`."""
        output = document.get("output") if isinstance(document, dict) else None
        if not isinstance(output, dict):
            return []
        found = self._chat.spots("", output) if "choices" in output else texts(output, (), (0,), CONTENT, "text")
        return [
            spot._replace(path=("output", *spot.path), thought=spot.thought and ("output", *spot.thought))
            for spot in found
        ]

    def ends(self, name: str, item: Any) -> Iterable[Key]:
        """A reason stands in the last event; before it is "null", a text."""
        output = item.get("output") if isinstance(item, dict) else None
        choices = [output] if isinstance(output, dict) and "choices" not in output else []
        each = [*enumerate(choices), *listed(output, "choices")]
        return [(at,) for at, choice in each if choice.get("finish_reason") not in (None, "", "null")]
