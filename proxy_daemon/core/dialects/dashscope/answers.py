"""What DashScope answers: a document, or events of the same shape. Reads any JSON; called by `dashscope.py`."""

from __future__ import annotations

from typing import Any

from proxy_daemon.core.conversation import Answer, Choice, Finish, Media, Part, Reasoning, Text, ToolCall, Usage, Vector
from proxy_daemon.core.dialects.dashscope.requests import text_in
from proxy_daemon.core.dialects.dialect import error_text
from proxy_daemon.core.dialects.json_shapes import count_at, member, numbers, object_at, objects_at, text_at
from proxy_daemon.core.dialects.openai.told import usage_of

ENDS = {"stop": Finish.STOP, "length": Finish.LENGTH, "tool_calls": Finish.CALLS}


class _Grown:
    """A text that comes in increments, or whole each time: in that case each begins with the one before it."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._last = ""
        self._whole = True

    def add(self, piece: str) -> None:
        self._whole = self._whole and piece.startswith(self._last)
        self._last = piece
        self._pieces.append(piece)

    def __str__(self) -> str:
        return self._last if self._whole else "".join(self._pieces)


class _Said:
    """One choice as it comes."""

    def __init__(self) -> None:
        self._text, self._thought = _Grown(), _Grown()
        self._calls: dict[int, tuple[list[str], list[str], _Grown]] = {}
        self._media: dict[Media, None] = {}
        self._word = ""

    def add(self, message: dict[str, Any], word: str) -> None:
        self._text.add(text_in(message.get("content")))
        self._thought.add(text_at(message, "reasoning_content"))
        for at, call in enumerate(objects_at(message, "tool_calls")):
            self._call(count_at(call, "index"), at, call)
        for block in objects_at(message, "content"):
            if image := text_at(block, "image"):
                self._media[Media("image", source=image)] = None
        self._word = self._word if word in ("", "null") else word

    def _call(self, index: int | None, at: int, call: dict[str, Any]) -> None:
        function = object_at(call, "function")
        ids, names, arguments = self._calls.setdefault(at if index is None else index, ([], [], _Grown()))
        ids.append(text_at(call, "id"))
        names.append(text_at(function, "name"))
        arguments.add(text_at(function, "arguments"))

    def choice(self) -> Choice:
        """What there is by now."""
        text, thought = str(self._text), str(self._thought)
        parts: list[Part] = [Reasoning(thought)] if thought else []
        parts += [Text(text)] if text else []
        parts += self._media
        for ids, names, arguments in (self._calls[index] for index in sorted(self._calls)):
            parts.append(ToolCall(_first(ids), _first(names), str(arguments)))
        finish = ENDS.get(self._word, Finish.OTHER) if self._word else Finish.UNKNOWN
        return Choice(tuple(parts), finish, self._word)


def _first(texts: list[str]) -> str:
    return next((text for text in texts if text), "")


class ResultAssembler:
    """See `Assembler`."""

    def __init__(self) -> None:
        self._said: dict[int, _Said] = {}
        self._id = self._error = ""
        self._usage: Usage | None = None

    def add(self, name: str, data: Any) -> None:
        """See `Assembler`."""
        self._error = self._error or _problem(name, data)
        self._id = self._id or text_at(data, "request_id")
        self._usage = usage_of(member(data, "usage")) or self._usage
        output = object_at(data, "output")
        for at, choice in enumerate(objects_at(output, "choices")):
            self._take(at, object_at(choice, "message"), text_at(choice, "finish_reason"))
        if "choices" not in output and "text" in output:
            self._take(0, {"content": output["text"]}, text_at(output, "finish_reason"))

    def _take(self, at: int, message: dict[str, Any], word: str) -> None:
        self._said.setdefault(at, _Said()).add(message, word)

    def answer(self) -> Answer:
        """See `Assembler`."""
        choices = tuple(self._said[at].choice() for at in sorted(self._said))
        ended = bool(choices) and all(choice.said for choice in choices)
        return Answer(choices, id=self._id, usage=self._usage, error=self._error, complete=ended and not self._error)


def answer_of(document: Any) -> Answer:
    """A document is like the only event of a stream, but may be of another kind, and needs no word for its end."""
    output = object_at(document, "output")
    assembler = ResultAssembler()
    assembler.add("", document)
    found = assembler.answer()
    choices = found.choices or _vectors(output) or _ranking(output)
    status, error = text_at(output, "task_status"), found.error or _task_problem(output)
    complete = not error and status not in ("PENDING", "RUNNING", "SUSPENDED")
    return Answer(choices, id=found.id, usage=found.usage, error=error, complete=complete)


def _problem(name: str, data: Any) -> str:
    """An error has a code and a message, and no output."""
    if name == "error" or (isinstance(data, dict) and data.get("code") and "output" not in data):
        return text_at(data, "message") or text_at(data, "code") or error_text(data) or "error"
    return error_text(data)


def _task_problem(output: dict[str, Any]) -> str:
    is_failed = output.get("task_status") == "FAILED"
    return (text_at(output, "message", "code") or "the task failed") if is_failed else ""


def _vectors(output: dict[str, Any]) -> tuple[Choice, ...]:
    found = objects_at(output, "embeddings")
    return tuple(Choice((Vector(numbers(one.get("embedding"))),), Finish.STOP) for one in found)


def _ranking(output: dict[str, Any]) -> tuple[Choice, ...]:
    """As `cohere_lists` has it: the document's number in `said`, the score in a vector."""
    found = [one for one in objects_at(output, "results") if "relevance_score" in one]
    return tuple(_place(one) for one in found)


def _place(result: dict[str, Any]) -> Choice:
    score = Vector(numbers([result["relevance_score"]]))
    return Choice((score,), Finish.STOP, str(count_at(result, "index") or 0))
