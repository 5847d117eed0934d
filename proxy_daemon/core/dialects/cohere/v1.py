"""Version 1 of Cohere's API: a message with its history, or a prompt; streams are lines of JSON, or events of them.

The last item of a stream holds the whole answer again, and that is what counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from attrs import evolve

from proxy_daemon.core.conversation import Answer, Choice, Conversation, Finish, Operation, Text, ToolCall, Usage
from proxy_daemon.core.dialects.cohere.answers import ENDS, end_of, problem_in, usage_of
from proxy_daemon.core.dialects.cohere.requests import conversation_of
from proxy_daemon.core.dialects.cutting import words
from proxy_daemon.core.dialects.dialect import Assembler, CannotRender, Dialect, Question, Rendered, as_json, error_text
from proxy_daemon.core.dialects.json_shapes import (
    member,
    object_at,
    objects,
    objects_at,
    text_at,
    without_none,
    written,
)
from proxy_daemon.core.dialects.json_writing import document as written_document
from proxy_daemon.core.dialects.json_writing import event, events, line, lines
from proxy_daemon.core.dialects.said import Said, arguments_of, calls_of, check_whole, text_of, word_for
from proxy_daemon.core.messages import Request

_CHAT = re.compile(rb"/chat/*\Z")
_KIND = b"application/stream+json"
# Version 1 has no word of its own for an end with calls: its reference lists none (`finish_reason` there), and clients
# go by the calls. Unverified: no recording that we know has calls of version 1, and that it says "COMPLETE" then is
# what the list leaves. Version 2's "TOOL_CALL" is read all the same.
_COMPLETE = "COMPLETE"
_WORDS: dict[str, Finish] = {word: finish for word, finish in ENDS.items() if finish is not Finish.CALLS}
Members = dict[str, Any]


class CohereV1(Dialect):
    """See https://docs.cohere.com/v1/reference/chat and https://docs.cohere.com/v1/reference/generate ."""

    name = "cohere-v1"
    maker = "cohere"
    home = "https://api.cohere.com"
    paths = re.compile(rb"/chat/*\Z|/v1/(?:generate|summarize|classify)/*\Z")
    operations = re.compile(rb"/(?:(?P<chat>chat)|(?P<completion>generate|summarize)|(?P<other>classify))$")
    volatile = ()
    terminal = (b'"event_type":"stream-end"', b'"event_type": "stream-end"', b'"is_finished":true', *Dialect.terminal)

    def recognises(self, request: Request) -> bool:
        """By path; a chat has one `message`, where version 2 and others have `messages`."""
        if self.paths.search(request.path) is None:
            return False
        return _CHAT.search(request.path) is None or isinstance(request.body_field("message"), str)

    def left_to_ask(self, path: bytes) -> bool | Question:
        """The body of a chat is looked at."""
        return self.recognises if _CHAT.search(path) is not None else super().left_to_ask(path)

    def streams(self, request: Request) -> bool:
        """Where the request says so."""
        return request.body_field("stream") is True

    def conversation(self, request: Request) -> Conversation:
        """Of a chat or a completion."""
        return conversation_of(request.json)

    def whole(self, document: Any) -> Answer:
        """A chat has one text, a completion several."""
        return _answer(document)

    def assembler(self) -> Assembler:
        """For lines or events."""
        return FirstAssembler()

    def error(self, status: int, kind: str, message: str) -> bytes:
        """See https://docs.cohere.com/reference/errors ."""
        return as_json({"message": message})

    def error_event(self, status: int, kind: str, message: str) -> bytes:
        """A stream ends with its error (`stream-end`)."""
        end = {"is_finished": True, "event_type": "stream-end", "finish_reason": "ERROR", "error": message}
        return as_json(end) + b"\n"

    def render(self, answer: Answer, request: Request) -> Rendered:
        """A document; or lines, which become events where the client accepts them."""
        check_whole(answer)
        is_chat = self.operation(request) is Operation.CHAT
        if not answer.choices or (is_chat and len(answer.choices) > 1):
            raise CannotRender("Cohere gives one answer")
        document = _chat_document(answer) if is_chat else _document(answer)
        if not self.streams(request):
            return written_document(document)
        told = _told(answer, document)
        if b"text/event-stream" in request.headers.tokens(b"accept"):
            return events(event(each, spoken=spoken) for each, spoken in told)
        return lines((line(each, spoken=spoken) for each, spoken in told), _KIND)


class FirstAssembler:
    """See `Assembler`."""

    def __init__(self) -> None:
        self._said = Said()
        self._id = self._error = ""
        self._final: Answer | None = None
        self._begun = self._done = False

    def add(self, name: str, data: Any) -> None:
        """See `Assembler`."""
        if not isinstance(data, dict):
            return
        self._error = self._error or error_text(data) or problem_in(data)
        self._begun = self._begun or bool({"event_type", "text", "is_finished"} & data.keys())
        self._id = self._id or text_at(data, "generation_id")
        if data.get("is_finished") is True or data.get("event_type") == "stream-end":
            self._end(data)
        elif data.get("event_type") in (None, "text-generation"):
            self._said.texts.append(text_at(data, "text"))
        self._said.calls.extend(_calls(data))

    def _end(self, data: Members) -> None:
        self._done = True
        self._said.ends(text_at(data, "finish_reason"), ENDS)
        final = _answer(data.get("response"))
        self._final = final if final.choices else None

    def answer(self) -> Answer:
        """See `Assembler`."""
        final = self._final or Answer()
        return Answer(
            choices=final.choices or ((_ended(self._said.choice()),) if self._begun else ()),
            id=final.id or self._id,
            usage=final.usage,
            error=self._error,
            complete=self._done and not self._error,
        )


def _answer(document: Any) -> Answer:
    error = problem_in(document)
    generations = objects_at(document, "generations")
    is_chat = isinstance(member(document, "text"), str)
    return Answer(
        choices=tuple(_choice(each) for each in ([document] if is_chat else generations)),
        id=text_at(document, "generation_id", "id"),
        usage=usage_of(document),
        error=error,
        complete=not error,
    )


def _choice(said: Members) -> Choice:
    text, word = text_at(said, "text"), text_at(said, "finish_reason")
    return _ended(Choice(((Text(text),) if text else ()) + tuple(_calls(said)), end_of(word), word))


def _ended(choice: Choice) -> Choice:
    calls = choice.said == _COMPLETE and bool(calls_of(choice))
    return evolve(choice, finish=Finish.CALLS) if calls else choice


def _calls(holder: Members) -> list[ToolCall]:
    """Version 1 gives calls no ids, and their arguments as objects."""
    found = objects(holder.get("tool_calls"))
    return [ToolCall("", text_at(one, "name"), written(object_at(one, "parameters"))) for one in found]


def _chat_document(answer: Answer) -> Members:
    choice = answer.choices[0]
    text = text_of(choice, others=(ToolCall,))
    calls = [{"name": each.name, "parameters": arguments_of(each)} for each in calls_of(choice)]
    ids = {"response_id": answer.id, "generation_id": answer.id}
    word = word_for(choice, _WORDS, _COMPLETE)
    return {
        "text": text,
        **ids,
        "finish_reason": word,
        **({"tool_calls": calls} if calls else {}),
        **_meta(answer.usage),
    }


def _document(answer: Answer) -> Members:
    generations = [
        {"id": answer.id, "text": text_of(choice), "finish_reason": word_for(choice, _WORDS, _COMPLETE)}
        for choice in answer.choices
    ]
    return {"id": answer.id, "generations": generations, "prompt": "", **_meta(answer.usage)}


def _meta(usage: Usage | None) -> Members:
    if usage is None:
        return {}
    tokens = without_none(input_tokens=usage.input, output_tokens=usage.output)
    return {"meta": {"api_version": {"version": "1"}, "tokens": tokens}}


def _told(answer: Answer, document: Members) -> Iterator[tuple[Members, bool]]:
    """The items of a stream, and whether each is spoken."""
    choice = answer.choices[0]
    yield {"is_finished": False, "event_type": "stream-start", "generation_id": answer.id}, False
    for word in words(choice.text):
        yield {"is_finished": False, "event_type": "text-generation", "text": word}, True
    if calls := document.get("tool_calls"):
        yield {"is_finished": False, "event_type": "tool-calls-generation", "tool_calls": calls}, False
    word = word_for(choice, _WORDS, _COMPLETE)
    yield {"is_finished": True, "event_type": "stream-end", "finish_reason": word, "response": document}, False
