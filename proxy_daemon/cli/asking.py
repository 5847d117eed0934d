"""Asks a running daemon for one of its own pages.

No redirect is followed and no proxy is used: the admin token goes to the daemon that was named, and nowhere else.
Called by `verdict` and all that changes something in a daemon.
"""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from attrs import evolve, field, frozen

SECONDS = 30.0  # of silence
LONGEST = 120.0  # seconds for the whole answer
MOST = 64 * 1024 * 1024  # octets of an answer
OK = 200
TOKEN = "/_llmproxy/api/token"  # noqa: S105  (a path)


class NoAnswer(Exception):
    """There is none that could be read. The message is one line that names the daemon."""


@frozen
class Address:
    """Of a daemon. ``prefix``: the path that a reverse proxy puts before its pages."""

    url: str
    host: str
    port: int
    tls: bool
    prefix: str
    token: str = field(default="", repr=False)


def address(url: str, token: str = "") -> Address:
    """Raises ValueError for what is no address of a daemon; never quotes a password."""
    wrong = ValueError("--url: not an address such as http://127.0.0.1:8910")
    try:
        parts = urlsplit(url)
        port = parts.port
        (parts.hostname or "").encode("idna")  # what the resolver would raise: a part of the name is too long, or empty
    except ValueError:
        raise wrong from None
    if port == 0:
        raise wrong
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or "@" in url:
        raise wrong
    if not url.isascii() or not url.isprintable() or " " in url:
        raise wrong
    tls = parts.scheme == "https"
    plain = f"{parts.scheme}://{parts.netloc}"
    return Address(plain, parts.hostname, port or (443 if tls else 80), tls, parts.path.rstrip("/"), token)


def with_token(daemon: Address) -> Address:
    """The same, with the token that whoever changes something shows: the admin's, else what it tells. `NoAnswer`."""
    if daemon.token:
        return daemon
    found = ask(daemon, "GET", TOKEN, {})
    token = found.get("token") if isinstance(found, dict) else None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise NoAnswer(f"{daemon.url}: {TOKEN} tells no token: is it an llmproxy of this version?")
    return evolve(daemon, token=token)


def ask(daemon: Address, method: str, path: str, parameters: Mapping[str, str], body: Any = None) -> Any:
    """The JSON that it answers. ``body``: sent as JSON, unless None. What changes something gets its token by itself.

    Raises `NoAnswer`.
    """
    if method != "GET":
        daemon = with_token(daemon)
    query = f"?{urlencode(parameters)}" if parameters else ""
    fields = {"Accept": "application/json"} | ({"X-LLMProxy-Token": daemon.token} if daemon.token else {})
    data = None if body is None else json.dumps(body).encode()
    connection = _connection(daemon)
    try:
        more = {} if data is None else {"Content-Type": "application/json"}
        connection.request(method, daemon.prefix + path + query, data, fields | more)
        answer = connection.getresponse()
        status, data = answer.status, _read(answer)
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(f"{daemon.url} does not answer: {_said(error)}") from error
    finally:
        connection.close()
    return _parsed(daemon, status, data)


def _connection(daemon: Address) -> http.client.HTTPConnection:
    if daemon.tls:
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(daemon.host, daemon.port, timeout=SECONDS, context=context)
    return http.client.HTTPConnection(daemon.host, daemon.port, timeout=SECONDS)


def _read(answer: http.client.HTTPResponse) -> bytes:
    data, until = bytearray(), time.monotonic() + LONGEST
    while part := answer.read1(65536):
        data += part
        if len(data) > MOST:
            raise http.client.HTTPException(f"its answer is longer than {MOST} octets")
        if time.monotonic() > until:
            raise TimeoutError("its answer takes too long")
    if answer.length:
        raise http.client.IncompleteRead(bytes(data), answer.length)
    return bytes(data)


def _parsed(daemon: Address, status: int, data: bytes) -> Any:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise NoAnswer(f"{daemon.url} answers {status}, and not in JSON: is it llmproxy?") from None
    if status != OK:
        raise NoAnswer(f"{daemon.url} answers {status}: {_error(found)}")
    return found


def _error(found: Any) -> str:
    """What an error of any of the shapes that llmproxy writes says."""
    error = found.get("error") if isinstance(found, dict) else None
    if isinstance(error, dict):
        error = error.get("message")
    return error[:1000] if isinstance(error, str) else "it does not say why"


def _said(error: Exception) -> str:
    if isinstance(error, TimeoutError) and not str(error).startswith("its"):
        return f"nothing came for {SECONDS:g} s"
    if isinstance(error, http.client.IncompleteRead):
        return "its answer broke off"
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
