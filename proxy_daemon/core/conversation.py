"""What is said in an exchange, whatever the API: messages, an answer, its usage. Values only.

Made by dialects of requests and of answers, and rendered by them. A member that the API did not state is None or
empty: nothing here is guessed.
"""

from __future__ import annotations

from enum import StrEnum

from attrs import field, frozen


class Operation(StrEnum):
    """What a request asks for."""

    CHAT = "chat"
    COMPLETION = "completion"  # a text goes on
    EMBEDDINGS = "embeddings"
    IMAGE = "image"
    SPEECH = "speech"
    TRANSCRIPTION = "transcription"
    MODERATION = "moderation"
    RERANK = "rerank"
    COUNT_TOKENS = "count tokens"
    MODELS = "models"
    FILES = "files"
    BATCHES = "batches"
    STATE = "state"  # of something that the API keeps: a thread, a run, a stored response
    OTHER = "other"


GENERATING = frozenset(
    {
        Operation.CHAT,
        Operation.COMPLETION,
        Operation.EMBEDDINGS,
        Operation.IMAGE,
        Operation.SPEECH,
        Operation.TRANSCRIPTION,
        Operation.MODERATION,
        Operation.RERANK,
    }
)


class Finish(StrEnum):
    """Why an answer ended. `Choice.said` has the API's own word."""

    STOP = "stop"
    STOP_SEQUENCE = "stop sequence"
    LENGTH = "length"
    CALLS = "calls"
    FILTERED = "filtered"
    ERROR = "error"
    OTHER = "other"
    UNKNOWN = ""  # nothing was said: still under way, or broken off


@frozen
class Text:
    """Words."""

    text: str


@frozen
class Reasoning:
    """Thoughts, in words or opaque. ``opaque``: a signature or what is encrypted, as the API has it."""

    text: str = ""
    opaque: str = ""


@frozen
class Declined:
    """The model's own refusal to answer."""

    text: str


@frozen
class Media:
    """An image, a sound, a document. ``kind``: image, audio, video or file; ``media_type`` as stated.

    ``source``: a URL or a file's id; empty where the data stands inline, then ``size`` is that of its text in octets.
    ``data``: the octets, for who makes an answer that is to be written. What is read has none: they stand in the
    recording, and are not held twice. So they do not count when two are compared.
    """

    kind: str
    media_type: str = ""
    source: str = ""
    size: int | None = None
    data: bytes = field(default=b"", eq=False, repr=False)


@frozen
class ToolCall:
    """The model wants a tool to be run. ``arguments``: JSON as it stands on the wire, or what the model made of it."""

    id: str
    name: str
    arguments: str


@frozen
class ToolResult:
    """What a tool gave. ``id``: of the call."""

    id: str
    text: str
    name: str = ""
    failed: bool = False


@frozen
class Vector:
    """An embedding."""

    values: tuple[float, ...]


@frozen
class Other:
    """Something of which only the name is known."""

    kind: str


Part = Text | Reasoning | Declined | Media | ToolCall | ToolResult | Vector | Other


@frozen
class Message:
    """``role``: system, user, assistant or tool; "developer" counts as system, "model" as assistant."""

    role: str
    parts: tuple[Part, ...] = ()

    @property
    def text(self) -> str:
        """Its words."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))


@frozen
class Tool:
    """A tool that the model may call. ``schema``: of its arguments, as parsed JSON."""

    name: str
    description: str = ""
    schema: object = None


@frozen
class Conversation:
    """What a request says: all messages in their order, the system's first, and the tools."""

    messages: tuple[Message, ...] = ()
    tools: tuple[Tool, ...] = ()


@frozen
class Usage:
    """Tokens, as the answer states them; None: not stated.

    ``input`` and ``output`` are the API's own totals. ``cached`` and ``cache_written`` are those of the input that came
    from or went into a cache, ``reasoning`` those of the output that were thoughts, whether the API's totals hold them
    or not.
    """

    input: int | None = None
    output: int | None = None
    total: int | None = None
    cached: int | None = None
    cache_written: int | None = None
    reasoning: int | None = None


@frozen
class Choice:
    """One of the answers to a request.

    ``said``: the API's own word for why it ended; ``stopped_by``: the sequence that stopped it, where that is stated.
    """

    parts: tuple[Part, ...] = ()
    finish: Finish = Finish.UNKNOWN
    said: str = ""
    stopped_by: str = ""

    @property
    def text(self) -> str:
        """Its words."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))


@frozen
class Answer:
    """An answer, assembled from a document or from the pieces of a stream.

    ``complete``: it has had its good end. ``error``: what the API said went wrong, also within a stream of status 200.
    """

    choices: tuple[Choice, ...] = ()
    id: str = ""
    model: str = ""
    created: int | None = None  # seconds since 1970
    usage: Usage | None = None
    error: str = ""
    complete: bool = True

    @property
    def text(self) -> str:
        """The words of the first choice."""
        return self.choices[0].text if self.choices else ""
