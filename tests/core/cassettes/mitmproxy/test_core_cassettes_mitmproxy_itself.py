"""mitmproxy 11.0.2 itself (PyPI) opens the flows that we write, serves them, and writes them anew; we open its.

It stands in a folder of its own (`make .sdk/mitmproxy`): no other test sees it.
"""

import base64
import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from attrs import evolve
from rig import LIMIT
from whole_exchanges import SSE, STREAM, exchange, file_of

from proxy_daemon.core.cassettes import Skipped
from proxy_daemon.core.cassettes.formats import read
from proxy_daemon.core.cassettes.har.writing import HarWriter
from proxy_daemon.core.cassettes.mitmproxy.writing import NOT_WHOLE, MitmproxyWriter
from proxy_daemon.core.messages import Ending, Recording, Unknown
from proxy_daemon.core.upstreams import parse_upstream

FOLDER = Path(__file__).parents[4] / ".sdk" / "mitmproxy"
PROGRAM = str(Path(__file__).with_name("mitmproxy_opens.py"))
DUMP = "from mitmproxy.tools.main import mitmdump; mitmdump()"

pytestmark = pytest.mark.more

CHUNKED = (b"Transfer-Encoding", b"chunked")
PACKED = gzip.compress(b'{"id":1}', mtime=0)
GOOD = [
    exchange(),
    exchange(STREAM, said=[SSE, CHUNKED], pieces=[(9, 1), (15, 2)], trailers=[(b"X-Sum", b"1")]),
    exchange(PACKED, said=[(b"Content-Encoding", b"gzip"), (b"Content-Length", b"%d" % len(PACKED))]),
    exchange(b"\x89\x00\xff", b"\xff\x00", asked=[(b"X-A", b"\xff"), (b"x-a", b""), (b"X-A", "é".encode())]),
    exchange(b"", b"", method=b"HEAD", said=[(b"Content-Length", b"5")], reason=b"\xff"),
    exchange(b"", b"", method=b"DELETE", status=204, reason=b"", said=[]),
    exchange(target=b"/a%20b\xc3\xa9#x?\xff"),
    exchange(started=0.0, unknown=frozenset((Unknown.TIME,)), duration=0, head_time=0),
    exchange(upstream=parse_upstream("http://[::1]:8080/api/v1")),
]
BROKEN = [
    exchange(b"data: {", ending=Ending.BROKEN_OFF, detail="gone"),
    exchange(b"data: {", ending=Ending.TIMEOUT),
    exchange(b"data: {", cut=True),
    exchange(None, ending=Ending.FAILED, detail="no \ud800 route"),
    exchange(unknown=frozenset((Unknown.REQUEST_BODY,)), sent=b""),
    exchange(upstream=parse_upstream("demo:")),
]


def environment():
    if not FOLDER.is_dir():
        assert not os.environ.get("LLMPROXY_REQUIRE_ALL"), "not installed: make .sdk/mitmproxy"
        pytest.skip("not installed: make .sdk/mitmproxy")
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")} | {
        "PYTHONPATH": str(FOLDER)
    }


def run(*arguments):
    """What a program says."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT * 4,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def lines(*arguments):
    return [json.loads(line) for line in run(PROGRAM, *arguments).splitlines()]


def written(path, *recordings):
    path.write_bytes(file_of(MitmproxyWriter(), *recordings))
    return path


def octets(text):
    return None if text is None else base64.b64decode(text)


def test_mitmproxy_opens_what_we_write(tmp_path):
    found = lines("told", written(tmp_path / "flows", *GOOD, *BROKEN))
    assert len({flow["id"] for flow in found}) == len(found) == len(GOOD) + len(BROKEN)
    for one, flow in zip([*GOOD, *BROKEN], found, strict=True):
        assert flow["method"].encode() == one.request.method
        sent = octets(flow["request"]["body"])
        assert sent == (None if Unknown.REQUEST_BODY in one.unknown else one.request.body.whole())
        if one.response is not None:
            assert octets(flow["response"]["body"]) == one.response.body.whole()
            assert flow["response"]["status"] == one.status
    assert found[0]["url"] == "https://api.example/v1/chat?x=1"
    assert found[0]["server"] == [["api.example", 443], True, "api.example"]
    assert found[6]["url"] == "https://api.example/a%20b%C3%A9%23x?%FF"
    assert found[8]["url"] == "http://::1:8080/api/v1/chat?x=1"  # as it shows any
    assert found[1]["response"]["trailers"] == [["X-Sum", "1"]]
    assert found[3]["request"]["headers"] == [["X-A", "\xff"], ["x-a", ""], ["X-A", "\xc3\xa9"]]
    errors = [flow["error"] for flow in found]
    assert errors == [None] * 9 + ["gone", "timeout", NOT_WHOLE, "no ? route", None, None]


def test_its_times(tmp_path):
    (flow,) = lines("told", written(tmp_path / "flows", exchange()))
    began = flow["request"]["began"]
    assert began == 1724417000.25
    assert (flow["response"]["began"], flow["response"]["ended"]) == (began + 0.0005, began + 0.0025)


def test_what_mitmproxy_writes_of_ours_is_ours(tmp_path):
    ours, its = written(tmp_path / "flows", *GOOD, *BROKEN), tmp_path / "its"
    run(PROGRAM, "again", ours, its)
    assert [*read("its", its.read_bytes())] == [*read("ours", ours.read_bytes())]


@pytest.mark.parametrize("missing", [1, 100, 700])
def test_cut_files_are_opened_up_to_the_cut_by_both(tmp_path, missing):
    path = written(tmp_path / "flows", exchange(), exchange())
    run(PROGRAM, "again", path, tmp_path / "its")
    for each in (path, tmp_path / "its"):
        each.write_bytes(each.read_bytes()[:-missing])
        good, cut = read("flows", each.read_bytes())
        assert isinstance(good, Recording)
        assert isinstance(cut, Skipped)
        first, refused = lines("told", each)
        assert (first["url"], "refused" in refused) == ("https://api.example/v1/chat?x=1", True)


def test_an_empty_file_is_one_without_flows(tmp_path):
    assert lines("told", written(tmp_path / "flows")) == []


def test_mitmproxy_opens_our_har_too(tmp_path):
    path = tmp_path / "ours.har"
    ours = [
        exchange(),
        exchange(PACKED, said=[(b"Content-Encoding", b"gzip")]),
        exchange(b"\x89\xff", b"", method=b"GET"),
    ]
    path.write_bytes(file_of(HarWriter(), *ours))
    found = lines("told", path)
    assert [octets(flow["response"]["body"]) for flow in found] == [b'{"id":1}', b'{"id":1}', b"\x89\xff"]
    assert {flow["url"] for flow in found} == {"https://api.example/v1/chat?x=1"}
    assert [octets(flow["request"]["body"]) for flow in found] == [b'{"model":"m"}', b'{"model":"m"}', b""]


@pytest.mark.parametrize("detail", range(5))
def test_mitmdump_shows_them(tmp_path, detail):
    path = written(tmp_path / "flows", *GOOD, *BROKEN)
    shown = run("-c", DUMP, "-nr", path, "--set", f"flow_detail={detail}", "--set", f"confdir={tmp_path}")
    assert "Traceback" not in shown
    assert detail == 0 or shown.count("POST https://api.example/v1/chat?x=1") >= 5


def test_server_replay_serves_each(tmp_path):
    found = lines("serve", written(tmp_path / "flows", *GOOD))
    assert [(got["status"], octets(got["body"])) for got in found] == [
        (one.status, one.response.body.whole()) for one in GOOD
    ]


def test_a_real_mitmdump_serves_an_exchange(tmp_path):
    """`mitmdump -S FILE`, asked by a client that goes through it as a proxy."""
    said = exchange(PACKED, said=[(b"Content-Encoding", b"gzip"), (b"Content-Type", b"application/json")])
    stream = exchange(STREAM, b"{}", target=b"/stream", said=[SSE, CHUNKED])
    local = parse_upstream("http://api.example")
    path = written(tmp_path / "flows", *(evolve(one, upstream=local) for one in (said, stream)))
    options = ["-S", str(path), "-p", "0", "--listen-host", "127.0.0.1", "--set", f"confdir={tmp_path}"]
    options += ["--set", "server_replay_extra=kill", "--set", "connection_strategy=lazy"]
    program = subprocess.Popen(
        [sys.executable, "-u", "-c", DUMP, *options],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        port = listening(program)
        assert asked(port, "/v1/chat?x=1", b'{"model":"m"}') == (200, PACKED)
        assert asked(port, "/stream", b"{}") == (200, STREAM)
    finally:
        program.terminate()
        program.communicate(timeout=LIMIT * 4)


def listening(program):
    """The port where it says that it listens."""
    said = []
    for line in program.stdout:
        said.append(line)
        if found := re.search(r"listening at \S*?:(\d+)\.", line):
            return int(found[1])
    return pytest.fail("".join(said))


def asked(port, target, body):
    opener = build_opener(ProxyHandler({"http": f"http://127.0.0.1:{port}"}))
    with opener.open(Request(f"http://api.example{target}", body), timeout=LIMIT) as got:
        return got.status, got.read()
