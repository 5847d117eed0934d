"""Alibaba's DashScope: its own services, with `input` and `parameters`. What speaks like OpenAI there is not meant.

Each event of a stream holds all words so far, unless the request asks for increments.
"""

from __future__ import annotations

import re
from typing import Any

from proxy_daemon.core.conversation import Answer, Conversation
from proxy_daemon.core.dialects.dashscope.answers import ResultAssembler, answer_of
from proxy_daemon.core.dialects.dashscope.rendering import rendered
from proxy_daemon.core.dialects.dashscope.requests import conversation_of
from proxy_daemon.core.dialects.dialect import Assembler, Dialect, Rendered, as_json
from proxy_daemon.core.dialects.json_shapes import member
from proxy_daemon.core.dialects.said import check_whole
from proxy_daemon.core.messages import Request


class DashScope(Dialect):
    """See https://www.alibabacloud.com/help/en/model-studio/qwen-api-via-dashscope ."""

    name = "dashscope"
    home = "https://dashscope.aliyuncs.com"
    paths = re.compile(rb"/api/v1/(?:services/(?:aigc|embeddings|rerank|audio)/|tasks/|apps/)")
    operations = re.compile(
        rb"/(?:(?P<chat>services/aigc/(?:text|multimodal)-generation/generation|apps/[^/]+/completion)"
        rb"|(?P<embeddings>services/embeddings/[^/]+/[^/]+)|(?P<rerank>services/rerank/[^/]+/[^/]+)"
        rb"|(?P<image>services/aigc/(?:text2image|image2image|image-generation)/.*)"
        rb"|(?P<transcription>services/audio/asr/.*)|(?P<speech>services/audio/tts/.*)|(?P<state>tasks/.*))$"
    )
    volatile = ()
    ids = ("input.messages.*.tool_calls.*.id", "input.messages.*.tool_call_id")
    deciding_fields = (b"x-dashscope-sse", b"x-dashscope-async")
    terminal = tuple(
        b'"finish_reason":%b"%b"' % (blank, word)
        for blank in (b"", b" ")
        for word in (b"stop", b"length", b"tool_calls")
    )

    def generates(self, request: Request) -> bool:
        """What is begun as a task is state: its answer is polled for."""
        is_task = request.headers.get(b"x-dashscope-async").strip().lower() == b"enable"
        return not is_task and super().generates(request)

    def streams(self, request: Request) -> bool:
        """By a header field; newer clients accept events, or say so in the body."""
        asked = request.headers.get(b"x-dashscope-sse").strip().lower()
        return asked == b"enable" or (not asked and super().streams(request))

    def conversation(self, request: Request) -> Conversation:
        """Messages, or a prompt; texts that are embedded or ranked."""
        return conversation_of(request.json)

    def whole(self, document: Any) -> Answer:
        """A document: words, embeddings, a ranking, or an error."""
        return answer_of(document)

    def assembler(self) -> Assembler:
        """For events."""
        return ResultAssembler()

    def error(self, status: int, kind: str, message: str) -> bytes:
        """See https://www.alibabacloud.com/help/en/model-studio/error-code ."""
        return as_json({"code": kind, "message": message, "request_id": ""})

    def error_event(self, status: int, kind: str, message: str) -> bytes:
        """With its status in a comment."""
        return b"event:error\n:HTTP_STATUS/%d\ndata:%b\n\n" % (status, self.error(status, kind, message))

    def render(self, answer: Answer, request: Request) -> Rendered:
        """A document or a stream."""
        check_whole(answer)
        parameters = request.body_field("parameters")
        is_text = member(parameters, "result_format") == "text" and not member(parameters, "tools")
        increments = member(parameters, "incremental_output") is True
        operation = self.operation(request)
        return rendered(answer, operation, streams=self.streams(request), is_text=is_text, increments=increments)
