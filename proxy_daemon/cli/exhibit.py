"""What is to be told of one recording: put together once, as text for people or as JSON for programs.

Invariant: secrets are replaced as in the store, what could not be read is named, and neither form steers a terminal.
Called by `show.py`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import attrs
from attrs import frozen

from proxy_daemon.core.conversation import Answer, Conversation
from proxy_daemon.core.dialects import recognise
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.dialects.reading import read_answer
from proxy_daemon.core.inspecting.plain import plain
from proxy_daemon.core.messages import Recording, Request, Unknown
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.redacted_response import redacted_response
from proxy_daemon.core.secret_rules import NO_RULES, Rules


@frozen
class Exhibit:
    """One recording. ``place``: where it stands; ``not_served``: why it is not served again, where that is so."""

    place: str
    recording: Recording
    dialect: Dialect
    conversation: Conversation
    answer: Answer | None
    problem: str
    not_served: str = ""

    @property
    def request_line(self) -> str:
        """Method and URL; the path alone where the host is not known."""
        request, upstream = self.recording.request, self.recording.upstream
        if Unknown.REQUEST in self.recording.unknown:
            return "(the request is not known)"
        base = f"{upstream.scheme}://{upstream.authority}" if upstream.host else ""
        target = upstream.target(request.target) if upstream.host else request.target
        return f"{request.method.decode('latin-1')} {base}{target.decode('latin-1')}"

    @property
    def started(self) -> str:
        """When it was recorded, in ISO 8601; empty where that is not known."""
        try:
            moment = datetime.fromtimestamp(self.recording.started, UTC) if self.recording.started else None
        except (ValueError, OverflowError, OSError):
            moment = None
        return moment.isoformat(timespec="seconds") if moment else ""

    def as_json(self) -> str:
        """One line. Nesting that JSON writers do not follow is left out, and named."""
        facts = self._facts()
        try:
            return _dumped(facts)
        except (RecursionError, ValueError):
            facts["conversation"]["tools"] = [tool.name for tool in self.conversation.tools]
            facts["problem"] = facts["problem"] or "the tools' schemas are nested too deep to be shown"
            return _dumped(facts)

    def _facts(self) -> dict[str, Any]:
        recording = self.recording
        return {
            "place": self.place,
            "request": self.request_line,
            "dialect": self.dialect.name,
            "operation": self.dialect.operation(recording.request).value,
            "model": self.dialect.model(recording.request),
            "streams": self.dialect.streams(recording.request),
            "started": self.started or None,
            "status": recording.status or None,
            "ending": recording.ending.value,
            "detail": recording.detail,
            "cut": recording.cut,
            "rules": recording.rules,
            "delivered": self._delivered(),
            "unknown": [each.value for each in Unknown if each in recording.unknown],
            "conversation": plain(self.conversation),
            "answer": plain(self.answer),
            "problem": self.problem,
            "not_served": self.not_served,
        }

    def _delivered(self) -> dict[str, Any] | None:
        """What the client got, where it is not what upstream sent. ``size``: null where the body is the same."""
        delivered = self.recording.delivered
        if delivered is None:
            return None
        size = None if delivered.body is None else delivered.body.size
        return {"status": delivered.head.status, "size": size, "cut": delivered.cut}


def exhibit(
    place: str, recording: Recording, dialects: Sequence[Dialect], not_served: str = "", rules: Rules = NO_RULES
) -> Exhibit:
    """Read one recording. Raises what a plugin's dialect raises, and OSError where the store is damaged.

    ``rules``: what is a secret besides what is known.
    """
    redactor = Redactor(rules)
    dialect = recognise(recording.request, dialects)
    request: Request = redactor.request(recording.request)
    response = recording.response and redacted_response(redactor, recording.response)
    answer, problem = (None, "") if response is None else read_answer(dialect, request, response)
    shown = attrs.evolve(recording, request=request, response=response)
    return Exhibit(place, shown, dialect, dialect.conversation(request), answer, problem, not_served)


def _dumped(facts: dict[str, Any]) -> str:
    """In ASCII: no control character comes through."""
    return json.dumps(facts, ensure_ascii=True).replace("\x7f", "\\u007f")
