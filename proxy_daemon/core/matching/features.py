"""The features of a request: numbers that like requests share, by which the nearest recordings are found in an index.

Deterministic over processes and versions of Python: an index lives longer than a process. A change of what is made here
must change `VERSION`. Called by the search for near misses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice, pairwise
from zlib import crc32

from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.matching.hashing import digest, number
from proxy_daemon.core.matching.subject import Item, Subject, subject, words_of
from proxy_daemon.core.messages import Request

VERSION = 1
MOST_FEATURES = 256
SKETCH = 16  # words of a long text, those with the smallest hashes, that stand for it
SHORT = 32  # words of a text that is short: all of its words and pairs are features
MOST_LINED = 32  # words of the short lines of a long text: what is asked often stands in one
LINES, SHORT_LINE = 64, 160  # lines from the end that are looked at, signs of a short one
EDGE = 8  # words at both ends of a long text that are treated as a short one's
FIRST, LAST = 12, 28  # messages that are hashed as a whole
SKETCHED_FIRST, SKETCHED_LAST = 1, 2  # messages whose texts are sketched
MOST_TOOLS, MOST_PARAMETERS = 24, 24
LONGEST = 32 * 1024  # signs at each end of a text that are looked at
REMEMBERED = 4096  # texts whose features are kept
# What servers mint, and what moves from message to message: it would make like messages unlike.
_LEFT_OUT = frozenset(
    (
        "id",
        "tool_call_id",
        "tool_use_id",
        "call_id",
        "cache_control",
        "signature",
        "thoughtSignature",
        "thought_signature",
        "encrypted_content",
    )
)
WORDS = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+")
ASCII_WORDS = re.compile(r"[a-z0-9_]+")
_kept: dict[bytes, tuple[int, ...]] = {}


def features(request: Request, dialect: Dialect) -> tuple[int, ...]:
    """At most `MOST_FEATURES` signed 64-bit integers, distinct, the most telling first."""
    return features_of(subject(request, dialect))


def features_of(parts: Subject) -> tuple[int, ...]:
    """The same of a request whose parts are known."""
    made = chain(_items(parts), _texts(parts), _tools(parts), _parameters(parts), _heads(parts))
    return tuple(islice(dict.fromkeys(made), MOST_FEATURES))


def _feature(kind: bytes, *parts: bytes) -> int:
    return number(digest(kind, *(b"%d:%b" % (len(part), part) for part in parts)))


def _heads(parts: Subject) -> Iterator[int]:
    model = parts.model.encode("utf-8", "replace")
    yield _feature(b"path", *parts.address)
    yield _feature(b"model", model)
    for found in parts.media[:8]:
        yield _feature(b"media", found)


def _items(parts: Subject) -> Iterator[int]:
    for item in (*reversed(_ends(parts.messages, FIRST, LAST)), *parts.system[:4]):
        yield _feature(b"message", *(f"{name}={text}".encode("utf-8", "replace") for name, text in _words(item)))


def _ends(items: tuple[Item, ...], first: int, last: int) -> tuple[Item, ...]:
    return items if len(items) <= first + last else (*items[:first], *items[-last:])


def _words(item: Item) -> Iterator[tuple[str, str]]:
    return words_of(item.value, _LEFT_OUT)


def _texts(parts: Subject) -> Iterator[int]:
    """Of the last messages, where what is asked stands, then of the first one and the instructions."""
    items = (*reversed(_ends(parts.messages, SKETCHED_FIRST, SKETCHED_LAST)), *parts.system[:1])
    for item in items:
        yield from text_features("\n".join(text for _, text in _words(item)))


def text_features(text: str) -> tuple[int, ...]:
    """Those of a text's words; remembered, as conversations repeat their texts."""
    if len(text) > 2 * LONGEST:
        text = text[:LONGEST] + text[-LONGEST:]
    key = digest(text.encode("utf-8", "replace"))
    found = _kept.pop(key, None)
    if found is None:
        found = _sketch(text)
        if len(_kept) >= REMEMBERED:
            del _kept[next(iter(_kept))]
    _kept[key] = found
    return found


def split(text: str) -> list[bytes]:
    """The words of a text, small, as octets; each sign of scripts that leave no blanks between words."""
    small = text.lower()
    found = ASCII_WORDS.findall(small) if small.isascii() else WORDS.findall(small)
    return " ".join(found).encode("utf-8", "replace").split()


def _sketch(text: str) -> tuple[int, ...]:
    words = split(text)
    if len(words) <= SHORT:
        return tuple(_of_short(words))
    made = (*_of_short(words[-EDGE:]), *_of_short(words[:2]), *_of_long(words), *_of_lines(text))
    return tuple(dict.fromkeys(made))


def _of_long(words: list[bytes]) -> Iterator[int]:
    """The words whose hashes are smallest, each with those beside its first place: one edit changes few of them."""
    for word in sorted(set(words), key=crc32)[:SKETCH]:
        at = words.index(word)
        yield _feature(b"words", *words[max(0, at - 1) : at + 2])


def _of_lines(text: str) -> Iterator[int]:
    """The words of the last short lines."""
    lines = [line for line in text.rsplit("\n", LINES) if len(line) <= SHORT_LINE]
    words = chain.from_iterable(split(line) for line in reversed(lines))
    for word in islice(dict.fromkeys(words), MOST_LINED):
        yield _feature(b"word", word)


def _of_short(words: list[bytes]) -> Iterator[int]:
    for word in dict.fromkeys(words):
        yield _feature(b"word", word)
    for pair in dict.fromkeys(pairwise(words)):
        yield _feature(b"pair", *pair)


def _tools(parts: Subject) -> Iterator[int]:
    for item in parts.tools[:MOST_TOOLS]:
        name = next((text for name, text in words_of(item.value) if name == "name"), "")
        yield _feature(b"tool", name.encode("utf-8", "replace"))
        yield _feature(b"definition", item.octets)


def _parameters(parts: Subject) -> Iterator[int]:
    for path, value in islice(parts.parameters.items(), MOST_PARAMETERS):
        yield _feature(b"parameter", path.encode("utf-8", "replace"), value)
