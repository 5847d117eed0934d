"""What a body must hold, as WireMock's conditions say it one by one: values, and how two of them become one.

Called by `wiremock/bodies.py` and `wiremock/paths.py`.
"""

from __future__ import annotations

import re
from typing import Any

from attrs import frozen

from proxy_daemon.core.wire.json_text import NotJSON, write

ANY = "${json-unit.any-string}"  # stands for any text, alone; here also for what stands around a word
PLACEHOLDER = re.compile(r"[$#]\{json-unit")
DEEPEST = 100  # levels of JSON


class NotSaid(ValueError):
    """Why a pattern of ours cannot ask the same."""


@frozen
class Asked:
    """``value``: JSON that a body must hold; ``whole`` and ``leading``: see `Pattern`. None: any body will do."""

    value: Any = None
    whole: bool = False
    leading: bool = False
    there: bool = False

    @property
    def body(self) -> bytes:
        """Of the pattern. Raises `NotSaid`."""
        try:
            return write(self.value) if self.there else b""
        except NotJSON:
            raise NotSaid("its JSON is nested too deep") from None


def check(levels: int) -> None:
    """Raises `NotSaid` where none is left."""
    if not levels:
        raise NotSaid("its JSON is nested too deep")


def merged(one: Any, other: Any, levels: int = DEEPEST) -> Any:
    """An object with the members of both. Raises `NotSaid`."""
    check(levels)
    if not isinstance(one, dict) or not isinstance(other, dict):
        if Asked(one, there=True).body != Asked(other, there=True).body:  # true is no 1, though Python takes it for one
            raise NotSaid("several conditions on one value")
        return one
    found = dict(one)
    for name, value in other.items():
        found[name] = merged(found[name], value, levels - 1) if name in found else value
    return found
