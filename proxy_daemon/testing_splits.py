"""Plays a stream through a transform at every possible split: networks cut streams anywhere, and models their words.

    from proxy_daemon.testing import at_every_split, splits

    at_every_split(lambda: MyTransform(), stream)              # the same octets come out wherever the stream is cut
    for words in splits("<think>", cuts=2):                    # a mark, cut into deltas in every way
        at_every_split(MyTransform, b"".join(map(event, words)), read=text_of, cuts=0)

Public, as a part of `proxy_daemon.testing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, pairwise
from typing import Any, TypeVar

from proxy_daemon.hookspecs import Transform

Text = TypeVar("Text", str, bytes)


def splits(text: Text, cuts: int = 1) -> Iterator[list[Text]]:
    """The text whole, cut at every set of up to ``cuts`` places, and at last one by one. No piece is empty.

    With ``cuts`` = 2 their number grows with the square of the length: 5,000 for a text of 100.
    """
    cut_at: tuple[int, ...]
    for number in range(cuts + 1):
        for cut_at in combinations(range(1, len(text)), number):
            yield [text[start:end] for start, end in pairwise((0, *cut_at, len(text)))]
    if len(text) > cuts + 1:
        yield [text[at : at + 1] for at in range(len(text))]


def played(transform: Transform, pieces: Sequence[bytes]) -> bytes:
    """What comes out of a transform that is new, for these pieces."""
    out = [transform.piece(piece) for piece in pieces]
    return b"".join([*out, transform.end()])


def at_every_split(
    make: Callable[[], Transform], stream: bytes, *, read: Callable[[bytes], Any] = bytes, cuts: int = 1
) -> Any:
    """What a client reads of the stream, which must be the same at each split (see `splits`).

    ``make``: a new transform for each time; ``read``: what counts of the octets that come out, such as the joined text
    of all events; without it, each octet counts. Raises AssertionError that shows the first split at which it differs.
    """
    whole = read(played(make(), [stream]))
    for pieces in splits(stream, cuts):
        found = read(played(make(), pieces))
        if found != whole:
            raise AssertionError(f"cut as {_shown(pieces)}: {found!r}, but in one piece: {whole!r}")
    return whole


def _shown(pieces: Sequence[bytes]) -> str:
    """Where the cuts are: one by one is said in words."""
    if all(len(piece) == 1 for piece in pieces):
        return "one octet each"
    return " | ".join(repr(piece[-30:] if at == 0 else piece[:30]) for at, piece in enumerate(pieces))
