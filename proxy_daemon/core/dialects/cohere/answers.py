"""What Cohere answers to a chat of version 2: a document, or typed events. Reads any JSON; called by `v2.py`.

The plan of which tools to call counts as thoughts, as it is shown to nobody. Citations are notes on words that are
there anyway, and are passed over.
"""

from __future__ import annotations

from typing import Any

from proxy_daemon.core.conversation import Answer, Choice, Finish, Part, Reasoning, Text, ToolCall, Usage
from proxy_daemon.core.dialects.cohere.requests import calls_in, content_parts
from proxy_daemon.core.dialects.dialect import error_text
from proxy_daemon.core.dialects.json_shapes import count_at, member, object_at, text_at

ENDS = {
    "COMPLETE": Finish.STOP,
    "STOP_SEQUENCE": Finish.STOP_SEQUENCE,
    "MAX_TOKENS": Finish.LENGTH,
    "TOOL_CALL": Finish.CALLS,
    "ERROR_TOXIC": Finish.FILTERED,
    "ERROR": Finish.ERROR,
    "TIMEOUT": Finish.ERROR,
    "ERROR_LIMIT": Finish.LENGTH,
    "USER_CANCEL": Finish.OTHER,
}


def usage_of(holder: Any) -> Usage | None:
    """From `usage` or `meta`: the tokens, and where those are not told, what is billed."""
    told = object_at(holder, "usage") or object_at(holder, "meta")
    tokens = object_at(told, "tokens") or object_at(told, "billed_units")
    found = Usage(
        input=count_at(tokens, "input_tokens"),
        output=count_at(tokens, "output_tokens"),
        cached=count_at(told, "cached_tokens"),
        reasoning=count_at(tokens, "reasoning_tokens"),
        total=count_at(told, "total_tokens"),  # of those who rank as Cohere does
    )
    return None if found == Usage() else found


def end_of(word: str) -> Finish:
    """The API's word for the end."""
    return ENDS.get(word, Finish.OTHER) if word else Finish.UNKNOWN


def problem_in(document: Any) -> str:
    """An error has a message, a text, and at most an id beside it; in a chat's answer the message is an object."""
    if isinstance(document, dict) and not ({"type", "text", "event_type"} & document.keys()):
        return error_text(document) or text_at(document, "message")
    return error_text(document)


def answer_of(document: Any) -> Answer:
    """A document."""
    message, word = object_at(document, "message"), text_at(document, "finish_reason")
    plan = text_at(message, "tool_plan")
    parts = [*([Reasoning(plan)] if plan else []), *content_parts(member(message, "content")), *calls_in(message)]
    error = problem_in(document)
    return Answer(
        choices=(Choice(tuple(parts), end_of(word), word),) if message or word else (),
        id=text_at(document, "id"),
        usage=usage_of(document),
        error=error,
        complete=not error,
    )


class ChatAssembler:
    """See `Assembler`. Blocks of content and calls have numbers, and come one after the other."""

    def __init__(self) -> None:
        self._plan: list[str] = []
        self._blocks: dict[int, tuple[str, list[str]]] = {}
        self._calls: dict[int, tuple[str, str, list[str]]] = {}
        self._id = self._word = self._error = ""
        self._usage: Usage | None = None
        self._begun = self._done = False

    def add(self, name: str, data: Any) -> None:
        """See `Assembler`."""
        kind = text_at(data, "type") or name
        delta, index = object_at(data, "delta"), count_at(data, "index") or 0
        message = object_at(delta, "message")
        if kind == "message-end":
            self._end(delta)
        elif kind == "message-start":
            self._id, self._begun = text_at(data, "id"), True
        elif kind in ("content-start", "content-delta"):
            self._content(index, object_at(message, "content"))
        elif kind in ("tool-call-start", "tool-call-delta"):
            self._call(index, object_at(message, "tool_calls"))
        elif kind == "tool-plan-delta":
            self._plan.append(text_at(message, "tool_plan"))
        else:
            self._error = self._error or problem_in(data)

    def _content(self, index: int, content: dict[str, Any]) -> None:
        kind = "thinking" if "thinking" in content else "text"
        self._blocks.setdefault(index, (kind, []))[1].append(text_at(content, kind))

    def _call(self, index: int, call: dict[str, Any]) -> None:
        function = object_at(call, "function")
        begun = self._calls.setdefault(index, (text_at(call, "id"), text_at(function, "name"), []))
        begun[2].append(text_at(function, "arguments"))

    def _end(self, delta: dict[str, Any]) -> None:
        self._done, self._word, self._usage = True, text_at(delta, "finish_reason"), usage_of(delta)
        self._error = self._error or text_at(delta, "error") or error_text(delta)

    def answer(self) -> Answer:
        """See `Assembler`."""
        plan = "".join(self._plan)
        parts: list[Part] = [Reasoning(plan)] if plan else []
        for kind, texts in (self._blocks[index] for index in sorted(self._blocks)):
            parts.append(Reasoning("".join(texts)) if kind == "thinking" else Text("".join(texts)))
        calls = (self._calls[index] for index in sorted(self._calls))
        parts += [ToolCall(each, called, "".join(arguments)) for each, called, arguments in calls]
        begun = self._begun or self._done or parts
        return Answer(
            choices=(Choice(tuple(parts), end_of(self._word), self._word),) if begun else (),
            id=self._id,
            usage=self._usage,
            error=self._error,
            complete=self._done and not self._error,
        )
