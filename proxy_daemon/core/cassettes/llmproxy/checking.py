"""Whether the decoded answer in a document is what was recorded; and whether a new recording says the same.

Invariant: it never raises, whatever a plugin's dialect does. Called by `reading.py`, by who serves an entry for the
first time, and by who records an exchange again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve

from proxy_daemon.core.bodies import chunks
from proxy_daemon.core.cassettes.llmproxy.told import told
from proxy_daemon.core.cassettes.llmproxy.values import Entry
from proxy_daemon.core.conversation import Answer, Part, Reasoning, ToolCall
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.dialects.json_shapes import parsed
from proxy_daemon.core.dialects.reading import read_answer
from proxy_daemon.core.messages import JSON_LIMIT, Recording, Response

ADVICE = "not what was recorded: write `edited: true` above `request` to serve what stands here, or take it back"
_NOTHING = Answer()
# Of documents that no dialect reads: what servers make anew for each answer.
_MADE_ANEW = frozenset(("id", "created", "created_at", "request_id", "system_fingerprint", "usage", "timings"))


def recorded(recording: Recording, dialect: Dialect) -> Answer:
    """The answer as the dialect reads it; nothing said where it cannot."""
    if recording.response is None or not recording.response.body.size:
        return _NOTHING
    answer, problem = read_answer(dialect, recording.request, recording.response, limit=JSON_LIMIT)
    return _NOTHING if problem and not answer.choices else answer


def checked(entry: Entry, dialects: Sequence[Dialect] = BUILT_IN) -> str:
    """Why the decoded answer that stands in the file is not what was recorded; empty where it is, or is not there."""
    path = changed(entry, dialects)
    return f"{'.'.join(path)}: {ADVICE}" if path else ""


def changed(entry: Entry, dialects: Sequence[Dialect]) -> tuple[str, ...]:
    """The member of the document that is not what was recorded; none where all is."""
    if entry.edited or not entry.answer:
        return ()
    found = recorded(entry.recording, recognise(entry.recording.request, dialects))
    path = difference(entry.answer, found, words=entry.sealed)
    return ("answer", *path) if path else ()


def difference(section: Mapping[str, Any], answer: Answer, *, words: bool = False) -> tuple[str, ...]:
    """The member of the section that is not what the answer says; none where all is.

    ``words``: only what is said and called counts, not how it ended, ids, or what it cost. Where nothing is decoded
    nothing is judged: its maker may have had a plugin.
    """
    found = told(answer)
    if words:
        return ("text",) if found and _said(section) != _said(found) else ()
    return next(((name,) for name in {**section, **found} if section.get(name) != found.get(name)), ())


def _said(section: Mapping[str, Any]) -> list[tuple[str, list[Any]]]:
    """Of each choice its words, and its calls with their arguments."""
    choices = section.get("choices", [section])
    return [_said_in(each) for each in choices if isinstance(each, dict)] if isinstance(choices, list) else []


def _said_in(choice: Mapping[str, Any]) -> tuple[str, list[Any]]:
    parts = choice.get("parts", [choice])
    parts = [each for each in parts if isinstance(each, dict)] if isinstance(parts, list) else []
    words = "".join(str(each.get("text", "")) for each in parts)
    return words, [(each["call"], _arguments(each.get("arguments"))) for each in parts if "call" in each]


def _arguments(text: Any) -> Any:
    """What they mean: an API that takes an object writes it anew."""
    found = parsed(text) if isinstance(text, str) else None
    return (text or "{}") if found is None else found


def same_answer(old: Entry, new: Recording, dialects: Sequence[Dialect] = BUILT_IN) -> bool:
    """Whether ``new`` says what ``old`` says, so that the old document is kept.

    What a server makes anew for each answer does not count: ids, moments, fingerprints, what it cost and how long it
    took. For an API that no dialect reads, the bodies are compared.
    """
    before, after = old.recording, new
    if before.response is None or after.response is None or not _alike(before, after):
        return False
    dialect = recognise(after.request, dialects)
    answers = [recorded(each, dialect) for each in (before, after)]
    if all(answer.choices or answer.error for answer in answers):
        return _lasting(answers[0]) == _lasting(answers[1])
    return bool(_plain(before.response) == _plain(after.response))


def _alike(before: Recording, after: Recording) -> bool:
    """By their ends and statuses; nothing is said of a body that is not whole."""
    kinds = [
        (each.status, each.ending, each.cut, each.response is None or each.response.head.status)
        for each in (before, after)
    ]
    return kinds[0] == kinds[1] and not after.cut


def _lasting(answer: Answer) -> Answer:
    choices = tuple(evolve(each, parts=tuple(map(_without_ids, each.parts))) for each in answer.choices)
    return evolve(answer, id="", created=None, usage=None, choices=choices)


def _without_ids(part: Part) -> Part:
    if isinstance(part, ToolCall):
        return evolve(part, id="")
    return evolve(part, opaque="") if isinstance(part, Reasoning) else part


def _plain(response: Response) -> Any:
    data = b"".join(chunks(response.body))
    found = parsed(data) if data[:1] == b"{" and len(data) <= JSON_LIMIT else None
    if not isinstance(found, dict):
        return data
    return {name: value for name, value in found.items() if name not in _MADE_ANEW}
