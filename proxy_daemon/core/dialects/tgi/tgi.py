"""Hugging Face's Text Generation Inference, and all that take `inputs` as it does.

Those are inference endpoints, SageMaker's hosted models, and Text Embeddings Inference. Which model answers, the place
says: a request names one in its path, or none at all.
"""

from __future__ import annotations

import re
from typing import Any

from proxy_daemon.core.conversation import Answer, Conversation, Message, Operation, Text
from proxy_daemon.core.dialects.dialect import Assembler, Dialect, Question, Rendered, as_json
from proxy_daemon.core.dialects.openai.embeddings import input_texts
from proxy_daemon.core.dialects.said import check_whole
from proxy_daemon.core.dialects.tgi.answers import TokenAssembler, answer_of
from proxy_daemon.core.dialects.tgi.rendering import rendered
from proxy_daemon.core.messages import Request

_MODEL = re.compile(rb"/(?:models|pipeline/[a-z-]+)/([^/]+/[^/]+|[^/]+)/*\Z|/endpoints/([^/]+)/invocations")
_LAST = re.compile(rb'"generated_text": ?"')


class TextGenerationInference(Dialect):
    """See https://huggingface.github.io/text-generation-inference/ ."""

    name = "tgi"
    maker = "huggingface"
    home = "https://router.huggingface.co/hf-inference"
    paths = re.compile(
        rb"/(?:generate|generate_stream|embed|invocations|invocations-response-stream)?/*\Z"
        rb"|/models/[^/]+(?:/[^/]+)?/*\Z|/pipeline/[a-z-]+/"
    )
    operations = re.compile(
        rb"/(?:(?P<embeddings>embed|pipeline/(?:feature-extraction|sentence-similarity)/.*)"
        rb"|(?P<completion>generate|generate_stream|invocations|invocations-response-stream|models/.*|pipeline/.*|))$"
    )
    volatile = ()
    terminal = ()

    def recognises(self, request: Request) -> bool:
        """By path and by `inputs`, which nobody else's body has."""
        return self.paths.search(request.path) is not None and request.body_field("inputs") is not None

    def left_to_ask(self, path: bytes) -> bool | Question:
        """The body is looked at."""
        return super().left_to_ask(path) and self.recognises

    def operation(self, request: Request) -> Operation:
        """By path; the bare `/` completes."""
        bare = request.method == b"POST" and not request.path.strip(b"/")
        return Operation.COMPLETION if bare else super().operation(request)

    def model(self, request: Request) -> str:
        """In the path of a place with many models, in the body of some who copied the API, else unknown."""
        found = _MODEL.search(request.path)
        named = (found[1] or found[2]).decode("latin-1") if found else ""
        return named or super().model(request)

    def streams(self, request: Request) -> bool:
        """By path, or by the body at `/`."""
        path = request.path.rstrip(b"/")
        return path.endswith(b"stream") or (not path.endswith(b"/generate") and request.body_field("stream") is True)

    def conversation(self, request: Request) -> Conversation:
        """The inputs."""
        texts = input_texts(request.body_field("inputs"))
        return Conversation(tuple(Message("user", (Text(text),)) for text in texts))

    def whole(self, document: Any) -> Answer:
        """An object, or a list of them, one for each input."""
        return answer_of(document)

    def assembler(self) -> Assembler:
        """For tokens."""
        return TokenAssembler()

    def ends_with_terminal(self, tail: bytes) -> bool:
        """The last event is the one in which `generated_text` is a text."""
        return _LAST.search(tail) is not None

    def error(self, status: int, kind: str, message: str) -> bytes:
        """See `ErrorResponse` in its OpenAPI document."""
        return as_json({"error": message, "error_type": kind})

    def error_event(self, status: int, kind: str, message: str) -> bytes:
        """Without a space behind the colon, as TGI writes all events."""
        return b"data:" + self.error(status, kind, message) + b"\n\n"

    def render(self, answer: Answer, request: Request) -> Rendered:
        """A document, as a list where a list is expected; or a stream of tokens."""
        check_whole(answer)
        as_list = not request.path.rstrip(b"/").endswith(b"/generate")
        return rendered(answer, self.operation(request), streams=self.streams(request), as_list=as_list)
