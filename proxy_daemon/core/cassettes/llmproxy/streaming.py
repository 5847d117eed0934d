"""Our own cassettes, document by document as the file is read.

Invariant: what comes is what `reading.read` gives of the whole file, but that the spans of documents are not told.
Called by `format.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from proxy_daemon.core.cassettes.llmproxy.reading import read_part
from proxy_daemon.core.cassettes.llmproxy.splitting import document, parts
from proxy_daemon.core.cassettes.llmproxy.values import Beside, Damaged, Entry
from proxy_daemon.core.cassettes.streaming.blocks import blocks
from proxy_daemon.core.dialects import BUILT_IN
from proxy_daemon.core.dialects.dialect import Dialect

_START = re.compile(rb"\n(?=---(?:[ \t\r\n]|\Z))")
_AHEAD = 4


def streamed(
    file: str, source: BinaryIO, beside: Beside, dialects: Sequence[Dialect] = BUILT_IN
) -> Iterator[Entry | Damaged]:
    """Every document, in order. Raises as `reading.read`, and `NotStreamed` for one that is too large."""
    line = 1
    for number, block in enumerate(blocks(source, b"", _START, _AHEAD)):
        for part in document(block, 0, len(block), line) if number else parts(file, block):
            yield read_part(part, block[part.start : part.end], beside, dialects)
        line += block.count(b"\n")
