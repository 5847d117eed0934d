"""An exchange whose answer a person has edited, as a new recording: the same request, an answer of their words.

Invariant: the exchange stays what it was on the wire. The new recording names it (`Recording.edits`), says that a
person wrote it, and holds no secret that a recorded answer would not hold. Called by `pipeline/acting.py`, in a thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import evolve

from proxy_daemon.core.acts import Refused
from proxy_daemon.core.cassettes.llmproxy.checking import recorded
from proxy_daemon.core.cassettes.llmproxy.editing import edited
from proxy_daemon.core.cassettes.llmproxy.told import told
from proxy_daemon.core.cassettes.llmproxy.wrong import Wrong
from proxy_daemon.core.dialects import recognise
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.messages import Ending, Outcome, Recording, Unknown
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.redacted_response import redacted_response

ERRORS = 400  # RFC 9110 section 15
_OF_REQUEST = frozenset((Unknown.HOST, Unknown.REQUEST_HEADERS, Unknown.REQUEST_OCTETS))  # told of the new one too
SHARED = "it shared the answer of an equal request that was under way: edit the answer of that one"


def why_not_edited(recording: Recording) -> str:
    """Why the answer of this exchange is none that could be edited; empty where it can be."""
    if recording.response is None:
        return SHARED if recording.outcome is Outcome.COLLAPSED else "no answer was recorded"
    if recording.cut:
        return "a body of it was not recorded whole"
    if recording.response.head.status >= ERRORS:
        return f"its answer is an error (status {recording.response.head.status})"
    if not recording.fingerprint and recording.pattern is None:
        return "its request is not known well enough to be found again"
    return ""


def edited_answer(recording: Recording, section: Any, dialects: Sequence[Dialect], redactor: Redactor) -> Recording:
    """With what ``section`` says (the member `answer` of a cassette's document) as its answer; bodies in memory.

    Of `finish` and `usage` it need only say what is another. Its id and when it was made are still the old ones.
    Raises `Refused`.
    """
    section = _completed(section, section_of(recording, dialects))
    try:
        found = edited(evolve(recording, ending=Ending.COMPLETE), section, dialects)
    except Wrong as error:
        raise Refused(400, _placed(error)) from None
    assert found.response is not None
    safe = redacted_response(redactor, found.response)
    if found.response.body.size and not safe.body.size:
        raise Refused(400, "answer: it may hold a secret, so it is not written")
    return evolve(
        found,
        response=safe,
        redacted=found.redacted or safe is not found.response,
        edits=recording.edits or recording.id,
        replayable=True,
        pinned=True,
        delivered=None,
        rules=(),
        detail="",
        cassette="",
        served_from=0,
        unknown=found.unknown & _OF_REQUEST,
    )


def _completed(section: Any, before: dict[str, Any]) -> Any:
    """With how the answer ended and what it cost, where one choice is written and does not say so."""
    if not isinstance(section, dict) or "choices" in section or "choices" in before:
        return section
    calls = _calls(section)
    finish = before.get("finish") if calls == _calls(before) else None
    found = {"finish": finish or ("calls" if calls else "stop")} | section
    return {"usage": before["usage"]} | found if "usage" in before else found


def _calls(section: dict[str, Any]) -> bool:
    """Whether it asks for tools."""
    parts = section.get("parts")
    return isinstance(parts, list) and any(isinstance(each, dict) and "call" in each for each in parts)


def section_of(recording: Recording, dialects: Sequence[Dialect]) -> dict[str, Any]:
    """What an edit begins with: what the recorded answer says; empty where no dialect can tell. Bodies in memory."""
    try:
        found = _plain(told(recorded(recording, recognise(recording.request, dialects))))
    except (Exception, SystemExit):  # noqa: BLE001  (a plugin's dialect raises anything)
        return {}
    return found if isinstance(found, dict) else {}


def _plain(value: Any) -> Any:
    """Texts as plain texts, for JSON."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return {name: _plain(each) for name, each in value.items()} if isinstance(value, dict) else value


def _placed(error: Wrong) -> str:
    """`answer.parts: why`."""
    return f"{'.'.join(error.path)}: {error.reason}" if error.path else error.reason
