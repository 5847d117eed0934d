"""The dialects that llmproxy knows by itself, in the order in which they are asked: the most particular first."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from proxy_daemon.core.dialects.anthropic.messages import Anthropic
from proxy_daemon.core.dialects.anthropic.vertex import VertexClaude
from proxy_daemon.core.dialects.bedrock.bedrock import Bedrock
from proxy_daemon.core.dialects.cohere.v1 import CohereV1
from proxy_daemon.core.dialects.cohere.v2 import Cohere
from proxy_daemon.core.dialects.dashscope.dashscope import DashScope
from proxy_daemon.core.dialects.dialect import LONGEST_KNOWN, Dialect, Question
from proxy_daemon.core.dialects.google.gemini import Google
from proxy_daemon.core.dialects.ollama.ollama import Ollama
from proxy_daemon.core.dialects.openai.audio import OpenAIAudio
from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.core.dialects.openai.completions import OpenAICompletions
from proxy_daemon.core.dialects.openai.embeddings import OpenAIEmbeddings
from proxy_daemon.core.dialects.openai.images import OpenAIImages
from proxy_daemon.core.dialects.openai.moderations import OpenAIModerations
from proxy_daemon.core.dialects.openai.responses import OpenAIResponses
from proxy_daemon.core.dialects.openai.state import OpenAIState
from proxy_daemon.core.dialects.openai_like.azure import Azure
from proxy_daemon.core.dialects.openai_like.mistral import Mistral
from proxy_daemon.core.dialects.openai_like.openrouter import OpenRouter
from proxy_daemon.core.dialects.replicate import Replicate
from proxy_daemon.core.dialects.tgi.tgi import TextGenerationInference
from proxy_daemon.core.dialects.writer import Writer
from proxy_daemon.core.messages import Request

_Questions = Sequence[tuple[Literal[True] | Question, Dialect]]

GENERIC = Dialect()
BUILT_IN: tuple[Dialect, ...] = (
    Bedrock(),
    VertexClaude(),
    Google(),
    Anthropic(),
    Ollama(),
    DashScope(),
    Cohere(),
    CohereV1(),
    Writer(),
    TextGenerationInference(),
    Azure(),
    OpenRouter(),
    Mistral(),
    OpenAIChat(),
    OpenAICompletions(),
    OpenAIResponses(),
    OpenAIEmbeddings(),
    OpenAIImages(),
    OpenAIAudio(),
    OpenAIModerations(),
    Replicate(),
    OpenAIState(),
)


def recognise(request: Request, dialects: Sequence[Dialect]) -> Dialect:
    """The first of ``dialects`` that recognises the request, else the generic one."""
    for answer, dialect in _left(dialects, request.path):
        if answer is True or answer(request):
            return dialect
    return GENERIC


def _left(dialects: Sequence[Dialect], path: bytes) -> _Questions:
    """Whom to ask about a path, and what: True where that is settled. Those who are not meant are left out."""
    try:
        return _known(tuple(dialects), path) if len(path) <= LONGEST_KNOWN else _found(dialects, path)
    except TypeError:  # a plugin's dialect that has no hash
        return _found(dialects, path)


def _found(dialects: Sequence[Dialect], path: bytes) -> _Questions:
    asked = ((_question(dialect, path), dialect) for dialect in dialects)
    return [(answer, dialect) for answer, dialect in asked if answer is not False]


def _question(dialect: Dialect, path: bytes) -> bool | Question:
    """See `Dialect.left_to_ask`: what an ancestor says there does not hold for a class that recognises otherwise."""
    for each in type(dialect).__mro__:
        if "left_to_ask" in vars(each):
            return dialect.left_to_ask(path)
        if "recognises" in vars(each):
            break
    return dialect.recognises


_known = lru_cache(maxsize=1024)(_found)
