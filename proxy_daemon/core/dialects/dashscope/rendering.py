"""An answer as DashScope writes it. Called by `dashscope.py`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from proxy_daemon.core.conversation import Answer, Choice, Operation, Reasoning, ToolCall
from proxy_daemon.core.dialects.cutting import words
from proxy_daemon.core.dialects.dashscope.answers import ENDS
from proxy_daemon.core.dialects.dialect import CannotRender, Piece, Rendered
from proxy_daemon.core.dialects.json_writing import document, events, octets
from proxy_daemon.core.dialects.openai.told import usage_document
from proxy_daemon.core.dialects.said import calls_of, text_of, thought_of, vectors_of, word_for

Members = dict[str, Any]
MOST_REPEATED = 20  # events of a stream whose events hold all words so far: its size grows with their square


def rendered(answer: Answer, operation: Operation, *, streams: bool, is_text: bool, increments: bool) -> Rendered:
    """``is_text``: words alone, without a message. ``increments``: each event has new words only. `CannotRender`."""
    if operation is Operation.EMBEDDINGS:
        found = [{"text_index": at, "embedding": values} for at, values in enumerate(vectors_of(answer))]
        return document(_whole(answer, {"embeddings": found}))
    if operation is not Operation.CHAT or len(answer.choices) != 1:
        raise CannotRender("only one answer to a chat can be written")
    choice = answer.choices[0]
    text_of(choice, others=() if is_text else (Reasoning, ToolCall))
    if not streams:
        return document(_whole(answer, _end(choice, thought_of(choice), choice.text, is_text=is_text)))
    told = _increments(choice, is_text) if increments else _repeated(choice, is_text)
    return events(_event(at, _whole(answer, output)) for at, output in enumerate(told, 1))


def _increments(choice: Choice, is_text: bool) -> Iterator[Members]:
    for word in words(thought_of(choice)):
        yield _output(word, "", "null", is_text=is_text)
    for word in words(choice.text):
        yield _output("", word, "null", is_text=is_text)
    yield _end(choice, "", "", is_text=is_text)


def _repeated(choice: Choice, is_text: bool) -> Iterator[Members]:
    thought = thought_of(choice)
    for so_far in accumulate(_few(thought)):
        yield _output(so_far, "", "null", is_text=is_text)
    for so_far in accumulate(_few(choice.text)):
        yield _output(thought, so_far, "null", is_text=is_text)
    yield _end(choice, thought, choice.text, is_text=is_text)


def _few(text: str) -> list[str]:
    found = words(text)
    size = -(-len(found) // MOST_REPEATED) or 1
    return ["".join(found[at : at + size]) for at in range(0, len(found), size)]


def _end(choice: Choice, thought: str, text: str, *, is_text: bool) -> Members:
    word = word_for(choice, ENDS, "stop")
    return _output(thought, text, word, calls_of(choice), is_text=is_text)


def _output(thought: str, text: str, word: str, calls: list[ToolCall] | None = None, *, is_text: bool) -> Members:
    if is_text:
        return {"text": text, "finish_reason": word}
    message: Members = {"role": "assistant", "content": text}
    if thought:
        message["reasoning_content"] = thought
    if calls:
        message["tool_calls"] = [_call(at, call) for at, call in enumerate(calls)]
    return {"choices": [{"message": message, "finish_reason": word}]}


def _call(at: int, call: ToolCall) -> Members:
    function = {"name": call.name, "arguments": call.arguments}
    return {"index": at, "id": call.id, "type": "function", "function": function}


def _whole(answer: Answer, output: Members) -> Members:
    usage = usage_document(answer.usage, "input", "output") if answer.usage else {}
    return {"output": output, "usage": usage, "request_id": answer.id}


def _event(at: int, value: Members) -> Piece:
    """As DashScope writes events: without spaces, with a number and the status in a comment."""
    return Piece(b"id:%d\nevent:result\n:HTTP_STATUS/200\ndata:%b\n\n" % (at, octets(value)), spoken=True)
