"""Text Generation Inference: an event for each token, the last of which has the whole text again, and documents.

See `core/dialects/tgi/answers.py`, which reads the same. A special token is no text.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from proxy_daemon.core.rewriting.channels.spot import CONTENT, EVERYTHING, NOTHING, Key, Spot, texts


class TGI:
    """See `Channels`."""

    moves = False  # there are no thoughts

    def spots(self, name: str, item: Any) -> list[Spot]:
        """See `Channels`."""
        token = item.get("token") if isinstance(item, dict) else None
        if not isinstance(token, dict):
            return self.document(item)
        found = [] if token.get("special") is True else texts(token, ("token",), (), CONTENT, "text")
        return found + [spot._replace(whole=True) for spot in self.document(item)]

    def document(self, document: Any) -> list[Spot]:
        """See `Channels`."""
        if isinstance(document, list):
            return [
                spot
                for at, each in enumerate(document)
                for spot in texts(each, (at,), (at,), CONTENT, "generated_text")
            ]
        return texts(document, (), (), CONTENT, "generated_text")

    def ends(self, name: str, item: Any) -> Iterable[Key]:
        """See `Channels`."""
        is_last = isinstance(item, dict) and isinstance(item.get("generated_text"), str)
        return EVERYTHING if is_last else NOTHING
