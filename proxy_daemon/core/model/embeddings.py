"""OpenAI embeddings (https://platform.openai.com/docs/api-reference/embeddings).

A vector is made of the text's words: each, and the text as a whole, adds to a few places that its hash names. So equal
texts have equal vectors, texts with words in common are near, and every vector has the length 1. 256 numbers by
default.
"""

from __future__ import annotations

import base64
import math
import re
import struct
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

from proxy_daemon.core.model import tokens
from proxy_daemon.core.model.reading import integer, optional, required
from proxy_daemon.core.model.refusal import Refused

DIMENSIONS = 256
_MOST_DIMENSIONS = 4096
_MOST_INPUTS = 2048
_MOST_NUMBERS = 2**20  # of one answer
_WORDS = 64  # of a text that are looked at
_WORD = re.compile(r"\w{1,64}")
_SIGN = 0x8000_0000


def embeddings(body: dict[str, Any], _seed: bytes) -> dict[str, Any]:
    """The answer to a request. Raises `Refused`."""
    inputs = _inputs(required(body, "input", str, list))
    size = integer(body, "dimensions", 1, _MOST_DIMENSIONS) or DIMENSIONS
    if size * len(inputs) > _MOST_NUMBERS:
        raise Refused(f"The answer would hold more than {_MOST_NUMBERS} numbers: send fewer inputs.", "input")
    form = optional(body, "encoding_format", str) or "float"
    if form not in ("float", "base64"):
        raise Refused("'encoding_format' must be 'float' or 'base64'.", "encoding_format", code="invalid_value")
    vectors = [vector(text, size) for text, _ in inputs]
    data = [{"object": "embedding", "index": at, "embedding": _form(one, form)} for at, one in enumerate(vectors)]
    asked = sum(count for _, count in inputs)
    usage = {"prompt_tokens": asked, "total_tokens": asked}
    return {"object": "list", "data": data, "model": body["model"], "usage": usage}


def vector(text: str, size: int) -> list[float]:
    """A text as ``size`` numbers (32-bit floats), of length 1."""
    sums = [0.0] * size
    features = [word.lower() for word in _WORD.findall(text[:65_536])[:_WORDS]]
    for feature in (*features, "\n" + text):
        digest = blake2b(feature.encode("utf-8", "replace"), digest_size=32).digest()
        for number in struct.unpack("<8I", digest):
            sums[number % size] += 1.0 if number & _SIGN else -1.0
    length = math.sqrt(sum(number * number for number in sums))
    numbers = [number / length for number in sums] if length else [1.0] + [0.0] * (size - 1)
    return list(struct.unpack(f"<{size}f", struct.pack(f"<{size}f", *numbers)))


def _form(numbers: list[float], form: str) -> str | list[float]:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode() if form == "base64" else numbers


def _inputs(given: str | list[Any]) -> list[tuple[str, int]]:
    """Each input as a text and its number of tokens: a string, strings, tokens, or lists of tokens."""
    if isinstance(given, str) or (given and type(given[0]) is int):
        given = [given]
    if not 0 < len(given) <= _MOST_INPUTS:
        raise Refused(f"'input' must have 1 to {_MOST_INPUTS} items, but it has {len(given)}.", "input")
    return [_input(item, index) for index, item in enumerate(given)]


def _input(item: Any, index: int) -> tuple[str, int]:
    if isinstance(item, str) and item:
        return item, tokens.count(item)
    if isinstance(item, list) and item and _integers(item):
        return " ".join(map(str, item)), len(item)
    raise Refused(f"'input[{index}]' must be text or a list of token numbers, and not empty.", "input")


def _integers(items: Iterable[Any]) -> bool:
    return all(type(item) is int for item in items)
