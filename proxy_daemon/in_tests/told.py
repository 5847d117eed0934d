"""Why a test fails by its cassette, in words: a line, then the difference of each request that missed.

Text of others is in it: what would steer a terminal is an escape. Called by `cassette.py`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

from proxy_daemon.cli.harmless import harmless, one_line
from proxy_daemon.cli.judgement import WORDS
from proxy_daemon.in_tests.asked import ALWAYS, MODE, Asked

MOST_SHOWN = 5  # reports
WHY = {
    "miss": "was not recorded",
    "refused": "was refused",
    "failed": "failed",
    "live": "went live",
    "near": "was answered by the recording of another request",
    "unused": "was not used",
}


@frozen
class Told:
    """``text``: why the test fails; empty: nothing against it. ``nothing_asked``: no request came at all."""

    text: str
    nothing_asked: bool


def told(asked: Asked, found: dict[str, Any], *, records: bool, unused: bool) -> Told:
    """``found``: the verdict on this cassette's session, as the daemon answers."""
    session = found["sessions"][0]
    counted = {word: count for word in _words(asked, records, unused) if (count := _count(session, word))}
    lines = [*_trouble(asked, found.get("trouble")), *(_lines(asked, session, counted) if counted else ())]
    return Told("\n".join(lines), not session["exchanges"])


def _trouble(asked: Asked, trouble: Any) -> Iterator[str]:
    """Of this cassette, not of another test's: such as a disk that is full. Nobody would miss the recording today."""
    if asked.fail_on is not None and isinstance(trouble, str) and os.path.realpath(asked.file) in trouble:
        yield f"llmproxy: not all was recorded: {one_line(trouble)}"


def _words(asked: Asked, records: bool, unused: bool) -> tuple[str, ...]:
    if asked.fail_on is None:
        return ()
    live = () if records else ("live",)
    words = dict.fromkeys((*ALWAYS, *live, *asked.fail_on))
    return tuple(word for word in words if word != "unused" or unused)


def _lines(asked: Asked, session: dict[str, Any], counted: dict[str, int]) -> Iterator[str]:
    """The refused that are misses are called so: nobody is helped by the word that says less."""
    if not (missed := min(session["misses"], counted.get("refused", 0))):
        reasons = dict(counted)
    else:
        reasons = {"miss": missed, "refused": counted["refused"] - missed} | {
            word: count for word, count in counted.items() if word not in ("miss", "refused")
        }
    said = ", ".join(_sentence(word, count) for word, count in reasons.items() if count)
    yield f"llmproxy: {said} ({_shown(asked.file)}, mode {asked.mode})"
    if set(counted) - {"unused"}:
        yield from _reports(session)
    if "unused" in counted:
        yield from _unused(session)
    if missed or "unused" in counted:
        yield f"If it is meant to be so, record it anew: {MODE}=all, and the same command"


def _sentence(word: str, count: int) -> str:
    what = "recording" if word == "unused" else "request"
    verb = WHY[word] if count == 1 else WHY[word].replace("was ", "were ", 1)
    return f"{count} {what}{'' if count == 1 else 's'} {verb}"


def _reports(session: dict[str, Any]) -> Iterator[str]:
    reports = session["reports"]
    for report in reports[:MOST_SHOWN]:
        yield " ".join(one_line(report[name]) for name in ("method", "path", "model") if report.get(name))
        yield from (f"    {line}" for line in harmless(report.get("text", "")).splitlines())
    if more := len(reports[MOST_SHOWN:]) + session["reports_left_off"]:
        yield f"    and {more} more"


def _unused(session: dict[str, Any]) -> Iterator[str]:
    listed = session["unused"]["first"]
    for recording in listed:
        shown = " ".join(one_line(recording[name]) for name in ("method", "path", "model") if recording.get(name))
        yield f"    not used: {shown}"
    if more := session["unused"]["count"] - len(listed):
        yield f"    and {more} more"


def _count(session: dict[str, Any], word: str) -> int:
    found: int = session["unused"]["count"] if word == "unused" else session[WORDS[word]]
    return found


def _shown(file: Path) -> str:
    """From where the reader is, if that is shorter."""
    try:
        return one_line(str(file.relative_to(os.getcwd())))  # noqa: PTH109  (cwd may be gone: OSError here, not later)
    except (ValueError, OSError):
        return one_line(str(file))
