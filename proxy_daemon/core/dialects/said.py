"""What one choice of an answer is gathered in, piece by piece, and how its parts are taken apart again for writing.

The order of the parts is always: thoughts, words, media, calls. Used by the dialects whose streams tell of one choice
at a time (Ollama, Cohere, TGI, DashScope and the like).
"""

from __future__ import annotations

from typing import Any

from attrs import define, field

from proxy_daemon.core.conversation import Answer, Choice, Finish, Media, Part, Reasoning, Text, ToolCall, Vector
from proxy_daemon.core.dialects.dialect import CannotRender
from proxy_daemon.core.dialects.json_shapes import parsed


@define
class Said:
    """One choice as it comes."""

    texts: list[str] = field(factory=list)
    thoughts: list[str] = field(factory=list)
    media: list[Media] = field(factory=list)
    calls: list[ToolCall] = field(factory=list)
    finish: Finish = Finish.UNKNOWN
    word: str = ""

    def ends(self, word: str, meanings: dict[str, Finish]) -> None:
        """The API's own word for why it ended; an empty one says nothing."""
        if word:
            self.word, self.finish = word, meanings.get(word, Finish.OTHER)

    def choice(self) -> Choice:
        """What there is by now."""
        thought, text = "".join(self.thoughts), "".join(self.texts)
        parts: list[Part] = [Reasoning(thought)] if thought else []
        parts += [Text(text)] if text else []
        return Choice((*parts, *self.media, *self.calls), self.finish, self.word)


def check_whole(answer: Answer) -> None:
    """An answer that failed or broke off is not written as a good one. Raises `CannotRender`."""
    if answer.error or not answer.complete:
        raise CannotRender(f"the answer is not whole: {answer.error or 'it broke off'}")


def text_of(choice: Choice, *, others: tuple[type[Part], ...] = ()) -> str:
    """Its words. Raises `CannotRender` for a part that is neither words nor one of the kinds ``others``."""
    for part in choice.parts:
        if not isinstance(part, (Text, *others)):
            raise CannotRender(f"there are no words for a part of the kind {type(part).__name__} here")
    return choice.text


def thought_of(choice: Choice) -> str:
    """Its thoughts, as far as they are in words."""
    return "".join(part.text for part in choice.parts if isinstance(part, Reasoning))


def calls_of(choice: Choice) -> list[ToolCall]:
    """The calls of tools."""
    return [part for part in choice.parts if isinstance(part, ToolCall)]


def arguments_of(call: ToolCall) -> dict[str, Any]:
    """A call's arguments as an object, for APIs that do not write them as text. Raises `CannotRender`."""
    found = parsed(call.arguments or "{}")
    if not isinstance(found, dict):
        raise CannotRender(f"the arguments for {call.name!r} are no JSON object")
    return found


def vectors_of(answer: Answer) -> list[list[float]]:
    """The numbers of each choice. Raises `CannotRender` for a choice that is not one vector."""
    return [list(_vector(choice).values) for choice in answer.choices]


def _vector(choice: Choice) -> Vector:
    if len(choice.parts) != 1 or not isinstance(choice.parts[0], Vector):
        raise CannotRender("an embedding is one vector, and nothing else")
    return choice.parts[0]


def word_for(choice: Choice, meanings: dict[str, Finish], default: str) -> str:
    """The API's own word for the end, also where the answer comes from another API: the first that means the same."""
    if choice.said in meanings:
        return choice.said
    return next((word for word, finish in meanings.items() if finish is choice.finish), default)
