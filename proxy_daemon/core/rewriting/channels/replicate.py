"""Replicate's predictions: a text, or pieces of one in a list. See `core/dialects/replicate.py`, which reads the same.

What is followed as events is bare text, no JSON: it passes as it came, and `core/rewriting/editor.py` says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from proxy_daemon.core.rewriting.channels.spot import CONTENT, EVERYTHING, NOTHING, Key, Path, Spot, listed, texts

_FILES = ("https://", "data:")


class Replicate:
    """See `Channels`."""

    moves = False  # there are no thoughts

    def spots(self, name: str, item: Any) -> list[Spot]:
        """See `Channels`. Of what is followed: nothing."""
        return []

    def document(self, document: Any) -> list[Spot]:
        """A prediction, or a list of them."""
        found = _prediction(document, ())
        for at, each in listed(document, "results"):
            found += _prediction(each, ("results", at))
        return found

    def ends(self, name: str, item: Any) -> Iterable[Key]:
        """See `Channels`."""
        return EVERYTHING if name == "done" else NOTHING


def _prediction(prediction: Any, path: Path) -> list[Spot]:
    """Pieces go on from each other; places of files are none."""
    output = prediction.get("output") if isinstance(prediction, dict) else None
    if isinstance(output, str):
        return [] if output.startswith(_FILES) else texts(prediction, path, path, CONTENT, "output")
    pieces = [(at, each) for at, each in enumerate(output) if isinstance(each, str)] if isinstance(output, list) else []
    if all(piece.startswith(_FILES) for _, piece in pieces):
        return []
    return [Spot((*path, "output"), (*path, "output", at), CONTENT, piece) for at, piece in pieces if piece]
