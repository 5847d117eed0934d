"""A rule's `when`, read. Raises ValueError with a sentence. Called by `reading.py`."""

from __future__ import annotations

import difflib
import re
from typing import Any

from proxy_daemon.core.dialects import BUILT_IN, GENERIC
from proxy_daemon.core.rewriting.conditions import Conditions, Glob
from proxy_daemon.core.rewriting.header_edits import NAME
from proxy_daemon.core.rewriting.toml_values import table_of, texts_of

_KEYS = ("path", "method", "model", "header", "dialect", "upstream")
_DIALECTS = tuple(dialect.name for dialect in (*BUILT_IN, GENERIC))
_METHOD = re.compile(r"[A-Z][A-Z-]*")


def conditions(value: Any) -> Conditions:
    """The conditions; an empty table has none."""
    if value == {}:
        return Conditions()
    table = table_of("when", value, _KEYS)
    found: dict[str, tuple[str, ...]] = {
        key: texts_of(f"when.{key}", each) for key, each in table.items() if key != "header"
    }
    return Conditions(
        path=_paths(found.get("path", ())),
        method=_methods(found.get("method", ())),
        model=tuple(map(Glob, found.get("model", ()))),
        header=_headers(table["header"]) if "header" in table else (),
        dialect=_dialects(found.get("dialect", ())),
        upstream=found.get("upstream", ()),
    )


def _paths(texts: tuple[str, ...]) -> tuple[Glob, ...]:
    for text in texts:
        if not text.startswith(("/", "*")) or "?" in text:
            raise ValueError(f'when.path: {text!r} is no path such as "/v1/*": it begins with / or *, without a query')
    return tuple(map(Glob, texts))


def _methods(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        if _METHOD.fullmatch(text) is None:
            raise ValueError(f"when.method: {text!r} is no method such as POST, in capitals")
    return texts


def _headers(value: Any) -> tuple[tuple[bytes, tuple[Glob, ...]], ...]:
    pairs = []
    for name, values in table_of("when.header", value).items():
        if NAME.fullmatch(name.encode()) is None:
            raise ValueError(f"when.header: {name!r} is not the name of a header field")
        pairs.append((name.lower().encode(), tuple(map(Glob, texts_of(f"when.header.{name}", values)))))
    return tuple(pairs)


def _dialects(texts: tuple[str, ...]) -> tuple[str, ...]:
    """A misspelt name is an error; one that resembles none may be a plugin's."""
    for text in texts:
        near = [] if text in _DIALECTS else difflib.get_close_matches(text, _DIALECTS, 1)
        if near:
            raise ValueError(f"when.dialect: there is no {text!r}, did you mean {near[0]!r}: {', '.join(_DIALECTS)}")
    return texts
