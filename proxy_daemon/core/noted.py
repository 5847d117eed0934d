"""What people may note of an exchange: a short mark and a comment, as plain text without tricks.

Called by `pipeline/acting.py`, and by the command line before it asks a daemon.
"""

from __future__ import annotations

import unicodedata

from proxy_daemon.core.acts import LONGEST_COMMENT, LONGEST_MARK

# Those that turn the order of what stands behind them: a line could look like another one (Unicode TR 36).
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BREAKS = frozenset("\u2028\u2029\u0085")


def noted_mark(text: str) -> str:
    """A mark as it is kept: a word or a sign, without blanks around it. Raises ValueError."""
    text = text.strip()
    if len(text) > LONGEST_MARK:
        raise ValueError(f"mark: more than {LONGEST_MARK} characters")
    return _plain("mark", text, "")


def noted_comment(text: str) -> str:
    """A comment as it is kept: lines end in LF, and none stands empty at the end. Raises ValueError."""
    text = text.replace("\r\n", "\n").rstrip()
    if len(text) > LONGEST_COMMENT:
        raise ValueError(f"comment: more than {LONGEST_COMMENT} characters")
    return _plain("comment", text, "\n\t")


def _plain(name: str, text: str, allowed: str) -> str:
    for sign in text:
        hidden = unicodedata.category(sign) in ("Cc", "Cs") or sign in _TURNS or sign in _BREAKS
        if hidden and sign not in allowed:
            raise ValueError(f"{name}: U+{ord(sign):04X} is a control character, which a {name} cannot hold")
    return text
