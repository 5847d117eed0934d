"""A request as short strings, a sign for each word: thousands of them are weighed against another in milliseconds.

What is said of two sketches is near to what `similarity` says of the requests. Of a long text a share of the words
stands for all, the same words of like texts. Deterministic over processes and versions of Python: an index lives longer
than a process, so a change of what is made here must change `VERSION`. Called by the search for near misses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from zlib import crc32

from attrs import frozen
from rapidfuzz.distance import Indel

from proxy_daemon.core.dialects import GENERIC
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.matching.nearness.hashing import digest
from proxy_daemon.core.matching.nearness.similarity import WEIGHTS
from proxy_daemon.core.matching.nearness.subject import Item, Subject, words_of
from proxy_daemon.core.matching.nearness.text_likeness import split
from proxy_daemon.core.messages import Request

VERSION = 2
SMALL, COARSE, FINE = 64, 256, 1536  # signs at most
DEEPEST = 16  # times that of the words half are left out
MOST_WORDS = 20_000  # of all messages: half of them the first, half the last
LONGEST = 64 * 1024  # signs of one text
MOST_SYSTEM, MOST_OTHERS = 96, 64  # signs of the instructions; parameters, tools, media
_FIRST, _SIGNS = 0x100, 0xD600  # below the surrogates, above what stands between the parts
_BETWEEN = "\n"
_FIXED = ("kind", "path", "model", "parameters", "system", "tools", "names", "media")
_HALF = 0.5
_NEXT = 0x9E37 << 16  # odd, above the word's own bits


@frozen
class Sketch:
    """``fixed``: all but the messages, see `fixed_share`; ``turns``: how many messages; ``words``: of them, hashed."""

    fixed: str
    turns: int
    words: tuple[int, ...]

    def at(self, level: int) -> str:
        """The words that are left when so many times half of them was left out."""
        # Signs of one octet: texts of these are compared ten times faster than others.
        return bytes([word & 0xFF for word in _left(self.words, level)]).decode("latin-1")

    def within(self, most: int) -> tuple[int, str]:
        """(level, signs): as many words as there is room for."""
        level = max(0, (len(self.words) // most).bit_length() - 1)
        while len(signs := self.at(level)) > most and level < DEEPEST:
            level += 1
        return level, signs[:most]


@frozen
class Terms:
    """Of which a likeness is made: ``like`` of all but the messages, ``scale`` of their words, over ``weight``."""

    like: float
    scale: float
    weight: float

    def score(self, share: float) -> float:
        """0 to 1, about that of `similarity`. ``share``: of the words of the messages."""
        return (self.like + self.scale * share) / self.weight

    def cutoff(self, least: float) -> float:
        """The share of words from which on the score is as high."""
        return min(1.0, max(0.0, (least * self.weight - self.like) / (self.scale or 1.0)))


def sketch(parts: Subject, kind: str) -> Sketch:
    """Of a request whose parts are known. ``kind``: only requests of one kind are compared."""
    return Sketch(_fixed(parts, kind), len(parts.messages), _hashed(_words(parts.messages)))


def kind_of(request: Request, dialect: Dialect) -> str:
    """The same operation of the same API: a model may stand in the path. Of an API that is not known, the path."""
    if dialect is GENERIC:
        return request.path.decode("latin-1")
    return f"{dialect.name} {dialect.operation(request)}"


def terms(asked: Sketch, fixed: str, turns: int) -> Terms:
    """Of a request and a recording, by what is fixed of it and its number of messages."""
    like, weight = fixed_share(asked.fixed, fixed)
    if not asked.turns and not turns:
        return Terms(like, 0.0, weight)
    scale = WEIGHTS["messages"] * min(asked.turns, turns) / max(asked.turns, turns)
    return Terms(like, scale, weight + WEIGHTS["messages"])


def kind(fixed: str) -> str:
    """The part of it that must be equal."""
    return fixed[: fixed.index(_BETWEEN)]


@lru_cache(maxsize=16_384)
def fixed_share(one: str, other: str) -> tuple[float, float]:
    """What is alike of all but the messages, and what could be, both by weight. The path always counts."""
    like = weight = 0.0
    for name, old, new in zip(_FIXED, one.split(_BETWEEN), other.split(_BETWEEN), strict=True):
        if name != "kind" and (old or new):
            portion = _portion(name)
            like, weight = like + portion * _alike(name, old, new), weight + portion
    return like, weight


def _portion(name: str) -> float:
    """A tool that was changed is still like the one it was: half by name, half by definition."""
    return WEIGHTS["tools"] * _HALF if name in ("tools", "names") else WEIGHTS[name]


def _alike(name: str, old: str, new: str) -> float:
    if old == new:
        return 1.0
    if name != "parameters":
        return Indel.normalized_similarity(old, new)
    one, other = (dict(zip(text[::2], text[1::2], strict=False)) for text in (old, new))
    return sum(other.get(path) == value for path, value in one.items()) / len(one.keys() | other.keys())


def _fixed(parts: Subject, kind: str) -> str:
    pairs = chain.from_iterable((path.encode("utf-8", "replace"), value) for path, value in parts.parameters.items())
    system = Sketch("", 0, _hashed(_words(parts.system)))
    return _BETWEEN.join(
        (
            _of((kind.encode("latin-1", "replace"), digest(kind.encode("latin-1", "replace")))),
            _of(parts.address),
            _of([parts.model.encode("utf-8", "replace")] if parts.model else ()),
            _of(pairs, 2 * MOST_OTHERS),
            "".join(map(_sign, _left(system.words, system.within(MOST_SYSTEM)[0])[:MOST_SYSTEM])),
            _of(item.octets for item in parts.tools),
            _of(_name(item) for item in parts.tools),
            _of(sorted(parts.media)),
        )
    )


def _name(tool: Item) -> bytes:
    return next((text for name, text in words_of(tool.value) if name == "name"), "").encode("utf-8", "replace")


def _of(values: Iterable[bytes], most: int = MOST_OTHERS) -> str:
    return "".join([_sign(crc32(value)) for value, _ in zip(values, range(most), strict=False)])


def _sign(hashed: int) -> str:
    return chr(_FIRST + (hashed & 0xFFFF) % _SIGNS)


def _words(items: Iterable[Item]) -> list[str]:
    """As `similarity` compares them."""
    made: list[str] = []
    for item in items:
        for name, text in words_of(item.value):
            made.append(name)
            made += split(text[:LONGEST])
    half = MOST_WORDS // 2
    return made if len(made) <= MOST_WORDS else [*made[:half], *made[-half:]]


def _hashed(words: list[str]) -> tuple[int, ...]:
    """Below, 16 bits of the word; above, 16 of the word and of how many times it came before: by these it stays."""
    made, known = [], dict[str, int]()
    for word in words:
        known[word] = number = (known.get(word) or crc32(word.encode("utf-8", "replace"))) + _NEXT
        made.append(number & 0xFFFF | number * 0x85EBCA6B >> 13 & 0xFFFF0000)
    return tuple(made)


def _left(words: tuple[int, ...], level: int) -> Sequence[int]:
    left_out = (1 << level) - 1 << 16
    return [word for word in words if not word & left_out] if level else words
