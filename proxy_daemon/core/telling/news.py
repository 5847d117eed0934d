"""What of a conversation was not told before: an agent sends all of its history with each request.

A conversation is remembered by its messages up to each place, as a chain of hashes: two conversations that begin alike
are told apart where they part. System prompts and tools are remembered by themselves; they may change between two turns
of one conversation. Invariant: what is remembered is bounded, and holds no text. Called by `plugins/console/`.

The hashes are Python's own: keyed anew in each process for texts, so that nobody outside can make two alike.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence

from attrs import define, field, frozen

from proxy_daemon.core.conversation import Conversation, Message, Tool

MOST = 8192  # places that are remembered
LAST_FEW = 4  # of a long history of which nothing was told
SYSTEM = "system"


@frozen
class News:
    """``earlier``: messages that are left out, ``known``: whether they were told before. ``place``: in `Memory`."""

    system: tuple[Message, ...] = ()
    tools: tuple[Tool, ...] = ()
    earlier: int = 0
    known: bool = False
    messages: tuple[Message, ...] = ()
    place: int = 0


@define(eq=False)
class Memory:
    """Of recent conversations."""

    _most: int = MOST
    _places: OrderedDict[Hashable, int] = field(factory=OrderedDict)

    def news(self, conversation: Conversation) -> News:
        """What to tell of it; it counts as told from now on."""
        system = tuple(each for each in conversation.messages if each.role == SYSTEM)
        messages = [each for each in conversation.messages if each.role != SYSTEM]
        chain = _chain(messages)
        told = next((at for at in range(len(chain), 0, -1) if chain[at - 1] in self._places), 0)
        skipped = told + self._answered(chain, messages, told) if told else max(0, len(messages) - LAST_FEW)
        skipped = 0 if not told and skipped == 1 else skipped
        place = chain[-1] if chain else hash(system)
        for each in chain:
            self._keep(each, self._places.get(each, 0))
        return News(
            system if self._is_new((SYSTEM, system)) else (),
            conversation.tools if self._is_new(tuple(each.name for each in conversation.tools)) else (),
            skipped,
            bool(told),
            tuple(messages[skipped:]),
            place,
        )

    def answered(self, place: int, words: str) -> None:
        """The answer to the conversation at ``place`` was told: it will be a part of the history."""
        if place in self._places:
            self._keep(place, _hash_of(words))

    def _answered(self, chain: Sequence[int], messages: Sequence[Message], told: int) -> int:
        """How many messages behind the known ones are the answer that was told."""
        answer = self._places[chain[told - 1]]
        follows = told < len(messages) and messages[told].role == "assistant"
        return int(follows and answer != 0 and _hash_of(messages[told].text) == answer)

    def _is_new(self, key: Hashable) -> bool:
        digest = hash(("alone", key))
        is_new = digest not in self._places
        self._keep(digest, 0)
        return is_new

    def _keep(self, key: Hashable, value: int) -> None:
        self._places[key] = value
        self._places.move_to_end(key)
        while len(self._places) > self._most:
            self._places.popitem(last=False)


def _chain(messages: Sequence[Message]) -> list[int]:
    """The hash of all messages up to each."""
    chain, before = [], 0
    for message in messages:
        before = hash((before, message))
        chain.append(before)
    return chain


def _hash_of(words: str) -> int:
    """Never 0."""
    return hash(words.strip()) or 1
