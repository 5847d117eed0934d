"""Where the daemon's own log goes under `llmproxy serve`: the standard error, the standard output is JSON lines."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from twisted.logger import FileLogObserver, formatEvent, formatEventAsClassicLogText

PRINTED = ("stdout", "stderr")  # Twisted's names for what is printed: it takes the place of both files


def to_stderr() -> Any:
    """A log observer, as `twistd --logger` wants it. Only what has gone wrong is worth a line.

    What is printed, by plugins too, is shown as it is.
    """
    output = sys.stderr
    observer = FileLogObserver(output, formatEventAsClassicLogText)

    def worth_a_line(event: Mapping[str, Any]) -> None:
        level = event.get("log_level")
        if event.get("log_namespace") in PRINTED:
            output.write(formatEvent(dict(event)) + "\n")
            output.flush()
        elif event.get("isError") or (level is not None and level.name in ("warn", "error", "critical")):
            observer(dict(event))

    return worth_a_line
