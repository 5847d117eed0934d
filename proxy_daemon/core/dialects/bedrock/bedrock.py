"""Amazon Bedrock's runtime: model and operation stand in the path, streams are frames.

`converse` has a shape of its own; `invoke` has that of the model's maker. Answers are read and written in the files
beside this.
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any
from urllib.parse import unquote

from proxy_daemon.core.conversation import Answer, Conversation, Operation
from proxy_daemon.core.dialects.anthropic.messages import Anthropic
from proxy_daemon.core.dialects.bedrock.answers import BedrockStream, answer_of
from proxy_daemon.core.dialects.bedrock.rendering import (
    as_document,
    as_frames,
    converse,
    converse_events,
    drawn,
    embedded,
    invoked,
    invoked_events,
)
from proxy_daemon.core.dialects.bedrock.requests import conversation_of
from proxy_daemon.core.dialects.bedrock.vendors import METRICS
from proxy_daemon.core.dialects.dialect import Assembler, Dialect, Piece, Rendered, as_json
from proxy_daemon.core.dialects.json_writing import JSON
from proxy_daemon.core.messages import Request
from proxy_daemon.core.wire.event_stream import exception

_OPERATIONS = frozenset((b"converse", b"converse-stream", b"invoke", b"invoke-with-response-stream", b"count-tokens"))
_KEPT = re.compile(rb"/(?:foundation-models|inference-profiles|custom-models|guardrail)(?:/|$)")
_VENDOR = re.compile(r"(?:^|[./])(ai21|amazon|anthropic|cohere|deepseek|meta|mistral|openai|qwen|stability|writer)\.")
_MADE = {
    "embed": Operation.EMBEDDINGS,
    "rerank": Operation.RERANK,
    "image": Operation.IMAGE,
    "canvas": Operation.IMAGE,
    "stability.": Operation.IMAGE,
}
# See https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html (errors).
_EXCEPTIONS = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}
_IN_STREAM = {400: "validation", 408: "modelTimeout", 424: "modelStreamError", 429: "throttling"}


def _packed(word: bytes) -> tuple[bytes, ...]:
    """What base64 makes of a word wherever it stands: at each of three places within its groups of three octets."""
    found = []
    for before in range(3):
        packed = b64encode(b"\0" * before + word)
        found.append(packed[-(-before * 8 // 6) : (before + len(word)) * 8 // 6])
    return tuple(found)


class Bedrock(Dialect):
    """See https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html ."""

    name = "bedrock"
    home = "https://bedrock-runtime.us-east-1.amazonaws.com"
    operations = re.compile(
        rb"/(?:(?P<chat>converse(?:-stream)?)|(?P<completion>invoke(?:-with-response-stream)?)"
        rb"|(?P<count_tokens>count-tokens)|(?P<models>foundation-models(?:/[^/]+)?)|(?P<moderation>apply))$"
    )
    volatile = ("requestMetadata", "metadata", *Anthropic.volatile)
    opaque = (
        "messages.*.content.*.reasoningContent.reasoningText.signature",
        "messages.*.content.*.reasoningContent.redactedContent",
        *Anthropic.opaque,
    )
    ids = (
        "messages.*.content.*.toolUse.toolUseId",
        "messages.*.content.*.toolResult.toolUseId",
        "messages.*.content.*.id",
        "messages.*.content.*.tool_use_id",
    )
    deciding_fields = (b"x-amzn-bedrock-guardrailidentifier", b"x-amzn-bedrock-guardrailversion")
    terminal = (b"\x0b:event-type\x07\x00\x08metadata", *_packed(METRICS.encode()))

    def recognises(self, request: Request) -> bool:
        """By the operation in the path."""
        return self.left_to_ask(request.path)

    def left_to_ask(self, path: bytes) -> bool:
        """See `Dialect`."""
        return bool(_asked(path)[1]) or _KEPT.search(path) is not None

    def model(self, request: Request) -> str:
        """The id, or the ARN of a model or of a profile of inference, from the path."""
        return unquote(_asked(request.path)[0].decode("latin-1"))

    def operation(self, request: Request) -> Operation:
        """By the path; of `invoke` by the model, and by whether the body has messages."""
        found = super().operation(request)
        if found is not Operation.COMPLETION:
            return found
        model = self.model(request).lower()
        made = next((operation for word, operation in _MADE.items() if word in model), None)
        talks = request.body_field("messages") is not None or request.body_field("message") is not None
        return made or (Operation.CHAT if talks else found)

    def streams(self, request: Request) -> bool:
        """By the operation: bodies of makers may say otherwise, and are not asked."""
        return _asked(request.path)[1].endswith(b"stream")

    def conversation(self, request: Request) -> Conversation:
        """See `Dialect`."""
        return conversation_of(request.json)

    def whole(self, document: Any) -> Answer:
        """See `Dialect`."""
        return answer_of(document)

    def assembler(self) -> Assembler:
        """See `Dialect`."""
        return BedrockStream()

    def error(self, status: int, kind: str, message: str) -> bytes:
        """SDKs take the type from here where no header field states it."""
        return as_json({"__type": _EXCEPTIONS.get(status, kind), "message": message})

    def error_event(self, status: int, kind: str, message: str) -> bytes:
        """A frame that is an exception."""
        name = _IN_STREAM.get(status, "internalServer") + "Exception"
        return exception(name, as_json({"message": message}))

    def render(self, answer: Answer, request: Request) -> Rendered:
        """See `Dialect`."""
        asked = _asked(request.path)[1]
        if answer.error and not answer.choices:
            return Rendered(JSON, (Piece(self.error(500, "", answer.error)),))
        if asked == b"count-tokens":
            return as_document({"inputTokens": (answer.usage and answer.usage.input) or 0})
        if asked.startswith(b"converse"):
            return (
                as_frames(converse_events(answer), answer.error)
                if self.streams(request)
                else as_document(converse(answer))
            )
        return self._invoked(answer, request)

    def _invoked(self, answer: Answer, request: Request) -> Rendered:
        """Raises `CannotRender`."""
        model, operation = self.model(request), self.operation(request)
        if operation is Operation.EMBEDDINGS:
            return as_document(embedded(answer, vendor_of(model)))
        if operation is Operation.IMAGE:
            return as_document(drawn(answer))
        if self.streams(request):
            return as_frames(invoked_events(answer, model, vendor_of(model)), answer.error)
        return as_document(invoked(answer, model, vendor_of(model)))


def vendor_of(model: str) -> str:
    """The maker of a model by its id, "nova" for Amazon's newer models; empty where the id does not say.

    >>> vendor_of("us.anthropic.claude-sonnet-4-5-20250929-v1:0")
    'anthropic'
    """
    found = _VENDOR.search(model)
    if found is None:
        return ""
    return "nova" if ".nova-" in model and "embed" not in model else found[1]


def _asked(path: bytes) -> tuple[bytes, bytes]:
    """Model and operation of a path such as `/model/ID/invoke`; both empty where it is none. ARNs may hold slashes."""
    before, _, operation = path.rstrip(b"/").rpartition(b"/")
    _, found, model = before.partition(b"/model/")
    return (model, operation) if found and model and operation in _OPERATIONS else (b"", b"")
