"""Takes secrets out of an answer that is still growing, as the store does once it has ended.

Invariant: of a secret not a letter comes through, in whatever pieces it comes. What is whole is replaced; what stands
at the end of a text may be the beginning of one, and is held back until more has come. Called by `living/watching.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from string import ascii_letters, digits
from typing import Any

from proxy_daemon.core.conversation import Answer
from proxy_daemon.core.inspecting.chat import LONGEST, answer_told
from proxy_daemon.core.redact import Redactor

MOST_NUMBERS = 4096  # of a vector
_GROWING = ("text", "arguments", "opaque")  # members of parts
_BY_OWN_RULE = 256  # characters that are held back where somebody's own pattern may say anything
_RUN = ascii_letters + digits + "_.~+/=%\\:@-"  # what keys and tokens are made of
_HEAD = "-----BEGIN"  # of a private key; it shows what it is within so many characters
_SHORTEST_KEY = 256
_BEHIND = 4 * 1024  # characters that are looked through behind what is shown: a secret may begin in that


def veiled(answer: Answer, redactor: Redactor, *, whole: bool) -> dict[str, Any]:
    """The answer as JSON has it, without secrets. ``whole``: nothing more will come, and nothing is held back."""
    state = answer_told(answer, sys.maxsize)  # what is cut before it is looked through shows half a secret
    own = any(rule.pattern for rule in redactor.rules.rules)
    state["choices"] = [_choice(choice, redactor, whole, own) for choice in state["choices"]]
    return {name: value if name == "choices" else _safe(value, redactor) for name, value in state.items()}


def _choice(choice: dict[str, Any], redactor: Redactor, whole: bool, own: bool) -> dict[str, Any]:
    parts = [_part(part, redactor, whole, own) for part in choice["parts"]]
    rest = {name: _safe(value, redactor) for name, value in choice.items() if name != "parts"}
    return rest | {"parts": parts}


def partial_of(own: bool) -> Callable[[str], str]:
    """What may be shown of a text that may go on. ``own``: there are patterns of somebody's own."""
    return _long_settled if own else settled


def _part(part: dict[str, Any], redactor: Redactor, whole: bool, own: bool) -> dict[str, Any]:
    shown = str if whole else partial_of(own)
    if len(part.get("values", ())) > MOST_NUMBERS:
        return part | {"values": part["values"][:MOST_NUMBERS], "cut": len(part["values"])}
    found: dict[str, Any] = {}
    for name, value in part.items():
        if name not in _GROWING or not isinstance(value, str):
            found[name] = _safe(value, redactor)
        elif len(value) <= LONGEST:
            found[name] = shown(_safe(value, redactor))
        else:
            found["cut"] = len(value) - len(value) % LONGEST  # in steps: the part changes seldom
            # What is not shown is not looked through either: a model that says only keys would hold everybody up.
            found[name] = partial_of(own)(_safe(value[: LONGEST + _BEHIND], redactor))[:LONGEST]
    return found


def _safe(value: Any, redactor: Redactor) -> Any:
    """Texts without their secrets; numbers and lists of them as they are."""
    if isinstance(value, dict):
        return {name: _safe(each, redactor) for name, each in value.items()}
    if not isinstance(value, str) or not value:
        return value
    # A lone surrogate cannot be sent, and what holds a zero is taken for octets in which nothing is replaced.
    data = value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace")
    return redactor.body(b"", data).decode("utf-8", "replace")


def settled(text: str) -> str:
    """The text without what may be the beginning of a secret."""
    kept = text.rstrip(_RUN)
    head = text.rfind(_HEAD, max(0, len(text) - _SHORTEST_KEY))
    return kept if head < 0 else kept[:head]


def _long_settled(text: str) -> str:
    return settled(text[: max(0, len(text) - _BY_OWN_RULE)])
