"""Text of others as a terminal may show it: what would steer the terminal stands there as an escape.

Also what turns the direction of writing, and so shows another text than there is (Unicode TR36, bidirectional text).
Called by `import` and `show`.
"""

from __future__ import annotations

import re

# C0 but tab and line feed, DEL, C1, line and paragraph separators, bidirectional controls, surrogates, noncharacters.
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)


def harmless(text: str) -> str:
    """The text; its line feeds and tabs stay."""
    return _STEERING.sub(_escape, text)


def one_line(text: str) -> str:
    """The same, on one line."""
    return harmless(text).replace("\n", "\\n").replace("\t", "\\t")


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"  # noqa: PLR2004  (one octet)
