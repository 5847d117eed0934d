"""Standard output and error that cannot take what is written: one line and exit code 1, whatever the command.

Characters that the encoding does not have are written as escapes. Called by `main.py`, around each command.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress

from proxy_daemon.cli.harmless import one_line

INTERRUPTED = 130  # as shells have it: 128 and SIGINT
_OF_WRITING = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}


def guarded(command: Callable[[], int], *, discards: bool = False) -> int:
    """Run it; returns its exit code, 1 where its output cannot be written.

    ``discards``: whether what is written to a standard output that is closed goes nowhere, and is no error.
    """
    _open_all(discards)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _flushed(command)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # who reads has had enough, and knows it
        return _abandoned("")
    except OSError as error:
        ours = error.errno in _OF_WRITING and error.filename is None
        return _abandoned(f"standard output: {_said(error)}" if ours else f"{error}")


def _said(error: OSError) -> str:
    return "it is closed" if error.errno == errno.EBADF else str(error.strerror)


def _flushed(command: Callable[[], int]) -> int:
    """The interpreter would flush too, but behind the last place where an error can be told."""
    try:
        return command()
    finally:
        sys.stdout.flush()


def _open_all(discards: bool) -> None:
    """What is closed is opened: else the next file or socket would get its number, and what is printed."""
    modes = (os.O_RDONLY, os.O_WRONLY if discards else os.O_RDONLY, os.O_WRONLY)
    for number, mode in enumerate(modes):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, mode), True)  # it gets the least number that is free
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def _abandoned(why: str) -> int:
    """What is left in the stream goes nowhere: the interpreter would try once more, and complain."""
    with suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
    with suppress(OSError):
        sys.stderr.write(f"llmproxy: {one_line(why)}\n" if why else "")
        sys.stderr.flush()
    return 1
