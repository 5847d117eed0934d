"""Datadog's test agent: one JSON file a call, `{"request": ..., "response": ...}`.

Header values are text; a body is text, or `base64:` and base64 where it was not UTF-8. No times are told.
Source: https://github.com/DataDog/dd-apm-test-agent, `ddapm_test_agent/vcr_proxy.py`.
Called by `formats.py`, behind `wiremock.py`, whose stubs look alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from proxy_daemon.core.cassettes import Skipped, Unreadable
from proxy_daemon.core.cassettes.fields import Broken
from proxy_daemon.core.cassettes.json_text import NotJson, load
from proxy_daemon.core.cassettes.message import Said, recording
from proxy_daemon.core.cassettes.stored_body import Stored, from_base64, stored
from proxy_daemon.core.messages import Recording

_BEGIN = re.compile(rb'(?:\xef\xbb\xbf)?\s*+\{\s*+"(?:request|response)"\s*+:\s*+\{')
_GLIMPSE = 4096
_BASE64 = "base64:"


class DatadogTestAgent:
    """The format."""

    name = "dd-test-agent-json"

    def recognises(self, file: str, data: bytes) -> bool:
        """By its first member."""
        return bool(_BEGIN.match(data[:_GLIMPSE]))

    def read(self, file: str, data: bytes) -> Iterator[Recording | Skipped]:
        """The one exchange. Raises `Unreadable`."""
        try:
            found = load(data)
        except NotJson as error:
            raise Unreadable(file, str(error)) from None
        request, response = (found.get(name) if isinstance(found, dict) else None for name in ("request", "response"))
        if not isinstance(request, dict) or not isinstance(response, dict):
            raise Unreadable(file, "a request and its response should stand here")
        try:
            yield _exchange(request, response)
        except Broken as error:
            yield Skipped(0, str(error))


def _exchange(request: dict[str, Any], response: dict[str, Any]) -> Recording:
    return recording(
        Said(
            method=request.get("method"),
            url=request.get("url"),
            status=response.get("status"),
            request_headers=request.get("headers"),
            request_body=_body(request.get("body")),
            response_headers=response.get("headers"),
            response_body=_body(response.get("body")),
        )
    )


def _body(given: Any) -> Stored:
    if isinstance(given, str) and given.startswith(_BASE64):
        return from_base64(given.removeprefix(_BASE64))
    return stored(given)
