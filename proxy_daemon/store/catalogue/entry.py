"""What a catalogue keeps of one exchange. Values only; made by `reading.py`, written by `file.py`."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from proxy_daemon.store.catalogue.layout import Kind

# Characters that are indexed, of a passage and of an exchange: a million of signs that are all others take SQLite five
# seconds, and as long when they go.
LONGEST_TEXT, MOST_TEXT = 128 * 1024, 256 * 1024
LONGEST_WORD = 8192  # characters of a text that exchanges share


@frozen
class Entry:
    """``words``: by their kind; ``said``: folded, passage by passage, as filters look for it; ``told``: TOLD as JSON.

    ``source``: of the recording that answered it, and has its words; 0: it has them itself.

    ``readable``: False for a row that somebody has changed: it is kept by its id only. ``whole``: False where some of
    the texts are longer than is kept.
    """

    id: int
    words: Mapping[Kind, str] = field(factory=dict)
    said: tuple[str, ...] = ()
    told: bytes = b""
    readable: bool = True
    whole: bool = True
    status: int = 0
    has_response: bool = False
    failed: bool = False
    edited: bool = False
    total: int | None = None
    seconds: float | None = None
    chain: int | None = None
    source: int = 0
