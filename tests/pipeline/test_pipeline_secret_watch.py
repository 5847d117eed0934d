"""`--on-secret`: what becomes of what redaction cannot alter, and what the log says of it."""

import base64

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.logger import LogLevel, globalLogPublisher

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.messages import Delivered, Ending, Outcome, Recording, Request, Response, ResponseHead
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.pipeline.secret_watch import SecretWatch

KEY = b"sk-ant-api03-" + b"a1B2c3D4e5" * 5
CODED = base64.b64encode(b"the key is " + KEY)


class Worker:
    """Runs at once, and counts."""

    ran = 0

    async def run(self, function, *arguments):
        self.ran += 1
        return function(*arguments)


def recording(body):
    return Recording(
        0xAB,
        Request(b"POST", b"/", body=Bytes(b"{}")),
        Response(ResponseHead(200), Bytes(body)),
        parse_upstream("https://host/v1"),
        Ending.COMPLETE,
        Outcome.MISS,
        0.0,
        replayable=True,
    )


@pytest.fixture
def warned():
    said = []

    def observe(event):
        if event["log_level"] is LogLevel.warn:
            said.append(event["log_format"].format(**event))

    globalLogPublisher.addObserver(observe)
    yield said
    globalLogPublisher.removeObserver(observe)


def looked(policy, given, worker=None):
    result = []
    done = ensureDeferred(SecretWatch(worker or Worker(), policy).looked(given))
    assert isinstance(done, Deferred)
    done.addCallback(result.append)
    return result[0]


def test_redact_tells_and_keeps_what_it_cannot_alter(warned):
    given = recording(CODED)
    assert looked("redact", given) is given
    (line,) = warned
    assert line.startswith("exchange 00000000000000ab: looks like a secret, recorded as it is")
    assert line.endswith(": the answer's body, base64 at 0: Anthropic key")


def test_refuse_leaves_the_bodies_out(warned):
    bare = looked("refuse", recording(CODED))
    assert (bare.request.body.size, bare.response.body.size, bare.replayable, bare.cut) == (0, 0, False, True)
    assert "recorded without bodies" in warned[0]
    assert KEY.decode() not in warned[0]
    assert CODED.decode() not in warned[0]


def test_record_keeps_texts_too_and_tells(warned):
    for body, where in ((CODED, "base64 at 0"), (b"a " + KEY, "octets at 2")):
        given = recording(body)
        assert looked("record", given) is given
        assert warned.pop().endswith(
            f"recorded as it is (--on-secret record): the answer's body, {where}: Anthropic key"
        )


@pytest.mark.parametrize("policy", ["redact", "refuse", "record"])
def test_what_holds_nothing_is_the_same_object(policy, warned):
    given = recording(b"a text")
    assert looked(policy, given) is given
    assert warned == []


class Large:
    size = 10_000_000

    def whole(self):
        return None


@pytest.mark.parametrize(
    ("policy", "given", "clear"),
    [
        ("redact", recording(b"a text"), True),
        ("refuse", recording(b"a text"), True),
        ("record", recording(b"a text"), False),  # texts are looked through too
        ("redact", recording(CODED), False),
        ("redact", recording(b"\0 octets"), False),
        ("redact", recording(b"words " * 11_000), False),
        ("redact", evolve(recording(b"a text"), response=None), True),
        ("redact", evolve(recording(b""), request=Request(b"POST", b"/", body=Bytes(CODED))), False),
        ("redact", evolve(recording(b""), request=Request(b"POST", b"/", body=Large())), False),
        ("redact", evolve(recording(b""), response=Response(ResponseHead(200), Large())), False),
        ("redact", evolve(recording(b""), delivered=Delivered(ResponseHead(200))), False),
        # a run does not go on from one body to the other
        (
            "redact",
            evolve(recording(b"A" * 30), request=Request(b"POST", b"/", body=Bytes(b"A" * 30))),
            True,
        ),
    ],
)
def test_what_needs_no_careful_look(policy, given, clear):
    assert SecretWatch(Worker(), policy).is_clear(given) is clear


@pytest.mark.parametrize(("size", "ran"), [(10, 0), (65_534, 0), (65_535, 1), (1_000_000, 1)])
def test_what_is_large_is_looked_through_in_a_thread(size, ran):
    worker = Worker()
    looked("redact", recording(b" " * size), worker)
    assert worker.ran == ran
