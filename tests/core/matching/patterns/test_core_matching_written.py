"""An answer that a person wrote once answers for documents and for streams."""

import json

import pytest
from attrs import evolve
from renaming_shapes import EVENTS, asking, body_of, pieces_of, recorded

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.conversation import Answer, Choice, Finish, Text, ToolCall, Usage
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.dialect import CannotRender
from proxy_daemon.core.dialects.reading import read_answer
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.patterns.written import as_asked
from proxy_daemon.core.messages import Request
from proxy_daemon.core.wire.coding import encode

SAID = Answer(
    (Choice((Text("It is sunny in Zürich."), ToolCall("call_1", "weather", '{"city": "Paris"}')), Finish.CALLS),),
    id="id_1",
    model="m",
    usage=Usage(3, 4),
)
# (dialect, path for a document, path for a stream, whether the body says which)
APIS = [
    ("openai-chat", b"/v1/chat/completions", b"/v1/chat/completions", True),
    ("openai-responses", b"/v1/responses", b"/v1/responses", True),
    ("anthropic", b"/v1/messages", b"/v1/messages", True),
    ("ollama", b"/api/chat", b"/api/chat", True),
    ("cohere", b"/v2/chat", b"/v2/chat", True),
    ("google", b"/v1beta/models/m:generateContent", b"/v1beta/models/m:streamGenerateContent?alt=sse", False),
    ("google", b"/v1beta/models/m:generateContent", b"/v1beta/models/m:streamGenerateContent", False),
    ("bedrock", b"/model/m/converse", b"/model/m/converse-stream", False),
]


def asked(target, stream=None):
    body = {"model": "m", "messages": [{"role": "user", "content": "?"}]} | (
        {} if stream is None else {"stream": stream}
    )
    return Request(b"POST", target, Headers(), Bytes(json.dumps(body).encode()))


def both(api):
    """(dialect, what asks for a document, what asks for a stream)"""
    name, document, stream, by_body = api
    requests = asked(document, False if by_body else None), asked(stream, True if by_body else None)
    (dialect,) = {recognise(request, BUILT_IN) for request in requests}
    assert dialect.name == name
    return dialect, *requests


def wrote(dialect, request, answer=SAID, **more):
    rendered = dialect.render(answer, request)
    return evolve(recorded(rendered.body, kind=rendered.content_type, request=request, **more), written=True)


def said(dialect, request, recording):
    answer, problem = read_answer(dialect, request, recording.response)
    assert not problem
    assert answer.complete
    return answer.text, [part for part in answer.choices[0].parts if isinstance(part, ToolCall)]


@pytest.mark.parametrize("api", APIS, ids=range(len(APIS)))
@pytest.mark.parametrize("back", [False, True], ids=["to a stream", "to a document"])
def test_the_other_form_says_the_same(api, back):
    dialect, *requests = both(api)
    request, other = reversed(requests) if back else requests
    recording = wrote(dialect, request)
    found = as_asked(recording, other, dialect)
    assert said(dialect, other, found) == said(dialect, request, recording)
    assert found.response.head.headers.get(b"content-type") == dialect.render(SAID, other).content_type
    assert (len(pieces_of(found)) == 1) == back


@pytest.mark.parametrize("api", APIS, ids=range(len(APIS)))
def test_the_form_that_is_asked_for_stays_as_it_was_written(api):
    dialect, *requests = both(api)
    for request in requests:
        recording = wrote(dialect, request)
        assert as_asked(recording, request, dialect) is recording


def test_two_framings_of_one_stream():
    """Google's streams are events or one array, by the query."""
    google, _, events = both(APIS[5])
    array = both(APIS[6])[2]
    for one, other in ((events, array), (array, events)):
        found = as_asked(wrote(google, one), other, google)
        assert body_of(found)[:1] == (b"[" if other is array else b"d")
        assert said(google, other, found)[0] == SAID.text


def test_pieces_are_events_and_the_head_fits():
    dialect, document, stream = both(APIS[0])
    fields = [(b"Content-Length", b"1"), (b"ETag", b"x"), (b"X-Mine", b"y")]
    found = as_asked(wrote(dialect, document, fields=fields, times=[50]), stream, dialect)
    assert found.response.head.headers.pairs == ((b"X-Mine", b"y"), (b"Content-Type", EVENTS))
    assert all(octets.endswith(b"\n\n") and octets.count(b"\n\n") == 1 for _, octets in pieces_of(found))
    assert {time for time, _ in pieces_of(found)} == {50}
    back = as_asked(evolve(found, response=evolve(found.response)), document, dialect)
    assert back.response.head.headers.get(b"content-type") == b"application/json"


def test_a_length_is_stated_where_there_was_one():
    dialect, document, stream = both(APIS[0])
    found = as_asked(wrote(dialect, stream, fields=[(b"Content-Length", b"1")]), document, dialect)
    assert found.response.head.length == b"%d" % len(body_of(found))


def test_a_coded_answer():
    dialect, document, stream = both(APIS[0])
    octets = encode(b"gzip", dialect.render(SAID, document).body)
    recording = recorded(octets, fields=[(b"Content-Encoding", b"gzip")], request=document)
    assert as_asked(recording, document, dialect) is recording
    found = as_asked(recording, stream, dialect)
    assert b"content-encoding" not in found.response.head.headers
    assert said(dialect, stream, found)[0] == SAID.text


@pytest.mark.parametrize(
    ("body", "more"),
    [
        ({"error": {"message": "slow down"}}, {"status": 429}),
        (b"", {}),
        (b"plain words", {"kind": b"text/plain"}),
    ],
    ids=["error", "empty", "words"],
)
def test_what_has_one_form_only(body, more):
    dialect, _, stream = both(APIS[0])
    recording = recorded(body, **more)
    assert as_asked(recording, stream, dialect) is recording
    silent = evolve(recording, response=None)
    assert as_asked(silent, stream, dialect) is silent


@pytest.mark.parametrize(
    ("body", "more", "reason"),
    [
        (b"{", {}, "cannot be read as one of openai-chat: not decodable"),
        ({"error": {"message": "no"}}, {}, "cannot be read as one of openai-chat: no"),
        ({}, {}, "says nothing that openai-chat knows"),
        ({"type": "message", "content": [{"type": "text", "text": "x"}]}, {}, "says nothing that openai-chat knows"),
        (b"\x1f\x8bnoise", {"fields": [(b"Content-Encoding", b"gzip")]}, "cannot be read"),
    ],
    ids=["no JSON", "an error", "nothing", "another API", "damaged"],
)
def test_reasons(body, more, reason):
    dialect, _, stream = both(APIS[0])
    with pytest.raises(CannotRender, match=reason):
        as_asked(recorded(body, **more), stream, dialect)


def test_a_stream_that_was_broken_off():
    dialect, document, stream = both(APIS[0])
    whole = wrote(dialect, stream)
    first = pieces_of(whole)[0][1]
    cut = recorded(first[: first.index(b"\n\n") + 2], kind=EVENTS)
    with pytest.raises(CannotRender, match="it is not whole"):
        as_asked(cut, document, dialect)


def test_as_little_as_a_person_writes():
    dialect, _, stream = both(APIS[0])
    found = as_asked(recorded({"choices": [{"message": {"content": "Hello."}}]}), stream, dialect)
    assert said(dialect, stream, found)[0] == "Hello."
    messages, _, stream = both(APIS[2])
    found = as_asked(recorded({"content": [{"type": "text", "text": "Hello."}]}), stream, messages)
    assert said(messages, stream, found)[0] == "Hello."


def test_a_dialect_that_writes_no_answers():
    dialect = recognise(asking(target=b"/v1/threads"), BUILT_IN)
    request = asking(target=b"/v1/threads", stream=True)
    with pytest.raises(CannotRender):
        as_asked(recorded({"choices": []}), request, dialect)
    kept = recorded(b"data: {}\n\n", kind=EVENTS)
    assert as_asked(kept, request, dialect) is kept
