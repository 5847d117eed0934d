"""A daemon of one's own: started on a free port as a child process, asked for its verdict, and stopped.

It needs neither Twisted nor an event loop, and never outlives whoever started it (`dependent.py`). Used by
`llmproxy run` and by the pytest plugin.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import IO, Any, Self

from attrs import define, field

LISTEN = ("--listen", "tcp:0:interface=127.0.0.1")
START_SECONDS = 300.0  # a large store may get new fingerprints first
STOP_SECONDS = 60.0  # the grace time for answers under way is half of it
MOST_LINES = 200  # of what it says
LONGEST_LINE = 4000  # octets; the rest of a longer one is a line of its own
VERDICT, STATS = "/_llmproxy/api/verdict", "/_llmproxy/api/stats"
POLL_SECONDS = 0.02
_READY = re.compile(rb"llmproxy: listening on http://127\.0\.0\.1:([0-9]+)[,\r\n]")
_TOLD = b"llmproxy: "  # what it says of itself behind that; whatever goes wrong later is a line of its log


class NotStarted(Exception):
    """The daemon did not start. The message is what it said."""


@define(eq=False)
class Child:
    """One daemon. ``options``: those of `llmproxy serve` but `--listen`; ``environ``: None for our own.

    What it says once it runs, such as warnings, is kept in `said`.
    """

    options: Sequence[str] = ()
    environ: Mapping[str, str] | None = field(default=None, repr=False)  # it holds keys
    port: int = field(default=0, init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _reader: threading.Thread | None = field(default=None, init=False)
    _said: deque[bytes] = field(factory=lambda: deque(maxlen=MOST_LINES), init=False)
    _settled: threading.Event = field(factory=threading.Event, init=False)  # it listens, or never will

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def said(self) -> str:
        """The last lines that it wrote, without those that tell of a good start; all of them once it is stopped."""
        return b"".join(tuple(self._said)).decode(errors="replace")

    # --- starting ----------------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Start it and wait until it listens. Raises `NotStarted`."""
        # -P: what lies in the folder that we are in, such as a program's own token.py, is no module of the daemon's
        command = [sys.executable, "-P", "-m", "proxy_daemon.cli.dependent", *LISTEN, *self.options]
        try:
            self._process = subprocess.Popen(  # noqa: S603  (its own interpreter, its own words)
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=self.environ,
                start_new_session=True,  # keys typed at the terminal mean the command, not the daemon
            )
            self._listen_to(self._process.stdout)
            from proxy_daemon.cli import asking  # noqa: F401, PLC0415  (needed later; loaded while the daemon starts)

            self._wait_for_start()
        except BaseException:
            self.stop()
            raise
        return self

    def _listen_to(self, stream: IO[bytes] | None) -> None:
        """In a thread that takes no signals: they are the business of the thread that waits for them."""
        reader = threading.Thread(target=self._read, args=(stream,), daemon=True)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            reader.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._reader = reader

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            while line := stream.readline(LONGEST_LINE):
                found = None if self.port else _READY.match(line)
                if found:
                    self.port = int(found[1])
                    self._settled.set()
                elif not (self.port and line.startswith(_TOLD)):
                    self._said.append(line)
        self._settled.set()

    def _wait_for_start(self) -> None:
        if not self._settled.wait(START_SECONDS):
            raise NotStarted(f"the daemon does not listen after {START_SECONDS:g} s\n{self.said}".rstrip())
        if not self.port:
            raise NotStarted(self.said.strip() or "the daemon ended at its start and did not say why")

    # --- what it answers ---------------------------------------------------------------------------------------------

    def verdict(self, session: str | None = None, *, reset: bool = False) -> Any:
        """What came of the exchanges since the start, or the last reset: as `api/verdict` answers (docs/verdict.md).

        ``session``: of that one only. Raises `asking.NoAnswer`.
        """
        from proxy_daemon.cli.asking import address, ask  # noqa: PLC0415  (loaded while nobody waits for it)

        parameters = {} if session is None else {"session": session}
        return ask(address(self.url), "DELETE" if reset else "GET", VERDICT, parameters)

    def settle(self, seconds: float) -> None:
        """Wait until no exchange is under way, but not longer than this. Raises `asking.NoAnswer`."""
        from proxy_daemon.cli.asking import address, ask  # noqa: PLC0415  (as above)

        until = time.monotonic() + seconds
        while ask(address(self.url), "GET", STATS, {})["exchanges"]["under_way"] and time.monotonic() < until:
            time.sleep(POLL_SECONDS)

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process is not None and self._process.poll() is None

    def ends_within(self, seconds: float) -> bool:
        """Whether it has ended, or does so in this time."""
        with suppress(subprocess.TimeoutExpired):
            if self._process is not None:
                self._process.wait(seconds)
        return not self.runs

    # --- stopping ----------------------------------------------------------------------------------------------------

    def stop(self) -> int | None:
        """Stop it, once answers under way have ended; all that is recorded is on the disk then. Its exit code.

        None where it was never started. A second call answers the same.
        """
        process = self._process
        if process is None:
            return None
        try:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            code = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            code = _killed(process)
        except BaseException:
            _killed(process)
            raise
        self._let_go(process)
        return code

    def _let_go(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdin is not None:
            process.stdin.close()
        if self._reader is not None:
            self._reader.join(1.0)  # what it has started may hold the pipe open longer

    def __enter__(self) -> Self:
        """Start it."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()


def _killed(process: subprocess.Popen[bytes]) -> int:
    process.kill()
    return process.wait()
