"""Lines of JSON (`application/x-ndjson`, `application/jsonl`): one value a line.

Lines end in LF; a CR before it belongs to the line end. Blank lines are items without data, and the last line may lack
its end. Read by `core/dialects/reading.py` (Ollama, Cohere 1) and by whoever shows a stream.

Source: ndjson-spec 1.0.0 (github.com/ndjson), jsonlines.org.
"""

from __future__ import annotations

from proxy_daemon.core.wire import LONGEST_ITEM, json_text
from proxy_daemon.core.wire.delimited import DelimitedReader, Span, ends_of

_BLANKS = b" \t\r\n"


class Line(Span):
    """One line with its end."""

    __slots__ = ()
    name = ""

    @property
    def data(self) -> bytes:
        """The JSON, without blanks around it; empty where there is none."""
        return self.raw.strip(_BLANKS)


class LineReader(DelimitedReader[Line]):
    """See `Reader`."""

    what = "line"

    def __init__(self, limit: int = LONGEST_ITEM) -> None:
        super().__init__(Line, limit)

    def _ends(self, window: bytes) -> list[int]:
        return ends_of(b"\n", window)

    def _needs_more(self, raw: bytes) -> bool:
        return False


def write(value: object) -> bytes:
    """A line. Octets are JSON already, any other value becomes JSON. Raises `json_text.NotJSON`."""
    octets = value if isinstance(value, bytes) else json_text.write(value)
    return b" ".join(octets.splitlines()) + b"\n"  # within JSON a raw line end is nothing but a blank
