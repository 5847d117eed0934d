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

ALIASES = {b"small": b"gpt-4o-mini", b"large": b"gpt-4o"}
MODEL = re.compile(rb'("model"\s*:\s*")(small|large)(")')


@hookimpl
def llmproxy_request(exchange: Exchange) -> Request | None:
    """The request with the alias replaced, or None to leave it."""
    data = exchange.request.body.whole()
    if data is None or exchange.model not in ("", "small", "large"):
        return None
    named = MODEL.sub(lambda found: found[1] + ALIASES[found[2]] + found[3], data, count=1)
    return None if named == data else evolve(exchange.request, body=Bytes(named))
