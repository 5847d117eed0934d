"""An API that offers several of OpenAI's under paths of its own: a request goes to the member that it is made for.

An answer is known by what it is, as it comes without its request. Called by the dialects azure, openrouter, mistral.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proxy_daemon.core.conversation import Answer, Conversation, Operation
from proxy_daemon.core.dialects.dialect import Assembler, Dialect, Rendered
from proxy_daemon.core.dialects.json_shapes import objects_at, text_at
from proxy_daemon.core.dialects.openai.audio import OpenAIAudio
from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.core.dialects.openai.completions import OpenAICompletions
from proxy_daemon.core.dialects.openai.embeddings import OpenAIEmbeddings
from proxy_daemon.core.dialects.openai.images import OpenAIImages
from proxy_daemon.core.dialects.openai.moderations import OpenAIModerations
from proxy_daemon.core.dialects.openai.responses import OpenAIResponses
from proxy_daemon.core.dialects.openai.state import OpenAIState
from proxy_daemon.core.messages import Request

RESPONSES, EMBEDDINGS = OpenAIResponses(), OpenAIEmbeddings()
IMAGES, AUDIO, MODERATIONS = OpenAIImages(), OpenAIAudio(), OpenAIModerations()
OTHERS = (EMBEDDINGS, IMAGES, AUDIO, MODERATIONS, OpenAIState())
# How the types of a stream's events begin.
_STREAMS: dict[str, Dialect] = {"response.": RESPONSES, "image_": IMAGES, "speech.": AUDIO, "transcript.": AUDIO}


def every(members: tuple[Dialect, ...], of: Callable[[Dialect], tuple[Any, ...]]) -> tuple[Any, ...]:
    """What the members have of something, each once."""
    return tuple(dict.fromkeys(found for member in members for found in of(member)))


class OpenAIFamily(Dialect):
    """Subclasses say what is their own: which requests, and how they write."""

    maker = "openai"
    chat: Dialect = OpenAIChat()
    members: tuple[Dialect, ...] = (OpenAICompletions(), chat, RESPONSES, *OTHERS)
    volatile = every(members[:3], lambda member: member.volatile)
    opaque = every(members[:3], lambda member: member.opaque)
    ids = every(members[:3], lambda member: member.ids)
    own_ids = every(members[:3], lambda member: member.own_ids)
    deciding_fields = every(members[:3], lambda member: member.deciding_fields)
    terminal = every(members, lambda member: member.terminal)

    def member(self, request: Request) -> Dialect:
        """Whose request it is; that of chat completions where it is nobody's."""
        return next((member for member in self.members if member.recognises(request)), self.chat)

    def operation(self, request: Request) -> Operation:
        """As its member says."""
        return self.member(request).operation(request)

    def generates(self, request: Request) -> bool:
        """As its member says."""
        return self.member(request).generates(request)

    def model(self, request: Request) -> str:
        """As its member says."""
        return self.member(request).model(request)

    def streams(self, request: Request) -> bool:
        """As its member says."""
        return self.member(request).streams(request)

    def conversation(self, request: Request) -> Conversation:
        """As its member says."""
        return self.member(request).conversation(request)

    def render(self, answer: Answer, request: Request) -> Rendered:
        """As its member writes. Raises `CannotRender`."""
        return self.member(request).render(answer, request)

    def whole(self, document: Any) -> Answer:
        """By its shape; what chat and legacy completions have in common, where that tells nothing."""
        return (_member_for(document) or self.chat).whole(document)

    def assembler(self) -> Assembler:
        """For each kind of stream."""
        return Either(lambda kind: _streaming(kind, self.chat).assembler())


def _member_for(document: Any) -> Dialect | None:
    """Whose document it is; None: that of chat, or nobody's."""
    if text_at(document, "object").startswith("response"):
        return RESPONSES
    if isinstance(document, str) or _has_text(document):
        return AUDIO
    if any("flagged" in each for each in objects_at(document, "results")):
        return MODERATIONS
    data = objects_at(document, "data")
    if any(text_at(each, "object") == "embedding" for each in data):
        return EMBEDDINGS
    return IMAGES if any("b64_json" in each or "url" in each for each in data) else None


def _has_text(document: Any) -> bool:
    return bool(text_at(document, "text")) and "choices" not in document and "object" not in document


def _streaming(kind: str, chat: Dialect) -> Dialect:
    return next((member for begin, member in _STREAMS.items() if kind.startswith(begin)), chat)


class Either:
    """Knows by the first event that says something which stream it is. ``choose``: gives the assembler for its kind."""

    def __init__(self, choose: Callable[[str], Assembler]) -> None:
        self._choose = choose
        self._chosen: Assembler | None = None

    def add(self, name: str, data: Any) -> None:
        """See `Assembler`."""
        if self._chosen is None:
            self._chosen = self._choose(text_at(data, "type") or name)
        self._chosen.add(name, data)

    def answer(self) -> Answer:
        """See `Assembler`."""
        return (self._chosen or self._choose("")).answer()
