"""SIGKILL at 50 moments over 200 exchanges on one store: what a client has read to the end is never missing.

A moment is a count of things that happened (pieces sent by upstream, answers begun or read to the end), never a time.
The thread in which the count is reached kills the daemon itself, so that nothing lies between.
"""

import json
import random
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from attrs import define, field, frozen
from rig import SSE_HEAD, chunk

ROUNDS, CLIENTS = 50, 4
SENT, BEGUN, ENDED = "piece about to be sent", "answer begun", "answer read to the end"


@frozen
class Exchange:
    """One question and the answer that upstream gives: both follow from its number."""

    number: int

    def pieces(self):
        chance = random.Random(self.number)
        count = chance.choice((1, 2, 5, 30))
        events = [
            b"data: %d %d %b\n\n" % (self.number, index, b"word " * chance.choice((1, 20, 5000)))
            for index in range(count)
        ]
        return [*events[:-1], events[-1] + b"data: [DONE]\n\n"]

    def answer(self):
        return b"".join(self.pieces())

    def request(self):
        message = {"role": "user", "content": f"question {self.number}."}
        body = json.dumps({"model": "m", "stream": True, "messages": [message]}).encode()
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        return head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)

    def octets(self):
        """What upstream writes, piece by piece: chunks where the number is even, else a length."""
        pieces = self.pieces()
        if self.number % 2:
            size = sum(map(len, pieces))
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % size
        else:
            head, pieces = SSE_HEAD, [*map(chunk, pieces), chunk(b"")]
        return [head + pieces[0], *pieces[1:]]


@define
class Moment:
    """Kills the daemon when ``kind`` has happened ``count`` times."""

    kind: str
    count: int
    kill: object = None
    lock: object = field(factory=threading.Lock)

    def happened(self, kind):
        with self.lock:
            if kind == self.kind:
                self.count -= 1
                if self.count == 0:
                    self.kill()


def moment(chance, exchanges):
    """A random one among all that can happen in a round."""
    kind = chance.choice((SENT, BEGUN, ENDED, ENDED))
    most = sum(len(exchange.octets()) for exchange in exchanges) if kind == SENT else len(exchanges)
    return Moment(kind, chance.randint(1, most))


class Play:
    """The upstream of all rounds. ``moment`` is that of the round."""

    moment = None

    def __call__(self, peer):
        while found := re.search(rb"question (\d+)\.", peer.request()[1]):
            for data in Exchange(int(found[1])).octets():
                self.moment.happened(SENT)
                peer.send(data)


def ask(proxy, exchange, happened):
    """(head, body) of an answer; None where it did not come to its end."""
    try:
        with closing(proxy.connect()) as client:
            client.send(exchange.request())
            head = client.until(b"\r\n\r\n")
            happened(BEGUN)
            client.buffer = head + client.buffer
            answer = client.response()
            happened(ENDED)
            return answer
    except (EOFError, ConnectionError):
        return None


def play_round(proxy, exchanges, now):
    """The exchanges that were read to their ends before the daemon died."""
    now.kill = proxy.process.kill
    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = list(clients.map(lambda exchange: ask(proxy, exchange, now.happened), exchanges))
    assert now.count <= 0  # the moment came
    proxy.kill()
    whole = [(exchange, answer[1]) for exchange, answer in zip(exchanges, answers, strict=True) if answer]
    assert all(body == exchange.answer() for exchange, body in whole)
    return [exchange for exchange, _ in whole]


def test_no_answer_read_to_its_end_is_missing(daemon, upstream):
    chance, play = random.Random(2), Play()
    url = upstream(play).url
    exchanges = [Exchange(number) for number in range(ROUNDS * CLIENTS)]
    read = []
    for first in range(0, len(exchanges), CLIENTS):
        part = exchanges[first : first + CLIENTS]
        play.moment = moment(chance, part)
        read += play_round(daemon("--upstream", url), part, play.moment)
    assert ROUNDS // 2 < len(read) < len(exchanges) - ROUNDS // 10
    check_replays(daemon("--upstream", url, "--mode", "none"), exchanges, set(read))


def check_replays(proxy, exchanges, read):
    """All that was read comes back octet for octet; of the rest nothing comes back in part."""
    for exchange in exchanges:
        head, body = ask(proxy, exchange, lambda kind: None)
        hit = head.startswith(b"HTTP/1.1 200") and b"llmproxy; hit" in head
        assert hit or exchange not in read, f"missing: {exchange}"
        assert hit == (body == exchange.answer())
