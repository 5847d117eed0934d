"""Why a talk cannot be understood: the line and the reason. Raised by the reader's files, told by `format.py`."""

from __future__ import annotations


class Wrong(ValueError):
    """``line``: from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line, self.reason = line, reason
