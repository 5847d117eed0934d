"""A pseudo-terminal, in which `shell_job.py` runs a command: what is typed, what is shown. Everything has a limit."""

import os
import pty
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path

from rig import LIMIT

SHELL = str(Path(__file__).with_name("shell_job.py"))


class Terminal:
    """One terminal with one job."""

    def __init__(self, command, env):
        self.shown = ""
        self.shell, self.screen = pty.fork()
        if self.shell == 0:
            os.execve(sys.executable, [sys.executable, SHELL, *command], env)

    def type(self, text):
        os.write(self.screen, text.encode())

    def until(self, mark):
        """What is shown up to ``mark``."""
        while mark not in self.shown:
            ready, _, _ = select.select([self.screen], [], [], LIMIT)
            assert ready, f"{mark!r} was not shown, only {self.shown!r}"
            self.shown += self._read()
        before, _, self.shown = self.shown.partition(mark)
        return before + mark

    def _read(self):
        try:
            data = os.read(self.screen, 65536)
        except OSError:  # Linux tells the end so
            data = b""
        if not data:
            raise EOFError(f"it ended with {self.shown!r}")
        return data.decode()

    def close(self):
        with suppress(ProcessLookupError):
            os.kill(self.shell, signal.SIGKILL)
        os.close(self.screen)
        os.waitpid(self.shell, 0)
