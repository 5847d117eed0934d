"""OpenAI's embeddings, which most others speak as well: numbers, or little-endian floats in base64.

Whoever asks for base64 is given base64, and either comes back as `Vector` parts: one choice for each input.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from array import array
from sys import byteorder
from typing import Any

from proxy_daemon.core.conversation import Answer, Choice, Conversation, Finish, Message, Text, Vector
from proxy_daemon.core.dialects.dialect import CannotRender, Dialect, Rendered
from proxy_daemon.core.dialects.json_shapes import (
    member,
    numbers,
    objects_at,
    text_at,
    without_none,
)
from proxy_daemon.core.dialects.json_writing import document as written_document
from proxy_daemon.core.dialects.openai.told import problem_in, usage_document, usage_of
from proxy_daemon.core.dialects.said import check_whole, vectors_of
from proxy_daemon.core.messages import Request


class OpenAIEmbeddings(Dialect):
    """See https://platform.openai.com/docs/api-reference/embeddings ."""

    name = "openai-embeddings"
    maker = "openai"
    paths = re.compile(rb"(?<!/usage)/embeddings/*\Z")
    operations = re.compile(rb"/(?P<embeddings>embeddings)$")
    volatile = ("user",)
    terminal = ()

    def streams(self, request: Request) -> bool:
        """Never."""
        return False

    def conversation(self, request: Request) -> Conversation:
        """Each input is a message of the user; tokens are no words."""
        return Conversation(tuple(Message("user", (Text(text),)) for text in input_texts(request.body_field("input"))))

    def whole(self, document: Any) -> Answer:
        """See the API's "embedding object"."""
        choices = tuple(_choice(each) for each in objects_at(document, "data"))
        error = problem_in(document)
        return Answer(
            choices=choices,
            id=text_at(document, "id"),
            model=text_at(document, "model"),
            usage=usage_of(member(document, "usage")),
            error=error,
            complete=not error,
        )

    def render(self, answer: Answer, request: Request) -> Rendered:
        """A document; in base64 where the request asks for it."""
        check_whole(answer)
        in_base64 = request.body_field("encoding_format") == "base64"
        data = [_datum(values, at, in_base64) for at, values in enumerate(vectors_of(answer))]
        usage = answer.usage and usage_document(answer.usage, "prompt", "completion")
        return written_document(
            without_none(object="list", data=data, model=answer.model, usage=usage, id=answer.id or None)
        )


def input_texts(given: Any) -> list[str]:
    """The texts of an `input` that is a text or a list of texts."""
    each = given if isinstance(given, list) else [given]
    return [text for text in each if isinstance(text, str)]


def vector(value: Any) -> Vector:
    """The numbers that stand in a list, or in base64 as floats of 32 bits; none where they can not be read."""
    return Vector(_decoded(value) if isinstance(value, str) else numbers(value))


def _decoded(text: str) -> tuple[float, ...]:
    try:
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return ()
    found = array("f", octets[: len(octets) // 4 * 4])
    if byteorder == "big":
        found.byteswap()
    return tuple(found)


def _choice(datum: dict[str, Any]) -> Choice:
    return Choice((vector(member(datum, "embedding")),), Finish.STOP)


def _datum(values: list[float], at: int, in_base64: bool) -> dict[str, Any]:
    return {"object": "embedding", "index": at, "embedding": _encoded(values) if in_base64 else values}


def _encoded(values: list[float]) -> str:
    try:
        return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()
    except (struct.error, OverflowError) as error:
        raise CannotRender(f"a number does not fit into 32 bits: {error}") from error
