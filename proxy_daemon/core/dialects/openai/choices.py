"""Answers made of `choices`, as chat completions and legacy completions write them: a document, or chunks of a stream.

Of each choice the thoughts come first, then the words, what was refused, media, and calls: the API has no order among
these. Nothing here raises. Called by the dialects openai-chat, openai-completions and those made of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proxy_daemon.core.conversation import Answer, Choice, Declined, Finish, Part, Reasoning, Text, ToolCall
from proxy_daemon.core.dialects.json_shapes import count_at, object_at, objects, objects_at, text_at
from proxy_daemon.core.dialects.openai.parts import arguments_of, inline, media, parts_of
from proxy_daemon.core.dialects.openai.told import event_problem, problem_in, usage_of

FINISHES = {
    "stop": Finish.STOP,
    "eos": Finish.STOP,  # Together
    "eos_token": Finish.STOP,  # TGI
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP_SEQUENCE,
    "length": Finish.LENGTH,
    "max_tokens": Finish.LENGTH,
    "model_length": Finish.LENGTH,  # Mistral
    "tool_calls": Finish.CALLS,
    "tool_use": Finish.CALLS,
    "function_call": Finish.CALLS,
    "content_filter": Finish.FILTERED,
    "error": Finish.ERROR,  # OpenRouter, Mistral
    "insufficient_system_resource": Finish.ERROR,  # DeepSeek
}


def finish_of(said: str) -> Finish:
    """See https://platform.openai.com/docs/api-reference/chat/object , and the vendors' own words."""
    return FINISHES.get(said, Finish.OTHER) if said else Finish.UNKNOWN


def answer_of(document: Any) -> Answer:
    """The answer that a document tells, of any shape."""
    found = Choices(whole=True)
    found.add("", document)
    return found.answer()


def parts_of_message(message: dict[str, Any]) -> tuple[Part, ...]:
    """What a message of the model's says, in an answer or in the history of a request."""
    grown = _Grown(whole=True)
    grown.take(message)
    return tuple(grown.parts())


class Choices:
    """Puts an answer together from chunks. ``whole``: there is but one, and it is a document."""

    __slots__ = ("_choices", "_created", "_done", "_error", "_id", "_model", "_usage", "_whole")

    def __init__(self, *, whole: bool = False) -> None:
        self._choices: dict[int, _Grown] = {}
        self._id = self._model = self._error = ""
        self._created: int | None = None
        self._usage: Any = None
        self._whole, self._done = whole, False

    def add(self, name: str, data: Any) -> None:
        """See `Assembler`."""
        if not isinstance(data, dict):
            self._mark(name, data)
            return
        choices = data.get("choices")
        if choices.__class__ is not list or "error" in data or name == "error":
            self._error = self._error or event_problem(name, data)
        for choice in objects(choices):
            self._take(choice)
        self._usage = data.get("usage") or self._usage
        if not self._id or not self._model:  # Azure's first chunk has neither
            self._begin(data)
        if "x_groq" in data:
            self._groq(object_at(data, "x_groq"))
        self._done = self._done or self._whole or data.get("object") == "chat.completion.done"  # Perplexity's end

    def _mark(self, name: str, data: Any) -> None:
        if isinstance(data, str) and data.strip() == "[DONE]":
            self._done = True
        elif name == "error":
            self._error = self._error or event_problem(name, data)

    def _begin(self, data: dict[str, Any]) -> None:
        self._id = self._id or text_at(data, "id")
        self._model = self._model or text_at(data, "model")
        if self._created is None:
            self._created = count_at(data, "created") or None  # Azure's first chunk says 0

    def _groq(self, told: dict[str, Any]) -> None:
        """See https://console.groq.com/docs/api-reference : usage of a stream, and errors of it."""
        self._usage = told.get("usage") or self._usage
        self._error = self._error or problem_in(told)

    def _take(self, choice: dict[str, Any]) -> None:
        index = choice.get("index")
        place = index if isinstance(index, int) else len(self._choices) if self._whole else 0
        grown = self._choices.get(place)
        if grown is None:
            grown = self._choices[place] = _Grown(whole=self._whole)
        said = choice.get("delta") or choice.get("message")
        if isinstance(said, dict):
            grown.take(said)
        else:
            grown.say(choice.get("text"))
        self._end(grown, choice)

    def _end(self, grown: _Grown, choice: dict[str, Any]) -> None:
        grown.said = text_at(choice, "finish_reason") or grown.said
        grown.stopped = grown.stopped or isinstance(choice.get("stop_reason"), str)  # vLLM: the sequence that ended it
        self._usage = choice.get("usage") or self._usage  # Moonshot
        if "error" in choice:
            self._error = self._error or problem_in(choice)

    def answer(self) -> Answer:
        """See `Assembler`."""
        choices = tuple(grown.choice() for _, grown in sorted(self._choices.items()))
        complete = self._done and not self._error
        return Answer(choices, self._id, self._model, self._created, usage_of(self._usage), self._error, complete)


class _Grown:
    """One choice as it grows."""

    __slots__ = ("_calls", "_details", "_extra", "_last", "_refused", "_said", "_thought", "_whole", "said", "stopped")

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole
        self._said: list[str | Part] = []
        self._thought: list[str] = []
        self._refused: list[str] = []
        self._extra: list[Part] = []  # media
        self._details: dict[Any, tuple[list[str], list[str]]] = {}  # texts, and what is opaque
        self._calls: list[_Call] = []
        self._last: dict[int | None, _Call] = {}  # by the index of the call
        self.said, self.stopped = "", False

    def take(self, said: dict[str, Any]) -> None:
        """A delta, or a whole message."""
        if content := said.get("content"):
            self.say(content)
        thought = said.get("reasoning_content") or said.get("reasoning")
        if thought.__class__ is str:
            self._thought.append(thought)
        if not content or len(said) > 1:  # most deltas have nothing but content
            self._rest(said)

    def say(self, content: Any) -> None:
        """Words, or blocks of content."""
        if content.__class__ is str:
            self._said.append(content)
        else:
            self._said.extend(parts_of(content))

    def _rest(self, said: dict[str, Any]) -> None:
        if refused := text_at(said, "refusal"):
            self._refused.append(refused)
        for detail in objects_at(said, "reasoning_details"):
            self._detail(detail)
        for call in objects_at(said, "tool_calls"):
            self._call(call)
        if function := object_at(said, "function_call"):
            self._grow_call(-1, "", function)
        for image in objects_at(said, "images"):  # OpenRouter
            self._extra.append(media("image", text_at(object_at(image, "image_url"), "url")))
        if audio := object_at(said, "audio"):
            self._audio(audio)

    def _detail(self, detail: dict[str, Any]) -> None:
        """See https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks ."""
        index = detail.get("index")
        place = len(self._details) if self._whole else index if isinstance(index, int) else 0
        texts, opaque = self._details.setdefault((place, text_at(detail, "type")), ([], []))
        texts.append(text_at(detail, "text", "summary"))
        opaque.append(text_at(detail, "signature", "data"))

    def _call(self, call: dict[str, Any]) -> None:
        index = call.get("index")
        inner = object_at(call, "function") or object_at(call, "custom")
        self._grow_call(index if isinstance(index, int) else None, text_at(call, "id"), inner)

    def _grow_call(self, index: int | None, call_id: str, inner: dict[str, Any]) -> None:
        """Fragments belong together by index; Gemini gives all calls of a stream the same, or none."""
        name = text_at(inner, "name")
        call = self._last.get(index)
        is_next = call is not None and call_id and call.id and call_id != call.id and (name or index is None)
        if call is None or is_next or self._whole:
            call = self._last[index] = _Call()
            self._calls.append(call)
        call.id = call.id or call_id
        if name != call.name:  # some servers repeat it
            call.name += name
        if arguments := arguments_of(inner.get("arguments", inner.get("input"))):
            call.arguments.append(arguments)

    def _audio(self, audio: dict[str, Any]) -> None:
        """See https://platform.openai.com/docs/guides/audio : what is spoken, and its text."""
        if spoken := text_at(audio, "transcript"):
            self._said.append(spoken)
        if text_at(audio, "data") or text_at(audio, "id"):
            self._extra.append(inline("audio", text_at(audio, "data")))

    def choice(self) -> Choice:
        """What there is by now."""
        finish = Finish.STOP_SEQUENCE if self.stopped and self.said == "stop" else finish_of(self.said)
        return Choice(tuple(self.parts()), finish, self.said)

    def parts(self) -> Iterator[Part]:
        """Its parts in the order that is said above."""
        yield from self._thoughts()
        said = list(_joined(self._said))
        self._said = [*said]  # so that each piece is joined once, however often an answer that grows is looked at
        yield from said
        if self._refused:
            yield Declined("".join(self._refused))
        yield from self._extra
        for call in self._calls:
            yield ToolCall(call.id, call.name, "".join(call.arguments))

    def _thoughts(self) -> Iterator[Part]:
        """Where there are details, they say the same as the plain text does, and more."""
        thought = "".join(self._thought)
        details = [("".join(texts), "".join(opaque)) for texts, opaque in self._details.values()]
        if thought and not any(text for text, _ in details):
            opaque = details.pop(0)[1] if details else ""
            yield Reasoning(thought, opaque)
        for text, opaque in details:
            if text or opaque:
                yield Reasoning(text, opaque)


class _Call:
    """A call as it grows."""

    __slots__ = ("arguments", "id", "name")

    def __init__(self) -> None:
        self.id = self.name = ""
        self.arguments: list[str] = []


def _joined(said: list[str | Part]) -> Iterator[Part]:
    """Words and thoughts that follow each other as one part each."""
    run: list[Part] = []
    for each in said:
        part = Text(each) if isinstance(each, str) else each
        if run and (part.__class__ is not run[0].__class__ or not isinstance(part, Text | Reasoning)):
            yield _one(run)
            run = []
        run.append(part)
    if run:
        yield _one(run)


def _one(run: list[Part]) -> Part:
    if len(run) == 1:
        return run[0]
    if isinstance(run[0], Text):
        return Text("".join(part.text for part in run if isinstance(part, Text)))
    if isinstance(run[0], Reasoning):
        thoughts = [part for part in run if isinstance(part, Reasoning)]
        return Reasoning("".join(one.text for one in thoughts), "".join(one.opaque for one in thoughts))
    return run[0]
