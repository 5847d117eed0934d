"""Rules for what is a secret, as one process tells them to another (`core/work_frames.py`): plain values for JSON.

Invariant: what comes back finds what ``rules`` find, and keys by their shape too, whatever the policy for recording:
what is shown is shown without them. Called by `net/work.py` and `work/serving.py`.
"""

from __future__ import annotations

from typing import Any

from proxy_daemon.core.secret_rules import Rule, Rules

_NAMES = ("header", "query", "form", "json")


def carried(rules: Rules) -> list[dict[str, Any]]:
    """One for each rule."""
    return [
        {"name": rule.name, "pattern": rule.pattern} | {name: list(getattr(rule, name)) for name in _NAMES}
        for rule in rules.rules
    ]


def carried_back(found: Any) -> Rules:
    """The rules. Raises ValueError for what is none: then nothing may be shown."""
    try:
        return Rules(tuple(_rule(each) for each in found))
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"no rules: {type(error).__name__}") from None


def _rule(told: dict[str, Any]) -> Rule:
    return Rule(told["name"], told["pattern"], **{name: tuple(told[name]) for name in _NAMES})
