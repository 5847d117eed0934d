"""Our own cassettes as a format that `llmproxy export` writes: all that a recording is, with large bodies beside.

Invariant: what is read back is the recording, but for what `losses` name. Called as one of `writers.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from proxy_daemon.core.cassettes.foreign_text import DELIVERED, WrittenEntry
from proxy_daemon.core.cassettes.llmproxy import HEADER, written
from proxy_daemon.core.dialects import BUILT_IN
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.messages import Recording

CLIENT = "who asked, and in which session"
RULES = "which rules changed something"
SERVED = "which recording answered"
EDITED = "which recording it was edited from"
LOSSES = (CLIENT, RULES, SERVED, EDITED, DELIVERED)


class LlmproxyWriter:
    """The format. ``dialects``: by which the decoded answer is read."""

    name = "llmproxy"
    suffix = ".yaml"
    single = False
    head = empty = HEADER
    between = tail = b""

    def __init__(self, dialects: Sequence[Dialect] = BUILT_IN) -> None:
        self._dialects = dialects

    def entry(self, recording: Recording) -> WrittenEntry:
        """One document. Raises OSError where a body cannot be read."""
        made = written(recording, self._dialects)
        facts = {
            CLIENT: bool(recording.client or recording.session),
            RULES: bool(recording.rules),
            SERVED: bool(recording.served_from),
            EDITED: bool(recording.edits),
            DELIVERED: recording.delivered is not None,
        }
        return WrittenEntry(made.text, [what for what, holds in facts.items() if holds], made.beside)
