"""Moments, durations and pieces in one line each: exact to the microsecond.

Called by `writing.py`, `messages.py` and their readers. Sources: RFC 3339 for the moment.
"""

from __future__ import annotations

import re
from array import array
from datetime import UTC, datetime, timedelta

from proxy_daemon.core.cassettes.llmproxy.wrong import Wrong
from proxy_daemon.core.messages import Pieces

_SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RECORDED = re.compile(
    r"(?P<moment>[^,]{1,40})(?:, head after (?P<head>[0-9.]{1,30}) s)?(?:, end after (?P<end>[0-9.]{1,30}) s)?\Z",
    re.ASCII,
)
_PIECES = re.compile(r"(?:[0-9]{1,19}(?:@[0-9]{1,14}(?:\.[0-9]{1,6})?)?(?: |\Z))*\Z", re.ASCII)
_MOST = 1 << 64


def recorded(started: float, head: int, end: int) -> str:
    """When it began, and after how many microseconds the head and the end came."""
    try:
        moment = (_EPOCH + timedelta(microseconds=round(started * _SECOND))).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError):
        moment = repr(started)
    told = f", head after {seconds(head)} s" if head else ""
    return moment + told + (f", end after {seconds(end)} s" if end else "")


def read_recorded(line: str) -> tuple[float, int, int]:
    """The three of `recorded`. Raises `Wrong`."""
    found = _RECORDED.match(line)
    if found is None:
        raise Wrong("no moment such as 2026-11-21T10:00:00Z, head after 0.5 s, end after 1.2 s", "recorded")
    return _moment(found["moment"]), _microseconds(found["head"]), _microseconds(found["end"])


def _moment(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        pass
    try:
        return float(text)
    except ValueError:
        raise Wrong("no moment such as 2026-11-21T10:00:00Z", "recorded") from None


def seconds(microseconds: int) -> str:
    """Seconds in decimals, exact."""
    whole, rest = divmod(microseconds, _SECOND)
    return f"{whole}.{rest:06d}".rstrip("0") if rest else str(whole)


def _microseconds(text: str | None) -> int:
    whole, _, rest = (text or "0").partition(".")
    if not whole.isdigit() or (rest and not rest.isdigit()) or len(rest) > 6:  # noqa: PLR2004  (microseconds)
        raise Wrong("a duration that is no number of seconds", "recorded")
    return int(whole) * _SECOND + int(rest.ljust(6, "0") if rest else 0)


def pieces(found: Pieces) -> str:
    """`SIZE@SECONDS` for each, a blank between; `SIZE` alone where no times are known."""
    if len(found.times) != len(found.sizes):
        return " ".join(map(str, found.sizes))
    return " ".join([f"{size}@{seconds(time)}" for size, time in zip(found.sizes, found.times, strict=True)])


def read_pieces(line: str) -> Pieces:
    """The pieces of such a line. Raises `Wrong`."""
    if not _PIECES.match(line):
        raise Wrong("no pieces such as 120@0.5 80@0.75: octets and seconds since the beginning", "pieces")
    words = [word.partition("@") for word in line.split(" ") if word]
    sizes = [int(size) for size, _, _ in words]
    times = [_microseconds(time) for _, at, time in words if at]
    if len(times) not in (0, len(sizes)) or max([0, *sizes, *times]) >= _MOST:
        raise Wrong("some pieces have a time and some have none", "pieces")
    return Pieces(array("Q", sizes), array("Q", times))
