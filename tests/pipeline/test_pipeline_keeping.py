"""What is written of an exchange: its fingerprint, whether it may be served again, and what must not be in it."""

import gzip

import pytest
from attrs import evolve
from keepers import BODY, JSON, SECRET, THERE, TOKENS, exchange, keeper, kept, noted, octets
from test_dispatch import now

from proxy_daemon.core.bodies import EMPTY
from proxy_daemon.core.cache_control import Directives
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Outcome
from proxy_daemon.net.bodies import Spool

# --- fingerprints ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({}, True),
        ({"fields": (JSON, SECRET)}, True),  # whose key it is does not matter
        ({"body": b'{"messages": [], "model": "m-1"}'}, True),
        ({"body": BODY.replace(b"m-1", b"m-2")}, False),
        ({"target": b"/v1/embeddings"}, False),
    ],
    ids=["same", "key", "order", "model", "path"],
)
def test_the_fingerprint_is_that_of_what_is_asked(other, same):
    made = keeper()
    one, two = exchange(made), exchange(made, **other)
    assert one.fingerprint
    assert (one.fingerprint == two.fingerprint) is same
    assert one.model == "m-1"


@pytest.mark.parametrize("scoped", [False, True])
def test_scoped_by_key_credentials_tell_two_apart(scoped):
    made = keeper(scope_by_key=scoped)
    one, two = (exchange(made, credential=credential) for credential in (b"a" * 16, b"b" * 16))
    assert (one.fingerprint == two.fingerprint) is not scoped
    assert made.share_key(one) != made.share_key(two)


def test_who_takes_other_codings_is_not_given_the_same_answer_in_flight():
    made = keeper()
    fields = [
        [JSON, *((b"Accept-Encoding", each) for each in some)] for some in ([], [b"gzip"], [b"br"], [b"gzip, br"])
    ]
    assert len({made.share_key(exchange(made, fields=each)) for each in fields}) == len(fields)
    assert made.share_key(exchange(made, fields=fields[1])) == made.share_key(exchange(made, fields=fields[1][::-1]))


# --- what may be served again ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "settings", "directives", "replayable"),
    [
        ({}, {}, {}, True),
        ({}, {"mode": "all"}, {}, True),
        ({}, {"mode": "off"}, {}, False),
        ({"ending": Ending.BROKEN_OFF}, {}, {}, False),
        ({"ending": Ending.CLIENT_GONE}, {}, {}, False),
        ({"limit": 1}, {}, {}, False),
        ({"status": 204}, {}, {}, True),
        ({"status": 206}, {}, {}, False),
        ({"status": 304}, {}, {}, False),
        ({"status": 399}, {}, {}, True),
        ({"status": 400}, {}, {}, False),
        ({"status": 500}, {}, {}, False),
        ({"status": 500}, {"record_errors": True}, {}, True),
        ({"status": 500, "limit": 1}, {"record_errors": True}, {}, False),
        ({}, {}, {"no_store": True}, False),
        ({}, {}, {"no_cache": True}, True),
    ],
)
def test_what_may_be_served_again(answer, settings, directives, replayable):
    made = keeper(**settings)
    recording = kept(made, exchange(made, directives=Directives(**directives)), **answer)
    assert recording.replayable is replayable
    assert recording.cut is ("limit" in answer)
    assert recording.ending is answer.get("ending", Ending.COMPLETE)


SSE = (b"Content-Type", b"text/event-stream; charset=utf-8")
MORE, DONE = b'data: {"a": 1}\n\n', b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    ("target", "fields", "data", "replayable"),
    [
        ("/v1/chat/completions", [SSE], MORE + DONE, True),
        ("/v1/chat/completions", [SSE], MORE * 500 + DONE, True),
        ("/v1/chat/completions", [SSE], MORE, False),
        ("/v1/chat/completions", [SSE], DONE + MORE * 500, False),  # the last event is another
        ("/v1/chat/completions", [JSON], MORE, True),
        ("/v1/messages", [SSE], b'event: message_stop\ndata: {"type": "message_stop"}\n\n', True),
        ("/v1/messages", [SSE], MORE, False),
    ],
)
def test_a_stream_that_ends_with_its_connection_needs_its_last_event(target, fields, data, replayable):
    made = keeper(record_max_body=10_000)
    subject = exchange(made, target=target.encode())
    recording = kept(made, subject, data, fields=fields, limit=10_000, memory=10_000)
    assert recording.replayable is replayable
    assert (recording.response.body.whole(), recording.ending, recording.cut) == (data, Ending.COMPLETE, False)


def test_a_recording_has_what_is_known_of_its_exchange():
    made = keeper()
    subject = exchange(made, client="127.0.0.1", outcome=Outcome.MISS, status=201, head_time=5, duration=9, detail="d")
    recording = kept(made, subject, b'{"a": 1}')
    same = ("id", "started", "client", "outcome", "status", "detail", "head_time", "duration", "model", "fingerprint")
    assert [getattr(recording, name) for name in same] == [getattr(subject, name) for name in same]
    assert recording.upstream is THERE  # where it was sent
    assert recording.response.body.whole() == b'{"a": 1}'
    assert list(recording.response.pieces.sizes) == [8]
    assert (recording.redacted, recording.cut, recording.served_from) == (False, False, 0)


@pytest.mark.parametrize("mode", ["all", "new_episodes", "off"])
@pytest.mark.parametrize("good", [True, False])
def test_a_good_answer_takes_the_place_of_older_ones_in_mode_all(mode, good, monkeypatch):
    """Of those of its session, and not of its own run."""
    made, replaced = keeper(mode=mode), []
    made.run = 7
    put = made.store.put

    def seen(recording, replace, run=0):
        replaced.append((replace, run))
        return put(recording)

    monkeypatch.setattr(made.store, "put", seen)
    kept(made, exchange(made), status=200 if good else 500)
    assert replaced == [(mode == "all" and good, 7 if mode == "all" else 0)]


# --- no-store and sizes ----------------------------------------------------------------------------------------------


def test_no_store_keeps_neither_bodies_nor_fields():
    made = keeper()
    recording = kept(made, exchange(made, directives=Directives(no_store=True), fields=(JSON, SECRET)))
    assert (recording.response, recording.request.headers, recording.request.body) == (None, Headers(), EMPTY)
    assert recording.request.target == b"/v1/chat/completions"
    assert not recording.redacted


@pytest.mark.parametrize(("limit", "cut"), [(len(BODY), False), (len(BODY) - 1, True)])
def test_a_request_that_is_too_large_is_left_out(limit, cut):
    made = keeper(record_max_body=limit)
    recording = kept(made, exchange(made))
    assert (recording.cut, recording.request.body.size == 0, recording.redacted) == (cut, cut, False)
    assert recording.replayable != cut


# --- secrets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["kept", "noted"])
@pytest.mark.parametrize(
    "secret",
    [
        {"fields": (JSON, SECRET)},
        {"target": b"/v1/x?api_key=sk-1"},
        {"fields": ((b"Content-Type", b"application/x-www-form-urlencoded"),), "body": b"a=1&client_secret=sk-1"},
    ],
    ids=["field", "query", "form"],
)
def test_secrets_of_the_request_are_not_written(way, secret):
    made = keeper()
    subject = exchange(made, **secret)
    recording = kept(made, subject) if way == "kept" else noted(made, subject)
    assert b"sk-1" not in octets(recording)
    assert recording.redacted
    assert b"sk-1" in octets(evolve(recording, request=subject.request))  # it goes upstream as it is


@pytest.mark.parametrize("way", ["kept", "noted"])
def test_without_secrets_nothing_is_redacted(way):
    made = keeper()
    subject = exchange(made)
    recording = kept(made, subject) if way == "kept" else noted(made, subject)
    assert not recording.redacted
    assert recording.request is subject.request
    assert made.worker.calls == []


def test_an_exchange_that_was_never_recognised_is_redacted_too():
    made = keeper()
    subject = evolve(exchange(made, fields=(JSON, SECRET)), notes={}, fingerprint=b"")
    assert b"sk-1" not in octets(noted(made, subject))


@pytest.mark.parametrize("coded", [False, True])
def test_secrets_of_the_answer_are_not_written(coded):
    made = keeper()
    fields = (JSON, (b"Set-Cookie", b"sk-2"), *([(b"Content-Encoding", b"gzip")] if coded else []))
    recording = kept(made, exchange(made), gzip.compress(TOKENS, mtime=0) if coded else TOKENS, fields=fields)
    assert recording.response.body.whole() == TOKENS.replace(b"sk-2", b"REDACTED")
    assert b"content-encoding" not in recording.response.head.headers
    assert b"sk-2" not in octets(recording)
    assert (recording.redacted, recording.replayable) == (True, True)
    assert (made.worker.calls == ["redacted_response"]) is coded


@pytest.mark.parametrize("way", ["answer", "request"])
@pytest.mark.parametrize(("data", "withheld"), [(TOKENS, True), (b'{"a": "plain enough"}', False)])
def test_a_thread_looks_into_what_is_coded_and_does_not_say_so(way, data, withheld):
    made, packed = keeper(), gzip.compress(data, mtime=0)
    subject = exchange(made, packed) if way == "request" else exchange(made)
    recording = kept(made, subject, packed) if way == "answer" else noted(made, subject)
    assert made.worker.calls == ["redacted_response" if way == "answer" else "withholds_request"]
    held = recording.response if way == "answer" else recording.request
    assert (recording.cut, recording.redacted, held.body.size == 0) == (withheld,) * 3


@pytest.mark.parametrize(("data", "withheld"), [(TOKENS, True), (b'{"a": "plain enough"}', False)])
def test_an_answer_that_is_too_large_to_be_rewritten(data, withheld):
    made = keeper()
    recording = kept(made, exchange(made), data, memory=4)
    assert made.worker.calls == ["redacted_response"]
    assert (recording.cut, recording.redacted, recording.replayable) == (withheld, withheld, not withheld)
    assert recording.response.body.size == (0 if withheld else len(data))


@pytest.mark.parametrize("way", ["kept", "noted"])
@pytest.mark.parametrize(("data", "withheld"), [(TOKENS, True), (BODY, False)])
def test_a_request_that_is_too_large_to_be_rewritten(way, data, withheld):
    made, body = keeper(), Spool(4)
    body.write(data)
    subject = exchange(made, body)
    recording = kept(made, subject) if way == "kept" else noted(made, subject)
    assert made.worker.calls == ["withholds_request"]
    assert (recording.cut, recording.redacted, recording.request.body.size == 0) == (withheld,) * 3


# --- hits, and who writes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "stored"), [(BODY, 0), (BODY + b" ", len(BODY) + 1)])
def test_a_hit_stores_its_request_body_where_it_differs(body, stored):
    made = keeper()
    recording = kept(made, exchange(made))
    hit = exchange(made, body, fields=(JSON, (b"X-More", b"1")))
    made.served(hit, recording)
    line = noted(made, hit)
    assert line.request.body.size == stored
    assert line.request.headers == hit.request.headers
    assert (line.response, line.redacted, line.cut) == (None, False, False)


def test_a_note_is_written_by_one(monkeypatch):
    made = keeper()
    subject = exchange(made)
    made.adopted(subject)
    assert noted(made, subject) is None
    now(made.released(subject))
    assert not made.store.recordings  # the pipeline notes it when it ends
    assert noted(made, subject).ending is Ending.FAILED


def test_a_note_is_written_at_once_where_the_pipeline_has_ended():
    made = keeper()
    subject = exchange(made)
    made.adopted(subject)
    subject.ending = Ending.CLIENT_GONE
    assert noted(made, subject) is None
    now(made.released(subject))
    assert made.store.recordings[7].ending is Ending.CLIENT_GONE
