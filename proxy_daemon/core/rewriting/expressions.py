"""A regular expression made ready for text that comes in pieces.

Invariant: time is linear in the text, whatever the pattern (RE2, https://github.com/google/re2), and no match is empty.
Called by `rules.py` when a rule is made.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import re2
from attrs import frozen

from proxy_daemon.core.rewriting.lookahead import asserts, looking_ahead, skeleton, without_groups
from proxy_daemon.core.rewriting.templates import Template, template

LONGEST_PATTERN = 4096
# The size of a pattern times its longest match: what each piece of a text may cost, in steps of RE2, while a match may
# yet come. Repetitions with a count are what makes patterns large: on texts that almost match each one counts.
MOST_STEPS = 300_000
_MEMORY = 8 << 20
_BESIDE = (b"", b"a", b" ", b"\n")  # all that `^`, `$`, `\b` and `\B` ask for


@frozen
class Compiled:
    """``whole``: the pattern; ``bare``, ``ahead`` and ``asserts``: made of it, see `lookahead.py`."""

    whole: Any
    bare: Any
    ahead: Any
    asserts: bool
    by: Template


def compiled(pattern: str, by: str) -> Compiled:
    """The pattern, ready. Raises ValueError with a sentence that says what cannot be."""
    whole = _read(pattern)
    if _matches_nothing(whole):
        raise ValueError(f"pattern: {pattern!r} matches the empty text: it would stand everywhere")
    names = {name.decode(): number for name, number in whole.groupindex.items()}
    by_read = template(by, names, whole.groups)
    bare, ahead = _derived(without_groups(pattern)), _derived(looking_ahead(pattern))
    return Compiled(whole, bare, ahead, asserts(pattern), by_read)


def check_steps(pattern: str, longest: int) -> None:
    """Raises ValueError where a match that long takes too many steps, and where RE2 does not read the pattern."""
    _read(pattern)
    steps = _derived(skeleton(pattern)).programsize * longest
    if steps > MOST_STEPS:
        raise ValueError(
            f"pattern: {pattern!r} takes {steps} steps for a longest of {longest}, and {MOST_STEPS} are the most: make "
            "its repetitions or longest smaller; * needs no count, as longest bounds it"
        )


def _read(pattern: str) -> Any:
    if not pattern or len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"pattern must have 1 to {LONGEST_PATTERN} characters")
    try:
        return _made(pattern.encode())
    except UnicodeEncodeError:
        raise ValueError("pattern: has half a surrogate pair in it") from None
    except re2.error as error:
        said = error.args[0] if error.args else b""
        reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise ValueError(f"pattern: {pattern!r} is none that RE2 reads: {reason}") from None


def _derived(pattern: str) -> Any:
    try:
        return _made(pattern.encode())
    except re2.error:
        raise ValueError("pattern: too large to be followed over pieces: make its repetitions smaller") from None


def _made(pattern: bytes) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    return re2.compile(pattern, options=options)


def _matches_nothing(whole: Any) -> bool:
    return any(
        whole.fullmatch(left + right, pos=len(left), endpos=len(left)) is not None
        for left, right in product(_BESIDE, repeat=2)
    )
