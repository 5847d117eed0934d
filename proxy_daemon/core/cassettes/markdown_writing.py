"""Talks in Markdown, as `llmproxy export --format markdown` writes them: a document for each exchange.

Invariant: see `core/talk/writing.py`, which writes them. Called as one of `writers.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from proxy_daemon.core.cassettes.foreign_text import WrittenEntry
from proxy_daemon.core.dialects import BUILT_IN
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.messages import Recording
from proxy_daemon.core.talk import writing
from proxy_daemon.core.talk.writing import LOSSES

__all__ = ["LOSSES", "MarkdownWriter"]


class MarkdownWriter:
    """The format. ``dialects``: by which requests and answers are read."""

    name = "markdown"
    suffix = ".md"
    single = False
    head = b""
    between = b"\n"
    tail = b""
    empty = b"<!-- no conversation -->\n"

    def __init__(self, dialects: Sequence[Dialect] = BUILT_IN) -> None:
        self._dialects = dialects

    def entry(self, recording: Recording) -> WrittenEntry:
        """One document. Raises OSError where a body cannot be read."""
        return writing.entry(recording, self._dialects)
