"""Front matter of a talk: YAML that `front_matter.py` reads as the same values.

Invariant: what is given is read as what it was, or `CannotSay` says why it is not written. Called by `writing.py`.
"""

from __future__ import annotations

from typing import Any

import orjson
import yaml

from proxy_daemon.core.cassettes import yaml_text
from proxy_daemon.core.cassettes.foreign_text import CannotSay
from proxy_daemon.core.cassettes.llmproxy.told import COUNTS
from proxy_daemon.core.conversation import Usage
from proxy_daemon.core.pattern import ANY_TEXT
from proxy_daemon.core.talk.front_matter import KEYS, PARAMETERS, misspelt
from proxy_daemon.core.talk.quoting import odd_quoted

Members = dict[str, Any]


def usage_text(usage: Usage) -> str:
    """`in 14, out 2`."""
    counts = [(word, getattr(usage, name)) for word, name in COUNTS.items()]
    return ", ".join(f"{word} {count}" for word, count in counts if count is not None)


def scalar(text: str) -> Any:
    """A field's value: a number where it is a short one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text  # noqa: PLR2004  (a moment)


class _Dumper(yaml.CSafeDumper):  # type: ignore[misc]  # PyYAML has no types
    """Says each value where it stands: no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def front_text(told: Members, parameters: Members) -> str:
    """Front matter; parameters whose names mean something here stand by themselves. Raises `CannotSay`."""
    own = {name: value for name, value in parameters.items() if name in KEYS or misspelt(name) or not _is_key(name)}
    plain = {name: value for name, value in parameters.items() if name not in own}
    if not told and not parameters:
        return ""
    whole = told | plain | ({PARAMETERS: own} if own else {})
    text = _dumped(whole)
    if text is not None and ANY_TEXT not in text:
        return text
    text = _dumped(told | {PARAMETERS: _json(parameters)})
    if text is None:
        raise CannotSay("its parameters cannot be said")
    return text


def _dumped(value: Members) -> str | None:
    """None where it would not be read as the same, or would end before its end."""
    try:
        text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
        same = orjson.dumps(yaml_text.load(text.encode())) == orjson.dumps(value)
    except (yaml.YAMLError, yaml_text.NotYaml, RecursionError, TypeError, ValueError):
        return None
    return text if same and odd_quoted(text) == text and "\n---" not in text else None


def _is_key(name: str) -> bool:
    return bool(name) and name.isascii() and name.replace("_", "a").isalnum()


def _json(parameters: Members) -> str:
    """`{{*}}` in it is meant as itself."""
    try:
        return orjson.dumps(parameters).decode().replace(ANY_TEXT, "\\\\" + ANY_TEXT)
    except TypeError:
        raise CannotSay("its parameters cannot be said") from None
