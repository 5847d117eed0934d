"""The dialects that llmproxy knows by itself, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Sequence

from proxy_daemon.core.dialects.anthropic import Anthropic
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.dialects.google import Google
from proxy_daemon.core.dialects.openai import OpenAI
from proxy_daemon.core.messages import Request

GENERIC = Dialect()
BUILT_IN: tuple[Dialect, ...] = (Google(), Anthropic(), OpenAI())


def recognise(request: Request, dialects: Sequence[Dialect]) -> Dialect:
    """The first of ``dialects`` that recognises the request, else the generic one."""
    for dialect in dialects:
        if dialect.recognises(request):
            return dialect
    return GENERIC
