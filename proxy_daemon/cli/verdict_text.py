"""A verdict as people read it: a table of the sessions, then what missed and why, then what nobody used.

All of it is text of others: what would steer a terminal is an escape. Called by `verdict.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proxy_daemon.cli.harmless import harmless, one_line

COLUMNS = ("hits", "near", "misses", "refused", "collapsed", "live", "failed")
UNNAMED = "(no name)"
WIDEST = 60  # characters of a session's name in the table


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The whole text, line by line. ``found``: as `verdict.is_verdict` has passed it."""
    yield from _table(found)
    for each in found["sessions"]:
        yield from _reports(each)
        yield from _unused(each)
    if found.get("trouble"):
        yield ""
        yield one_line(str(found["trouble"]))


def _table(found: dict[str, Any]) -> Iterator[str]:
    rows = [["session", *COLUMNS, "unused"]]
    rows += [[_name(each), *(str(each[name]) for name in COLUMNS), _unused_count(each)] for each in found["sessions"]]
    if found["beyond"] is not None:
        rows.append(["(others)", *(str(found["beyond"][name]) for name in COLUMNS), "?"])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *rest in rows:
        cells = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        yield "  ".join([first.ljust(widths[0]), *cells])


def _reports(each: dict[str, Any]) -> Iterator[str]:
    for report in each["reports"]:
        yield ""
        yield f"{_name(each)}: {_joined(report, 'what', 'exchange', 'method', 'path', 'model')}"
        yield from (f"    {line}" for line in harmless(report.get("text", "")).splitlines())
    if each["reports_left_off"]:
        yield ""
        yield f"{_name(each)}: {each['reports_left_off']} more, whose texts were not kept"


def _unused(each: dict[str, Any]) -> Iterator[str]:
    listed = each["unused"]["first"]
    if not listed:
        return
    yield ""
    yield f"{_name(each)}: recordings that nobody used"
    yield from (f"    {_joined(recording, _found_by(recording), 'method', 'path', 'model')}" for recording in listed)
    if each["unused"]["count"] > len(listed):
        yield f"    and {each['unused']['count'] - len(listed)} more"


def _unused_count(each: dict[str, Any]) -> str:
    return f"{'<=' if each['unused'].get('at_most') else ''}{each['unused']['count']}"


def _found_by(recording: dict[str, str]) -> str:
    """The member by which people find it: in a file the id is only the daemon's own."""
    return "place" if recording.get("place") else "id"


def _joined(texts: dict[str, str], *names: str) -> str:
    return " ".join(one_line(texts[name]) for name in names if texts.get(name))


def _name(each: dict[str, Any]) -> str:
    name = one_line(each["session"]) or UNNAMED
    return name if len(name) <= WIDEST else "..." + name[-WIDEST:]
