"""The answer that a person wrote into a document, served in the place of the recorded one.

Invariant: what is served says what the document says: it is read again before it is given. Called by `reading.py` for
documents with `edited: true`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import evolve

from proxy_daemon.core.cassettes.llmproxy.checking import difference, recorded
from proxy_daemon.core.cassettes.llmproxy.told import COUNTS, part, told
from proxy_daemon.core.cassettes.llmproxy.wrong import Wrong, members, text
from proxy_daemon.core.conversation import (
    Answer,
    Choice,
    Declined,
    Finish,
    Part,
    Reasoning,
    Text,
    ToolCall,
    Usage,
)
from proxy_daemon.core.dialects import recognise
from proxy_daemon.core.dialects.dialect import CannotRender, Dialect
from proxy_daemon.core.matching.patterns.written import with_body
from proxy_daemon.core.messages import Recording

_CHOICE = frozenset(("text", "parts", "finish", "stopped_by"))
_ANSWER = _CHOICE | {"choices", "model", "error", "usage", "complete"}
_COUNT = re.compile(rf"({'|'.join(COUNTS)}) ([0-9]{{1,18}})\Z", re.ASCII)
_NO_CHOICE = Choice()
_FINISHES = {each.value: each for each in Finish if each.value}


def edited(recording: Recording, section: Any, dialects: Sequence[Dialect]) -> Recording:
    """The recording with what the member `answer` says as its answer. Raises `Wrong`."""
    if recording.response is None:
        raise Wrong("edited: true, and there is no response to put it into", "edited")
    dialect = recognise(recording.request, dialects)
    try:
        wanted = answer_of(section, recorded(recording, dialect))
        rendered = dialect.render(wanted, recording.request)
    except Wrong as error:
        raise error.under("answer") from None
    except CannotRender as error:
        raise Wrong(f"the edited answer cannot be served: {error}", "answer") from None
    except (Exception, SystemExit) as error:  # noqa: BLE001  (a plugin's dialect may raise anything)
        raise Wrong(f"the dialect {dialect.name} failed with {type(error).__name__}", "answer") from None
    served = evolve(recording, response=with_body(recording.response, rendered), written=True)
    lost = difference(told(wanted), recorded(served, dialect), words=True)
    if lost:
        raise Wrong(f"{dialect.name} has no words for what was edited", "answer", *lost)
    return served


def answer_of(section: Any, old: Answer) -> Answer:
    """What the section says. Of ``old`` is what was not changed, and what people are not shown. Raises `Wrong`."""
    found = members(section, _ANSWER)
    choices = found.get("choices")
    if choices is None:
        given = [{name: value for name, value in found.items() if name in _CHOICE}]
    elif type(choices) is list and not found.keys() & _CHOICE:
        given = choices
    else:
        raise Wrong("choices are a list, and text or parts stand in them", "choices")
    olds = [*old.choices, *[_NO_CHOICE] * len(given)]
    if found.get("complete", True) is not True or text(found, "error"):
        raise Wrong("an answer that failed or broke off is not edited", "error" if "error" in found else "complete")
    return evolve(
        old,
        choices=tuple(_choice(each, before) for each, before in zip(given, olds, strict=False)),
        model=text(found, "model", old.model),
        usage=_usage(text(found, "usage")) if "usage" in found else None,
        error="",
        complete=True,
    )


def _choice(value: Any, old: Choice) -> Choice:
    found = members(value, _CHOICE)
    if "text" in found and "parts" in found:
        raise Wrong("text or parts, not both", "parts")
    given = [{"text": found["text"]}] if "text" in found else found.get("parts", [])
    if type(given) is not list:
        raise Wrong("no list", "parts")
    parts = tuple(_part(each, old.parts[at : at + 1]) for at, each in enumerate(given))
    word = text(found, "finish")
    finish = old.finish if word == (old.said or old.finish.value) else _FINISHES.get(word, Finish.OTHER)
    said = old.said if finish is old.finish and word in (old.said, old.finish.value) else word
    return Choice(parts, finish if word else Finish.UNKNOWN, said, text(found, "stopped_by"))


def _part(value: Any, old: tuple[Part, ...]) -> Part:
    if old and part(old[0]) == value:
        return old[0]
    kind = next(iter(value), "") if isinstance(value, dict) else ""
    read = _READ.get(str(kind))
    if read is None:
        raise Wrong("of the parts, text, reasoning, declined and call can be edited", "parts")
    return read(value)


def _call(value: Any) -> ToolCall:
    found = members(value, frozenset(("call", "id", "arguments")))
    return ToolCall(text(found, "id"), text(found, "call"), text(found, "arguments", "{}"))


def _text_of(value: Mapping[str, Any], name: str) -> str:
    return text(members(value, frozenset((name,))), name)


_READ: dict[str, Callable[[Any], Part]] = {
    "text": lambda value: Text(_text_of(value, "text")),
    "reasoning": lambda value: Reasoning(_text_of(value, "reasoning")),
    "declined": lambda value: Declined(_text_of(value, "declined")),
    "call": _call,
}


def _usage(line: str) -> Usage:
    counts = {}
    for each in line.split(", "):
        found = _COUNT.match(each)
        if found is None:
            raise Wrong(f"no numbers such as in 14, out 2; there are {', '.join(COUNTS)}", "usage")
        counts[COUNTS[found[1]]] = int(found[2])
    return Usage(**counts)
