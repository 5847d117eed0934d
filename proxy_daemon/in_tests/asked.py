"""What a test asks of its cassette, and what is wrong with it. Called by `use_cassette.py` and the pytest plugin."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from attrs import frozen

from proxy_daemon.cli.judgement import WORDS, parse_fail_on
from proxy_daemon.cli.run_options import default_mode
from proxy_daemon.core.modes import NAMES as MODES

MODE = "LLMPROXY_MODE"
ALWAYS = ("refused", "failed")  # a miss that nobody may forward is refused
ON_ERROR = ("skip", "record", "refuse")
REPEATS = "sequence, exhaust, cycle, first, last or random:SEED"
ARGUMENTS = ("mode", "match_on", "repeat", "on_error_response", "cassette", "fail_on")


class WrongArgument(ValueError):
    """One line that names the argument and the choices."""


@frozen
class Asked:
    """``file``: absolute; what is empty is as the daemon's settings say. ``fail_on``: besides `ALWAYS`; None: nothing.

    In a mode that forwards nothing, what went live makes it fail too.
    """

    file: Path
    mode: str
    match_on: str = ""
    repeat: str = ""
    on_error_response: str = ""
    fail_on: tuple[str, ...] | None = ()


def asked(
    file: Path,
    mode: str,
    *,
    match_on: Any = None,
    repeat: Any = None,
    on_error_response: Any = None,
    fail_on: Any = (),
) -> Asked:
    """Checked, but for the grammars of `match_on` and `repeat`, which are the daemon's. Raises `WrongArgument`."""
    return Asked(
        file,
        one_of("mode", mode, MODES),
        ",".join(_words("match_on", match_on, "a text such as 'model,messages', or a list of names")),
        _text("repeat", repeat, REPEATS),
        "" if on_error_response is None else one_of("on_error_response", on_error_response, ON_ERROR),
        fail_on_of("fail_on", fail_on),
    )


def one_of(name: str, value: Any, known: tuple[str, ...]) -> str:
    """The value. Raises `WrongArgument`."""
    if value not in known:
        raise WrongArgument(f"{name}: {value!r} is unknown: one of {', '.join(known)}")
    return str(value)


def fail_on_of(name: str, value: Any) -> tuple[str, ...] | None:
    """A text or a list of words; None for `nothing`. Raises `WrongArgument`."""
    choices = f"{', '.join(WORDS)}, or nothing"
    words = _words(name, value, choices)
    if not words:
        return ()
    try:
        return parse_fail_on(",".join(words)) or None
    except ValueError:
        raise WrongArgument(f"{name}: {','.join(words)!r} is unknown: any of {choices}") from None


def check_names(given: Mapping[str, Any], known: tuple[str, ...] = ARGUMENTS) -> None:
    """Raises `WrongArgument` for one that is not there."""
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, 1)
            meant = f"; did you mean {near[0]}?" if near else ""
            raise WrongArgument(f"there is no argument {name!r}: there are {', '.join(known)}{meant}")


def mode_here(environ: Mapping[str, str], wished: str | None) -> str:
    """What `LLMPROXY_MODE` says, else what is wished, else as `llmproxy run` has it. Raises `WrongArgument`."""
    said = environ.get(MODE, "").strip()
    return one_of(f"${MODE}", said, MODES) if said else wished or default_mode(environ, cassette=True)


def _words(name: str, value: Any, wanted: str) -> list[str]:
    if value is None:
        return []
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(each, str) for each in parts):
        raise WrongArgument(f"{name}: {value!r} is unknown: it is {wanted}")
    return [each.strip() for each in parts if each.strip()]


def _text(name: str, value: Any, wanted: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or not value.strip():
        raise WrongArgument(f"{name}: {value!r} is unknown: one of {wanted}")
    return value.strip()
