"""A page that follows a real daemon: what it sees and when, and that it holds nobody up.

The upstream waits for the test before each of its events, so what comes early has not been kept back.
"""

import json
import queue
import threading

import pytest
from rig import DONE, LIMIT, SSE_HEAD, Daemons, RawUpstream, chunk, json_answer

from proxy_daemon.core.living.growing import grown

EVENTS, LIVE = "/_llmproxy/api/events", "/_llmproxy/api/live/"
SECRET = "sk-ant-api03-" + "Ab1Cd2Ef3Gh4" * 4
END = object()


def said(text):
    """One event of a chat's stream."""
    choice = {"index": 0, "delta": {"content": text}}
    return b"data: " + json.dumps({"id": "c1", "choices": [choice]}).encode() + b"\n\n"


class Stream:
    """A page's stream of events."""

    def __init__(self, daemon, path, last=""):
        self.peer, self.place, self.state = daemon.connect(), "", None
        more = f"Last-Event-ID: {last}\r\n" if last else ""
        self.peer.send(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\n{more}\r\n".encode())
        self.status = int(self.peer.until(b"\r\n\r\n").split()[1])
        if self.status == 200:
            self._take(self.peer.chunk().decode())

    def _take(self, block):
        fields = dict(line.partition(": ")[::2] for line in block.strip().split("\n"))
        self.place = fields.get("id", self.place)
        return fields

    def next(self):
        """(kind, value) of the next event."""
        while data := self.peer.chunk():
            fields = self._take(data.decode())
            if "data" in fields:
                return fields["event"], json.loads(fields["data"])
        return "", END

    def until(self, wanted):
        """Events up to one that is wanted."""
        while True:
            kind, value = self.next()
            assert value is not END
            if wanted(kind, value):
                return value

    def row(self, state):
        """The next row in this state."""
        found = self.until(lambda kind, value: kind == "exchanges" and any(r["state"] == state for r in value["rows"]))
        return next(row for row in found["rows"] if row["state"] == state)

    def until_shown(self, text):
        """Apply what comes until the answer shows this; everything that was on the wire."""
        while self.text != text:
            kind, value = self.next()
            assert kind in ("answer", "delta"), (kind, value)
            self.state = value["answer"] if kind == "answer" else grown(self.state, value["changes"])

    @property
    def text(self):
        choices = self.state["choices"] if self.state else []
        return choices[0]["parts"][0]["text"] if choices and choices[0]["parts"] else None


class Talk:
    """A daemon whose upstream says what the test lets it say; ``client``: what its client gets."""

    def __init__(self, folder):
        self.words, self.client, self.clients = queue.Queue(), queue.Queue(), []
        self.upstream = RawUpstream(self.play)
        self.daemons = Daemons(folder)
        self.daemon = self.daemons.start("--upstream", self.upstream.url, "--grace", "20")

    def play(self, peer):
        while (asked := peer.request())[0]:
            if b'"stream": true' not in asked[1]:
                peer.send(json_answer({"choices": [{"message": {"content": "done"}, "finish_reason": "stop"}]}))
                continue
            peer.send(SSE_HEAD)
            while (text := self.words.get(timeout=LIMIT)) is not END:
                peer.send(chunk(said(text)))
            peer.send(chunk(DONE) + chunk(b""))

    def chat(self, text="hi", **headers):
        """Ask for a stream, in a thread."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        work = threading.Thread(
            target=lambda: self.client.put(self.daemon.chat(text, stream=True, headers=fields)), daemon=True
        )
        work.start()
        self.clients.append(work)
        return work

    def stop(self):
        self.words.put(END)  # the answer ends before the daemon does
        for work in self.clients:
            work.join(LIMIT)
        self.daemons.stop()
        self.upstream.close()


@pytest.fixture
def talk(tmp_path):
    found = Talk(tmp_path)
    yield found
    found.stop()


def test_upstream_says_more_only_after_the_page_has_seen_it(talk):
    events = Stream(talk.daemon, EVENTS)
    talk.chat()
    row = events.row("streaming")
    assert (row["status"], row["outcome"], row["model"]) == (200, "miss", "demo-fast")
    answer, shown = Stream(talk.daemon, LIVE + row["id"]), ""
    for word in ("One ", "two ", "three "):
        talk.words.put(word)
        shown += word
        answer.until_shown(shown)
    talk.words.put(END)
    assert answer.until(lambda kind, _: kind == "ended") == {}
    assert answer.next()[1] is END
    ended = events.row("ended")
    assert (ended["id"], ended["ending"]) == (row["id"], "complete")
    assert Stream(talk.daemon, LIVE + row["id"]).status == 404
    talk.daemon.settle()
    assert talk.daemon.request("GET", f"/_llmproxy/api/exchanges/{row['id']}")[0] == 200


def test_a_page_that_opens_an_answer_in_its_midst_sees_all_of_it(talk):
    events = Stream(talk.daemon, EVENTS)
    talk.chat()
    row = events.row("streaming")
    first = Stream(talk.daemon, LIVE + row["id"])
    talk.words.put("One ")
    first.until_shown("One ")
    second = Stream(talk.daemon, LIVE + row["id"])
    second.until_shown("One ")
    talk.words.put("two ")
    for page in (first, second):
        page.until_shown("One two ")


def test_a_key_that_comes_in_pieces_is_not_seen(talk):
    events = Stream(talk.daemon, EVENTS)
    talk.chat()
    answer = Stream(talk.daemon, LIVE + events.row("streaming")["id"])
    talk.words.put("Take ")
    answer.until_shown("Take ")
    for at in range(0, len(SECRET), 7):
        talk.words.put(SECRET[at : at + 7])
    talk.words.put(" and go ")
    answer.until_shown("Take REDACTED and go ")


def test_a_page_that_comes_back_has_missed_nothing(talk):
    events = Stream(talk.daemon, EVENTS)
    talk.daemon.chat("one")
    seen = events.row("ended")["id"]
    events.peer.close()
    talk.daemon.chat("two")
    back = Stream(talk.daemon, EVENTS, last=events.place)
    assert back.row("ended")["id"] != seen
    assert back.place > events.place
    assert Stream(talk.daemon, f"{EVENTS}?last=1-1").next() == ("reset", {})


def test_content_that_must_not_be_kept_is_not_shown(talk):
    events = Stream(talk.daemon, EVENTS)
    talk.chat(Cache_Control="no-store")
    answer = Stream(talk.daemon, LIVE + events.row("streaming")["id"])
    kind, value = answer.next()
    assert (kind, value["answer"], "no-store" in value["problem"]) == ("answer", None, True)
    talk.words.put("One ")
    talk.words.put(END)
    assert answer.next() == ("ended", {})


def test_open_streams_do_not_hold_up_the_end_of_the_daemon(talk):
    """The grace time would be longer than what a test may take."""
    talk.daemons.stop()
    talk.daemon = talk.daemons.start("--upstream", talk.upstream.url, "--grace", "600")
    events = [Stream(talk.daemon, EVENTS) for _ in range(3)]
    talk.daemon.stop()
    assert [each.next()[1] for each in events] == [END] * 3


def test_the_client_of_an_answer_that_is_watched_gets_it_octet_for_octet(talk):
    events = Stream(talk.daemon, EVENTS)
    work = talk.chat()
    answer = Stream(talk.daemon, LIVE + events.row("streaming")["id"])
    for word in ("One ", "two"):
        talk.words.put(word)
    talk.words.put(END)
    answer.until(lambda kind, _: kind == "ended")
    work.join(LIMIT)
    assert talk.client.get(timeout=LIMIT)[2] == said("One ") + said("two") + DONE
