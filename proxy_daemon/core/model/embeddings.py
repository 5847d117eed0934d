"""Embeddings: checked as OpenAI does (https://platform.openai.com/docs/api-reference/embeddings), or of any API.

A vector is made of the text's words: each, and the text as a whole, adds to a few places that its hash names. So equal
texts have equal vectors, texts with words in common are near, and every vector has the length 1. 256 numbers by
default.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

from attrs import frozen

from proxy_daemon.core.conversation import Answer, Choice, Conversation, Finish, Usage, Vector
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


@frozen
class Inputs:
    """Texts with their tokens, and how many numbers each is to become."""

    texts: tuple[tuple[str, int], ...]
    size: int


def read_inputs(body: dict[str, Any]) -> Inputs:
    """What a request of OpenAI's asks for. Raises `Refused`."""
    inputs = _inputs(required(body, "input", str, list))
    size = integer(body, "dimensions", 1, _MOST_DIMENSIONS) or DIMENSIONS
    if size * len(inputs) > _MOST_NUMBERS:
        raise Refused(f"The answer would hold more than {_MOST_NUMBERS} numbers: send fewer inputs.", "input")
    form = optional(body, "encoding_format", str) or "float"
    if form not in ("float", "base64"):
        raise Refused("'encoding_format' must be 'float' or 'base64'.", "encoding_format", code="invalid_value")
    return Inputs(tuple(inputs), size)


def texts_of(said: Conversation) -> Inputs:
    """What a request of another API asks for: each message is a text. Raises `Refused`."""
    texts = [text for message in said.messages if (text := message.text)]
    if not 0 < len(texts) <= _MOST_INPUTS:
        raise Refused(f"There must be 1 to {_MOST_INPUTS} texts, but there are {len(texts)}.")
    return Inputs(tuple((text, tokens.count(text)) for text in texts), DIMENSIONS)


def answer_of_inputs(inputs: Inputs, model: str) -> Answer:
    """One choice for each input."""
    vectors = (Vector(tuple(vector(text, inputs.size))) for text, _ in inputs.texts)
    asked = sum(count for _, count in inputs.texts)
    choices = tuple(Choice((one,), Finish.STOP) for one in vectors)
    return Answer(choices, model=model, usage=Usage(input=asked, total=asked))


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
