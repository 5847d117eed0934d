"""Cassettes for these tests: recordings that say something, and a reactor that is a queue."""

import itertools
from array import array

from recordings import Turn

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.ids import Ids
from proxy_daemon.core.messages import Ending, Outcome, Pieces, Recording, Request, Response, ResponseHead
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.store.cassette.cassette import Cassette, Reading
from proxy_daemon.store.cassette.recognised import Recognised

UPSTREAM = parse_upstream("openai=https://api.openai.com/v1")
JSON = ((b"Content-Type", b"application/json"),)
RECOGNISED = Recognised()
HEADER = b"# llmproxy cassette 1\n"


class Wall:
    """A clock that stands."""

    def wall(self):
        return 1_800_000_000.0

    def seconds(self):
        return 0.0


_numbers = itertools.count(1 << 60)


def chat(question="hello", *, path=b"/v1/chat/completions", model="m-1"):
    body = b'{"model":"%b","messages":[{"role":"user","content":"%b"}]}' % (model.encode(), question.encode())
    return Request(b"POST", path, Headers(JSON), Bytes(body))


def said(answer, number=1):
    """An answer as OpenAI's API has it; ``number``: what a server makes anew each time."""
    body = (
        b'{"id":"chatcmpl-%d","object":"chat.completion","created":%d,"model":"m-1","choices":[{"index":0,'
        b'"message":{"role":"assistant","content":"%b"},"finish_reason":"stop"}]}' % (number, number, answer.encode())
    )
    return answered(body)


def answered(body, pairs=JSON):
    pieces = Pieces(array("Q", [len(body)]), array("Q", [250_000]))
    return Response(ResponseHead(200, b"OK", Headers(pairs)), Bytes(body), pieces)


def recorded(question="hello", answer="hi", **changes):
    """A good exchange; its id is a new one."""
    fields = {
        "id": next(_numbers),
        "request": chat(question),
        "response": said(answer),
        "upstream": UPSTREAM,
        "ending": Ending.COMPLETE,
        "outcome": Outcome.MISS,
        "started": 1_800_000_000.0,
        "status": 200,
        "replayable": True,
    }
    return Recording(**(fields | changes))


def key(question="hello", **changes):
    """Under which a request is found."""
    return RECOGNISED(recorded(question, request=chat(question, **changes)), 0).fingerprint


class Played:
    """An open cassette with its turn."""

    def __init__(self, path, mode="new_episodes", **options):
        self.turn = Turn()
        self.path = path
        reading = Reading(Ids(Wall()), mode, **options)
        self.cassette = Cassette.open(str(path), reading, call_in_reactor=self.turn.call)
        self.troubles, self.notices = [], []
        self.cassette.on_trouble, self.cassette.on_notice = self.troubles.append, self.notices.append

    def put(self, *recordings, **options):
        """Put all of them, then wait for all; what each fired with."""
        results = []
        for number, each in enumerate(recordings):
            results.append(None)
            done = self.cassette.put(each, **options)
            done.addCallback(lambda good, number=number: results.__setitem__(number, good))
        self.turn.run_until(lambda: None not in results)
        return results

    def anew(self, *recordings):
        """As mode `all` puts them."""
        return [self.put(each, replace=True, run=1 << 61)[0] for each in recordings]

    def until(self, done):
        self.turn.run_until(done)

    def answers(self, question="hello"):
        """What would be served to a question, in order."""
        found = [self.cassette.get(each.id) for each in self.cassette.candidates(key(question))]
        return [text(each) for each in found]


def text(recording):
    """What an answer says."""
    data = octets(recording.response.body)
    found = Request(b"", b"", Headers(), Bytes(data)).json
    return found["choices"][0]["message"]["content"] if isinstance(found, dict) and "choices" in found else data


def octets(body):
    data = b""
    while part := body.read(len(data), 50_000):
        data += part
    return data


def answers_in(path, question="hello", **options):
    """What a file serves to a question, opened anew."""
    played = Played(path, "none", **options)
    try:
        return played.answers(question)
    finally:
        played.cassette.close()
