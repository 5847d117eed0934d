"""OpenRouter: OpenAI's APIs below `/api/v1`, with `reasoning`, the usage of every stream, and errors in mid-stream."""

from __future__ import annotations

import re

from proxy_daemon.core.dialects.dialect import Dialect, Question
from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.core.dialects.openai.completions import OpenAICompletions
from proxy_daemon.core.dialects.openai_like.family import OTHERS, RESPONSES, OpenAIFamily
from proxy_daemon.core.messages import Request

_PATHS = re.compile(
    rb"/api/v1/(?:chat/completions|completions|responses|embeddings|models|generation|credits|key|keys|providers)(?:/|\Z)"
)
_CHAT = re.compile(rb"/chat/completions\Z")
_OWN = frozenset(
    ("provider", "transforms", "route", "models", "plugins")
)  # members of a request that OpenAI does not have


class _Chat(OpenAIChat):
    """See https://openrouter.ai/docs/api-reference/chat-completion ."""

    # Marks of the cache, which move to the newest message with each turn.
    volatile = (
        *OpenAIChat.volatile,
        "cache_control",
        "messages.*.cache_control",
        "messages.*.content.*.cache_control",
        "tools.*.cache_control",
    )
    thoughts = "reasoning"
    tells_usage = True


class _Completions(OpenAICompletions):
    """See https://openrouter.ai/docs/api-reference/completion ."""

    tells_usage = True


class OpenRouter(OpenAIFamily):
    """See https://openrouter.ai/docs/api-reference/overview ."""

    name = "openrouter"
    chat: Dialect = _Chat()
    members = (_Completions(), chat, RESPONSES, *OTHERS)
    volatile = (*OpenAIFamily.volatile, *chat.volatile)

    def recognises(self, request: Request) -> bool:
        """By path; that of chat completions anywhere, where the body has members of its own."""
        if _PATHS.search(request.path) is not None:
            return True
        return _CHAT.search(request.path) is not None and _has_own(request)

    def left_to_ask(self, path: bytes) -> bool | Question:
        """See `Dialect`."""
        return _PATHS.search(path) is not None or (_CHAT.search(path) is not None and _has_own)


def _has_own(request: Request) -> bool:
    body = request.json
    if not isinstance(body, dict) or _OWN.isdisjoint(body):
        return False
    return any(isinstance(body.get(name), dict | list) for name in _OWN)
