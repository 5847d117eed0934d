"""An exchange with its bodies read: what was asked and what was answered, in the terms of its dialect.

Invariant: nothing raises, whatever the bodies hold; secrets are replaced as in the store, with today's rules. Made once
for what is to be shown of an exchange. Called by the other files here and by `store/catalogue/`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from attrs import evolve, frozen

from proxy_daemon.core.bodies import EMPTY, Body, Bytes, chunks
from proxy_daemon.core.conversation import Answer, Conversation, Operation
from proxy_daemon.core.dialects import BUILT_IN, GENERIC, recognise
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.dialects.reading import read_answer
from proxy_daemon.core.messages import JSON_LIMIT, Delivered, Recording, Request, Response
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.redacted_response import redacted_response
from proxy_daemon.core.secret_rules import NO_RULES, Rules

_T = TypeVar("_T")


@frozen
class Opened:
    """``recording``: without secrets, its bodies in memory where they are small enough; ``problem``: what failed.

    ``model``, ``operation`` and ``streams``: what the dialect says of the request.
    """

    recording: Recording
    dialect: Dialect
    operation: Operation
    model: str
    streams: bool
    conversation: Conversation
    answer: Answer | None
    problem: str


def opened(recording: Recording, dialects: Sequence[Dialect] = BUILT_IN, rules: Rules = NO_RULES) -> Opened:
    """Read one. Raises OSError where the store has lost a body."""
    safe = shown(recording, rules)
    dialect = _asked(lambda: recognise(safe.request, dialects), GENERIC)
    failed: list[str] = []
    answer, problem = (None, "") if safe.response is None else read_answer(dialect, safe.request, safe.response)
    asked = _asked(lambda: dialect.conversation(safe.request), Conversation(), failed)
    if not problem and failed:
        problem = f"the request is not readable: the dialect {dialect.name} failed with {failed[0]}"
    return Opened(
        safe,
        dialect,
        _asked(lambda: dialect.operation(safe.request), Operation.OTHER),
        _asked(lambda: dialect.model(safe.request), recording.model) or recording.model,
        _asked(lambda: dialect.streams(safe.request), False),
        asked,
        answer,
        problem or too_large(safe.request),
    )


def shown(recording: Recording, rules: Rules = NO_RULES) -> Recording:
    """The same without secrets. Bodies that can be parsed at all come into memory. Raises OSError."""
    redactor = Redactor(rules)
    request = evolve(recording.request, body=in_memory(recording.request.body))
    response = recording.response
    if response is not None:
        response = redacted_response(redactor, evolve(response, body=in_memory(response.body)))
    delivered = recording.delivered and _delivered(redactor, recording.delivered)
    return evolve(recording, request=redactor.request(request), response=response, delivered=delivered)


def _delivered(redactor: Redactor, delivered: Delivered) -> Delivered:
    """Without secrets too: a rule may have put one there."""
    body = EMPTY if delivered.body is None else in_memory(delivered.body)
    safe = redacted_response(redactor, Response(delivered.head, body))
    return evolve(delivered, head=safe.head, body=None if delivered.body is None else safe.body)


def in_memory(body: Body) -> Body:
    """What is not larger than what is parsed; else the same body."""
    if body.whole() is not None or body.size > JSON_LIMIT:
        return body
    return Bytes(b"".join(chunks(body)))


def too_large(request: Request) -> str:
    """Why nothing is told of a request's body; empty where it is."""
    if request.body.size <= JSON_LIMIT:
        return ""
    return f"the request's body has {request.body.size} octets: more than {JSON_LIMIT} are not read as a conversation"


def _asked(question: Callable[[], _T], otherwise: _T, failed: list[str] | None = None) -> _T:
    """A plugin's dialect may raise anything."""
    try:
        return question()
    except (Exception, SystemExit) as error:  # noqa: BLE001  (see above)
        if failed is not None:
            failed.append(type(error).__name__)
        return otherwise
