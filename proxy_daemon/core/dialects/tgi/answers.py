"""What Text Generation Inference answers: a document, or an event for each token. Reads any JSON; see `tgi.py`."""

from __future__ import annotations

from typing import Any

from proxy_daemon.core.conversation import Answer, Choice, Finish, Text, Usage, Vector
from proxy_daemon.core.dialects.dialect import error_text
from proxy_daemon.core.dialects.json_shapes import count_at, member, numbers, object_at, objects, objects_at, text_at
from proxy_daemon.core.dialects.said import Said

ENDS = {"eos_token": Finish.STOP, "stop_sequence": Finish.STOP_SEQUENCE, "length": Finish.LENGTH}


def answer_of(document: Any) -> Answer:
    """Texts, or lists of numbers: embeddings, for several inputs, or of the one."""
    error = error_text(document)
    if isinstance(document, list) and document and isinstance(document[0], list | float | int):
        each = document if isinstance(document[0], list) else [document]
        return Answer(tuple(Choice((Vector(numbers(one)),), Finish.STOP) for one in each))
    said = [one for one in objects(document if isinstance(document, list) else [document]) if "generated_text" in one]
    details = [object_at(one, "details") for one in said]
    return Answer(tuple(_choice(one) for one in said), usage=_usage(details), error=error, complete=not error)


def _choice(said: dict[str, Any]) -> Choice:
    text, word = text_at(said, "generated_text"), text_at(member(said, "details"), "finish_reason")
    finish = ENDS.get(word, Finish.OTHER) if word else Finish.UNKNOWN
    return Choice((Text(text),) if text else (), finish, word)


def _usage(details: list[dict[str, Any]]) -> Usage | None:
    """Of all texts; what went in is counted where the prompt's own tokens are told, or by newer servers."""
    told = [one for one in details if count_at(one, "generated_tokens") is not None]
    if not told:
        return None
    asked = [count_at(one, "input_length") for one in told]
    prefill = [len(objects_at(one, "prefill")) for one in told]
    known = [length or filled for length, filled in zip(asked, prefill, strict=True)]
    return Usage(input=sum(known) or None, output=sum(count_at(one, "generated_tokens") or 0 for one in told))


class TokenAssembler:
    """See `Assembler`. The last event has the whole text again, and that is what counts: it has no special tokens."""

    def __init__(self) -> None:
        self._said = Said()
        self._final: Answer | None = None
        self._error = ""

    def add(self, name: str, data: Any) -> None:
        """See `Assembler`."""
        self._error = self._error or error_text(data)
        token = object_at(data, "token")
        if token.get("special") is not True:
            self._said.texts.append(text_at(token, "text"))
        if isinstance(member(data, "generated_text"), str):
            self._final = answer_of(data)

    def answer(self) -> Answer:
        """See `Assembler`."""
        if self._final is not None:
            return Answer(self._final.choices, usage=self._final.usage, error=self._error, complete=not self._error)
        choice = self._said.choice()
        return Answer((choice,) if choice.parts else (), error=self._error, complete=False)
