"""Equal requests in flight are one request upstream: who shares, who does not, and who may leave."""

import json
import threading
import time

import pytest
from rig import DONE, LIMIT, SSE_HEAD, chunk, json_answer

BODY = b'{"model": "m", "stream": true, "messages": []}'
COLLAPSED = b"Cache-Status: llmproxy; fwd=miss; collapsed\r\n"


def ask(*fields, body=BODY):
    """Octets of a chat request with these header lines."""
    lines = [b"POST /v1/chat/completions HTTP/1.1", b"Host: localhost", *fields]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body])


def until_under_way(proxy, count):
    """Ask until so many exchanges are under way."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        stats = proxy.get("/_llmproxy/api/stats")
        if stats["exchanges"]["under_way"] == count:
            return
    raise AssertionError(f"not {count} under way: {stats}")


class Gate:
    """A play in steps: the head with the first event, then one event for each `step`, then the end."""

    def __init__(self, events=3):
        self.events, self.steps, self.asked = events, threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, peer):
        while peer.request()[0]:
            self.asked.release()
            self.wait()
            peer.send(SSE_HEAD + chunk(b"data: 0\n\n"))
            for number in range(1, self.events):
                self.wait()
                peer.send(chunk(b"data: %d\n\n" % number))
            peer.send(chunk(DONE) + chunk(b""))

    def wait(self):
        assert self.steps.acquire(timeout=LIMIT)

    def step(self, count=1):
        self.steps.release(count)

    def until_asked(self, count=1):
        for _ in range(count):
            assert self.asked.acquire(timeout=LIMIT)


WHOLE = b"data: 0\n\ndata: 1\n\ndata: 2\n\n" + DONE


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.step(100)  # whatever still waits may end


def test_equal_requests_are_one(daemon, upstream, gate):
    server = upstream(gate)
    proxy = daemon("--upstream", server.url)
    clients = [proxy.connect() for _ in range(5)]
    for client in clients:
        client.send(ask())
    until_under_way(proxy, 5)
    gate.step(3)
    answers = [client.response() for client in clients]
    assert [body for _, body in answers] == [WHOLE] * 5
    assert sum(COLLAPSED in head for head, _ in answers) == 4
    assert len(server.requests) == 1
    assert len({head.partition(b"Exchange: ")[2][:16] for head, _ in answers}) == 5
    lines = proxy.exchanges()
    assert sorted(line["outcome"] for line in lines) == ["collapsed"] * 4 + ["miss"]
    assert [line["replayable"] for line in lines if line["outcome"] == "miss"] == [True]


def test_one_who_comes_in_the_middle_gets_all_of_it(daemon, upstream, gate):
    server = upstream(gate)
    proxy = daemon("--upstream", server.url)
    first, late = proxy.connect(), proxy.connect()
    first.send(ask())
    gate.step(2)
    first.until(b"data: 1\n\n")
    late.send(ask())
    assert COLLAPSED in late.until(b"\r\n\r\n")
    assert late.until(b"data: 1\n\n")
    gate.step()
    assert late.until(b"0\r\n\r\n").count(b"data: 2\n\n") == 1
    assert len(server.requests) == 1


@pytest.mark.parametrize("leaver", [0, 1])
@pytest.mark.parametrize("begun", [False, True])
def test_who_leaves_does_not_end_the_others(daemon, upstream, gate, leaver, begun):
    server = upstream(gate)
    proxy = daemon("--upstream", server.url)
    clients = [proxy.connect(), proxy.connect()]
    for count, client in enumerate(clients, start=1):
        client.send(ask())
        until_under_way(proxy, count)
    if begun:
        gate.step()
        clients[leaver].until(b"data: 0\n\n")
    clients[leaver].reset()
    until_under_way(proxy, 1)
    gate.step(3)
    assert clients[1 - leaver].response()[1] == WHOLE
    assert len(server.requests) == 1
    endings = {line["outcome"]: line["ending"] for line in proxy.exchanges()}
    # the first one's exchange holds the answer, which came whole though its own client had left
    assert endings == {"miss": "complete", "collapsed": "client gone" if leaver else "complete"}
    again = proxy.connect()
    again.send(ask())
    assert b"llmproxy; hit" in again.until(b"\r\n\r\n")  # it was recorded as whole


def test_all_are_written_when_upstream_fails_after_the_first_has_left(daemon, upstream):
    go, numbers = threading.Event(), iter(range(10))

    def play(peer):
        peer.request()
        assert go.wait(LIMIT)
        if next(numbers):
            peer.send(json_answer({"ok": True}))

    proxy = daemon("--upstream", upstream(play).url)
    clients = [proxy.connect(), proxy.connect()]
    for count, client in enumerate(clients, start=1):
        client.send(ask())
        until_under_way(proxy, count)
    clients[0].reset()
    until_under_way(proxy, 1)
    go.set()
    assert clients[1].response()[1] == b'{"ok": true}'
    assert [(line["outcome"], line["ending"]) for line in proxy.exchanges()] == [
        ("miss", "complete"),
        ("miss", "client gone"),
    ]


@pytest.mark.parametrize("begun", [False, True])
def test_when_all_leave_upstream_learns_it(daemon, upstream, begun):
    asked, ended = threading.Event(), threading.Event()

    def play(peer):
        peer.request()
        asked.set()
        if begun:
            peer.send(SSE_HEAD + chunk(b"data: 0\n\n"))
        peer.rest()
        ended.set()

    proxy = daemon("--upstream", upstream(play).url)
    clients = [proxy.connect(), proxy.connect()]
    for client in clients:
        client.send(ask())
    until_under_way(proxy, 2)
    assert asked.wait(LIMIT)
    for client in clients:
        if begun:
            client.until(b"data: 0\n\n")
        client.reset()
    assert ended.wait(LIMIT)
    assert [line["ending"] for line in proxy.exchanges()] == ["client gone"] * 2
    assert not any(line["replayable"] for line in proxy.exchanges())


ALONE = [
    ("another credential", ask(b"Authorization: Bearer one"), ask(b"Authorization: Bearer two"), "new_episodes"),
    ("none and one", ask(), ask(b"x-api-key: one"), "new_episodes"),
    ("a key in the query", ask().replace(b"completions", b"completions?key=a"), ask(), "new_episodes"),
    ("another body", ask(), ask(body=BODY.replace(b"[]", b"[1]")), "new_episodes"),
    ("no look-up in mode off", ask(), ask(), "off"),
    ("no look-up in mode all", ask(), ask(), "all"),
    ("no-cache", ask(), ask(b"Cache-Control: no-cache"), "new_episodes"),
    ("no-store", ask(), ask(b"Cache-Control: no-store"), "new_episodes"),
    ("no generating request", *[ask().replace(b"chat/completions", b"files")] * 2, "new_episodes"),
]


@pytest.mark.parametrize(("first", "second", "mode"), [case[1:] for case in ALONE], ids=[case[0] for case in ALONE])
def test_who_does_not_share(daemon, upstream, gate, first, second, mode):
    server = upstream(gate)
    proxy = daemon("--upstream", server.url, "--mode", mode)
    clients = [proxy.connect(), proxy.connect()]
    clients[0].send(first)
    gate.until_asked()
    clients[1].send(second)
    gate.until_asked()  # the second has its own request upstream while the first is unanswered
    gate.step(6)
    answers = [client.response() for client in clients]
    assert [body for _, body in answers] == [WHOLE] * 2
    assert not any(b"collapsed" in head for head, _ in answers)


class TestFailures:
    def both(self, daemon, upstream, first_answer):
        """Two equal requests; the first answer that upstream gives, and then a good one."""
        go, numbers = threading.Event(), iter(range(10))

        def play(peer):
            while peer.request()[0]:
                if next(numbers):
                    peer.send(json_answer({"ok": True}))
                else:
                    assert go.wait(LIMIT)
                    if not first_answer:
                        return
                    peer.send(first_answer)

        server = upstream(play)
        proxy = daemon("--upstream", server.url)
        clients = [proxy.connect(), proxy.connect()]
        clients[0].send(ask())
        until_under_way(proxy, 1)
        clients[1].send(ask())
        until_under_way(proxy, 2)
        go.set()
        answers = [client.response() for client in clients]
        assert len(server.requests) == 2
        assert json.loads(answers[1][1]) == {"ok": True}
        assert answers[1][0].startswith(b"HTTP/1.1 200 ")
        assert b"Cache-Status: llmproxy; fwd=miss\r\n" in answers[1][0]
        return answers[0][0]

    @pytest.mark.parametrize("status", [400, 429, 500])
    def test_an_error_is_not_shared(self, daemon, upstream, status):
        assert self.both(daemon, upstream, json_answer({}, status)).startswith(b"HTTP/1.1 %d " % status)

    def test_no_answer_is_not_shared(self, daemon, upstream):
        assert self.both(daemon, upstream, b"").startswith(b"HTTP/1.1 502 ")

    def test_what_breaks_off_is_broken_for_all_who_have_it(self, daemon, upstream):
        go = threading.Event()

        def play(peer):
            peer.request()
            peer.send(SSE_HEAD + chunk(b"data: 0\n\n"))
            assert go.wait(LIMIT)
            peer.reset()

        proxy = daemon("--upstream", upstream(play).url)
        clients = [proxy.connect(), proxy.connect()]
        for client in clients:
            client.send(ask())
        for client in clients:
            client.until(b"data: 0\n\n")
        go.set()
        assert not any(client.rest().endswith(b"0\r\n\r\n") for client in clients)
        assert not any(line["replayable"] for line in proxy.exchanges())
