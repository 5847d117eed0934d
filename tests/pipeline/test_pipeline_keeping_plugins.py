"""What plugins do to what is written of an exchange, and what they cannot."""

import pytest
from attrs import evolve
from exchanges import plugin
from keepers import JSON, SECRET, THERE, TOKENS, exchange, fired, keeper, kept, noted, octets
from twisted.internet.defer import Deferred

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Response, ResponseHead
from proxy_daemon.net.bodies import Spool
from proxy_daemon.pipeline.tape import Tape


def recording_plugin(function):
    return plugin("llmproxy_record", lambda self, exchange, recording: function(recording))


@pytest.mark.parametrize("way", ["kept", "noted"])
@pytest.mark.parametrize(
    "function", [lambda r: False, lambda r: 1 / 0, lambda r: "text"], ids=["veto", "raise", "type"]
)
def test_a_veto_and_a_fault_store_nothing(way, function):
    made = keeper(recording_plugin(function))
    subject = exchange(made)
    assert (kept(made, subject) if way == "kept" else noted(made, subject)) is None


def test_what_a_plugin_sees_has_no_secrets():
    seen = []
    made = keeper(recording_plugin(seen.append))
    stored = kept(made, exchange(made, fields=(JSON, SECRET)), TOKENS)
    assert seen == [stored]
    assert b"sk-" not in octets(seen[0])


def test_what_a_plugin_puts_in_is_redacted_again():
    def leak(recording):
        request = evolve(recording.request, headers=Headers((JSON, SECRET)))
        return evolve(recording, request=request, response=evolve(recording.response, body=Bytes(TOKENS)), detail="x")

    made = keeper(recording_plugin(leak))
    recording = kept(made, exchange(made))
    assert recording.detail == "x"
    assert b"sk-" not in octets(recording)


@pytest.mark.parametrize(
    ("before", "data", "pieces"),
    [
        ([b"ab", b"c"], b"0123456789", [(10, 1)]),
        ([b"ab", b"c"], b"", [(0, 1)]),
        ([], b"ab", [(2, 0)]),
        ([b"ab", b"c"], b"xyz", [(2, 0), (1, 1)]),
    ],
)
def test_a_body_that_a_plugin_changed_is_one_piece_where_its_size_changed(before, data, pieces):
    made = keeper(recording_plugin(lambda r: evolve(r, response=evolve(r.response, body=Bytes(data)))))
    tape = Tape(Spool(1000), 1000)
    for time, piece in enumerate(before):
        tape.add(piece, time)
    response = Response(ResponseHead(200, b"OK", Headers((JSON,))), tape.body, tape.pieces)
    assert fired(made.keep(exchange(made), response, tape, THERE, Ending.COMPLETE))
    stored = made.store.recordings[7].response.pieces
    assert list(zip(stored.sizes, stored.times, strict=True)) == pieces


def test_what_a_plugin_puts_into_a_note_is_redacted_again():
    made = keeper(recording_plugin(lambda r: evolve(r, request=evolve(r.request, headers=Headers((SECRET,))))))
    assert b"sk-1" not in octets(noted(made, exchange(made)))


def test_a_note_waits_for_a_plugin():
    waiting = Deferred()
    made = keeper(recording_plugin(lambda recording: waiting))
    running = Deferred.fromCoroutine(made.note(exchange(made)))
    assert not made.store.recordings
    waiting.callback(None)
    assert running.called
    assert set(made.store.recordings) == {7}
