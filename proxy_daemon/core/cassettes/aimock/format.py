"""Fixtures of aimock (of old llmock): `{"fixtures": [{"match": {...}, "response": {...}}]}`, read as talks.

Invariant: what a fixture asks for that a talk cannot say is skipped with its reason, never served wrongly. The first
fixture that fits answers, as there; those of one match with a `sequenceIndex` answer in turn, also where tools have
answered the calls of those before.
Source: https://aimock.copilotkit.dev/fixtures , and its `src/types.ts` and `src/router.ts`. Called by `formats.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from attrs import evolve, frozen

from proxy_daemon.core.cassettes import Skipped, Unreadable
from proxy_daemon.core.cassettes.aimock.answers import Answered, answered
from proxy_daemon.core.cassettes.aimock.matches import asked, at_turn, behind_calls
from proxy_daemon.core.cassettes.fields import Broken
from proxy_daemon.core.cassettes.json_text import NotJson, load
from proxy_daemon.core.conversation import ToolCall
from proxy_daemon.core.messages import Recording
from proxy_daemon.core.pattern import Said
from proxy_daemon.core.talk.carrying import Unsaid, carried
from proxy_daemon.core.talk.format import literal_messages, recording

_BEGIN = re.compile(rb"(?:\xef\xbb\xbf)?\s*+\{")
_SIGNS = (b'"fixtures"', b'"match"', b'"response"')
_GLIMPSE = 64 * 1024
_LONGEST = 20  # fixtures that answer each other's calls


@frozen
class _Fixture:
    """``turn``: which of several answers to one match it is; None: it says none. ``number``: in the file, from 0."""

    number: int
    said: Said
    answer: Answered
    turn: int | None


class Aimock:
    """The format."""

    name = "aimock"

    def recognises(self, file: str, data: bytes) -> bool:
        """By its one member, and what each fixture has."""
        glimpse = data[:_GLIMPSE]
        return _BEGIN.match(glimpse) is not None and all(sign in glimpse for sign in _SIGNS)

    def read(self, file: str, data: bytes) -> Iterator[Recording | Skipped]:
        """Those that can be said, the first to be asked first; then what was skipped. Raises `Unreadable`."""
        try:
            found = load(data)
        except NotJson as error:
            raise Unreadable(file, str(error)) from None
        listed = found.get("fixtures") if isinstance(found, dict) else None
        if not isinstance(listed, list):
            raise Unreadable(file, "its 'fixtures' is no list")
        yield from _recordings(listed)


def _recordings(listed: list[Any]) -> Iterator[Recording | Skipped]:
    answers: dict[int, Answered] = {}
    for number, each in enumerate(listed):
        try:
            answers[number] = answered(each)
        except Broken as error:
            yield Skipped(number, str(error))
    talks = _Talks(listed, answers)
    fixtures: list[_Fixture] = []
    for number, answer in answers.items():
        try:
            match, said = listed[number]["match"], talks.said(number)
            places = [said] if _number(match, "turnIndex") is None else at_turn(said, match["turnIndex"])
            fixtures += (_Fixture(number, each, answer, _number(match, "sequenceIndex")) for each in places)
        except Broken as error:
            yield Skipped(number, str(error))
    yield from _in_turn(fixtures)


def _number(match: dict[str, Any], name: str) -> int | None:
    return match[name] if type(match.get(name)) is int else None


class _Talks:
    """What each fixture answers. A fixture that answers a tool's result says only the call's id: another makes it."""

    def __init__(self, listed: list[Any], answers: dict[int, Answered]) -> None:
        self._listed, self._answers = listed, answers
        self._makers: dict[str, int | None] = {}  # by the id of a call; None: more than one does
        self._known: dict[int, Said] = {}
        self._under_way: list[int] = []
        for number, answer in answers.items():
            for part in answer.parts:
                if isinstance(part, ToolCall) and part.id:
                    self._makers[part.id] = None if part.id in self._makers else number

    def said(self, number: int) -> Said:
        """Raises `Broken`."""
        if number in self._under_way or len(self._under_way) >= _LONGEST:
            raise Broken("it answers a call that is made behind it")
        if number not in self._known:
            self._under_way.append(number)
            try:
                self._known[number] = asked(self._listed[number]["match"], self._made)
            finally:
                self._under_way.pop()
        return self._known[number]

    def _made(self, call: str) -> tuple[Said, Answered] | None:
        maker = self._makers.get(call)
        return None if maker is None else (self.said(maker), self._answers[maker])


def _in_turn(fixtures: list[_Fixture]) -> Iterator[Recording | Skipped]:
    """Those of one match follow each other; without a turn, only the first of them ever answers."""
    groups: dict[Said, list[_Fixture]] = {}
    for each in fixtures:
        groups.setdefault(each.said, []).append(each)
    for group in groups.values():
        kept = sorted(group, key=lambda each: (each.turn is None, each.turn or 0, each.number))
        last = next((at for at, each in enumerate(kept) if each.turn is None), len(kept))
        for at, each in enumerate(kept):
            yield (
                _recording(each)
                if at <= last
                else Skipped(each.number, "another fixture of the same match is asked before it")
            )
        yield from map(_recording, _going_on(kept[: last + 1]))


def _going_on(group: list[_Fixture]) -> Iterator[_Fixture]:
    """Those of a sequence once more, for where the calls of those before have been answered by tools."""
    calls = 0
    for each in group:
        if calls and not each.said.anything and each.said.messages[-1].role == "user":
            yield evolve(each, said=behind_calls(each.said, calls))
        calls = calls + 1 if any(isinstance(part, ToolCall) for part in each.answer.parts) else 0


def _recording(fixture: _Fixture) -> Recording | Skipped:
    answer = fixture.answer
    try:
        found = carried(literal_messages(fixture.said.messages), answer.front, answer.wanted)
    except Unsaid as error:
        return Skipped(fixture.number, str(error))
    return recording(found, fixture.said, answer.front, f"fixture {fixture.number}")
