"""Which texts an API's answers have: one file for each, and here which of them a dialect speaks.

A dialect of a plugin that is made of a built-in one has what that has; one that is not, and the generic one, have none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from proxy_daemon.core.dialects.anthropic.messages import Anthropic as AnthropicDialect
from proxy_daemon.core.dialects.bedrock.bedrock import Bedrock as BedrockDialect
from proxy_daemon.core.dialects.cohere.v1 import CohereV1 as CohereV1Dialect
from proxy_daemon.core.dialects.cohere.v2 import Cohere as CohereDialect
from proxy_daemon.core.dialects.dashscope.dashscope import DashScope as DashScopeDialect
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.dialects.google.gemini import Google as GoogleDialect
from proxy_daemon.core.dialects.json_shapes import member
from proxy_daemon.core.dialects.ollama.ollama import Ollama as OllamaDialect
from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.core.dialects.openai.completions import OpenAICompletions
from proxy_daemon.core.dialects.openai.responses import OpenAIResponses
from proxy_daemon.core.dialects.openai.state import OpenAIState
from proxy_daemon.core.dialects.openai_like.family import OpenAIFamily
from proxy_daemon.core.dialects.openai_like.mistral import Mistral as MistralDialect
from proxy_daemon.core.dialects.replicate import Replicate as ReplicateDialect
from proxy_daemon.core.dialects.tgi.tgi import TextGenerationInference
from proxy_daemon.core.messages import Request
from proxy_daemon.core.rewriting.channels.anthropic import Anthropic
from proxy_daemon.core.rewriting.channels.bedrock import Bedrock
from proxy_daemon.core.rewriting.channels.chat import Chat
from proxy_daemon.core.rewriting.channels.cohere import Cohere, CohereV1
from proxy_daemon.core.rewriting.channels.dashscope import DashScope
from proxy_daemon.core.rewriting.channels.google import Google
from proxy_daemon.core.rewriting.channels.mistral import Mistral
from proxy_daemon.core.rewriting.channels.ollama import Ollama
from proxy_daemon.core.rewriting.channels.replicate import Replicate
from proxy_daemon.core.rewriting.channels.responses import Responses
from proxy_daemon.core.rewriting.channels.runs import Runs
from proxy_daemon.core.rewriting.channels.spot import Channels, Key, Spot
from proxy_daemon.core.rewriting.channels.tgi import TGI

__all__ = ["Channels", "Key", "Spot", "channels_for"]


class Family:
    """Several of OpenAI's APIs under paths of their own: each item tells by its shape whose it is."""

    def __init__(self, chat: Channels) -> None:
        self._chat, self._responses = chat, Responses()

    @property
    def moves(self) -> bool:
        """See `Channels`. What Responses has is moved in any case."""
        return self._chat.moves

    def _member(self, item: Any) -> Channels:
        is_chat = not isinstance(item, dict) or "choices" in item
        return self._chat if is_chat else self._responses

    def spots(self, name: str, item: Any) -> list[Spot]:
        """See `Channels`."""
        return self._member(item).spots(name, item)

    def document(self, document: Any) -> list[Spot]:
        """See `Channels`."""
        return self._member(document).document(document)

    def ends(self, name: str, item: Any) -> Iterable[Key]:
        """See `Channels`."""
        return self._member(item).ends(name, item)


def channels_for(dialect: Dialect, request: Request) -> Channels | None:
    """What the answers of ``dialect`` to ``request`` have; None where nothing is known of them."""
    for each in type(dialect).__mro__:
        if each in _MADE:
            return _MADE[each](dialect, request)
    return None


def _chat(dialect: Dialect, _: Request) -> Channels:
    return Chat(getattr(dialect, "thoughts", ""))


def _family(dialect: Dialect, request: Request) -> Channels:
    """As whoever answers the request writes."""
    assert isinstance(dialect, OpenAIFamily)
    asked = dialect.member(request)
    if isinstance(asked, OpenAIResponses):
        return Responses()
    if isinstance(dialect, MistralDialect):
        return Mistral()
    return Family(Chat("") if isinstance(asked, OpenAICompletions) else _chat(dialect.chat, request))


def _dashscope(_: Dialect, request: Request) -> Channels:
    parameters = request.body_field("parameters")
    return DashScope(increments=member(parameters, "incremental_output") is True)


_MADE: dict[type, Callable[[Dialect, Request], Channels | None]] = {
    OpenAICompletions: lambda *_: Chat(""),
    OpenAIChat: _chat,
    OpenAIFamily: _family,
    OpenAIResponses: lambda *_: Responses(),
    AnthropicDialect: lambda *_: Anthropic(),
    GoogleDialect: lambda *_: Google(),
    OllamaDialect: lambda *_: Ollama(),
    BedrockDialect: lambda _, request: Bedrock(converses=b"/invoke" not in request.path),
    CohereDialect: lambda *_: Cohere(),
    CohereV1Dialect: lambda *_: CohereV1(),
    DashScopeDialect: _dashscope,
    TextGenerationInference: lambda *_: TGI(),
    OpenAIState: lambda _, request: Runs() if b"/threads" in request.path else None,
    ReplicateDialect: lambda *_: Replicate(),
}
