"""The console as a person sees it: the real daemon on a real pseudo-terminal, streams whose pieces the test sends."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
from contextlib import closing, contextmanager
from queue import SimpleQueue

import pytest
from console_rig import LAST, Seen, event
from rig import LIMIT, READY, SSE_HEAD, Daemon, RawUpstream, chunk

ROWS = 50
SERVE = [sys.executable, "-m", "proxy_daemon.cli.main", "serve", "--listen", "tcp:0:interface=127.0.0.1"]


class Person:
    """Sits before the terminal."""

    def __init__(self, screen, width):
        self.screen, self.seen = screen, Seen(width, ROWS)

    def until(self, is_seen):
        """Look until that is seen; gives all that is seen then."""
        while not is_seen(self.seen.text):
            ready, _, _ = select.select([self.screen], [], [], LIMIT)
            assert ready, f"it is not seen, only:\n{self.seen.text}"
            data = os.read(self.screen, 65536)
            self.seen.octets += data
            self.seen.stream.feed(data)
        return self.seen.text

    def sees(self, *words):
        """Look until all of these are seen."""
        return self.until(lambda text: all(word in text for word in words))


@contextmanager
def watching(folder, upstream, width, env, *options, shared=False):
    """(daemon, person): a daemon that runs on a terminal of this width. ``shared``: with its standard error too."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, width, 0, 0))
    command = [*SERVE, "--upstream", upstream, "--store", str(folder / "s.db"), *options]
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {"TERM": "xterm"} | env
    try:
        person, errors = Person(ours, width), theirs if shared else subprocess.PIPE
        with subprocess.Popen(command, stdout=theirs, stderr=errors, env=environment) as process:
            try:
                said = [person.sees("listening on", "mode").encode()] if shared else process.stderr
                port = next((int(found[1]) for line in said if (found := READY.search(line))), None)
                assert port, "it did not start"
                yield Daemon(process, port, [], None), person
            finally:
                process.terminate()
                if not shared:
                    process.stderr.read()
    finally:
        os.close(ours)
        os.close(theirs)


class Streams:
    """An upstream whose answers the test sends, each by the word that its request asks with."""

    def __init__(self, *words):
        self.said = {word: SimpleQueue() for word in words}
        self.upstream = RawUpstream(self._play)

    def _play(self, peer):
        while (asked := peer.request())[0]:
            word = json.loads(asked[1])["messages"][0]["content"]
            peer.send(SSE_HEAD)
            while (piece := self.said[word].get(timeout=LIMIT)) is not None:
                peer.send(chunk(event(content=piece)))
            peer.send(chunk(LAST) + chunk(b""))

    def say(self, word, *pieces):
        for piece in pieces:
            self.said[word].put(piece)


def asking(daemon, word):
    """A client that reads its answer to the end."""
    thread = threading.Thread(target=daemon.chat, args=(word,), kwargs={"stream": True}, daemon=True)
    thread.start()
    return thread


@pytest.fixture
def streams():
    made = Streams("first", "second")
    with closing(made.upstream):
        yield made


ONE = [f"alpha{number:02} " for number in range(40)]
TWO = ["**beta00** ", *[f"beta{number:02} " for number in range(1, 40)]]


@pytest.mark.parametrize("width", [40, 120])
def test_two_streams_at_once_are_seen_whole_and_untorn(tmp_path, streams, width):
    with watching(tmp_path, streams.upstream.url, width, {}) as (daemon, person):
        first = asking(daemon, "first")
        streams.say("first", *ONE[:20])
        person.sees("alpha18")
        second = asking(daemon, "second")
        streams.say("second", *TWO, None)
        second.join(LIMIT)
        streams.say("first", *ONE[20:], "\n\n- item\n", None)
        first.join(LIMIT)
        seen = person.until(lambda text: text.count("── miss") == 2)
    assert_untorn(seen, width)
    assert person.seen.octets.count(b"\x1b[?7l") == person.seen.octets.count(b"\x1b[?7h")


def assert_untorn(seen, width):
    rows = seen.split("\n")
    said = [row for row in rows if re.search(r"(alpha|beta)\d", row)]
    assert not [row for row in said if "alpha" in row and "beta" in row]
    assert re.findall(r"alpha\d\d", seen) == [word.strip() for word in ONE]
    assert re.findall(r"beta\d\d", seen) == [word.strip("* ") for word in TWO]
    assert [row for row in rows if "item" in row] == [" • item"]
    assert "**" not in seen
    assert max(map(len, rows)) <= width
    kinds = ["alpha" in row for row in said]
    at = [number for number, is_alpha in enumerate(kinds) if not is_alpha]
    assert at == list(range(at[0], at[0] + len(at)))  # the second one is in one piece


def test_words_are_seen_before_the_next_ones_come(tmp_path, streams):
    with watching(tmp_path, streams.upstream.url, 80, {}) as (daemon, person):
        client = asking(daemon, "first")
        for word in ("One ", "two ", "three ", "**four** "):
            streams.say("first", word)
            person.sees(word.strip())
        assert "**four**" in person.seen.text
        streams.say("first", None)
        client.join(LIMIT)
        seen = person.sees("── miss")
    assert "\nOne two three four\n" in seen
    assert "**" not in seen


HOSTILE = "\x1b[2J\x1b[H\x1b]0;owned\x07\x9b2J\x1b[?1049h\r\x1b]8;;http://x\x1b\\ end"


@pytest.mark.parametrize(
    ("env", "escapes"), [({}, True), ({"NO_COLOR": "1"}, True), ({"TERM": "dumb"}, False)], ids=["", "plain", "dumb"]
)
def test_escapes_of_an_answer_do_nothing_and_a_terminal_gets_what_it_wants(tmp_path, streams, env, escapes):
    with watching(tmp_path, streams.upstream.url, 120, env) as (daemon, person):
        client = asking(daemon, "first")
        streams.say("first", "begin ", HOSTILE, None)
        client.join(LIMIT)
        seen = person.sees("── miss")
    assert "user      first" in seen
    assert r"begin \x1b[2J\x1b[H\x1b]0;owned\x07\x9b2J\x1b[?1049h\x0d" in seen
    assert not re.search(rb"\x1b\[2J|\x1b\[H|\x1b\]|\x1b\[\?1049h|\x9b", person.seen.octets.replace("─".encode(), b""))
    assert (b"\x1b" in person.seen.octets) is escapes
    assert bool(re.search(rb"\x1b\[(?:3[0-7]|9[0-7])", person.seen.octets)) is (env == {})


def test_a_terminal_that_changes_its_size_while_a_block_grows(tmp_path, streams):
    with watching(tmp_path, streams.upstream.url, 120, {}) as (daemon, person):
        client = asking(daemon, "first")
        streams.say("first", *ONE)
        person.sees("alpha38")
        fcntl.ioctl(person.screen, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, 60, 0, 0))
        person.seen.resize(60, ROWS)
        streams.say("first", *TWO, None)
        client.join(LIMIT)
        seen = person.sees("── miss")
    assert re.findall(r"beta\d\d", seen) == [word.strip("* ") for word in TWO]


def test_lines_of_the_log_do_not_tear_what_grows(tmp_path, streams):
    with watching(tmp_path, streams.upstream.url, 120, {}, shared=True) as (daemon, person):
        client = asking(daemon, "first")
        for at in range(0, 40, 10):
            streams.say("first", *ONE[at : at + 10])
            person.sees(f"alpha{at + 8:02}")
            os.kill(daemon.process.pid, signal.SIGHUP)
            person.until(lambda text, count=at // 10 + 1: text.count("llmproxy: reload: ") == count)
        streams.say("first", None)
        client.join(LIMIT)
        seen = person.sees("── miss")
    assert re.findall(r"alpha\d\d", seen) == [word.strip() for word in ONE]
    reloads = [row for row in seen.split("\n") if "reload" in row]
    assert len(reloads) == 4
    assert all(row.startswith("llmproxy: reload: ") for row in reloads)


STOP, GO = b"\x13", b"\x11"  # Ctrl-S and Ctrl-Q (termios(3), IXON)


def test_a_stopped_terminal_holds_up_neither_the_traffic_nor_the_end(tmp_path, streams):
    with watching(tmp_path, streams.upstream.url, 120, {}, shared=True) as (daemon, person):
        os.write(person.screen, STOP)
        for _ in range(3):
            client = asking(daemon, "first")
            streams.say("first", *ONE, None)
            client.join(LIMIT)
            os.kill(daemon.process.pid, signal.SIGHUP)
            assert daemon.get("/_llmproxy/api/health")
        os.write(person.screen, GO)
        seen = person.until(lambda text: text.count("── ") >= 6 and "reload: " in text)
        assert re.findall(r"alpha\d\d", seen)[:40] == [word.strip() for word in ONE]
        os.write(person.screen, STOP)
        os.kill(daemon.process.pid, signal.SIGHUP)
        assert daemon.get("/_llmproxy/api/health")
        daemon.process.terminate()
        daemon.process.wait(LIMIT)


CONVERSATION = """
import sys
from proxy_daemon import tap
from proxy_daemon.testing import Kit
ASKED = {"model": "demo-fast", "messages": [{"role": "user", "content": "hi"}]}
assert Kit().send("/v1/chat/completions", ASKED).status == 200
print([name for name in sys.modules if name.split(".")[0] in ("rich", "markdown_it", "pygments")])
"""


def test_without_a_terminal_rich_is_never_imported():
    assert subprocess.check_output([sys.executable, "-c", CONVERSATION], text=True).strip() == "[]"
