"""JSON read so that no digit and no key is lost, and how numbers are written: where orjson would round or choose.

Invariant: the same number has one form, however it is spelled (1, 1.0, 10e-1), and two numbers never have one, however
many digits tell them apart; the form does not depend on the versions of libraries. Called by `canonical.py`.
"""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import orjson

PLAIN = 2**53  # integers below it are exact in a double
_SMALL = 0.001  # below it libraries differ in how they write
_SURE = 15  # digits that a double always keeps
_LONGEST = 4300  # characters of a number that are looked at as a number


class NotExact(ValueError):
    """There is no canonical form: each octet counts."""


def exact(data: bytes) -> Any:
    """The value of a JSON text. Numbers that no double holds are fragments, which are written as they stand.

    Raises `NotExact` or another ValueError for what is no JSON, NaN, infinities and duplicate keys; RecursionError for
    what is nested too deep.
    """
    return _DECODER.decode(data.decode())


def settled(value: float) -> Any:
    """A number as it is written: whole ones as integers; very small and very large ones in a form of our own."""
    if -PLAIN < value < PLAIN:
        if value.is_integer():
            return int(value)
        if not -_SMALL < value < _SMALL:
            return value
    return _normal(Decimal(repr(value)))


def settled_integer(value: int) -> Any:
    """A whole number that a double may not hold, as it is written. At most 64 bits: more are read by `exact`."""
    return value if -PLAIN < value < PLAIN else _normal(Decimal(value))


def _normal(number: Decimal) -> orjson.Fragment:
    sign, digits, exponent = number.as_tuple()
    written = "".join(map(str, digits))
    short = written.rstrip("0")
    return orjson.Fragment(f"{'-' * sign}{short}e{int(exponent) + len(written) - len(short)}")


def _integer(text: str) -> Any:
    if len(text) <= _SURE:
        return int(text)
    if len(text) > _LONGEST:
        return orjson.Fragment(text)
    number = Decimal(text)
    return int(text) if -PLAIN < number < PLAIN else _normal(number)


def _float(text: str) -> Any:
    if len(text) > _LONGEST:
        return orjson.Fragment(text)
    value = float(text)
    try:
        number = Decimal(text)
    except ArithmeticError:  # an exponent of twenty digits
        return orjson.Fragment(text)
    if math.isfinite(value) and Decimal(repr(value)) == number:
        return value
    return _normal(number)


def _refuse(text: str) -> Any:
    raise NotExact(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Servers differ in which of two equal keys they take: then the octets must be equal."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotExact("duplicate keys")
    return members


_DECODER = json.JSONDecoder(parse_float=_float, parse_int=_integer, parse_constant=_refuse, object_pairs_hook=_object)
