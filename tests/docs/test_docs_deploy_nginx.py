"""docs/deploy.md, "Behind nginx": the configuration on the page, in a real nginx, in front of a real daemon."""

import os
import queue
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
from page_player import ADDRESS, blocks, command
from rig import LIMIT, Peer, chunk

PAGE = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text()
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
pytestmark = pytest.mark.skipif(NGINX is None and not os.environ.get("LLMPROXY_REQUIRE_ALL"), reason="needs nginx")

AROUND = """
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen unix:front.sock;
        server_name llm.example.com;
        {location}
    }}
}}
"""
EVENTS = 20
POST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: llm.example.com\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def behind(daemon, tmp_path):
    """`behind(upstream, line)` starts daemon and nginx as the page says, but for this line; a connection to nginx."""
    [location] = [content for _, _, language, content in blocks(PAGE) if language == "nginx"]
    [options] = [command(content)[1] for kind, _, _, content in blocks(PAGE) if kind == "serve" and "-host" in content]
    with ExitStack() as stack:

        def start(url, line=""):
            proxy = daemon(*[url if word == "demo:" else word for word in options])
            (tmp_path / "nginx.conf").write_text(
                AROUND.format(location=location.replace(ADDRESS, proxy.url).replace(line, ""))
            )
            process = subprocess.Popen([NGINX, "-p", ".", "-e", "stderr", "-c", "nginx.conf"], cwd=tmp_path)
            stack.callback(process.wait, LIMIT)
            stack.callback(process.kill)
            return stack.enter_context(closing(connected(process, tmp_path / "front.sock")))

        yield start


def connected(process, path):
    """A connection to nginx, as soon as it listens."""
    deadline = time.monotonic() + LIMIT
    while True:
        connection = socket.socket(socket.AF_UNIX)
        with suppress(FileNotFoundError, ConnectionRefusedError):
            connection.connect(str(path))
            return Peer(connection)
        connection.close()
        assert process.poll() is None
        assert time.monotonic() < deadline


def head(kind):
    return b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nTransfer-Encoding: chunked\r\n\r\n" % kind


def event(number):
    return b"data: %d.\n\n" % number


class Paced:
    """An upstream whose next event comes when the test says that the client has the one before."""

    def __init__(self, kind):
        self.kind, self.taken, self.left = kind, queue.Queue(), queue.Queue()

    def play(self, peer):
        peer.request()
        peer.send(head(self.kind))
        for number in range(EVENTS):
            peer.send(chunk(event(number)))
            if not self.taken.get(timeout=LIMIT):
                self.left.put(peer.rest())
                return
        peer.send(chunk(b""))


@pytest.fixture(params=[b"text/event-stream", b"application/x-ndjson", b"application/json"], ids=bytes.decode)
def paced(request):
    return Paced(request.param)


@pytest.mark.parametrize("line", ["", "proxy_http_version 1.1;"], ids=["as on the page", "with HTTP/1.0"])
def test_a_stream_comes_event_by_event(behind, upstream, paced, line):
    """With HTTP/1.0, which nginx speaks where it is not told otherwise, it would gather what has no length."""
    client = behind(upstream(paced.play).url, line)
    client.send(POST)
    assert client.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 OK\r\n")
    for number in range(EVENTS):
        client.until(event(number))
        paced.taken.put(True)
    assert client.until(b"0\r\n\r\n") == b"\r\n0\r\n\r\n"


def test_a_client_that_leaves_ends_the_stream(behind, upstream):
    paced = Paced(b"text/event-stream")
    client = behind(upstream(paced.play).url)
    client.send(POST)
    client.until(event(0))
    client.close()
    paced.taken.put(False)
    assert paced.left.get(timeout=LIMIT) == b""


@pytest.mark.parametrize(("path", "status"), [(b"/v1/models", b"200"), (b"/_llmproxy/health", b"403")])
def test_who_comes_through_it_comes_from_elsewhere(behind, path, status):
    client = behind("demo:")
    client.send(b"GET %b HTTP/1.1\r\nHost: llm.example.com\r\n\r\n" % path)
    assert client.response()[0].split()[1] == status
