"""The `match` of an aimock fixture as what a request must say. Called by `aimock.py`.

Source: aimock's `src/router.ts`: texts are parts of a message's words, of the last of the user's.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from attrs import evolve

from proxy_daemon.core.cassettes.aimock.answers import Answered
from proxy_daemon.core.cassettes.fields import Broken
from proxy_daemon.core.conversation import Message, Text, ToolCall, ToolResult
from proxy_daemon.core.pattern import ANY_TEXT, Said

Calls = Callable[[str], tuple[Said, Answered] | None]  # who makes the call of an id; None: nobody, or several do
_ANY = (Text(ANY_TEXT),)
_BY_USER = (Message("user", _ANY), Message("assistant", _ANY))
_BY_TOOLS = (Message("assistant", _ANY), Message("tool", _ANY))
_MOST_TURNS = 50
_CANNOT = {
    "predicate": "its match is a function",
    "inputText": "its answer is for an embedding: numbers are no talk",
    "toolName": "it matches by the name of a tool that is offered",
    "toolNamespace": "it matches by the name of a tool that is offered",
    "context": "it matches by a header field",
}
_TEXTS = ("userMessage", "systemMessage", "toolCallId", "toolResultContains", "model", "responseFormat")
_KNOWN = frozenset((*_TEXTS, *_CANNOT, "sequenceIndex", "turnIndex", "hasToolResult", "endpoint"))


def asked(match: dict[str, Any], calls: Calls) -> Said:
    """Raises `Broken`."""
    _check(match)
    messages = (*_system(match), *_last(match, calls))
    parameters = _parameters(match)
    if not any(each.role != "system" for each in messages):
        if messages:
            raise Broken("it matches by the system's words alone")
        return Said(anything=True, parameters=parameters)
    return Said(messages, tail=True, parameters=parameters)


def at_turn(said: Said, turn: int) -> list[Said]:
    """The same where the assistant has answered so often before: tools went on each time, or the user did.

    Raises `Broken`.
    """
    if not 0 <= turn <= _MOST_TURNS:
        raise Broken(f"it is for a later turn than {_MOST_TURNS}")
    system = tuple(each for each in said.messages if each.role == "system")
    rest = said.messages[len(system) :] or (Message("user", _ANY),)
    before = turn - sum(each.role == "assistant" for each in rest)
    if before < 0:
        raise Broken("it is for an earlier turn than the one that it matches")
    said = evolve(said, tail=False, anything=False)
    found = [(*system, *_BY_USER * before, *rest)]
    if before and rest[-1].role == "user":
        found.append((*system, *rest, *_BY_TOOLS * before))
    return [evolve(said, messages=each) for each in found]


def behind_calls(said: Said, calls: int) -> Said:
    """The same where so many calls were answered by tools since."""
    return evolve(said, messages=(*said.messages, *_BY_TOOLS * calls))


def _check(match: dict[str, Any]) -> None:
    for name, value in match.items():
        if name not in _KNOWN and not name.startswith(("_", "$")):
            raise Broken("its match has a member that is not known")
        if name in _CANNOT:
            raise Broken(_CANNOT[name])
        if name in _TEXTS and not isinstance(value, str) and name != "systemMessage":
            raise Broken("its match is no text")
    if match.get("endpoint", "chat") != "chat":
        raise Broken("it is for another endpoint than a chat's")


def _part(text: str) -> tuple[Text]:
    """A part of any text."""
    return (Text(f"{ANY_TEXT}{_escaped(text)}{ANY_TEXT}" if text else ANY_TEXT),)


def _escaped(text: str) -> str:
    return text.replace(ANY_TEXT, "\\" + ANY_TEXT)


def _system(match: dict[str, Any]) -> tuple[Message, ...]:
    found = match.get("systemMessage")
    texts = found if isinstance(found, list) else [] if found is None else [found]
    if not all(isinstance(each, str) for each in texts):
        raise Broken("its match is no text")
    if len(texts) > 1:
        raise Broken("it matches by several parts of the system's words, in any order")
    return tuple(Message("system", _part(each)) for each in texts)


def _last(match: dict[str, Any], calls: Calls) -> tuple[Message, ...]:
    """The last messages of a request."""
    said = tuple(Message("user", _part(match["userMessage"])) for _ in [0] if "userMessage" in match)
    if "toolCallId" in match:
        return _after_call(match, said, calls)
    if "toolResultContains" in match:
        result = (ToolResult("", _part(match["toolResultContains"])[0].text),)
        return (*said, *([Message("assistant", _ANY)] if said else []), Message("tool", result))
    if match.get("hasToolResult") is True:
        return (*said, Message("assistant", _ANY), Message("tool", _ANY))
    return said


def _after_call(match: dict[str, Any], said: tuple[Message, ...], calls: Calls) -> tuple[Message, ...]:
    """A tool's result. Which call it is of is known by who makes it: ids are not compared."""
    made = calls(match["toolCallId"])
    if made is None:
        raise Broken("it matches by the id of a call that no fixture makes, or more than one")
    before, answer = made
    parts = [part for part in answer.parts if isinstance(part, ToolCall)]
    given = match.get("toolResultContains")
    results = [
        ToolResult(part.id, _part(given)[0].text if given and part.id == match["toolCallId"] else ANY_TEXT, part.name)
        for part in parts
    ]
    asked_before = said or tuple(each for each in before.messages if each.role != "system")
    turn = Message("assistant", tuple(answer.pattern))
    return (*asked_before, turn, Message("tool", tuple(results)))


def _parameters(match: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    found = [("model", json.dumps(_escaped(match["model"])))] if "model" in match else []
    if "responseFormat" in match:
        if match["responseFormat"] not in ("json_object", "text"):
            raise Broken("it matches by a response format with a schema")
        found.append(("response_format", json.dumps({"type": match["responseFormat"]})))
    return tuple(found)
