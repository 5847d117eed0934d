"""The values of settings: how each kind is read from a text, and what is known of a setting besides its default.

Errors are `ValueError`s that say what is wrong with the text. Used by the declarations in `settings`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from attrs import field, frozen

from proxy_daemon.core.quantities import parse_duration, parse_size

NEVER = math.inf
MOST = 1_000_000  # of anything that is counted


@frozen
class Option:
    """What is known of a setting besides its default. ``shown``: the default in words, where its text is not enough."""

    help: str
    example: str
    parse: Callable[[str], Any]
    group: str
    repeatable: bool = False
    flag: bool = False
    shown: str = ""
    reload: bool = False  # a reload (SIGHUP) takes its new value over


def choice(*names: str, **refused: str) -> Callable[[str], str]:
    """One of these names. ``refused``: names that would make sense, each with the sentence why not."""

    def parse(text: str) -> str:
        if text in refused:
            raise ValueError(f"{text!r}: {refused[text]}")
        if text not in names:
            raise ValueError(f"{text!r} is unknown: one of {', '.join(names)}")
        return text

    return parse


def parse_count(text: str) -> int:
    """A whole number from 1 to `MOST`."""
    # Python refuses to read a number of thousands of digits, with a sentence of its own.
    if not text.isascii() or not text.isdigit() or len(text) > len(str(MOST)) or not 0 < int(text) <= MOST:
        raise ValueError(f"{text!r} is not a whole number from 1 to {MOST}")
    return int(text)


def parse_seconds(text: str) -> float:
    """A duration such as 30s, in seconds; more than nothing."""
    seconds = parse_duration(text)
    if not 0 < seconds <= 10 * 365 * 86400:
        raise ValueError(f"{text!r} must be more than nothing and less than ten years")
    return seconds


def parse_count_or_any(text: str) -> float:
    """A count, or 0 for no limit."""
    return math.inf if text == "0" else parse_count(text)


def parse_seconds_or_never(text: str) -> float:
    """A duration, or 0 for no limit."""
    return NEVER if parse_duration(text) == 0 else parse_seconds(text)


def parse_share(text: str) -> float:
    """A share from 0 to 1, such as 0.98."""
    try:
        share = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise ValueError(f"{text!r} is not a number from 0 to 1")
    return share


def parse_bytes(text: str) -> int:
    """A size such as 64MiB, in octets; more than nothing."""
    size = parse_size(text)
    if size < 1:
        raise ValueError(f"{text!r} must be more than nothing")
    return size


def parse_text(text: str) -> str:
    """Any text of one line."""
    if not text or not text.isprintable():
        raise ValueError(f"{text!r} must not be empty or hold control characters")
    return text


def parse_flag(text: str) -> bool:
    """Yes or no, in the words of TOML and of shells."""
    values = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.lower() not in values:
        raise ValueError(f"{text!r} is not yes or no")
    return values[text.lower()]


def option(default: Any, help_text: str, example: str, parse: Callable[[str], Any], group: str, **more: Any) -> Any:
    """A field of `Settings`; the arguments are those of `Option`."""
    return field(default=default, metadata={"option": Option(help_text, example, parse, group, **more)})
