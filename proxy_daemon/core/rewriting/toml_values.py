"""What stands in a rule file, checked for its kind. All raise ValueError with a sentence that begins with the key."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from proxy_daemon.core.splice.edits import octets_of

MOST_ITEMS = 1000


def unknown(key: str, known: Iterable[str]) -> str:
    """A sentence on a key that is not known, with those that are."""
    names = list(known)
    near = difflib.get_close_matches(key, names, 1)
    meant = f", did you mean {near[0]!r}" if near else ""
    return f"unknown key {key!r}{meant}: there are {', '.join(names)}"


def table_of(key: str, value: Any, known: Sequence[str] = ()) -> Mapping[str, Any]:
    """A table that is not empty. ``known``: its keys; none: any."""
    if not isinstance(value, dict) or not value:
        raise ValueError(f"{key}: must be a table" + (f" with some of {', '.join(known)}" if known else ""))
    if len(value) > MOST_ITEMS:
        raise ValueError(f"{key}: has {len(value)} entries; {MOST_ITEMS} are the most")
    for each in value:
        if known and each not in known:
            raise ValueError(f"{key}: {unknown(each, known)}")
    return value


def text_of(key: str, value: Any) -> str:
    """A text, which may be empty."""
    if not isinstance(value, str):
        raise ValueError(f"{key}: must be a text")  # noqa: TRY004  (what is wrong is the file, not our call)
    return value


def texts_of(key: str, value: Any) -> tuple[str, ...]:
    """A text or a list of texts, none of them empty."""
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values or not all(isinstance(each, str) and each for each in values):
        raise ValueError(f"{key}: must be a text, or a list of texts")
    if len(values) > MOST_ITEMS:
        raise ValueError(f"{key}: has {len(values)} entries; {MOST_ITEMS} are the most")
    return tuple(values)


def json_of(key: str, value: Any) -> bytes:
    """Any value that JSON can hold, as JSON."""
    try:
        return octets_of(value)
    except (ValueError, TypeError, RecursionError):
        raise ValueError(f"{key}: is no value that JSON can hold: texts, numbers, true, false, lists, tables") from None
