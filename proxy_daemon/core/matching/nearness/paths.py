"""Where in a body a value stands, as people read it: `messages[0].content`.

Invariant: a path is never much longer than `LONGEST`, whatever the names of a hostile body: each of thousands of
members has its own, and each would repeat a name of a megabyte. Called by what compares bodies.
"""

from __future__ import annotations

from proxy_daemon.core.matching.nearness.hashing import digest

LONGEST = 480


def member(path: str, name: str) -> str:
    """The path of an object's member. Of what is too long the middle gives way to a hash: what differs stays apart."""
    if len(path) + len(name) < LONGEST:
        return f"{path}.{name}" if path else name
    return f"{_short(path)}.{_short(name)}" if path else _short(name)


def element(path: str, place: str) -> str:
    """The path of a list's element."""
    return f"{_short(path)}[{place}]"


def _short(text: str) -> str:
    most = LONGEST // 2
    if len(text) <= most:
        return text
    hashed = digest(text.encode("utf-8", "replace")).hex()
    return f"{text[: most // 2]}…{hashed}…{text[len(text) - most // 2 + len(hashed) + 2 :]}"
