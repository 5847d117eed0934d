"""curl and Python as formats of exports: what they say, what they lose, and the file beside; run for real."""

import os
import shutil
import subprocess
import sys
import threading
from array import array
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from attrs import evolve
from inspected import CHAT, JSON, Long, chat, recorded

from proxy_daemon.core.cassettes import copied_writing as writing
from proxy_daemon.core.cassettes.whole_exchange import ODD_REQUEST
from proxy_daemon.core.cassettes.writers import writer_named
from proxy_daemon.core.inspecting.copying import LONGEST_ARGUMENT
from proxy_daemon.core.messages import Pieces, Unknown
from proxy_daemon.core.pattern import Pattern
from proxy_daemon.core.upstreams import parse_upstream

BOTH = ("curl", "python")
COMMANDS = {"curl": ("bash",), "python": (sys.executable,)}
LONG = '{"a": "' + "x\u00e9'" * (LONGEST_ARGUMENT // 3) + '"}'


class Taking(BaseHTTPRequestHandler):
    """Keeps what it gets."""

    def do_POST(self):
        self.server.got.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        """Nothing."""


@pytest.fixture(scope="module")
def server():
    server = HTTPServer(("127.0.0.1", 0), Taking)
    server.got = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("body", ['{"it\'s": "\u00e9 $x"}', LONG], ids=["short", "long"])
def test_it_sends_what_was_sent(server, tmp_path, name, body):
    if name == "curl" and not shutil.which("curl"):
        assert not os.environ.get("LLMPROXY_REQUIRE_ALL"), "needs curl"
        pytest.skip("needs curl")
    upstream = parse_upstream(f"openai=http://127.0.0.1:{server.server_address[1]}/v1")
    writer = writer_named(name)
    made = writer.entry(recorded(body, chat(), upstream=upstream))
    file = tmp_path / f"x{writer.suffix}"
    file.write_bytes(made.text)
    for beside, octets in made.files.items():
        (tmp_path / beside).write_bytes(octets)
    server.got.clear()
    env = {each: os.environ[each] for each in ("PATH", "HOME") if each in os.environ}
    done = subprocess.run(
        [*COMMANDS[name], file.name], cwd=tmp_path, env=env, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, b"ok"), done.stderr
    assert server.got == [body.encode()]
    assert len(made.files) == (len(body.encode()) > LONGEST_ARGUMENT)


@pytest.mark.parametrize("name", BOTH)
def test_a_long_body_stands_beside_by_its_hash(name):
    made = writer_named(name).entry(recorded(Long(b"abc", 50_000), chat()))
    ((file, octets),) = made.files.items()
    assert octets == b"abc" * 50_000
    assert file.endswith(".bin")
    assert file.encode() in made.text
    assert b"stands beside" in made.text


@pytest.mark.parametrize("name", BOTH)
def test_no_secret_stands_in_it(name):
    fields = (JSON, (b"Authorization", b"Bearer sk-aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY"))
    made = writer_named(name).entry(recorded(sent=fields))
    assert b"sk-aB3" not in made.text
    assert b"OPENAI_API_KEY" in made.text


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"unknown": frozenset([Unknown.REQUEST])}, "its request is not known"),
        ({"unknown": frozenset([Unknown.REQUEST_BODY])}, "its request is not known"),
        ({"cut": True}, ""),
        ({"path": b"h.example:443"}, ODD_REQUEST),
        ({"path": b"*"}, ODD_REQUEST),
    ],
)
def test_what_is_no_whole_request_is_left_out(name, changes, reason):
    assert writer_named(name).entry(recorded(said=chat(), **changes)).left_out == reason
    assert writer_named(name).entry(recorded(b"", chat(), cut=True)).left_out == "its request is not whole"


def losses(name, **changes):
    return list(writer_named(name).entry(recorded(**changes)).losses)


@pytest.mark.parametrize("name", BOTH)
def test_what_is_lost(name):
    assert losses(name) == []
    assert losses(name, said=chat()) == [writing.ANSWER]
    assert losses(name, upstream=parse_upstream("demo:")) == [writing.HOST]
    assert losses(name, pattern=Pattern(path=CHAT.decode())) == [writing.PATTERN]
    twice = (JSON, (b"X-A", b"1"), (b"x-a", b"2"))
    assert losses(name, path=b"/v1/a#b") == [writing.TARGET]
    assert losses(name, sent=()) == ([writing.NO_TYPE] if name == "python" else [])
    assert losses(name, sent=twice) == ([writing.ONE_FIELD] if name == "python" else [])


def test_the_answer_is_not_read():
    """It may be large, or gone."""
    found = recorded(said=Long(b"x", 10, gone=0), pieces=Pieces(array("Q", [10]), array("Q", [0])))
    assert writer_named("curl").entry(found).text
    gone = evolve(found, request=evolve(found.request, body=Long(b"x", 10, gone=0)))
    with pytest.raises(OSError, match="lost octets"):
        writer_named("curl").entry(gone)
