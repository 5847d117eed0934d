"""One item of reasoning in a stream of Responses: its events, from its beginning to its end. Called by `items.py`.

See https://platform.openai.com/docs/api-reference/responses-streaming/response/reasoning_text .
"""

from __future__ import annotations

from typing import Any

from attrs import define, field

from proxy_daemon.core.rewriting.channels.shapes import thought_id, thought_item

LONGEST = 8 * 1024 * 1024  # characters, which the end repeats: what is more becomes an item of its own


@define
class Thought:
    """The one of that number that goes out of ``message``; ``place``: the number of the item."""

    message: str
    number: int
    place: int
    _texts: list[str] = field(factory=list)
    _size: int = 0

    @property
    def is_full(self) -> bool:
        """Whether no more should be added."""
        return self._size >= LONGEST

    def begin(self) -> list[dict[str, Any]]:
        """What comes before the first piece."""
        item = {**self._item(""), "content": [], "status": "in_progress"}
        part = {"type": "reasoning_text", "text": ""}
        return [self._of_item("added", item), self._of_part("response.content_part.added", part=part)]

    def piece(self, text: str) -> list[dict[str, Any]]:
        """One piece."""
        self._texts.append(text)
        self._size += len(text)
        return [self._of_part("response.reasoning_text.delta", delta=text)]

    def end(self) -> list[dict[str, Any]]:
        """What comes behind the last piece."""
        text = "".join(self._texts)
        part = {"type": "reasoning_text", "text": text}
        return [
            self._of_part("response.reasoning_text.done", text=text),
            self._of_part("response.content_part.done", part=part),
            self._of_item("done", self._item(text)),
        ]

    def _item(self, text: str) -> dict[str, Any]:
        return thought_item(self.message, self.number, text)

    def _of_item(self, step: str, item: dict[str, Any]) -> dict[str, Any]:
        return {"type": f"response.output_item.{step}", "output_index": self.place, "item": item}

    def _of_part(self, kind: str, **members: Any) -> dict[str, Any]:
        place = {"item_id": thought_id(self.message, self.number), "output_index": self.place, "content_index": 0}
        return {"type": kind, **place, **members}
