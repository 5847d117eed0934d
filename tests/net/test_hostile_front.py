"""Hostile requests (`tests/hostile.py`): the answer to each, and that no upstream sees what no client sent."""

import json
import re
from pathlib import Path

import pytest
from hostile import CASES, HELLO, PARTS, ROWS
from hypothesis import example, given
from hypothesis import strategies as st
from rig import Daemons, RawUpstream, json_answer
from wires import Front

PAGE = (Path(__file__).parents[2] / "docs/hostile-http.md").read_text()
BEFORE = b"GET /before HTTP/1.1\r\nHost: localhost\r\n\r\n"
AFTER = b"GET /after HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
STATUS = re.compile(rb"HTTP/1\.1 ([2-5]\d\d) ")
NAMES = [f"{row.what[:40]}-{octets[:60]!r}" for row, octets in CASES]


# --- two upstreams ---------------------------------------------------------------------------------------------------


def strict(peer):
    """One request as RFC 9112 has it: (method, target, body). Anything else fails the test."""
    head = peer.until(b"\r\n\r\n")
    first, *lines = head[:-4].split(b"\r\n")
    assert re.fullmatch(rb"[A-Za-z-]+ /[\x21-\x7e]* HTTP/1\.1", first), first
    assert all(re.fullmatch(rb"[\w!#$%&'*+.^`|~-]+: [\t\x20-\x7e\x80-\xff]*", line) for line in lines), lines
    fields = [line.lower().partition(b": ")[::2] for line in lines]
    names = [name for name, _ in fields]
    assert names.count(b"host") == 1
    assert names.count(b"content-length") <= 1
    assert {b"transfer-encoding", b"upgrade", b"te", b"expect", b"hop"}.isdisjoint(names)
    body = peer.take(int(dict(fields).get(b"content-length", b"0")))
    method, target, _ = first.split(b" ")
    last = [b"close"] if body and method in (b"GET", b"HEAD", b"DELETE") else []
    assert [value for name, value in fields if name == b"connection"] == last
    return method, target, body


def lax(peer):
    """One request, read as kindly as can be: any line end, folds, `_` for `-`, the first number in the first length."""
    while (found := re.search(rb"\r?\n\r?\n|\r\r", peer.buffer)) is None:
        data = peer.socket.recv(65536)
        if not data:
            assert not peer.buffer.strip(), f"left over: {peer.buffer!r}"
            raise EOFError
        peer.buffer += data
    head, peer.buffer = peer.buffer[: found.start()], peer.buffer[found.end() :]
    first, *lines = re.split(rb"\r\n|\n|\r", re.sub(rb"\r?\n[ \t]+", b" ", head.lstrip()))
    fields = {}
    for line in lines:
        name, _, value = line.partition(b":")
        fields.setdefault(name.strip().lower().replace(b"_", b"-"), value)
    number = re.search(rb"\d+", fields.get(b"content-length", b""))
    method, _, target = first.partition(b" ")
    return method, target.rpartition(b" ")[0], peer.take(int(number[0]) if number else 0)


def serve(read):
    """A server that reads so, and remembers what it has read."""
    seen = []

    def play(peer):
        while True:
            seen.append(read(peer))
            answer = json_answer({"ok": True})
            peer.send(answer[: answer.index(b"\r\n\r\n") + 4] if seen[-1][0] == b"HEAD" else answer)

    server = RawUpstream(play)
    server.seen = seen
    return server


@pytest.fixture(scope="module", params=[strict, lax], ids=["strict", "lax"])
def pair(request, tmp_path_factory):
    """(daemon, its upstream), for all cases: what one leaves behind in a pooled connection, the next one sees."""
    server = serve(request.param)
    daemons = Daemons(tmp_path_factory.mktemp("hostile"))
    yield daemons.start("--upstream", server.url, "--mode", "off"), server
    daemons.stop()
    server.close()


def sent(octets):
    """(method, target, body) of a request that may pass, as its client means it."""
    line = octets.removeprefix(b"\r\n").split(b"\r\n")[0]
    method, target, _ = line.split(b" ")
    return method, target, HELLO if HELLO in octets else b""


@pytest.mark.parametrize(("row", "octets"), CASES, ids=NAMES)
def test_the_answer_and_what_the_upstream_sees(pair, row, octets):
    proxy, server = pair
    server.seen.clear()
    client = proxy.connect()
    client.send(BEFORE)
    assert b" 200 " in client.response()[0]
    client.send(octets + AFTER)
    answered = client.rest()
    passes = row.status == 200
    statuses = [int(found) for found in STATUS.findall(answered)]
    assert statuses == [row.status] + [200] * row.served_on
    expected = [sent(octets)] if passes else []
    assert server.seen == [(b"GET", b"/before", b""), *expected, *([(b"GET", b"/after", b"")] if row.served_on else [])]
    assert server.faults.qsize() == 0 or isinstance(server.faults.get(), EOFError | ConnectionResetError)
    if not passes:
        assert b'"message":' in answered
        assert b"HTTP/1.1 100 " not in answered
        assert b"cache-status: llmproxy; fwd=bypass; detail=refused" in answered.lower()
        assert answered.lower().count(b"connection: close") == 1


def test_what_is_refused_is_counted_and_logged(pair):
    proxy, _ = pair
    before = proxy.get("/_llmproxy/api/stats")["exchanges"]["outcomes"].get("refused", 0)
    client = proxy.connect()
    client.send(b"GET /v1/../x HTTP/1.1\r\nHost: localhost\r\n\r\n")
    client.rest()
    assert proxy.get("/_llmproxy/api/stats")["exchanges"]["outcomes"]["refused"] == before + 1


# --- the same answers however they come ------------------------------------------------------------------------------


def play(octets, cuts=(), *, known=False):
    """(requests, octets answered, whether our side is closed) where the octets come in these parts."""
    front = Front()
    if known:
        for head in (BEFORE, AFTER):
            front.connect()[0].dataReceived(head)
    front.root.requests.clear()
    channel, wire = front.connect()
    for start, end in zip([0, *cuts], [*cuts, len(octets)], strict=True):
        channel.dataReceived(octets[start:end])
    return front.root.seen, wire.value().replace(b"HTTP/1.1 100 Continue\r\n\r\n", b""), wire.half_closed


@st.composite
def cut_cases(draw):
    row, octets = draw(st.sampled_from(CASES))
    octets = draw(st.sampled_from([b"", BEFORE])) + octets + draw(st.sampled_from([b"", AFTER]))
    return row, octets, sorted(draw(st.lists(st.integers(0, len(octets)), max_size=6)))


@example(case=(None, b"\r\n\r\n" + BEFORE, [2]))
@given(cut_cases())
def test_the_same_answers_wherever_the_octets_are_cut(case):
    _, octets, cuts = case
    assert play(octets, cuts) == play(octets, cuts, known=True) == play(octets)


@pytest.mark.parametrize(("row", "octets"), CASES, ids=NAMES)
def test_octet_by_octet(row, octets):
    if len(octets) < 1000:
        assert play(octets + AFTER, range(1, len(octets + AFTER))) == play(octets + AFTER)


@pytest.mark.parametrize(("row", "octets"), [case for case in CASES if case[0].status != 200])
def test_what_is_refused_never_becomes_known(row, octets):
    front = Front(max_body=64 << 20)
    for _ in range(2):
        channel, wire = front.connect()
        channel.dataReceived(octets)
        assert wire.value().startswith((b"HTTP/1.1 4", b"HTTP/1.1 5"))
        assert wire.half_closed
    assert front.known() == {}
    assert front.root.seen == []


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_page_has_the_same_table():
    sections = {
        name: text for name, text in re.findall(r"(?ms)^## (.+?)\n(.*?)(?=^## |\Z)", PAGE) if "| answer" in text
    }
    tables = {
        name: re.findall(r"(?m)^\| (.+?) +\| (\d+), (closed|stays) +\|$", text) for name, text in sections.items()
    }
    assert tables == {
        part: [(row.what, str(row.status), "stays" if row.served_on else "closed") for row in rows]
        for part, rows in PARTS.items()
    }


@pytest.mark.parametrize("cut", [0, 1, 9, 30])
@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"GET /v1/../x HTTP/1.1", (b"GET", b"/v1/../x")),
        (b"GET http://169.254.169.254/ HTTP/1.1", (b"GET", b"http://169.254.169.254/")),
        (b"GET /v1/x HTTP/1.2", (b"GET", b"/v1/x")),
        (b"GET /v1/\x01 HTTP/1.1", (b"-", b"-")),
        (b"GET", (b"-", b"-")),
    ],
)
def test_the_log_learns_what_was_asked(line, shown, cut):
    front = Front()
    channel, _ = front.connect()
    octets = line + b"\r\nHost: localhost\r\n\r\n"
    channel.dataReceived(octets[:cut])
    channel.dataReceived(octets[cut:])
    ((request, client, refusal),) = front.root.turned_away
    assert (request.method, request.target, client, refusal.status) == (*shown, "127.0.0.1", 400)


def test_the_sample_on_the_page():
    request, message = re.findall(r"(?ms)^<!-- (?:refused|message) -->\n```\n(.+?)```", PAGE)
    _, answered, _ = play(request.replace("\n", "\r\n").encode() + b"\r\n")
    assert json.loads(answered.partition(b"\r\n\r\n")[2])["error"]["message"] == message.strip()


def test_each_row_has_requests_of_its_own():
    assert len({octets for _, octets in CASES}) == len(CASES)
    assert all(row.requests for row in ROWS)
