"""What a rule does, read: its `request`, `response` or `text`. Raises ValueError with a sentence. For `reading.py`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from proxy_daemon.core.headers import Pair
from proxy_daemon.core.rewriting.field_edits import EACH, FieldEdits, Steps, dotted, steps_of
from proxy_daemon.core.rewriting.header_edits import HeaderEdits, checked_name, no_key
from proxy_daemon.core.rewriting.paths import Models, PathExpression, Prefix, checked_path
from proxy_daemon.core.rewriting.requests import RequestEdits
from proxy_daemon.core.rewriting.responses import BODILESS, ResponseEdits
from proxy_daemon.core.rewriting.rules import Expression, Replace, TextRule
from proxy_daemon.core.rewriting.rules import Pair as TextPair
from proxy_daemon.core.rewriting.toml_values import json_of, table_of, text_of, texts_of

_FIELDS = ("set", "remove", "rename", "default")
_REQUEST = (*_FIELDS, "model", "headers", "path")
_RESPONSE = (*_FIELDS, "headers", "status")
_HEADERS = ("set", "add", "remove")
_TEXT = ("replace", "expression", "longest", "by", "open", "close", "open-by", "close-by", "moves", "fields")
_KEY = "request.key: a key stands in a file of its own: use --upstream-key NAME=FILE, which records it nowhere"


def request_edits(value: Any) -> RequestEdits:
    """Of a rule's `request`."""
    if isinstance(value, dict) and "key" in value:
        raise ValueError(_KEY)
    table = table_of("request", value, _REQUEST)
    return RequestEdits(
        model=_models(table["model"]) if "model" in table else None,
        fields=_fields("request", table),
        headers=_headers("request.headers", table["headers"], asks=True) if "headers" in table else None,
        path=_path(table["path"]) if "path" in table else None,
    )


def response_edits(value: Any) -> ResponseEdits:
    """Of a rule's `response`."""
    table = table_of("response", value, _RESPONSE)
    return ResponseEdits(
        status=_statuses(table["status"]) if "status" in table else (),
        headers=_headers("response.headers", table["headers"], asks=False) if "headers" in table else None,
        fields=_fields("response", table),
    )


# --- fields ----------------------------------------------------------------------------------------------------------


def _fields(place: str, table: Mapping[str, Any]) -> FieldEdits | None:
    if not any(key in table for key in _FIELDS):
        return None
    removed = texts_of(f"{place}.remove", table["remove"]) if "remove" in table else ()
    edits = FieldEdits(
        remove=tuple(_steps(f"{place}.remove", path) for path in removed),
        rename=_renames(f"{place}.rename", table["rename"]) if "rename" in table else (),
        set=_values(f"{place}.set", table["set"]) if "set" in table else (),
        default=_values(f"{place}.default", table["default"]) if "default" in table else (),
    )
    _check_once(place, edits)
    return edits


def _check_once(place: str, edits: FieldEdits) -> None:
    changed = [*edits.remove, *(path for path, _ in edits.rename), *(path for path, _ in (*edits.set, *edits.default))]
    for path, count in Counter(changed).items():
        if count > 1:
            raise ValueError(f"{place}: {dotted(path)} is changed twice in one rule")


def _steps(key: str, text: str) -> Steps:
    try:
        return steps_of(text)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


def _renames(key: str, value: Any) -> tuple[tuple[Steps, str], ...]:
    found = []
    for text, new in table_of(key, value).items():
        path, name = _named(key, text), text_of(f"{key}.{text}", new)
        if not name or name == path[-1]:
            raise ValueError(f"{key}: {text} needs another name, in the same object")
        found.append((path, name))
    return tuple(found)


def _named(key: str, text: str) -> Steps:
    path = _steps(key, text)
    if isinstance(path[-1], int) or path[-1] == EACH:
        raise ValueError(f"{key}: {text!r} must end in a name: an element of a list has none")
    return path


def _values(key: str, value: Any) -> tuple[tuple[Steps, bytes], ...]:
    read = _named if key.endswith("default") else _steps
    return tuple((read(key, text), json_of(f"{key}.{text}", each)) for text, each in table_of(key, value).items())


# --- heads and paths -------------------------------------------------------------------------------------------------


def _headers(key: str, value: Any, *, asks: bool) -> HeaderEdits:
    table = table_of(key, value, _HEADERS)
    pairs = {each: _pairs(f"{key}.{each}", table[each]) for each in ("set", "add") if each in table}
    try:
        if asks:
            for name, _ in (*pairs.get("set", ()), *pairs.get("add", ())):
                no_key(name)
        removed = texts_of(f"{key}.remove", table["remove"]) if "remove" in table else ()
        names = [checked_name(name.encode()) for name in removed]
        return HeaderEdits(names, pairs.get("set", ()), pairs.get("add", ()))
    except ValueError as error:
        raise ValueError(f"{key}: {str(error).removeprefix(f'{key}: ')}") from None


def _pairs(key: str, value: Any) -> tuple[Pair, ...]:
    return tuple(
        (name.encode(), text_of(f"{key}.{name}", each).encode()) for name, each in table_of(key, value).items()
    )


def _models(value: Any) -> Models:
    table = table_of("request.model", value)
    names = tuple((name, text_of(f"request.model.{name}", new)) for name, new in table.items())
    for name, new in names:
        if not name or not new or not new.isprintable():
            raise ValueError('request.model: gives names for names: { "gpt-4o" = "llama3.1:70b" }')
    return Models(names)


def _path(value: Any) -> Prefix | PathExpression:
    table = table_of("request.path", value, ("prefix", "expression", "to"))
    if "to" not in table or ("prefix" in table) == ("expression" in table):
        raise ValueError("request.path: needs to, and prefix or expression")
    to = text_of("request.path.to", table["to"])
    try:
        if "expression" in table:
            return PathExpression(text_of("request.path.expression", table["expression"]), to)
        prefix = text_of("request.path.prefix", table["prefix"])
        checked_path(prefix.encode())
        checked_path(to.encode())
    except ValueError as error:
        raise ValueError(f"request.path: {error}") from None
    return Prefix(prefix, to)


def _statuses(value: Any) -> tuple[tuple[int, int], ...]:
    pairs = value.items() if isinstance(value, dict) else [("0", value)]
    found = [(int(old) if old.isascii() and old.isdigit() and len(old) <= 3 else -1, new) for old, new in pairs]  # noqa: PLR2004
    for old, new in found:
        if (old != 0 and not _is_status(old)) or not _is_status(new):
            raise ValueError('response.status: a status from 200 to 599, or by status: { "503" = 429 }; not 204 or 304')
    return tuple(found)


def _is_status(value: Any) -> bool:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return is_number and 200 <= value <= 599 and value not in BODILESS  # noqa: PLR2004  (RFC 9110 section 15)


# --- text ------------------------------------------------------------------------------------------------------------


def text_rule(name: str, value: Any) -> TextRule:
    """Of a rule's `text`. Raises `BadRule` too."""
    table = table_of("text", value, _TEXT)
    kinds = [key for key in ("replace", "expression", "open") if key in table]
    if len(kinds) != 1:
        raise ValueError("text: needs one of replace, expression, or open and close")
    fields = texts_of("text.fields", table["fields"]) if "fields" in table else ("content",)
    return {"replace": _replace, "expression": _expression, "open": _pair}[kinds[0]](name, table, fields)


def _allow(table: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    for key in table:
        if key not in (*keys, "fields"):
            raise ValueError(f"text: {key} does not go with {keys[0]}, which has {', '.join(keys[1:])} and fields")


def _text(table: Mapping[str, Any], key: str, default: str | None = None) -> str:
    if key not in table and default is None:
        raise ValueError(f"text: {key} is missing")
    return text_of(f"text.{key}", table.get(key, default))


def _replace(name: str, table: Mapping[str, Any], fields: tuple[str, ...]) -> TextRule:
    _allow(table, ("replace", "by"))
    return Replace(name, _text(table, "replace"), _text(table, "by"), fields)


def _expression(name: str, table: Mapping[str, Any], fields: tuple[str, ...]) -> TextRule:
    _allow(table, ("expression", "by", "longest"))
    longest = table.get("longest")
    if not isinstance(longest, int) or isinstance(longest, bool):
        raise ValueError("text: longest says how many characters a match may have: so many are held back")  # noqa: TRY004  (as below)
    return Expression(name, _text(table, "expression"), _text(table, "by"), longest, fields)


def _pair(name: str, table: Mapping[str, Any], fields: tuple[str, ...]) -> TextRule:
    _allow(table, ("open", "close", "open-by", "close-by", "moves"))
    moves = table.get("moves", False)
    if not isinstance(moves, bool):
        raise ValueError("text: moves is true or false")  # noqa: TRY004  (what is wrong is the file, not our call)
    opens, closes = _text(table, "open-by", ""), _text(table, "close-by", "")
    return TextPair(name, _text(table, "open"), _text(table, "close"), opens, closes, moves, fields)
