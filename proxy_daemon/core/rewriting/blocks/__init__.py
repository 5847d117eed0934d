"""Moved text in streams whose content stands in numbered blocks or items: it gets blocks of its own.

The editor of a stream leaves moved text beside the words of a piece, as the member `MOVED`; the stage here opens and
closes blocks for it and numbers those behind it anew. Called by `core/rewriting/editor.py`.
"""

from __future__ import annotations

from collections.abc import Callable

from proxy_daemon.core.dialects.framing import Framing
from proxy_daemon.core.rewriting.blocks.block_stage import BlockStage, Grouping
from proxy_daemon.core.rewriting.blocks.items import Items
from proxy_daemon.core.rewriting.blocks.numbered import Numbered
from proxy_daemon.core.rewriting.blocks.speech import CohereChat, Converse, Messages
from proxy_daemon.core.rewriting.channels import Family
from proxy_daemon.core.rewriting.channels.anthropic import Anthropic
from proxy_daemon.core.rewriting.channels.bedrock import Bedrock
from proxy_daemon.core.rewriting.channels.cohere import Cohere
from proxy_daemon.core.rewriting.channels.responses import Responses
from proxy_daemon.core.rewriting.channels.spot import Channels
from proxy_daemon.core.rewriting.stream import StreamEditor

__all__ = ["Regrouped", "stage_for"]

_GROUPINGS: dict[type, Callable[[], Grouping]] = {
    Anthropic: lambda: Numbered(Messages()),
    Cohere: lambda: Numbered(CohereChat()),
    Bedrock: lambda: Numbered(Converse()),
    Responses: Items,
    Family: Items,  # chat completions have nothing that it touches
}


def stage_for(channels: Channels, framing: Framing, say: Callable[[str], None]) -> BlockStage | None:
    """For a stream of the API that has these channels; None where moved text has its place within each piece."""
    if type(channels) not in _GROUPINGS or framing not in (Framing.EVENTS, Framing.FRAMES):
        return None
    return BlockStage(_GROUPINGS[type(channels)](), frames=framing is Framing.FRAMES, say=say)


class Regrouped:
    """A stream's texts are edited, then its blocks put in order. A `Transform`."""

    def __init__(self, texts: StreamEditor, blocks: BlockStage) -> None:
        self._texts, self._blocks = texts, blocks

    def piece(self, data: bytes) -> bytes:
        """See `Transform`."""
        data = self._texts.piece(data)
        return self._blocks.piece(data) if data else b""

    def end(self) -> bytes:
        """See `Transform`."""
        data = self._texts.end()
        return (self._blocks.piece(data) if data else b"") + self._blocks.end()
