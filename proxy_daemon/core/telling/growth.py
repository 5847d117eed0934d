"""What is new of an answer that grows: it is read again and again, and each time only the rest is told.

Words, thoughts and refusals are told as they come, in the order in which they came; calls of tools and all else once
they are whole. Invariant: of each part all is told, once, whichever parts an API puts before those that it has begun.
The first choice is told as it comes, the others at the end, one after the other. Called by `plugins/console/`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from attrs import define, field, frozen

from proxy_daemon.core.conversation import Answer, Choice, Declined, Part, Reasoning, Text

Key = tuple[int, type[Part], int]  # a part of an answer: its choice, its type, its place among those of its type


@frozen
class New:
    """``text``: more of the part ``key``; or ``part``, which is whole."""

    key: Key
    text: str = ""
    part: Part | None = None

    @property
    def choice(self) -> int:
        """From 0."""
        return self.key[0]


@define(eq=False)
class Growth:
    """Of one answer."""

    _told: dict[Key, int] = field(factory=dict)  # characters, or 1

    def news(self, answer: Answer, *, whole: bool = False) -> list[New]:
        """What was not told yet. ``whole``: nothing comes behind it."""
        choices = answer.choices if whole else answer.choices[:1]
        return [new for number, choice in enumerate(choices) for new in self._of(number, choice, whole=whole)]

    def _of(self, number: int, choice: Choice, *, whole: bool) -> Iterator[New]:
        seen: Counter[type[Part]] = Counter()
        for at, part in enumerate(choice.parts):
            kind = type(part)
            key: Key = (number, kind, seen[kind])
            seen[kind] += 1
            told = self._told.get(key, 0)
            if isinstance(part, Text | Reasoning | Declined):
                if len(part.text) > told:
                    self._told[key] = len(part.text)
                    yield New(key, part.text[told:])
            elif not told and (whole or at + 1 < len(choice.parts)):
                self._told[key] = 1
                yield New(key, part=part)
