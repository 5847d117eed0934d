"""WireMock's mappings: stubs, each a pattern of requests and its answer. One of them, `{"mappings": [...]}`, or a list.

They come in the order in which WireMock asks them: by their priority, the last of a file before the others; so the
first that fits answers. What a `Pattern` cannot say is skipped with the reason, never served wrongly.
Source: https://wiremock.org/docs/stubbing/ . Called by `formats.py`.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator
from typing import Any

from attrs import evolve

from proxy_daemon.core.cassettes import Skipped, Unreadable
from proxy_daemon.core.cassettes.fields import Broken, base64_octets
from proxy_daemon.core.cassettes.json_text import NotJson, load
from proxy_daemon.core.cassettes.llmproxy.format import nothing_beside
from proxy_daemon.core.cassettes.llmproxy.values import Beside
from proxy_daemon.core.cassettes.message import Said, recording
from proxy_daemon.core.cassettes.stored_body import Stored, from_json, stored
from proxy_daemon.core.cassettes.wiremock.asked import NotSaid
from proxy_daemon.core.cassettes.wiremock.requests import pattern_of, request_of
from proxy_daemon.core.messages import Pieces, Recording, Unknown
from proxy_daemon.core.pattern import Pattern

_GLIMPSE = 4096
# Of a stub (https://wiremock.org/docs/stub-mapping-json/), in any order.
_STUB = rb"id|uuid|name|request|newRequest|response|priority|scenarioName|requiredScenarioState|newScenarioState"
_STUB += rb"|persistent|metadata|insertionIndex|postServeActions|serveEventListeners"
_BEGIN = re.compile(
    rb'(?:\xef\xbb\xbf)?\s*+(?:\{\s*+"(?:mappings|meta|importOptions)"\s*+:|\[?\s*+\{\s*+"(?:%b)"\s*+:)' % _STUB
)
# Names that no recording of Datadog's test agent has, and an address that is no URL.
_SIGN = re.compile(
    rb'"(?:urlPath|urlPattern|urlPathPattern|urlPathTemplate|bodyPatterns|bodyFileName|jsonBody|base64Body|proxyBaseUrl'
    rb'|fixedDelayMilliseconds)"\s*+:|"url"\s*+:\s*+"/'
)
_USUAL, _LAST = 5, 1 << 31  # priorities
_LONGEST_DELAY = 3_600_000  # milliseconds
_NAME = re.compile(r"[^/\\\0]{1,255}\Z")
_DEEPEST = 20


class WireMock:
    """The format. ``files``: of a mapping file's name, what gives the octets of its `__files`, by their paths there."""

    name = "wiremock"

    def __init__(self, files: Callable[[str], Beside] = nothing_beside) -> None:
        self._files = files

    def recognises(self, file: str, data: bytes) -> bool:
        """By its first member, and one that only stubs have."""
        return bool(_BEGIN.match(data[:_GLIMPSE])) and b'"request"' in data and _SIGN.search(data) is not None

    def read(self, file: str, data: bytes) -> Iterator[Recording | Skipped]:
        """All stubs, the first to be asked first. Raises `Unreadable`."""
        try:
            stubs = _stubs(load(data))
        except (NotJson, Broken) as error:
            raise Unreadable(file, str(error)) from None
        beside, seen = self._files(file), set[Pattern]()
        for number, stub in sorted(enumerate(stubs), key=_turn):
            try:
                found = _recording(stub, beside)
            except (Broken, NotSaid) as error:
                yield Skipped(number, str(error))
                continue
            assert found.pattern is not None
            again = found.pattern in seen
            yield Skipped(number, "another stub of the same request is asked before it") if again else found
            seen.add(found.pattern)


def _stubs(found: Any) -> list[Any]:
    """Raises `Broken`."""
    if isinstance(found, dict):
        found = found.get("mappings") if "mappings" in found else [found]
    if not isinstance(found, list):
        raise Broken("stubs of WireMock should stand here")
    return found


def _turn(numbered: tuple[int, Any]) -> tuple[int, int]:
    """By priority; of equal ones the last that was added is asked first."""
    number, stub = numbered
    priority = stub.get("priority") if isinstance(stub, dict) else None
    return priority if type(priority) is int and abs(priority) < _LAST else _USUAL, -number


def _recording(stub: Any, beside: Beside) -> Recording:
    """Raises `Broken`, `NotSaid`."""
    request, response = (stub.get(name) if isinstance(stub, dict) else None for name in ("request", "response"))
    if not isinstance(request, dict) or not isinstance(response, dict):
        raise Broken("a request and its response should stand here")
    if stub.get("scenarioName") is not None:
        raise NotSaid("a step of a scenario: it answers by what was asked before")
    pattern = pattern_of(request)
    found = recording(_said(pattern, response, beside))
    asked = request_of(pattern)
    found = evolve(found, request=asked, pattern=pattern, written=True, unknown=found.unknown | {Unknown.REQUEST})
    return _delayed(found, response)


_NOT_ANSWERED = {
    "fault": "a fault: its connection is broken on purpose",
    "proxyBaseUrl": "it passes the request on to another server",
    "transformers": "its answer is made of the request",
}


def _said(pattern: Pattern, response: dict[str, Any], beside: Beside) -> Said:
    """The answer as all formats tell it. Raises `Broken`, `NotSaid`."""
    for name, reason in _NOT_ANSWERED.items():
        if response.get(name):
            raise NotSaid(reason)
    status = response.get("status", 200)
    if response.get("statusMessage"):
        status = {"code": status, "message": response["statusMessage"]}
    return Said(
        method=pattern.method or "POST",
        url="/",
        status=status,
        response_headers=response.get("headers"),
        response_body=_body(response, beside),
    )


def _body(response: dict[str, Any], beside: Beside) -> Stored:
    """Raises `Broken`."""
    said = [name for name in ("body", "jsonBody", "base64Body", "bodyFileName") if response.get(name) is not None]
    if len(said) > 1:
        raise Broken("its body is said more than once")
    if not said:
        return Stored()
    value = response[said[0]]
    if said[0] == "jsonBody":
        return from_json(value)
    if not isinstance(value, str):
        raise Broken("a body that is no text")
    if said[0] == "bodyFileName":
        return Stored(_octets_of(value, beside))
    try:
        return stored(value) if said[0] == "body" else Stored(base64_octets(value))
    except ValueError:
        raise Broken("a body that is not base64") from None


def _octets_of(name: str, beside: Beside) -> bytes:
    """A name within `__files`, whatever it says. Raises `Broken`."""
    parts = name.split("/")
    if len(parts) > _DEEPEST or any(part in ("", ".", "..") or not _NAME.match(part) for part in parts):
        raise Broken("its body is in a file that is not within __files")
    try:
        return beside(name)
    except (OSError, LookupError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it cannot be read"
        raise Broken(f"its body is in a file within __files: {reason}") from None


def _delayed(found: Recording, response: dict[str, Any]) -> Recording:
    """Its answer comes as late as it is told. Other ways to wait stay unknown."""
    delay = response.get("fixedDelayMilliseconds")
    if type(delay) is not int or not 0 < delay <= _LONGEST_DELAY or found.response is None:
        return found
    at, size = delay * 1000, found.response.body.size
    pieces = Pieces(array("Q", [size] if size else []), array("Q", [at] if size else []))
    unknown = found.unknown - {Unknown.PIECES, Unknown.DURATION}
    return evolve(found, response=evolve(found.response, pieces=pieces), head_time=at, duration=at, unknown=unknown)
