"""What is read from a cassette and written into one: values only.

Invariant: `start` and `end` are octets of the file as it lies on the disk, from the `---` of a document up to the next
one. Made by `reading.py` and `writing.py`; used by whoever keeps the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import Factory, field, frozen

from proxy_daemon.core.messages import Recording

VERSION = 1
HEADER = b"# llmproxy cassette 1\n"  # the first line of a file; documents follow
INLINE = 64 * 1024  # octets; more of what is no text stands in a file beside the cassette

Beside = Callable[[str], bytes]  # the octets of a file beside the cassette, by its name; raises OSError


@frozen
class Entry:
    """One recording of a file. Its id, fingerprint, session and scope are those of nobody: the file has none.

    ``edited``: a person has changed its decoded answer: ``recording.response`` is what they wrote, rendered.
    ``sealed``: the document is octet for octet what llmproxy wrote: its decoded answer was not checked (`checked`).
    ``line``: of its `---`, from 1.
    """

    recording: Recording
    edited: bool
    start: int
    end: int
    line: int
    sealed: bool = False
    answer: Any = field(default=None, repr=False)  # the decoded answer as it stands in the file; None: there is none


@frozen
class Damaged:
    """A document that is not read; ``line``: where the reason stands in the file, from 1. The others are read."""

    start: int
    end: int
    line: int
    reason: str


@frozen
class Written:
    """One document: ``text`` from `---` to `...` with its line end; ``beside``: the files that it names."""

    text: bytes
    beside: Mapping[str, bytes] = Factory(dict)
