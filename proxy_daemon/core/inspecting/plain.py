"""The values of `core/conversation.py` as JSON has them, for `llmproxy show --json` and for the page.

Invariant: nothing is guessed and nothing left out but octets; each part says by "type" what it is.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import attrs

from proxy_daemon.core.conversation import Tool


def plain(value: Any) -> Any:
    """The same as dicts, lists, texts and numbers; a tool has no type, for it is no part."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    if isinstance(value, Tool):
        return {"name": value.name, "description": value.description, "schema": value.schema}
    if not attrs.has(type(value)):
        return value
    fields = {each.name: getattr(value, each.name) for each in attrs.fields(type(value))}
    told = {name: plain(each) for name, each in fields.items() if not isinstance(each, bytes)}
    return {"type": type(value).__name__} | told
