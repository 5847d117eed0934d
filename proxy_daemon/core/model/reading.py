"""Fields of a request's JSON, read with suspicion: each reader gives a value of the right type or raises `Refused`.

Every message names the field, what was expected and what came. Values are what `orjson` makes, so types are exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proxy_daemon.core.model.refusal import Refused

NAME_LENGTH = 256  # a model's name stands in every event of a stream
MOST_TOOLS = 512  # each is looked at for each of `n` answers, as is each stop sequence
MOST_STOPS = 64
_WORDS = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "a boolean",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


def _check(value: Any, kinds: tuple[type, ...], where: str) -> Any:
    if type(value) in kinds:
        return value
    expected = " or ".join(_WORDS[kind] for kind in kinds)
    got = _WORDS.get(type(value), "something else")
    raise Refused(f"'{where}' must be {expected}, but it is {got}.", where, code="invalid_type")


def optional(body: dict[str, Any], name: str, *kinds: type, where: str = "") -> Any:
    """The field, of one of ``kinds``; None where it is absent or null."""
    value = body.get(name)
    return None if value is None else _check(value, kinds, where + name)


def required(body: dict[str, Any], name: str, *kinds: type, where: str = "") -> Any:
    """The field, of one of ``kinds``."""
    if name not in body:
        code = "missing_required_parameter"
        raise Refused(f"'{where}{name}' is missing: it must be {_WORDS[kinds[0]]}.", where + name, code=code)
    return _check(body[name], kinds, where + name)


def integer(body: dict[str, Any], name: str, low: int, high: int) -> int | None:
    """The field as an integer from ``low`` to ``high``; None where it is absent or null."""
    value: int | None = optional(body, name, int)
    if value is not None and not low <= value <= high:
        raise Refused(f"'{name}' must be from {low} to {high}, but it is {value}.", name, code="invalid_value")
    return value


def name_of(body: dict[str, Any], name: str, where: str = "") -> str:
    """A name: a string that is neither empty nor longer than `NAME_LENGTH`."""
    value: str = required(body, name, str, where=where)
    if not 0 < len(value) <= NAME_LENGTH:
        raise Refused(
            f"'{where}{name}' must have 1 to {NAME_LENGTH} characters, but it has {len(value)}.", where + name
        )
    return value


def offered_in(body: dict[str, Any]) -> list[Any]:
    """What stands under `tools`: at most `MOST_TOOLS` items, unchecked."""
    return _bounded(optional(body, "tools", list) or [], MOST_TOOLS, "tools")


def _bounded(items: list[Any], most: int, where: str) -> list[Any]:
    if len(items) > most:
        raise Refused(
            f"'{where}' must have {most} items at most, but it has {len(items)}.", where, code="invalid_value"
        )
    return items


def objects(items: list[Any], where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each item of a list of objects, with its place for messages: ``messages[0].``."""
    for index, item in enumerate(items):
        place = f"{where}[{index}]"
        yield place + ".", _check(item, (dict,), place)


def check_text(content: Any, where: str) -> None:
    """Raise `Refused` where a message's content is no string, null or list of parts whose texts are texts."""
    if content is None or isinstance(content, str):
        return
    for place, part in objects(_check(content, (str, list), where), where):
        optional(part, "text", str, where=place)


def stops_of(value: Any, where: str) -> tuple[str, ...]:
    """Strings that end an answer: one, a list of them, or null."""
    if value is None or isinstance(value, str):
        return (value,) if value else ()
    items = _bounded(_check(value, (str, list), where), MOST_STOPS, where)
    return tuple(_check(item, (str,), f"{where}[{index}]") for index, item in enumerate(items) if item != "")
