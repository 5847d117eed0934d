"""A daemon that ends with whoever started it: `llmproxy serve` under another name.

Its standard input is a pipe that only the starter can write into. Once that is closed, on purpose or because the
starter was killed, the daemon stops as after SIGTERM. Started by `child.py`: `python -m proxy_daemon.cli.dependent`.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress


def main(arguments: list[str]) -> None:
    """Serve. Does not return."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # the starter may have blocked some, and so they would be here
    threading.Thread(target=_end_with, args=(os.dup(0),), daemon=True).start()
    from proxy_daemon.cli.main import serve  # noqa: PLC0415  (a starter that is gone already is noticed before)

    serve(arguments)


def _end_with(pipe: int) -> None:
    """Wait until the other end is closed; what is written into it means nothing."""
    with suppress(OSError):
        while os.read(pipe, 4096):
            pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(sys.argv[1:])
