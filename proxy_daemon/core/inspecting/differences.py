"""How two recordings differ, by what is said: a line for each place, of long texts the words.

Invariant: bounded in time and size, whatever the recordings hold. Called by `work/viewing.py`.
"""

from __future__ import annotations

from typing import Any

from proxy_daemon.core.comparing.meaning import Line, lines
from proxy_daemon.core.comparing.side import Side
from proxy_daemon.core.inspecting.opened import Opened
from proxy_daemon.core.matching.nearness.word_difference import word_changes
from proxy_daemon.core.messages import id_text

MOST_LINES = 500
LONGEST = 4000  # characters of one side of a line
COMPARED = 256 * 1024  # characters of a text that is compared word by word
MOST_PIECES = 400  # of one line
AROUND = 120  # characters of what is equal, beside each change


def difference(old: Opened, new: Opened, *, everything: bool = False) -> dict[str, Any]:
    """{"titles", "lines", "cut", "problem"} of the API's `exchanges/ID/diff`."""
    one, other = side(old), side(new)
    told: list[dict[str, Any]] = []
    problem, cut = "", False
    try:
        for line in lines(one, other, everything=everything):
            if len(told) >= MOST_LINES:
                cut = True
                break
            told.append(_told(line))
    except (Exception, SystemExit) as error:  # noqa: BLE001  (a plugin's dialect may raise anything)
        problem = f"cannot be compared to its end: {type(error).__name__}"
    return {"titles": [one.title, other.title], "lines": told, "cut": cut, "problem": problem}


def side(read: Opened) -> Side:
    """As `core/comparing` takes it: secrets are out, and what answers the same does not differ."""
    recording = read.recording
    return Side(id_text(recording.id), recording, read.dialect, recording.fingerprint)


def _told(line: Line) -> dict[str, Any]:
    return {
        "section": line.section,
        "path": line.path,
        "old": line.old[:LONGEST],
        "new": line.new[:LONGEST],
        "words": words(*line.values),
    }


def words(old: object, new: object) -> list[list[str]]:
    """[["=", text], ["-", text], ["+", text]] of two texts; none of other values, which are shown as they are."""
    if not isinstance(old, str) or not isinstance(new, str):
        return []
    changes = word_changes(old[:COMPARED], new[:COMPARED])
    found = [
        [mark, _folded(text, at, len(changes)) if mark == "=" else _cut(text)]
        for at, (mark, text) in enumerate(changes)
    ]
    return found[:MOST_PIECES]


def _folded(text: str, at: int, count: int) -> str:
    """What is equal: the ends that stand beside a change."""
    if len(text) <= 2 * AROUND:
        return text
    before, behind = text[:AROUND] if at else "", text[-AROUND:] if at < count - 1 else ""
    return f"{before}…{behind}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
