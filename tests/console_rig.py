"""A terminal for tests of the console: what a person sees (by pyte, a terminal emulator), and a daemon in memory."""

import sys
from types import SimpleNamespace

import orjson
import pyte

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import ResponseHead
from proxy_daemon.core.notices import Notices
from proxy_daemon.core.script import Script
from proxy_daemon.hookspecs import hookimpl
from proxy_daemon.plugins.console import Console
from proxy_daemon.plugins.console.drawing import Pen
from proxy_daemon.plugins.console.screen import Screen
from proxy_daemon.testing import Kit

SSE = ResponseHead(200, b"OK", Headers([(b"Content-Type", b"text/event-stream")]))
CHAT = "/v1/chat/completions"


class Seen:
    """A terminal of this size. ``octets``: all that was written to it, ``writes``: how often."""

    def __init__(self, columns=80, rows=24):
        self.screen = pyte.HistoryScreen(columns, rows, history=100_000, ratio=0.5)
        self.stream = pyte.ByteStream(self.screen)
        self.size, self.octets, self.writes = (columns, rows), b"", 0

    def write(self, data):
        self.octets += data
        self.writes += 1
        self.stream.feed(data.replace(b"\n", b"\r\n"))  # as a terminal's driver does it (termios(3), ONLCR)

    def resize(self, columns, rows):
        self.size = (columns, rows)
        self.screen.resize(rows, columns)

    @property
    def lines(self):
        """All rows, those that scrolled away too."""
        above = ["".join(row[at].data for at in range(self.size[0])) for row in self.screen.history.top]
        return [row.rstrip() for row in [*above, *self.screen.display]]

    @property
    def text(self):
        return "\n".join(self.lines).rstrip()


def screen_on(seen, depth="full"):
    pen = Pen(depth)
    return Screen(seen.write, lambda: seen.size, lambda: pen, depth)


class _Output:
    """What stands in the place of `sys.__stdout__`."""

    def __init__(self, is_terminal):
        self.buffer, self.is_terminal = self, is_terminal

    def isatty(self):
        return self.is_terminal

    def fileno(self):
        raise OSError("it has none")


class OnTerminal(Console):
    """The console, on a terminal that a test looks at."""

    seen, scheduled, stops, is_stopped = None, (), (), False

    @hookimpl
    def llmproxy_configure(self, settings, services):
        self.scheduled, self.stops, self.notices = [], [], Notices()
        scheduler = SimpleNamespace(every=lambda _, do: self.scheduled.append(do), at_stop=self.stops.append)
        given = SimpleNamespace(
            clock=services.clock,
            redactor=services.redactor,
            worker=services.worker,
            scheduler=scheduler,
            notices=self.notices,
            lines=lambda file: self.written,
        )
        Console.llmproxy_configure(self, settings, given)
        if self.scheduled:
            self.telling._screen.size = lambda: self.seen.size

    def written(self, data):
        if not self.is_stopped:  # with Ctrl-S
            self.seen.write(data)
            self.telling._terminal.taken(len(data))

    def tick(self):
        for do in self.scheduled:
            do()


class Watched:
    """A daemon in memory with a person at its terminal."""

    def __init__(self, monkeypatch, *, size=(80, 24), terminal=True, env=None, plugins=(), **more):
        for name, value in ({"TERM": "xterm", "NO_COLOR": ""} | (env or {})).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "__stdout__", _Output(terminal) if terminal is not None else None)
        self.console = OnTerminal()
        self.console.seen = self.seen = Seen(*size)
        self.kit = Kit(self.console, *plugins, block_plugin=("console",), **more)

    def chat(self, *texts, path=CHAT, headers=None, **more):
        roles = ("user", "assistant")
        messages = [{"role": roles[at % 2], "content": text} for at, text in enumerate(texts)]
        body = {"model": "m", "messages": messages, "stream": True} | more
        return self.kit.send(path, body, headers=headers)

    def begin(self, *texts, **more):
        messages = [{"role": "user", "content": text} for text in texts]
        return self.kit.begin(CHAT, {"model": "m", "messages": messages, "stream": True} | more)

    def wait(self, seconds):
        """Time passes, with its ticks."""
        for _ in range(round(seconds * 10)):
            self.kit.clock.advance(0.1)
            self.console.tick()

    def look(self):
        """What is seen once all is drawn."""
        for _ in range(60):
            self.console.tick()
        return self.seen.text


def event(**delta):
    """One event of a chat's stream."""
    return b"data: " + orjson.dumps({"choices": [{"index": 0, "delta": delta}]}) + b"\n\n"


LAST = (
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":12,"completion_tokens":34,"prompt_tokens_details":{"cached_tokens":5},'
    b'"completion_tokens_details":{"reasoning_tokens":6}}}\n\ndata: [DONE]\n\n'
)


def streaming(*pieces, seconds=0.1):
    """An upstream that streams these: words, or whole events."""
    octets = [event(content=piece) if isinstance(piece, str) else piece for piece in pieces]
    script = Script(SSE, tuple((seconds, data) for data in [*octets, LAST]))
    return lambda request: script
