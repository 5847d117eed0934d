"""Mistral: chat completions with thoughts as blocks of the content, and FIM, agents and conversations."""

from __future__ import annotations

import re
from typing import Any

from proxy_daemon.core.conversation import Answer, Conversation, Message, Text
from proxy_daemon.core.dialects.dialect import Assembler, CannotRender, Dialect, Question, Rendered
from proxy_daemon.core.dialects.json_shapes import text_at
from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.core.dialects.openai.completions import fill_in_conversation
from proxy_daemon.core.dialects.openai.parts import tools_of
from proxy_daemon.core.dialects.openai_like import mistral_conversations
from proxy_daemon.core.dialects.openai_like.family import OTHERS, Either, OpenAIFamily
from proxy_daemon.core.messages import Request

_PATHS = re.compile(
    rb"/(?:fim/completions|agents/completions|agents|ocr|conversations/[^/]+/(?:history|messages|restart))\Z"
)
_SHARED = re.compile(rb"/(?:chat/completions|conversations(?:/[^/]+)?)\Z")
_OWN = frozenset(
    ("inputs", "safe_prompt", "random_seed", "prompt_mode")
)  # members of a request that OpenAI does not have


class _Chat(OpenAIChat):
    """See https://docs.mistral.ai/api/#tag/chat ; agents and FIM answer in the same form."""

    paths = re.compile(rb"/(?:chat|agents|fim)/completions\Z")
    operations = re.compile(rb"/(?:(?P<chat>(?:chat|agents)/completions)|(?P<completion>fim/completions))$")
    thoughts = ""
    tells_usage = True

    def model(self, request: Request) -> str:
        """That of the body, or the agent that stands for it."""
        return super().model(request) or text_at(request.json, "agent_id")

    def conversation(self, request: Request) -> Conversation:
        """Messages; of FIM what stands before and behind the gap."""
        return super().conversation(request) if request.body_field("messages") else fill_in_conversation(request)


class _Conversations(Dialect):
    """See https://docs.mistral.ai/api/#tag/beta.conversations ."""

    paths = re.compile(rb"/conversations(?:/|\Z)|/agents\Z")
    operations = re.compile(rb"/(?:(?P<chat>conversations)|(?P<state>agents|conversations/.+))$")
    volatile = ("metadata",)
    ids = ("inputs.*.tool_call_id", "inputs.*.tool_calls.*.id")
    own_ids = ("inputs.*.id",)
    terminal = (b"event: conversation.response.done\n", b"event: conversation.response.done\r\n")

    def recognises(self, request: Request) -> bool:
        """By path."""
        return self.paths.search(request.path) is not None

    def model(self, request: Request) -> str:
        """That of the body, or the agent that stands for it."""
        return super().model(request) or text_at(request.json, "agent_id")

    def conversation(self, request: Request) -> Conversation:
        """The instructions and the inputs."""
        instructions = text_at(request.json, "instructions")
        system = (Message("system", (Text(instructions),)),) if instructions else ()
        inputs = mistral_conversations.messages_of(request.body_field("inputs"))
        return Conversation((*system, *inputs), tools_of(request.body_field("tools")))

    def render(self, answer: Answer, request: Request) -> Rendered:
        """Never: whoever has the answer goes on with the conversation, which nobody keeps."""
        raise CannotRender("an answer of Mistral's conversations is kept by the API: it cannot be made here")


class Mistral(OpenAIFamily):
    """See https://docs.mistral.ai/api/ ."""

    name = "mistral"
    chat: Dialect = _Chat()
    kept: Dialect = _Conversations()
    members = (chat, kept, *OTHERS)
    volatile = (*chat.volatile, "metadata")
    opaque = chat.opaque
    ids = (*chat.ids, *kept.ids)
    own_ids = kept.own_ids
    deciding_fields = ()
    terminal = (*chat.terminal, *kept.terminal)

    def recognises(self, request: Request) -> bool:
        """By path; that of chat completions and of conversations, where the body has members of its own."""
        if _PATHS.search(request.path) is not None:
            return True
        return _SHARED.search(request.path) is not None and _has_own(request)

    def left_to_ask(self, path: bytes) -> bool | Question:
        """See `Dialect`."""
        return _PATHS.search(path) is not None or (_SHARED.search(path) is not None and _has_own)

    def whole(self, document: Any) -> Answer:
        """A conversation's answer, or as the family."""
        is_kept = text_at(document, "object").startswith("conversation")
        return mistral_conversations.answer_of(document) if is_kept else super().whole(document)

    def assembler(self) -> Assembler:
        """For either kind of stream."""
        return Either(lambda kind: self.chat.assembler() if not kind else mistral_conversations.Entries())


def _has_own(request: Request) -> bool:
    body = request.json
    if not isinstance(body, dict) or _OWN.isdisjoint(body):
        return False
    return any(body.get(name) is not None for name in _OWN)
