"""The built-in model: what `--upstream demo:` is answered by. Pure: no key, no network, no clock, no chance.

`answer()` is all that others use. Equal requests get equal answers. It reads hostile input and never raises: what it
cannot answer becomes an error in the shape of the API that was called. Every model name is accepted; "demo-429",
"demo-500" and "demo-overloaded" give those errors, "demo-fast" and "demo-slow" another pace (`pace.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import orjson
from attrs import frozen

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import JSON_LIMIT, Request, ResponseHead
from proxy_daemon.core.model import pace
from proxy_daemon.core.model.anthropic import count_tokens, messages
from proxy_daemon.core.model.catalogue import model, models
from proxy_daemon.core.model.embeddings import embeddings
from proxy_daemon.core.model.openai_chat import chat
from proxy_daemon.core.model.openai_responses import input_tokens, responses
from proxy_daemon.core.model.reading import name_of
from proxy_daemon.core.model.refusal import ANTHROPIC, OPENAI, Refused, error_body, provoke
from proxy_daemon.core.model.seeds import name_from, seed_of
from proxy_daemon.core.model.sse import Event
from proxy_daemon.core.script import Script

Answer = dict[str, Any] | list[Event]

_REASONS = {
    200: b"OK",
    400: b"Bad Request",
    404: b"Not Found",
    405: b"Method Not Allowed",
    413: b"Content Too Large",
    429: b"Too Many Requests",
    500: b"Internal Server Error",
    503: b"Service Unavailable",
    529: b"Overloaded",
}
_WRAPS = 16  # an answer nests what it echoes less deep than this


@frozen
class _Endpoint:
    """Where POSTs go: the API's family, and what answers a body, given with the request's seed."""

    family: str
    answer: Callable[[dict[str, Any], bytes], Answer]


_ENDPOINTS = {
    ("chat", "completions"): _Endpoint(OPENAI, chat),
    ("responses",): _Endpoint(OPENAI, responses),
    ("responses", "input_tokens"): _Endpoint(OPENAI, input_tokens),
    ("embeddings",): _Endpoint(OPENAI, embeddings),
    ("messages",): _Endpoint(ANTHROPIC, messages),
    ("messages", "count_tokens"): _Endpoint(ANTHROPIC, count_tokens),
}


def answer(request: Request) -> Script:
    """What the built-in model answers, and how fast. Never raises. Paths count by their end, with or without `/v1`."""
    segments = [unquote(part, errors="replace") for part in request.path.decode("latin-1").split("/") if part]
    ending = next((end for end in (tuple(segments[-2:]), tuple(segments[-1:])) if end in _ENDPOINTS), ())
    endpoint = None if "threads" in segments else _ENDPOINTS.get(ending)  # OpenAI's assistants have messages too
    family = endpoint.family if endpoint else _family(request)
    seed = seed_of("/".join(ending).encode(), request.body.whole() or b"")
    try:
        if endpoint is None:
            return _whole(_look_up(request, segments, family), family, seed, request)
        return _ask(endpoint, request, seed)
    except Refused as refused:
        return _refusal(refused, family, seed, request)


def _family(request: Request) -> str:
    return ANTHROPIC if b"anthropic-version" in request.headers else OPENAI


def _look_up(request: Request, segments: list[str], family: str) -> dict[str, Any]:
    """What a GET is answered with. Raises `Refused`."""
    if request.method not in (b"GET", b"HEAD"):
        raise Refused(f"Unknown path: {_shown(request)}", None, 404, "unknown_url")
    if segments[-1:] == ["models"]:
        return models(family)
    if segments[-2:-1] == ["models"]:
        return model(segments[-1], family)
    raise Refused(f"Unknown path: {_shown(request)}", None, 404, "unknown_url")


def _shown(request: Request) -> str:
    return request.method[:20].decode("latin-1") + " " + request.path[:200].decode("latin-1")


def _ask(endpoint: _Endpoint, request: Request, seed: bytes) -> Script:
    if request.method != b"POST":
        raise Refused(f"{_shown(request)} is not allowed: use POST.", None, 405, "method_not_supported")
    body = _body(request)
    name = name_of(body, "model")
    provoke(name, endpoint.family)
    said = endpoint.answer(body, seed)
    if isinstance(said, dict):
        return _whole(said, endpoint.family, seed, request, name)
    head = _head(200, b"text/event-stream; charset=utf-8", endpoint.family, seed, (b"Cache-Control", b"no-cache"))
    return Script(head, pace.paced(said, name, seed))


def _body(request: Request) -> dict[str, Any]:
    """The body as a JSON object that can be echoed. Raises `Refused`."""
    data = request.body.whole()
    if data is None or len(data) > JSON_LIMIT:
        raise Refused(f"The body is too large: {request.body.size} octets.", None, 413)
    body = request.json
    if not isinstance(body, dict):
        raise Refused("The body is not a JSON object: check its quotes, commas and encoding (UTF-8).")
    wrapped: Any = body
    for _ in range(_WRAPS):
        wrapped = [wrapped]
    try:
        orjson.dumps(wrapped)
    except orjson.JSONEncodeError as error:
        raise Refused("The body is nested too deep.") from error
    return body


def _head(status: int, kind: bytes, family: str, seed: bytes, *more: tuple[bytes, bytes]) -> ResponseHead:
    request_id = name_from(seed, "req_").encode()
    if family == ANTHROPIC:
        own: tuple[tuple[bytes, bytes], ...] = ((b"request-id", request_id),)
    else:
        spent = b"%d" % (180 + seed[0])
        own = ((b"x-request-id", request_id), (b"openai-processing-ms", spent), (b"openai-version", b"2020-10-01"))
    return ResponseHead(status, _REASONS[status], Headers(((b"Content-Type", kind), *own, *more)))


def _whole(document: dict[str, Any], family: str, seed: bytes, request: Request, name: str = "demo-fast") -> Script:
    head = _head(200, b"application/json", family, seed)
    octets = b"" if request.method == b"HEAD" else orjson.dumps(document)
    return Script(head, pace.whole(octets, name))


def _refusal(refused: Refused, family: str, seed: bytes, request: Request) -> Script:
    more: list[tuple[bytes, bytes]] = []
    if refused.status == 429:  # noqa: PLR2004 - Too Many Requests
        more.append((b"Retry-After", b"1"))
    if refused.status == 405:  # noqa: PLR2004 - Method Not Allowed
        more.append((b"Allow", b"POST"))
    head = _head(refused.status, b"application/json", family, seed, *more)
    document = error_body(refused, family, name_from(seed, "req_"))
    octets = b"" if request.method == b"HEAD" else orjson.dumps(document)
    return Script(head, pace.whole(octets, "demo-fast"))
