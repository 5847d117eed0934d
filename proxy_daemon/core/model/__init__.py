"""The built-in model: what `--upstream demo:` is answered by. Pure: no key, no network, no clock, no chance.

`answer()` is all that others use. Equal requests get equal answers. The dialects of `core/dialects` say what a request
is and write the answer; what is said is made here (`mind.py`). It reads hostile input and never raises: what it cannot
answer becomes an error in the shape of the API that was called. Every model name is accepted; "demo-429", "demo-500"
and "demo-overloaded" give those errors, "demo-fast" and "demo-slow" another pace (`pace.py`).
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import orjson
from attrs import evolve

from proxy_daemon.core.conversation import Operation
from proxy_daemon.core.dialects import BUILT_IN, GENERIC, recognise
from proxy_daemon.core.dialects.anthropic.messages import Anthropic
from proxy_daemon.core.dialects.cohere.v1 import CohereV1
from proxy_daemon.core.dialects.dialect import Dialect, Rendered
from proxy_daemon.core.dialects.google.gemini import Google
from proxy_daemon.core.dialects.json_writing import JSON
from proxy_daemon.core.dialects.ollama.ollama import Ollama
from proxy_daemon.core.dialects.tgi.tgi import TextGenerationInference
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import JSON_LIMIT, Request, ResponseHead
from proxy_daemon.core.model import pace
from proxy_daemon.core.model.answering import ANSWERED, rendered
from proxy_daemon.core.model.catalogue import model, models
from proxy_daemon.core.model.ollama_lists import shown_by_ollama
from proxy_daemon.core.model.reading import name_of
from proxy_daemon.core.model.refusal import Refused, error_body, provoke
from proxy_daemon.core.model.seeds import name_from, seed_of
from proxy_daemon.core.script import Script

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
# Recognised, but no dialect writes these.
_UNWRITTEN = re.compile(
    rb"(?:/responses/compact|/(?:de)?tokenize|(?::|%3A)(?:generateAnswer|computeTokens))/*\Z", re.IGNORECASE
)
_NAMELESS = (TextGenerationInference, CohereV1)  # their requests need not name a model


def answer(request: Request) -> Script:
    """What the built-in model answers, and how fast. Never raises. Paths count by their end, with or without `/v1`."""
    dialect = recognise(request, BUILT_IN)
    operation = _operation(dialect, request)
    about = f"{dialect.name} {operation} {dialect.model(request)}"
    seed = seed_of(about.encode("utf-8", "replace"), request.body.whole() or b"")
    try:
        if operation in ANSWERED:
            return _ask(dialect, request, seed)
        return _looked_up(request, dialect, seed)
    except Refused as refused:
        return _refusal(refused, dialect, seed, request)


def _operation(dialect: Dialect, request: Request) -> Operation:
    """What the path is for, whatever the method; `OTHER` where the dialect has no words for the answer."""
    posted = request if request.method == b"POST" else evolve(request, method=b"POST")
    found = dialect.operation(posted)
    predicts = isinstance(dialect, Google) and found is Operation.COMPLETION
    return Operation.OTHER if dialect is GENERIC or predicts or _UNWRITTEN.search(request.path) else found


def _looked_up(request: Request, dialect: Dialect, seed: bytes) -> Script:
    """What there is to look up: models. Raises `Refused`."""
    found = shown_by_ollama(request) if isinstance(dialect, Ollama) else _listed(request, dialect)
    if found is None:
        raise Refused(f"Unknown path: {_shown(request)}", None, 404, "unknown_url")
    return _whole(orjson.dumps(found), dialect, seed, request)


def _listed(request: Request, dialect: Dialect) -> dict[str, Any] | None:
    segments = [unquote(part, errors="replace") for part in request.path.decode("latin-1").split("/") if part]
    if request.method not in (b"GET", b"HEAD") or "models" not in segments[-2:]:
        return None
    return models(dialect) if segments[-1] == "models" else model(segments[-1], dialect)


def _shown(request: Request) -> str:
    return request.method[:20].decode("latin-1") + " " + request.path[:200].decode("latin-1")


def _ask(dialect: Dialect, request: Request, seed: bytes) -> Script:
    if request.method != b"POST":
        raise Refused(f"{_shown(request)} is not allowed: use POST.", None, 405, "method_not_supported")
    body = _body(request)
    name = _model(dialect, request, body)
    provoke(name, dialect)
    said = rendered(dialect, request, body, name, seed)
    if len(said.pieces) == 1:
        return _whole(said.body, dialect, seed, request, name)
    return _streamed(said, dialect, seed, name)


def _model(dialect: Dialect, request: Request, body: dict[str, Any]) -> str:
    """The model asked for. Raises `Refused`."""
    stated = dialect.model(request)
    if not stated and isinstance(dialect, _NAMELESS):
        return "demo-1"
    return name_of({"model": stated} if stated else body, "model")


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


def _head(status: int, kind: bytes, dialect: Dialect, seed: bytes, *more: tuple[bytes, bytes]) -> ResponseHead:
    request_id = name_from(seed, "req_").encode()
    own: tuple[tuple[bytes, bytes], ...] = ((b"x-request-id", request_id),)
    if isinstance(dialect, Anthropic):
        own = ((b"request-id", request_id),)
    elif dialect is GENERIC or dialect.maker == "openai":
        spent = b"%d" % (180 + seed[0])
        own += ((b"openai-processing-ms", spent), (b"openai-version", b"2020-10-01"))
    return ResponseHead(status, _REASONS[status], Headers(((b"Content-Type", kind), *own, *more)))


def _streamed(said: Rendered, dialect: Dialect, seed: bytes, name: str) -> Script:
    head = _head(200, said.content_type, dialect, seed, (b"Cache-Control", b"no-cache"))
    return Script(head, pace.paced(said.pieces, name, seed))


def _whole(octets: bytes, dialect: Dialect, seed: bytes, request: Request, name: str = "demo-fast") -> Script:
    return Script(_head(200, JSON, dialect, seed), pace.whole(b"" if request.method == b"HEAD" else octets, name))


def _refusal(refused: Refused, dialect: Dialect, seed: bytes, request: Request) -> Script:
    more: list[tuple[bytes, bytes]] = []
    if refused.status == 429:  # noqa: PLR2004 - Too Many Requests
        more.append((b"Retry-After", b"1"))
    if refused.status == 405:  # noqa: PLR2004 - Method Not Allowed
        more.append((b"Allow", b"POST"))
    head = _head(refused.status, JSON, dialect, seed, *more)
    octets = error_body(refused, dialect, name_from(seed, "req_"))
    return Script(head, pace.whole(b"" if request.method == b"HEAD" else octets, "demo-fast"))
