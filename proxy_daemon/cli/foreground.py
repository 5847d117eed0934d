"""A command in the foreground, as if whoever started us had started it: terminal, signals, job control, exit code.

It stays in our process group, so that what is typed at the terminal reaches it without us; what others send to us alone
is passed on, and where it stops, we stop. Called by `run.py`, in the main thread.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress

from attrs import frozen

NOT_FOUND, NOT_RUN, KILLED = 127, 126, 128  # as shells have it (POSIX, Shell Command Language, 2.8.2)
PASSED_ON = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGTSTP,
    signal.SIGCONT,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
TYPED = (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP)
_HEARD = (*PASSED_ON, signal.SIGCHLD)
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
_SI_KERNEL = 0x80  # sigaction(2): sent by the kernel, as the terminal does to all of the foreground


class CannotRun(Exception):
    """The command was not started. ``code``: what shells answer then."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


@frozen
class Signal:
    """One that came. ``everybody_has_it``: the command, too."""

    number: int
    everybody_has_it: bool


def run(command: tuple[str, ...], environ: Mapping[str, str]) -> int:
    """Run it to its end. Its exit code, 128 and the signal's number where one has killed it. Raises `CannotRun`."""
    handlers = {each: signal.signal(each, _nothing) for each in (signal.SIGCHLD, signal.SIGCONT)}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    try:
        return _ended(_started(command, environ, before))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _started(command: tuple[str, ...], environ: Mapping[str, str], mask: set[signal.Signals | int]) -> int:
    """Its process id. It gets the signals as we got them."""
    try:
        return os.posix_spawnp(command[0], command, environ, setsigmask=mask, setsigdef=_IGNORED_BY_PYTHON)
    except (FileNotFoundError, ValueError):  # ValueError: an empty name
        raise CannotRun(f"{command[0]}: command not found", NOT_FOUND) from None
    except OSError as error:
        raise CannotRun(f"{command[0]}: {error.strerror}", NOT_RUN) from None


def _ended(process: int) -> int:
    """Wait for it, and pass on what comes."""
    wait = _waiter()
    while True:
        came = wait()
        if came.number == signal.SIGCHLD:
            code = _looked_at(process)
            if code is not None:
                return code
        elif not came.everybody_has_it:
            with suppress(ProcessLookupError):
                os.kill(process, came.number)


def _looked_at(process: int) -> int | None:
    """Its exit code, once it has ended. Where it has stopped, so do we, until somebody lets us go on."""
    ended, status = os.waitpid(process, os.WNOHANG | os.WUNTRACED)
    if not ended:
        return None
    if os.WIFSTOPPED(status):
        os.kill(os.getpid(), signal.SIGSTOP)
        return None
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else KILLED - code


def _waiter() -> Callable[[], Signal]:
    """What waits for the next signal. Not every system tells who has sent it: then those that are typed were typed."""
    if sys.platform == "darwin":
        return lambda: _guessed(signal.sigwait(_HEARD))
    return _told


def _told() -> Signal:
    came = signal.sigwaitinfo(_HEARD)
    return Signal(came.si_signo, came.si_code == _SI_KERNEL)


def _guessed(number: int) -> Signal:
    return Signal(number, number in TYPED)


def _nothing(*_: object) -> None:
    """A signal without a handler, that means nothing by itself, would not be waited for."""
