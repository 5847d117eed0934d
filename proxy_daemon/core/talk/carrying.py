"""The request that carries a written conversation, and the answer beside it in the words of the same API.

Invariant: the answer says what was written: it is read again before it is given. Where the API that was named has no
words for it, another one carries it; who asks gets it in the words of its own API anyway. Called by `format.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from mimetypes import guess_type
from urllib.parse import quote

import orjson
from attrs import evolve, frozen

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.conversation import Answer, Choice, Finish, Media, Message, Part, ToolCall
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.dialect import CannotRender, Dialect, as_json
from proxy_daemon.core.dialects.reading import read_answer
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request, Response, ResponseHead
from proxy_daemon.core.talk.carriers import anthropic, chat, google, responses
from proxy_daemon.core.talk.carriers.chat import Members
from proxy_daemon.core.talk.front_matter import Front

CHAT = "openai-chat"
ERRORS = 400
JSON = (b"Content-Type", b"application/json")
NAMES = frozenset(dialect.name for dialect in BUILT_IN)
NO_WORDS = "no API has words for such an answer"
_Body = Callable[[Sequence[Message]], Members]
BODIES: dict[str, _Body] = {
    CHAT: chat.body,
    "anthropic": anthropic.body,
    "google": google.body,
    "openai-responses": responses.body,
    "azure": chat.body,
    "openrouter": chat.body,
    "mistral": chat.body,
    "writer": chat.body,
    "ollama": chat.body,
    "cohere": chat.body,
    "vertex-claude": anthropic.body,
}
_PATHS = {
    CHAT: "/v1/chat/completions",
    "anthropic": "/v1/messages",
    "google": "/v1beta/models/{model}:generateContent",
    "openai-responses": "/v1/responses",
    "openrouter": "/api/v1/chat/completions",
    "ollama": "/api/chat",
    "cohere": "/v2/chat",
}
_OTHERS = (CHAT, "anthropic", "google", "openai-responses")
# Where a stream is asked for by the path, and what asks for a document in its place.
_STREAMS = (
    (re.compile(r":streamGenerateContent\b"), ":generateContent"),
    (re.compile(r":streamRawPredict\b"), ":rawPredict"),
    (re.compile(r"/converse-stream\b"), "/converse"),
    (re.compile(r"/invoke-with-response-stream\b"), "/invoke"),
    (re.compile(r"/generate_stream\b"), "/generate"),
    (re.compile(r"[?]alt=sse\Z"), ""),
    (re.compile(r"\balt=sse&"), ""),
)
_KINDS = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error"}
_KINDS |= {413: "request_too_large", 429: "rate_limit_error", 529: "overloaded_error"}


_TYPES = {"image": "image/png", "audio": "audio/mpeg", "video": "video/mp4"}


@frozen
class Wanted:
    """An answer as it was written. ``text``: of an error, its message."""

    choices: tuple[Choice, ...]
    text: str


@frozen
class Carried:
    """Both sides, in the words of ``dialect``."""

    request: Request
    response: Response
    dialect: Dialect


class Unsaid(ValueError):
    """No API says this. The sentence says why."""


def default_path(api: str, model: str) -> str:
    """Where an API is asked; empty where that is not known."""
    return _PATHS.get(api, "").format(model=quote(model or "any", ""))


def unstreamed(path: str) -> str:
    """The path that asks for a document."""
    for sign, instead in _STREAMS:
        path = sign.sub(instead, path)
    return path


def choice(parts: Sequence[Part], finish: str = "") -> Choice:
    """One that ended well. ``finish``: its word, an API's or one of ours; `answered` looks which meaning it has."""
    ended = Finish.CALLS if any(isinstance(part, ToolCall) for part in parts) else Finish.STOP
    known = next((each for each in Finish if each.value and each.value == finish), ended)
    return Choice(tuple(map(_typed, parts)), known, finish)


def _named(found: Choice, place: int) -> Choice:
    """With an id for each call that was written without one: the same each time, another at each place."""
    parts = [
        evolve(each, id=f"call_{_digest(place, at, each)}") if isinstance(each, ToolCall) and not each.id else each
        for at, each in enumerate(found.parts)
    ]
    return evolve(found, parts=tuple(parts))


def _digest(*values: object) -> str:
    return blake2b(repr(values).encode("utf-8", "replace"), digest_size=12).hexdigest()


def _typed(part: Part) -> Part:
    """APIs name no medium in an answer without its type: by its name, where it has one that tells."""
    if not isinstance(part, Media) or part.media_type or part.kind not in _TYPES:
        return part
    guessed = guess_type(part.source)[0] or ""
    return evolve(part, media_type=guessed if guessed.startswith(f"{part.kind}/") else _TYPES[part.kind])


def carried(messages: Sequence[Message], front: Front, wanted: Wanted) -> Carried:
    """Raises `Unsaid`."""
    rough: Carried | None = None
    why = NO_WORDS
    wanted = evolve(wanted, choices=tuple(_named(each, len(messages)) for each in wanted.choices))
    for request in _requests(messages, front):
        dialect = recognise(request, BUILT_IN)
        if front.status >= ERRORS:
            return Carried(request, _error(dialect, front, wanted.text), dialect)
        try:
            response, exact = _answered(dialect, request, front, wanted)
        except CannotRender as error:
            why = f"{NO_WORDS}: {error}"
            continue
        if exact:
            return Carried(request, response, dialect)
        rough = rough or Carried(request, response, dialect)
    if rough is None:
        raise Unsaid(why)
    return rough


def _requests(messages: Sequence[Message], front: Front) -> Iterator[Request]:
    """In the words of the API that is named, then in those of others."""
    named = front.api or CHAT
    if named in BODIES:
        request = _request(named, messages, front, front.path or default_path(named, front.model))
        if request is not None:
            yield request
    for other in _OTHERS:
        if other != named or front.path:
            request = _request(other, messages, evolve(front, parameters={}), default_path(other, front.model))
            if request is not None:
                yield request


def _request(api: str, messages: Sequence[Message], front: Front, path: str) -> Request | None:
    """None where what was made is not read as a request of that API."""
    members = {**BODIES[api](messages), **{key: each for key, each in front.parameters.items() if key != "stream"}}
    body = {"stream": False, **members} if api == "ollama" else members
    if front.model and "model" not in body:
        named = {"model": front.model, **body}
        body = body if _is_in_path(path, front.model) else named
    try:
        data = orjson.dumps(body)
    except TypeError:  # half a surrogate pair, an integer beyond 64 bits, or nested too deep for it
        try:
            data = as_json(body)
        except RecursionError:
            return None
    request = Request(b"POST", path.encode("latin-1", "replace"), Headers([JSON]), Bytes(data))
    dialect = recognise(request, BUILT_IN)
    is_said = not messages or dialect.conversation(request).messages
    return request if dialect.name == api and is_said else None


def _is_in_path(path: str, model: str) -> bool:
    return bool(model) and (f"/{model}" in path or f"/{quote(model, '')}" in path)


def _error(dialect: Dialect, front: Front, text: str) -> Response:
    kind = front.error or _KINDS.get(front.status, "api_error" if front.status >= 500 else "invalid_request_error")  # noqa: PLR2004  (RFC 9110 section 15.6)
    return Response(_head(front, JSON), Bytes(dialect.error(front.status, kind, text)))


def _head(front: Front, kind: tuple[bytes, bytes]) -> ResponseHead:
    return ResponseHead(front.status or 200, b"", Headers([kind, *front.headers]))


def _answered(dialect: Dialect, request: Request, front: Front, wanted: Wanted) -> tuple[Response, bool]:
    """The answer, and whether it is read as it was written. Raises `CannotRender`."""
    best: Response | None = None
    for choices in _meanings(wanted.choices):
        answer = Answer(choices, model=front.answered_by or front.model, usage=front.usage)
        response = _rendered(dialect, request, front, answer)
        found, problem = read_answer(dialect, request, response)
        if problem or list(map(_plain, found.choices)) != list(map(_plain, choices)):
            return response, False
        if all(map(_means, choices, found.choices)):
            return response, True
        best = best or response
    assert best is not None
    return best, False


def _plain(found: Choice) -> list[Part]:
    """Its parts without the ids that were made for it."""
    return [evolve(each, id="") if isinstance(each, ToolCall) else each for each in found.parts]


def _means(wanted: Choice, found: Choice) -> bool:
    """Whether it ended as it was written."""
    return wanted.said in ("", found.said) or (wanted.said == wanted.finish.value and found.finish is wanted.finish)


def _rendered(dialect: Dialect, request: Request, front: Front, answer: Answer) -> Response:
    try:
        rendered = dialect.render(answer, request)
    except CannotRender:
        raise
    except Exception as error:  # noqa: BLE001  (what was written may be of any shape)
        raise CannotRender(f"the dialect {dialect.name} failed with {type(error).__name__}") from None
    return Response(_head(front, (b"Content-Type", rendered.content_type)), Bytes(rendered.body))


def _meanings(choices: tuple[Choice, ...]) -> Iterator[tuple[Choice, ...]]:
    """What the words of the choices may mean: only the API knows which of its words mean what."""
    yield choices
    if any(each.said for each in choices):
        for finish in Finish:
            if finish.value:
                yield tuple(evolve(each, finish=finish if each.said else each.finish) for each in choices)
