"""The messages of one document as prompts and their answers.

Invariant: each heading of the assistant is an answer, a part of what was said before, or both, by the rules of
docs/scripting.md; what fits no rule is named as wrong. Called by `format.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from attrs import define, evolve, field, frozen

from proxy_daemon.core.conversation import Message, Part, Text
from proxy_daemon.core.pattern import ANY_TEXT
from proxy_daemon.core.talk import quoting
from proxy_daemon.core.talk.documents import Document, Section
from proxy_daemon.core.talk.front_matter import Front
from proxy_daemon.core.talk.headings import ANYTHING
from proxy_daemon.core.talk.parts import begins_apart, parts, result
from proxy_daemon.core.talk.wrong import Wrong

MOST_HISTORY = 128 * 1024 * 1024  # characters of all prompts of a file that hold those before them
_MESSAGE = 500  # characters that a message takes beside its words
_ROLES = {"developer": "system", "model": "assistant", "function": "tool"}
_CHOICE = re.compile(r"choice [1-9][0-9]{0,3}\Z")
_ANY_MESSAGE = Message("assistant", (Text(ANY_TEXT),))


@frozen
class Turn:
    r"""An answer, and what it answers. ``line``: of its heading. ``choices``: the parts of each.

    ``unsaid``: the file does not tell what it said.

    Texts hold `\{{*}}` as they were written.
    """

    line: int
    prompt: tuple[Message, ...]
    anything: bool
    choices: tuple[tuple[Part, ...], ...]
    unsaid: bool = False


@frozen
class _Said:
    """A heading as a message. ``size``: characters, about. ``numbered``: one of several choices of an answer.

    ``unsaid``: rechat wrote None in its place, and left out the calls of tools that it made.
    """

    message: Message
    line: int
    size: int
    numbered: bool = False
    unsaid: bool = False


@define
class Budget:
    """What the prompts of a file that hold others may take, and have taken."""

    spent: int = 0

    def spend(self, size: int, line: int) -> None:
        """Raises `Wrong`."""
        self.spent += size
        if self.spent > MOST_HISTORY:
            raise Wrong(line, "too many answers in one conversation: part documents with a line ---")


def turns(document: Document, front: Front, budget: Budget) -> Iterator[Turn]:
    """All answers of a document, in their order. Raises `Wrong`."""
    walk = _Walk(front.tail, budget)
    groups = _groups([_said(each, dumped=document.dumped) for each in document.sections], last=front.last)
    for number, group in enumerate(groups):
        if isinstance(group, _Said):
            walk.said(group)
        elif (front.last or document.dumped) and number < len(groups) - 1:
            for each in group:
                walk.said(each[0])
        else:
            yield from walk.answered(group)
    walk.ended(document)


def _groups(said: Sequence[_Said], *, last: bool) -> list[_Said | list[list[_Said]]]:
    """Messages, and runs of the assistant's: a list of answers, each a list of its choices.

    ``last``: messages of the assistant that stand before the last one are no answers to the same prompt.
    """
    found: list[_Said | list[list[_Said]]] = []
    for each in said:
        run = found[-1] if found else None
        if each.message.role != "assistant":
            found.append(each)
        elif not isinstance(run, list) or (last and not (each.numbered and run[-1][-1].numbered)):
            found.append([[each]])
        elif each.numbered and run[-1][-1].numbered:
            run[-1].append(each)
        else:
            run.append([each])
    return found


@define
class _Walk:
    """What has been said so far."""

    tail: bool
    budget: Budget
    history: list[Message] = field(factory=list)
    size: int = 0
    size_of_system: int = 0
    answers: int = 0
    anything: bool = False
    begun: int = 0  # the line of the first message without an answer

    def said(self, each: _Said) -> None:
        """A message that is no answer. Raises `Wrong`."""
        if self.anything:
            raise Wrong(each.line, f"behind {ANYTHING!r} stand its answers only: part documents with a line ---")
        if each.message.role == ANYTHING:
            if self.begun:
                raise Wrong(self.begun, "a message without an answer: write '### assistant' behind it")
            self.anything, self.history = True, []
        else:
            self._add(each.message, each.size)
        self.begun = self.begun or each.line

    def _add(self, message: Message, size: int) -> None:
        self.history.append(message)
        self.size += size + _MESSAGE
        if message.role == "system":
            self.size_of_system += size + _MESSAGE

    def answered(self, group: Sequence[Sequence[_Said]]) -> Iterator[Turn]:
        """Answers to what was said. Raises `Wrong`."""
        line = group[0][0].line
        if not self.history and not self.anything:
            raise Wrong(line, "an answer to nothing: write '### user' before it")
        prompt = tuple(self.history)
        for choices in group:
            self.budget.spend(self.size if self.answers else 0, choices[0].line)
            self.answers += 1
            parts_of_choices = tuple(each.message.parts for each in choices)
            yield Turn(choices[0].line, prompt, self.anything, parts_of_choices, choices[0].unsaid)
        self.begun = 0
        self._go_on(group)

    def _go_on(self, group: Sequence[Sequence[_Said]]) -> None:
        """What was answered is said before the next prompt; one of several answers is any of them."""
        if self.tail:
            self.history = [each for each in self.history if each.role == "system"]
            self.size = self.size_of_system
        elif not self.anything:
            one = group[0][0]
            several = len(group) > 1 or len(group[0]) > 1
            self._add(_ANY_MESSAGE if several else one.message, 0 if several else one.size)

    def ended(self, document: Document) -> None:
        """Raises `Wrong` where something was left without an answer."""
        if self.begun:
            raise Wrong(self.begun, "a message without an answer: write '### assistant' behind it")


def _said(section: Section, *, dumped: bool) -> _Said:
    """One heading as a message. Raises `Wrong`."""
    role, words = _ROLES.get(section.role, section.role), list(section.words)
    found = parts(evolve(section, role=role), dumped=dumped)
    numbered = role == "assistant" and _CHOICE.match(" ".join(words)) is not None
    if dumped and role == "assistant" and not found:
        return _Said(_ANY_MESSAGE, section.line, 0, unsaid=True)
    if role == "tool":
        found = _result(section, words, found)
    elif role == "message" and len(words) == 1:
        role = quoting.of_word(words[0])
    elif role == ANYTHING and found:
        raise Wrong(section.begins, f"text under {ANYTHING!r}: its answer stands under '### assistant'")
    elif (words and not numbered) or role == "message":
        raise Wrong(section.line, f"words behind '### {section.role}' that mean nothing here")
    return _Said(Message(role, found), section.line, sum(map(len, section.body)), numbered)


def _result(section: Section, words: Sequence[str], found: tuple[Part, ...]) -> tuple[Part, ...]:
    """What a tool gave: the first words under its heading."""
    apart = begins_apart(section)
    if apart and not words:
        return found
    names = [quoting.of_word(each) for each in words]
    text, rest = (found[0].text, found[1:]) if found and isinstance(found[0], Text) and not apart else ("", found)
    return (result(names, text, section.line), *rest)
