"""`python -m proxy_daemon.work STORE`: the child process. The daemon starts it (`net/work.py`); nobody else need.

With `when-asked` behind it, the index of near misses waits for the first who asks for it.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
from contextlib import suppress

from proxy_daemon.core.work_frames import WHEN_ASKED, FrameError
from proxy_daemon.store.access import StoreError
from proxy_daemon.work.serving import Work, serve

NICE = 10
MOST_MEMORY = 768 * 1024 * 1024  # octets: a question that needs more is refused, and harms nobody else


def main() -> int:
    """Serve until the daemon lets go; the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to both: the daemon says when it is time
    with suppress(OSError):  # a service manager's filter of system calls may forbid it
        os.nice(NICE)
    with suppress(OSError, ValueError):  # there may be a lower limit already
        resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    try:
        work = Work(sys.argv[1], alarm=signal.alarm, grows=sys.argv[2:] != [WHEN_ASKED])
        gc.freeze()
        serve(work, 0, 1)
        work.close()
    except (StoreError, FrameError) as error:
        print(error, file=sys.stderr)  # noqa: T201  (the daemon writes it into its log)
        return 1
    except BrokenPipeError:  # the daemon is gone
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
