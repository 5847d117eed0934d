"""The API with a real daemon and its child process: views and searches, and what goes wrong around them."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from rig import LIMIT, Daemons

LIST = "/_llmproxy/api/exchanges"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    """A daemon that has seen some chats."""
    daemons = Daemons(tmp_path_factory.mktemp("child"))
    daemon = daemons.start("--upstream", "demo:", "--fuzzy", "off")
    for text in ("one", "two", "three"):
        assert daemon.chat(text)[0] == 200
    daemon.settle()
    yield daemon
    daemons.stop()


def process(daemon):
    """The child's id; None while it does not run."""
    task = Path(f"/proc/{daemon.process.pid}/task/{daemon.process.pid}")
    children = (task / "children").read_text().split()
    return int(children[0]) if children else None


def until(question):
    """What it gives, once that is no lie."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        if found := question():
            return found
    raise AssertionError("it did not come to that in time")


def chat(daemon, number):
    status, _, body = daemon.request("GET", f"{LIST}/{number}/chat")
    return status, json.loads(body)


@pytest.fixture
def newest(proxy):
    """The newest exchange, with a child that answers."""
    number = proxy.exchanges()[0]["id"]
    until(lambda: chat(proxy, number)[0] == 200)
    return number


def test_a_view_starts_the_child_and_has_its_answer(proxy, newest):
    status, value = chat(proxy, newest)
    assert (status, value["messages"][0]["parts"]) == (200, [{"type": "Text", "text": "three"}])
    assert process(proxy) is not None


def test_a_child_that_dies_is_trouble_once_and_is_started_again(proxy, newest):
    killed = process(proxy)
    os.kill(killed, signal.SIGSTOP)  # so that the question is under way when it dies
    peer = proxy.connect()
    peer.send(b"GET %b/%b/chat HTTP/1.1\r\nHost: localhost\r\n\r\n" % (LIST.encode(), newest.encode()))
    os.kill(killed, signal.SIGKILL)
    head, body = peer.response()
    assert head.startswith(b"HTTP/1.1 503 ")
    assert "the child process" in json.loads(body)["error"]
    assert until(lambda: chat(proxy, newest)[0] == 200)
    assert process(proxy) != killed


def test_a_list_does_not_wait_for_a_child_that_is_busy(proxy, newest):
    os.kill(process(proxy), signal.SIGSTOP)
    try:
        status, _, body = proxy.request("GET", LIST)
    finally:
        os.kill(process(proxy), signal.SIGCONT)
    rows = json.loads(body)["exchanges"]
    assert (status, [row["told"] for row in rows]) == (200, [None] * 3)
    assert until(lambda: proxy.get(LIST)["exchanges"][0]["told"])["asked"] == "three"


def test_a_client_that_leaves_in_the_middle_harms_nobody(proxy, newest):
    child = process(proxy)
    os.kill(child, signal.SIGSTOP)
    try:
        for _ in range(20):
            peer = proxy.connect()
            peer.send(b"GET %b/%b/stream HTTP/1.1\r\nHost: localhost\r\n\r\n" % (LIST.encode(), newest.encode()))
            peer.reset()
    finally:
        os.kill(child, signal.SIGCONT)
    assert until(lambda: chat(proxy, newest)[0] == 200)
    assert process(proxy) == child
    assert b"Traceback" not in b"".join(proxy.said)


def test_an_exchange_that_was_deleted_meanwhile_is_not_there(proxy, newest):
    assert proxy.change("DELETE", f"{LIST}/{newest}")[0] == 200
    for view in ("", "/chat", "/request", "/response/body", "/stream", "/diff", "/copy", "/media/0", "/answer"):
        status, headers, body = proxy.request("GET", f"{LIST}/{newest}{view}")
        assert (status, headers["Content-Type"], "error" in json.loads(body)) == (404, "application/json", True), view


def test_http_1_0_and_head(proxy, newest):
    for method in (b"GET", b"HEAD"):
        peer = proxy.connect()
        peer.send(b"%b %b/%b/chat HTTP/1.0\r\n\r\n" % (method, LIST.encode(), newest.encode()))
        head, _, body = peer.rest().partition(b"\r\n\r\n")
        assert head.startswith((b"HTTP/1.0 200 ", b"HTTP/1.1 200 "))
        assert (body == b"") is (method == b"HEAD")


@pytest.mark.parametrize(
    "query",
    [
        "q=" + "(" * 3000,
        "q=" + "~u%20a%20" * 500,
        "q=" + "%F0%9F%98%80" * 700,
        "q=~b%20" + "(a*)*" * 50,
        "q=%00",
        "q=" + "!" * 5000,
        "&".join(f"a{number}=1" for number in range(1000)),
        "x" * 15000,
    ],
    ids=lambda query: query[:12],
)
def test_a_huge_query_is_answered(proxy, newest, query):
    status, headers, body = proxy.request("GET", f"{LIST}?{query}")
    assert (status in (200, 400), headers["Content-Type"]) == (True, "application/json")
    assert isinstance(json.loads(body), dict)
    assert chat(proxy, newest)[0] == 200  # the child has done with it


@pytest.mark.parametrize("query", ["~u chat", "one", "~c 200 & ~m POST", "~model demo"])
def test_a_search(proxy, query):
    found = until(lambda: proxy.get(f"{LIST}?q={query.replace(' ', '%20').replace('&', '%26')}")["exchanges"])
    assert all(row["state"] == "ended" for row in found)
