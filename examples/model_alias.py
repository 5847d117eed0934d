"""Example plugin: clients ask for "small" or "large"; the upstream gets the model's real name.

    llmproxy serve --plugin examples/model_alias.py

One idea: `llmproxy_request` returns the request that goes on. Only the bytes of the name change.
"""

from __future__ import annotations

import re

from attrs import evolve

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.messages import Exchange, Request
from proxy_daemon.hookspecs import hookimpl

ALIASES = {"small": b"gpt-4o-mini", "large": b"gpt-4o"}
MODEL = re.compile(rb'"model"\s*:\s*"(small|large)"')


@hookimpl
def llmproxy_request(exchange: Exchange) -> Request | None:
    """The request with the alias replaced, or None to leave it."""
    alias = exchange.request.body_field("model")
    if alias not in list(ALIASES):
        return None
    data = exchange.request.body.whole() or b""
    for found in MODEL.finditer(data):
        named = data[: found.start(1)] + ALIASES[alias] + data[found.end(1) :]
        request = evolve(exchange.request, body=Bytes(named))
        if request.body_field("model") != alias:  # not one that stands deeper in the body
            return request
    return None
