"""How the APIs with numbered blocks say that a block begins, goes on and ends. Called by `numbered.py`."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple, Protocol

from proxy_daemon.core.dialects.json_shapes import object_at, text_at
from proxy_daemon.core.rewriting.channels.shapes import MOVED
from proxy_daemon.core.rewriting.channels.spot import index_of
from proxy_daemon.core.wire import Item, json_text
from proxy_daemon.core.wire import event_stream as frames


class Step(Enum):
    """What an item does."""

    BEGINS = "a block of words begins"
    BEGINS_OTHER = "a block of another kind begins"
    SAYS = "a piece of words"
    NUMBERED = "another piece of a block"
    ENDS = "a block ends"
    LAST = "the answer ends"
    ELSE = "nothing of blocks"


class Said(NamedTuple):
    """An item. ``moved``: text for thoughts; both texts are empty where nothing is said."""

    step: Step
    block: int = 0
    words: str = ""
    moved: str = ""


ELSE, LAST = Said(Step.ELSE), Said(Step.LAST)


class Speech(Protocol):
    """One API.

    ``number``: the member with the number of a block. ``marks``: of items that begin or end one; without any, all must
    be seen.
    """

    number: str
    marks: tuple[bytes, ...]

    def said(self, name: str, value: Any) -> Said:
        """What an item does. Never raises."""

    def thoughts_begin(self, place: int, like: Item) -> bytes:
        """The beginning of a block of thoughts. ``like``: an item of the stream, whose ends of lines are taken over."""

    def words_begin(self, place: int, like: Item) -> bytes:
        """The same of words."""

    def thought(self, place: int, text: str, like: Item) -> bytes:
        """A piece of thoughts."""

    def ended(self, place: int, like: Item) -> bytes:
        """The end of a block."""

    def without_moved(self, place: int, item: Item, value: Any) -> bytes:
        """A piece of words without the moved text beside them."""


class Messages:
    """Anthropic's. See https://docs.claude.com/en/docs/build-with-claude/streaming ."""

    number = "index"
    marks: tuple[bytes, ...] = (b"content_block_start", b"content_block_stop")
    _kinds: Mapping[str, Step] = {
        "content_block_start": Step.BEGINS,
        "content_block_delta": Step.SAYS,
        "content_block_stop": Step.ENDS,
        "message_delta": Step.LAST,
        "message_stop": Step.LAST,
        "error": Step.LAST,
    }

    def said(self, name: str, value: Any) -> Said:
        """See `Speech`."""
        kind = text_at(value, "type") or name
        step = self._kinds.get(kind, Step.ELSE) if isinstance(value, dict) else Step.ELSE
        index = index_of(value, "index")
        if step is Step.BEGINS:
            block = object_at(value, "content_block")
            is_text = block.get("type") == "text"
            return _said(step, index, block) if is_text else Said(Step.BEGINS_OTHER, index)
        if step is Step.SAYS:
            delta = object_at(value, "delta")
            return _said(step, index, delta) if delta.get("type") == "text_delta" else Said(Step.NUMBERED, index)
        return Said(step, index)

    def thoughts_begin(self, place: int, like: Item) -> bytes:
        """See `Speech`."""
        block = {"type": "thinking", "thinking": "", "signature": ""}
        return _typed("content_block_start", like, index=place, content_block=block)

    def words_begin(self, place: int, like: Item) -> bytes:
        """See `Speech`."""
        return _typed("content_block_start", like, index=place, content_block={"type": "text", "text": ""})

    def thought(self, place: int, text: str, like: Item) -> bytes:
        """See `Speech`."""
        return _typed("content_block_delta", like, index=place, delta={"type": "thinking_delta", "thinking": text})

    def ended(self, place: int, like: Item) -> bytes:
        """See `Speech`."""
        return _typed("content_block_stop", like, index=place)

    def without_moved(self, place: int, item: Item, value: Any) -> bytes:
        """See `Speech`."""
        text = text_at(object_at(value, "delta") or object_at(value, "content_block"), "text")
        return _typed("content_block_delta", item, index=place, delta={"type": "text_delta", "text": text})


class CohereChat:
    """Cohere's version 2. See https://docs.cohere.com/v2/docs/streaming ."""

    number = "index"
    marks: tuple[bytes, ...] = (b"content-start", b"content-end")
    _kinds: Mapping[str, Step] = {
        "content-start": Step.BEGINS,
        "content-delta": Step.SAYS,
        "content-end": Step.ENDS,
        "message-end": Step.LAST,
    }

    def said(self, name: str, value: Any) -> Said:
        """See `Speech`. Calls and citations have numbers of their own."""
        step = self._kinds.get(text_at(value, "type") or name, Step.ELSE) if isinstance(value, dict) else Step.ELSE
        index = index_of(value, "index")
        if step not in (Step.BEGINS, Step.SAYS):
            return Said(step, index)
        content = object_at(object_at(object_at(value, "delta"), "message"), "content")
        if "thinking" in content:
            return Said(Step.BEGINS_OTHER if step is Step.BEGINS else Step.NUMBERED, index)
        return _said(step, index, content)

    def thoughts_begin(self, place: int, like: Item) -> bytes:
        """See `Speech`."""
        return _typed("content-start", like, index=place, delta=_content(type="thinking", thinking=""))

    def words_begin(self, place: int, like: Item) -> bytes:
        """See `Speech`."""
        return _typed("content-start", like, index=place, delta=_content(type="text", text=""))

    def thought(self, place: int, text: str, like: Item) -> bytes:
        """See `Speech`."""
        return _typed("content-delta", like, index=place, delta=_content(thinking=text))

    def ended(self, place: int, like: Item) -> bytes:
        """See `Speech`."""
        return _typed("content-end", like, index=place)

    def without_moved(self, place: int, item: Item, value: Any) -> bytes:
        """See `Speech`."""
        text = text_at(object_at(object_at(object_at(value, "delta"), "message"), "content"), "text")
        return _typed("content-delta", item, index=place, delta=_content(text=text))


class Converse:
    """Bedrock's. See https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html .

    A block of words or thoughts has no beginning of its own.
    """

    number = "contentBlockIndex"
    marks: tuple[bytes, ...] = ()

    def said(self, name: str, value: Any) -> Said:
        """See `Speech`."""
        if not isinstance(value, dict) or "contentBlockIndex" not in value:
            return LAST if name in ("messageStop", "metadata") else ELSE
        index = index_of(value, "contentBlockIndex")
        if name == "contentBlockStart":
            return Said(Step.BEGINS_OTHER, index)
        if name == "contentBlockStop":
            return Said(Step.ENDS, index)
        delta = object_at(value, "delta")
        return _said(Step.SAYS, index, delta) if "text" in delta or MOVED in delta else Said(Step.NUMBERED, index)

    def thoughts_begin(self, place: int, like: Item) -> bytes:
        """See `Speech`."""
        return b""

    def words_begin(self, place: int, like: Item) -> bytes:
        """See `Speech`."""
        return b""

    def thought(self, place: int, text: str, like: Item) -> bytes:
        """See `Speech`."""
        return _frame("contentBlockDelta", delta={"reasoningContent": {"text": text}}, contentBlockIndex=place)

    def ended(self, place: int, like: Item) -> bytes:
        """See `Speech`."""
        return _frame("contentBlockStop", contentBlockIndex=place)

    def without_moved(self, place: int, item: Item, value: Any) -> bytes:
        """See `Speech`."""
        text = text_at(object_at(value, "delta"), "text")
        return _frame("contentBlockDelta", delta={"text": text}, contentBlockIndex=place)


def _said(step: Step, index: int, holder: dict[str, Any]) -> Said:
    return Said(step, index, text_at(holder, "text"), text_at(holder, MOVED))


def _content(**members: str) -> dict[str, Any]:
    return {"message": {"content": members}}


def _typed(kind: str, like: Item, **members: Any) -> bytes:
    """An event whose type stands in its JSON, and before it where the stream does so."""
    return event_like(like, kind, {"type": kind, **members})


def event_like(like: Item, name: str, value: dict[str, Any]) -> bytes:
    """An event of our own; ``like``: one of the stream, whose ends of lines and habit to name events it takes over."""
    octets = (b"event: %b\n" % name.encode() if like.name else b"") + b"data: " + json_text.write(value) + b"\n\n"
    return octets.replace(b"\n", b"\r\n") if like.raw.endswith(b"\r\n") else octets


def _frame(name: str, **members: Any) -> bytes:
    return frames.event(name, json_text.write(members))
