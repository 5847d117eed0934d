"""The answer of a talk in the words of whatever API a request speaks, as a document or a stream.

Invariant: what is said is what was written; where the API has no words for it, `CannotRender` says so. The pace is
not its matter. Called by
`written.py` for a hit on a recording whose pattern tells what is said.
"""

from __future__ import annotations

from hashlib import blake2b

from attrs import evolve

from proxy_daemon.core.conversation import Answer, Choice, Finish, ToolCall
from proxy_daemon.core.dialects.dialect import Dialect, Piece, Rendered
from proxy_daemon.core.dialects.framing import FAILED
from proxy_daemon.core.dialects.reading import read_answer
from proxy_daemon.core.matching.patterns.written import read_written
from proxy_daemon.core.messages import JSON_LIMIT, Recording, Request, Response

_JSON = b"application/json"
# The word for programs in an error; APIs that have words of their own for a status take those.
_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_ID = 12  # octets


def said_in(recording: Recording, request: Request, dialect: Dialect, own: Dialect) -> Rendered:
    """What ``request``, of ``dialect``, is answered. ``own``: the dialect of the recording. Raises `CannotRender`."""
    response = recording.response
    assert response is not None
    if response.head.status >= FAILED:
        return _error(recording.request, response, dialect, own)
    answer = read_written(response, recording.request, own)
    name = answer.id if own.name == dialect.name and answer.id else _id(response)
    if not _names_model(recording, answer, own):
        answer = evolve(answer, model=dialect.model(request) or answer.model)
    if own.name != dialect.name:
        answer = evolve(answer, choices=tuple(map(_called, answer.choices)))
    return dialect.render(evolve(answer, id=name), request)


def _called(choice: Choice) -> Choice:
    """Some APIs have one word for all good ends; in others clients look for that of calls."""
    calls = choice.finish is Finish.STOP and any(isinstance(part, ToolCall) for part in choice.parts)
    return evolve(choice, finish=Finish.CALLS, said="") if calls else choice


def _id(response: Response) -> str:
    """The same for the same answer: clients keep what is said by it."""
    return f"talk-{blake2b(response.body.read(0, JSON_LIMIT), digest_size=_ID).hexdigest()}"


def _names_model(recording: Recording, answer: Answer, own: Dialect) -> bool:
    """Whether the talk names the model that answers, apart from the one that is asked; else it is the latter."""
    return bool(answer.model) and answer.model != own.model(recording.request)


def _error(asked: Request, response: Response, dialect: Dialect, own: Dialect) -> Rendered:
    status, body = response.head.status, response.body.read(0, JSON_LIMIT)
    if own.name == dialect.name and body[:1] == b"{":
        return Rendered(response.head.headers.get(b"content-type") or _JSON, (Piece(body),))
    answer, _ = read_answer(own, asked, response, limit=JSON_LIMIT)
    message = answer.error or answer.text or body.decode("utf-8", "replace")
    kind = _KINDS.get(status, "invalid_request_error" if status < 500 else "api_error")  # noqa: PLR2004  (RFC 9110 15.6)
    return Rendered(_JSON, (Piece(dialect.error(status, kind, message)),))
