"""Writer's chats: OpenAI's chat completions under a path of their own."""

from __future__ import annotations

import re

from proxy_daemon.core.dialects.dialect import Question
from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.core.messages import Request


class Writer(OpenAIChat):
    """See https://dev.writer.com/api-reference/completion-api/chat-completion ."""

    name = "writer"
    maker = "writer"
    home = "https://api.writer.com"
    paths = re.compile(rb"/v1/chat/*\Z")
    operations = re.compile(rb"/(?P<chat>chat)$")

    def recognises(self, request: Request) -> bool:
        """By path, and by `messages` and `model` in the body: Cohere's first version has one `message` there."""
        return self.paths.search(request.path) is not None and _is_chat(request)

    def left_to_ask(self, path: bytes) -> bool | Question:
        """See `Dialect`."""
        return self.paths.search(path) is not None and _is_chat


def _is_chat(request: Request) -> bool:
    is_named = isinstance(request.body_field("model"), str)
    return is_named and isinstance(request.body_field("messages"), list)
