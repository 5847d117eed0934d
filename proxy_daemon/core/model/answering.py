"""From a request to the answer in values, which the request's own dialect then writes. Called by `answer()`.

Which reader a request has follows from its dialect and from what is asked for. What is asked for in an API that no
reader knows is read by `read_others`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proxy_daemon.core.conversation import (
    Answer,
    Choice,
    Conversation,
    Finish,
    Operation,
    Part,
    Reasoning,
    Text,
    ToolCall,
    Usage,
)
from proxy_daemon.core.dialects.anthropic.messages import Anthropic
from proxy_daemon.core.dialects.dialect import CannotRender, Dialect, Rendered
from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.core.dialects.openai.completions import OpenAICompletions
from proxy_daemon.core.dialects.openai.embeddings import OpenAIEmbeddings
from proxy_daemon.core.dialects.openai.responses import OpenAIResponses
from proxy_daemon.core.dialects.openai_like.family import OpenAIFamily
from proxy_daemon.core.messages import Request
from proxy_daemon.core.model.embeddings import answer_of_inputs, read_inputs, texts_of
from proxy_daemon.core.model.mind import CALLS, LENGTH, STOP, STOP_SEQUENCE, Ask, Said, say
from proxy_daemon.core.model.read_chat import read_chat
from proxy_daemon.core.model.read_messages import read_messages, read_to_count
from proxy_daemon.core.model.read_others import read_others
from proxy_daemon.core.model.read_responses import read_responses
from proxy_daemon.core.model.refusal import Refused
from proxy_daemon.core.model.seeds import CREATED, name_from, seed_of

Reader = Callable[[dict[str, Any], Conversation], Ask]

ANSWERED = frozenset((Operation.CHAT, Operation.COMPLETION, Operation.EMBEDDINGS, Operation.COUNT_TOKENS))
_READERS: dict[tuple[type[Dialect], Operation], Reader] = {
    (OpenAIChat, Operation.CHAT): read_chat,
    (OpenAIResponses, Operation.CHAT): read_responses,
    (OpenAIResponses, Operation.COUNT_TOKENS): read_responses,
    (Anthropic, Operation.CHAT): read_messages,
    (Anthropic, Operation.COUNT_TOKENS): read_to_count,
}
# How ids of answers and of calls begin.
_PREFIXES: tuple[tuple[type[Dialect], str, str], ...] = (
    (Anthropic, "msg_01", "toolu_01"),
    (OpenAIResponses, "resp_", "call_"),
    (OpenAICompletions, "cmpl-", "call_"),
    (OpenAIChat, "chatcmpl-", "call_"),
    (Dialect, "demo-", "call_"),
)
_FINISHES = {
    STOP: Finish.STOP,
    STOP_SEQUENCE: Finish.STOP_SEQUENCE,
    LENGTH: Finish.LENGTH,
    CALLS: Finish.CALLS,
}


def rendered(dialect: Dialect, request: Request, body: dict[str, Any], model: str, seed: bytes) -> Rendered:
    """The answer to a request, as its API writes it. Raises `Refused`."""
    try:
        return dialect.render(_answer(dialect, request, body, model, seed), request)
    except CannotRender as error:
        raise Refused(f"The built-in model cannot answer this: {error}.") from error


def _answer(dialect: Dialect, request: Request, body: dict[str, Any], model: str, seed: bytes) -> Answer:
    member = dialect.member(request) if isinstance(dialect, OpenAIFamily) else dialect
    operation = dialect.operation(request)
    if operation is Operation.EMBEDDINGS:
        strict = isinstance(member, OpenAIEmbeddings)
        inputs = read_inputs(body) if strict else texts_of(dialect.conversation(request))
        return answer_of_inputs(inputs, model)
    ask = _reader(member, operation)(body, dialect.conversation(request))
    if operation is Operation.COUNT_TOKENS:
        return Answer(model=model, usage=Usage(input=ask.tokens))
    return _spoken(ask, member, model, seed)


def _reader(member: Dialect, operation: Operation) -> Reader:
    known = (read for (kind, asked), read in _READERS.items() if asked is operation and isinstance(member, kind))
    return next(known, read_others)


def _spoken(ask: Ask, member: Dialect, model: str, seed: bytes) -> Answer:
    said = [say(ask, choice) for choice in range(ask.choices)]
    whole, call = next((whole, call) for kind, whole, call in _PREFIXES if isinstance(member, kind))
    choices = tuple(_choice(one, index, call, seed) for index, one in enumerate(said))
    return Answer(choices, name_from(seed, whole), model, CREATED, _usage(ask, said))


def _choice(said: Said, index: int, prefix: str, seed: bytes) -> Choice:
    parts: list[Part] = []
    if said.reasoning:
        parts.append(Reasoning(said.reasoning, name_from(seed_of(said.reasoning.encode("utf-8", "replace")), "demo")))
    parts += [
        ToolCall(name_from(seed, prefix, index * 100 + at), call.name, call.arguments)
        for at, call in enumerate(said.calls)
    ] or [Text(said.text)]
    return Choice(tuple(parts), _FINISHES[said.ending], stopped_by=said.stopped_by or "")


def _usage(ask: Ask, said: list[Said]) -> Usage:
    asked, answered = ask.tokens, sum(one.tokens for one in said)
    thought = sum(one.thought_tokens for one in said)
    return Usage(asked, answered, asked + answered, cached=0, cache_written=0, reasoning=thought)
