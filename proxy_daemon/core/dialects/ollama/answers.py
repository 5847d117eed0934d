"""What Ollama answers: a document, or lines of which the last one is done. Reads any JSON; called by `ollama.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from proxy_daemon.core.conversation import Answer, Choice, Finish, Usage, Vector
from proxy_daemon.core.dialects.dialect import error_text
from proxy_daemon.core.dialects.json_shapes import count_at, member, numbers, object_at, text_at
from proxy_daemon.core.dialects.ollama.requests import calls_in
from proxy_daemon.core.dialects.said import Said

ENDS = {"stop": Finish.STOP, "length": Finish.LENGTH, "load": Finish.OTHER, "unload": Finish.OTHER}


class OllamaAssembler:
    """See `Assembler`. Each line may hold words, thoughts and calls; the last one counts the tokens."""

    def __init__(self) -> None:
        self._said = Said()
        self._model = ""
        self._created: int | None = None
        self._usage: Usage | None = None
        self._error = ""
        self._begun = self._done = False

    def add(self, name: str, data: Any) -> None:
        """See `Assembler`."""
        self._error = self._error or error_text(data)
        if not isinstance(data, dict):
            return
        self._begun = self._begun or "message" in data or "response" in data or "done" in data
        self._model = self._model or text_at(data, "model")
        self._created = self._created if self._created is not None else created_in(data)
        self._take(object_at(data, "message") or data)
        self._done = self._done or data.get("done") is True or data.get("status") == "success"
        if data.get("done") is True:
            self._said.ends(text_at(data, "done_reason"), ENDS)
            self._usage = _usage(data)

    def _take(self, message: dict[str, Any]) -> None:
        """The words of a message; those of a completion stand in the line itself."""
        self._said.thoughts.append(text_at(message, "thinking"))
        self._said.texts.append(text_at(message, "content", "response"))
        self._said.calls.extend(calls_in(message))

    def answer(self) -> Answer:
        """See `Assembler`."""
        return Answer(
            choices=(self._said.choice(),) if self._begun else (),
            model=self._model,
            created=self._created,
            usage=self._usage,
            error=self._error,
            complete=self._done and not self._error,
        )


def answer_of(document: Any) -> Answer:
    """A document is like the only line of a stream; lists of models and the like say nothing."""
    assembler = OllamaAssembler()
    assembler.add("", document)
    found = assembler.answer()
    return found if found.choices else Answer(error=found.error, complete=not found.error)


def embeddings_of(document: dict[str, Any]) -> Answer:
    """Of `/api/embed`, or the one of `/api/embeddings`."""
    found = document.get("embeddings")
    vectors = found if isinstance(found, list) else [member(document, "embedding")]
    tokens = count_at(document, "prompt_eval_count")
    return Answer(
        choices=tuple(Choice((Vector(numbers(each)),), Finish.STOP) for each in vectors),
        model=text_at(document, "model"),
        usage=None if tokens is None else Usage(input=tokens),
    )


def created_in(document: Any) -> int | None:
    """Ollama writes times with nanoseconds (RFC 3339)."""
    try:
        return int(datetime.fromisoformat(text_at(document, "created_at")).timestamp())
    except (ValueError, OverflowError, OSError):
        return None


def _usage(line: dict[str, Any]) -> Usage | None:
    found = Usage(input=count_at(line, "prompt_eval_count"), output=count_at(line, "eval_count"))
    return None if found == Usage() else found
