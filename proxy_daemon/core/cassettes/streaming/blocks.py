"""A stream cut in front of the lines that begin something new.

Invariant: each octet is searched once, and the blocks are the stream again. Called by `yaml_items.py`, and for our own
cassettes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from proxy_daemon.core.cassettes.streaming.source import LONGEST, NotStreamed

_STEP = 1024 * 1024


def blocks(source: BinaryIO, begin: bytes, mark: re.Pattern[bytes], ahead: int) -> Iterator[bytes]:
    """All of a stream that goes on behind ``begin``, cut behind each newline that ``mark`` finds.

    ``mark``: matches a newline and looks at no more than ``ahead`` octets behind it. Raises `NotStreamed` for a block
    of more than `LONGEST` octets, and what reading raises.
    """
    held, searched, ended = bytearray(begin), 0, False
    while not ended:
        data = source.read(_STEP)
        ended = not data
        held += data
        start = 0
        for at in _ends(held, mark, searched):
            if at + ahead > len(held) and not ended:
                break
            yield bytes(held[start:at])
            start = at
        del held[:start]
        searched = max(0, len(held) - ahead - 1)
        if len(held) > LONGEST:
            raise NotStreamed(f"an entry of more than {LONGEST} octets")
    if held:
        yield bytes(held)


def _ends(held: bytearray, mark: re.Pattern[bytes], begin: int) -> list[int]:
    """As a list: nobody may refer to the octets when they are let go."""
    return [found.end() for found in mark.finditer(held, begin)]
