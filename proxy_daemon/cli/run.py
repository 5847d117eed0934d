"""`llmproxy run`: a command with a proxy of its own before its LLM clients, and the verdict on it at the end.

Exit codes: the command's, as a shell has it; where that is 0: 1 where the verdict is a no or there is none; 2 wrong
usage. Nothing here needs Twisted: the daemon is a process of its own (`child.py`).
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from attrs import frozen

from proxy_daemon.cli import foreground
from proxy_daemon.cli.child import Child, NotStarted
from proxy_daemon.cli.harmless import harmless, one_line
from proxy_daemon.cli.judgement import against, is_verdict
from proxy_daemon.cli.routes import Route, WrongAddress, environment, routes, trapped, with_placeholders
from proxy_daemon.cli.run_options import HELP, Asked, WrongUsage, parse, wants_help
from proxy_daemon.cli.verdict_text import lines

SETTLE_SECONDS = 2.0  # what the command has left under way may take so long to end
END_SECONDS = 1.0  # its sockets are closed a moment before it has ended
NOTHING_ASKED = (
    "nothing was asked through llmproxy: do the command's clients read one of the variables that docs/run.md lists?"
    " With --trap, what goes past it is refused and counted"
)


@frozen
class Outcome:
    """Of a run. ``verdict``: None where there is none, ``trouble``: why; ``said``: by the daemon meanwhile."""

    code: int
    verdict: Any
    trouble: str
    said: str


def run(arguments: list[str]) -> int:
    """Run it. Returns the exit code."""
    if wants_help(arguments):
        sys.stdout.write(HELP)
        return 0
    try:
        asked = parse(arguments, os.environ)
        found = routes(os.environ, asked.upstreams)
        with _ending_by_signals():
            outcome = _played(asked, found)
    except (WrongUsage, WrongAddress) as error:
        return _failed(str(error), 2)
    except NotStarted as error:
        return _failed(f"the daemon did not start: {error}", 1)
    except foreground.CannotRun as error:
        return _failed(str(error), error.code)
    return _judged(asked, outcome)


def _played(asked: Asked, found: tuple[Route, ...]) -> Outcome:
    with _place_to_record(asked) as options, Child((*options, *_upstreams(asked, found))) as child:
        code = foreground.run(asked.command, _environment(asked, found, child.url))
        verdict, trouble = _asked_for(child)
        child.stop()
    return Outcome(code, verdict, trouble, child.said)


@contextmanager
def _place_to_record(asked: Asked) -> Iterator[tuple[str, ...]]:
    """The daemon's options, with a store for this run where it has none."""
    if not asked.own_store:
        yield asked.options
        return
    with tempfile.TemporaryDirectory(prefix="llmproxy-run-") as folder:
        yield (*asked.options, "--store", f"{folder}/run.db")


def _upstreams(asked: Asked, found: tuple[Route, ...]) -> list[str]:
    """As options. Where they were given elsewhere than on the command line, that is repeated: it would not count."""
    here = [word for word in asked.options if word == "--upstream" or word.startswith("--upstream=")]
    given = [] if here else list(asked.upstreams)
    return [word for each in (*given, *(route.upstream for route in found)) if each for word in ("--upstream", each)]


def _environment(asked: Asked, found: tuple[Route, ...], url: str) -> dict[str, str]:
    made = environment(os.environ, found, url)
    made = with_placeholders(made, found) if asked.mode == "none" else made
    return trapped(made, url) if asked.trap else made


def _asked_for(child: Child) -> tuple[Any, str]:
    """(verdict, "") or (None, why there is none)."""
    from proxy_daemon.cli.asking import NoAnswer  # noqa: PLC0415  (it takes time that the command need not wait for)

    try:
        child.settle(SETTLE_SECONDS)
        found = child.verdict()
    except NoAnswer as error:
        return None, "the daemon ended before the command did" if child.ends_within(END_SECONDS) else str(error)
    return (found, "") if is_verdict(found) else (None, "the daemon's answer is no verdict of this version")


# --- telling ---------------------------------------------------------------------------------------------------------


def _judged(asked: Asked, outcome: Outcome) -> int:
    """Tell it, and say no where it is one."""
    sys.stderr.write(harmless(outcome.said))
    if outcome.verdict is None:
        return outcome.code or _failed(f"there is no verdict: {outcome.trouble}", 1)
    reasons = against(outcome.verdict, None, asked.fail_on)
    if reasons or not asked.quiet:
        _print(outcome.verdict)
    for reason in reasons:
        _failed(reason, 1)
    sys.stderr.flush()
    return outcome.code or (1 if reasons else 0)


def _print(verdict: Any) -> None:
    if any(each["exchanges"] for each in verdict["sessions"]):
        sys.stderr.write("\n".join([*lines(verdict), ""]))
    else:
        _failed(NOTHING_ASKED, 0)


def _failed(why: str, code: int) -> int:
    """Say it. Returns the exit code."""
    for line in why.splitlines():
        sys.stderr.write(f"llmproxy run: {one_line(line)}\n")
    return code


# --- signals, while the command does not run -------------------------------------------------------------------------


@contextmanager
def _ending_by_signals() -> Iterator[None]:
    """These end us by way of all that has to be put away first; while the command runs, they are its business."""
    handlers = {number: signal.signal(number, _leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _leave(number: int, _: FrameType | None) -> None:
    raise SystemExit(foreground.KILLED + number)
