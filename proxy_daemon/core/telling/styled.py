"""Lines of styled text, as values; and as a terminal takes them (ECMA-48 SGR, by the numbers that all terminals know).

Invariant: what is written is printable, whatever a line was made of. Called by `plugins/console/`.
"""

from __future__ import annotations

from collections.abc import Sequence

from proxy_daemon.core.harmless import harmless

Line = tuple[tuple[str, str], ...]  # (style, text) in order; a style is one of `STYLES`, or empty
STYLES = {
    "bold": "1",
    "dim": "2",
    "italic": "3",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
    "magenta": "35",
}
_COLOURS = frozenset(("red", "green", "yellow", "cyan", "magenta"))
BARE, PLAIN, FULL = "bare", "plain", "full"  # no escapes at all; no colours; both


def written(line: Sequence[tuple[str, str]], depth: str = FULL) -> str:
    """The line; what would steer a terminal in its texts stands there as an escape that one can read."""
    return "".join(painted(style, harmless(text), depth) for style, text in line)


def painted(style: str, text: str, depth: str = FULL) -> str:
    """A text that is harmless already, in a style."""
    code = STYLES.get(style)
    if code is None or not text or depth == BARE or (depth == PLAIN and style in _COLOURS):
        return text
    return f"\x1b[{code}m{text}\x1b[0m"
