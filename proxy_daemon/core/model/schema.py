"""A value that fits a JSON schema, made of a text's words: arguments of a function, or a structured answer.

Strings: what stands in quotes in the text, then its capitalised words (less the first word), then the text itself.
Numbers: those of the text, then 1. Enums: the first. Objects: the required members; where the outermost schema names
none, all. Arrays: one item, or `minItems`. `pattern`, `not` and conditions are not looked at. A schema that is too deep
or makes too much is refused (`Refused`), so the cost is bounded whatever is sent.
"""

from __future__ import annotations

import math
import re
from collections import deque
from typing import Any

import orjson

from proxy_daemon.core.model.refusal import Refused

_DEPTH = 24
_VALUES = 500  # schemas looked at for one value
_OCTETS = 4096  # of one literal or string
_WHOLE_OCTETS = 65_536
_SHALLOW = 4  # arrays hold an item as long as they are no deeper than this
_BIGGEST = 2**53

_QUOTES = re.compile(r"[\"“«]([^\"“”«»]{1,80})[\"”»]|(?<!\w)'([^']{1,80})'(?!\w)")
_PROPER = re.compile(r"(?<=\s)(?:[^\W\d_a-z]\w+)(?:\s[^\W\d_a-z]\w+)*")
_NUMBER = re.compile(r"-?\d{1,12}(?:\.\d{1,6})?")
_FORMATS = {
    "date": "2025-01-01",
    "date-time": "2025-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "demo@example.com",
    "hostname": "example.com",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
}


def value_text(schema: Any, text: str) -> str:
    """The JSON text of a value that fits the schema. Raises `Refused` where the schema asks for too much."""
    made = orjson.dumps(_Maker(schema, text).value(schema, 0))
    if len(made) > _WHOLE_OCTETS:
        raise _too_much()
    return made.decode()


def _too_much() -> Refused:
    return Refused("The built-in model cannot follow this JSON schema: it is too deep, or asks for too large a value.")


class _Maker:
    """One value in the making. ``words`` and ``numbers`` are used up from the left; the last word stays."""

    def __init__(self, root: Any, text: str) -> None:
        self._root = root
        self._left = _VALUES
        quoted = [first or second for first, second in _QUOTES.findall(text)]
        names = [name for name in _PROPER.findall(text) if name[0].isupper()]
        self._words = deque(quoted or names or [text.strip()[:80] or "demo"])
        self._numbers = deque(float(number) for number in _NUMBER.findall(text))

    def value(self, schema: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > _DEPTH:
            raise _too_much()
        if not isinstance(schema, dict):
            return self._string({})
        if "const" in schema:
            return _literal(schema["const"])
        if isinstance(options := schema.get("enum"), list) and options:
            return _literal(options[0])
        simpler = self._simpler(schema)
        return self._typed(schema, depth) if simpler is None else self.value(simpler, depth + 1)

    def _simpler(self, schema: dict[str, Any]) -> Any:
        """The schema that this one stands for; None where it stands for itself."""
        if isinstance(pointer := schema.get("$ref"), str):
            return self._resolve(pointer)
        for word in ("anyOf", "oneOf"):
            if isinstance(options := schema.get(word), list) and options:
                return next((option for option in options if not _is_null(option)), options[0])
        if isinstance(parts := schema.get("allOf"), list) and parts:
            return self._merged([{**schema, "allOf": None}, *parts])
        return None

    def _resolve(self, pointer: str) -> Any:
        """RFC 6901, within the schema itself."""
        place = self._root
        for step in pointer.removeprefix("#").split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            place = place.get(name) if isinstance(place, dict) else None
        return place

    def _merged(self, parts: list[Any]) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        self._left -= len(parts)
        for part in parts:
            found = (
                self._resolve(part["$ref"]) if isinstance(part, dict) and isinstance(part.get("$ref"), str) else part
            )
            if not isinstance(found, dict) or self._left < 0:
                continue
            properties = {**_dict(merged, "properties"), **_dict(found, "properties")}
            needed = [*_list(merged, "required"), *_list(found, "required")]
            merged = {**merged, **found, "properties": properties, "required": needed}
        return {name: held for name, held in merged.items() if held or name not in ("allOf", "properties", "required")}

    def _typed(self, schema: dict[str, Any], depth: int) -> Any:
        kind = _kind(schema)
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, depth)
        if kind in ("number", "integer"):
            return self._number(schema, whole=kind == "integer")
        return {"boolean": True, "null": None}[kind] if kind in ("boolean", "null") else self._string(schema)

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties = _dict(schema, "properties")
        wanted = list(properties) if depth == 0 and "required" not in schema else _list(schema, "required")
        made = {}
        for name in wanted[:_VALUES]:
            if isinstance(name, str):
                made[_literal(name)] = self.value(properties.get(name), depth + 1)
        return made

    def _array(self, schema: dict[str, Any], depth: int) -> list[Any]:
        fixed = _list(schema, "prefixItems")
        size = max(_size(schema, "minItems"), len(fixed), 1 if depth < _SHALLOW else 0)
        size = min(size, _size(schema, "maxItems", _VALUES), _VALUES)
        return [self.value(fixed[at] if at < len(fixed) else schema.get("items"), depth + 1) for at in range(size)]

    def _string(self, schema: dict[str, Any]) -> str:
        if isinstance(form := schema.get("format"), str) and form in _FORMATS:
            return _FORMATS[form]
        word = self._words.popleft() if len(self._words) > 1 else self._words[0]
        least = _size(schema, "minLength")
        if least > _OCTETS:
            raise _too_much()
        return str(word).ljust(least, ".")[: _size(schema, "maxLength", _OCTETS)]

    def _number(self, schema: dict[str, Any], *, whole: bool) -> float:
        wanted = self._numbers.popleft() if self._numbers else 1.0
        number = _within(schema, wanted)
        step = _bound(schema, "multipleOf", 0.0)
        if step > 0 and math.isfinite(number / step):
            number = math.ceil(number / step) * step
        number = float(max(-_BIGGEST, min(_BIGGEST, number)))
        return math.ceil(number) if whole or number.is_integer() else number


def _within(schema: dict[str, Any], wanted: float) -> float:
    above, below = _bound(schema, "exclusiveMinimum", -_BIGGEST), _bound(schema, "exclusiveMaximum", _BIGGEST)
    low, high = max(_bound(schema, "minimum", -_BIGGEST), above), min(_bound(schema, "maximum", _BIGGEST), below)
    value = max(low, min(high, wanted))
    if value in (above, below):
        nudged = value + (1 if value == above else -1)
        value = nudged if low < nudged < high else (low + high) / 2
    return float(value)


def _kind(schema: dict[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if isinstance(kind, str):
        return kind
    return "object" if "properties" in schema else "array" if "items" in schema else "string"


def _is_null(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("type") == "null"


def _literal(value: Any) -> Any:
    if len(orjson.dumps(value)) > _OCTETS:
        raise _too_much()
    return value


def _dict(schema: dict[str, Any], name: str) -> dict[str, Any]:
    value = schema.get(name)
    if not isinstance(value, dict):
        return {}
    if len(value) > _VALUES:
        raise _too_much()
    return value


def _list(schema: dict[str, Any], name: str) -> list[Any]:
    value = schema.get(name)
    return value[: _VALUES + 1] if isinstance(value, list) else []


def _size(schema: dict[str, Any], name: str, default: int = 0) -> int:
    value = schema.get(name)
    return min(value, 10 * _OCTETS) if type(value) is int and value >= 0 else default


def _bound(schema: dict[str, Any], name: str, default: float) -> float:
    value: Any = schema.get(name)
    return float(value) if type(value) in (int, float) else default
