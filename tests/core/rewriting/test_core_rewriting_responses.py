"""`core/rewriting/responses.py` and `field_streams.py`: status, header fields and JSON fields of answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request, ResponseHead
from proxy_daemon.core.rewriting import field_streams
from proxy_daemon.core.rewriting.field_edits import FieldEdits
from proxy_daemon.core.rewriting.header_edits import HeaderEdits
from proxy_daemon.core.rewriting.responses import ResponseEdits, fields_of
from proxy_daemon.core.wire.coding import encode
from proxy_daemon.core.wire.event_stream import EventStreamReader, write_frame
from proxy_daemon.testing import at_every_split, played

ASKED = Request(b"POST", b"/v1/chat/completions")
EDITS = FieldEdits(remove=(("drop",),), set=((("model",), b'"ours"'),), default=((("new",), b"1"),))


def head(content_type="application/json", status=200, **fields):
    pairs = [(b"Content-Type", content_type.encode())] if content_type else []
    return ResponseHead(
        status, b"OK", Headers([*pairs, *((n.replace("_", "-").encode(), v) for n, v in fields.items())])
    )


def editor(answer_head, problems=None, streams=False, edits=EDITS):
    said = problems if problems is not None else []
    return fields_of([("rule", edits)], ASKED, answer_head, streams=streams, say=said.append)


# --- heads -----------------------------------------------------------------------------------------------------------

STATUS = [
    (((0, 200),), 503, 200, b"OK"),
    (((503, 429),), 503, 429, b"Too Many Requests"),
    (((503, 429),), 500, 500, b"OK"),
    (((503, 429), (0, 418)), 500, 418, b"I'm a Teapot"),
    (((0, 299),), 200, 299, b""),
    (((0, 200),), 204, 204, b"OK"),
    (((0, 200),), 304, 304, b"OK"),
]


@pytest.mark.parametrize(("given", "before", "after", "reason"), STATUS, ids=range(len(STATUS)))
def test_a_status(given, before, after, reason):
    found = ResponseEdits(status=given).head(head(status=before))
    assert (found.status, found.reason) == (after, reason)


def test_header_fields():
    edits = ResponseEdits(headers=HeaderEdits(add=((b"X-Team", b"search"),)))
    assert edits.head(head()).headers.get(b"x-team") == b"search"


def test_nothing_to_change_gives_the_same_head():
    before = head()
    edits = ResponseEdits(status=((503, 429),), headers=HeaderEdits(remove=(b"x",)), fields=EDITS)
    assert edits.head(before) is before


# --- documents -------------------------------------------------------------------------------------------------------

DOCUMENTS = [
    (b'{"model": "a", "drop":1, "n":1.10}', b'{"model": "ours", "n":1.10,"new":1}'),
    (b'{"model":"ours","new":2}', b'{"model":"ours","new":2}'),
    (b"[1]", b"[1]"),
    (b"", b""),
    (b" \n", b" \n"),
    (b'{"model": ', b'{"model": '),
]


@pytest.mark.parametrize(("before", "after"), DOCUMENTS, ids=range(len(DOCUMENTS)))
def test_a_document_at_every_split(before, after):
    assert at_every_split(lambda: editor(head()), before) == after


def test_a_document_that_is_cut_passes_and_it_is_said():
    problems = []
    assert played(editor(head(), problems), [b'{"model": ']) == b'{"model": '
    assert problems == ["rule 'rule': not JSON: cut off, at octet 10"]


@pytest.mark.parametrize("coding", [b"gzip", b"br", b"zstd"])
def test_a_coded_document(coding):
    found = editor(head(Content_Encoding=coding))
    assert found.uncodes
    assert played(found, [encode(coding, b'{"model":"a"}')]) == b'{"model":"ours","new":1}'


def test_an_unknown_coding_passes_and_it_is_said():
    problems = []
    assert editor(head(Content_Encoding=b"secret"), problems) is None
    assert problems == ["the answer passes as it came: the content coding 'secret' is unknown"]


@pytest.mark.parametrize(
    ("answer_head", "method"),
    [(head("image/png"), b"GET"), (head("text/html"), b"GET"), (head(status=204), b"GET"), (head(), b"HEAD")],
)
def test_what_has_no_fields(answer_head, method):
    assert fields_of([("r", EDITS)], Request(method, b"/"), answer_head, streams=False, say=lambda text: None) is None


def test_a_document_beyond_the_limit_passes_and_it_is_said(monkeypatch):
    monkeypatch.setattr(field_streams, "LONGEST_DOCUMENT", 20)
    problems = []
    pieces = [b'{"model":"a",', b'"x":"yyyyyyyyyyyyyy"', b"}"]
    assert played(editor(head(), problems), pieces) == b"".join(pieces)
    assert problems == ["the document is too long to be edited: from there on the answer passes as it came"]


# --- streams ---------------------------------------------------------------------------------------------------------

STREAMS = [
    (
        "text/event-stream",
        b'event: a\ndata: {"model":"a","drop":1}\n\n: comment\n\ndata: {"x":1}\r\n\r\ndata: [DONE]\n\n',
        b'event: a\ndata: {"model":"ours"}\n\n: comment\n\ndata: {"x":1}\r\n\r\ndata: [DONE]\n\n',
    ),
    (
        "text/event-stream",
        b'data: {"model":\ndata: "a"}\n\ndata: {"model":"a"}\n\n',
        b'data: {"model":\ndata: "a"}\n\ndata: {"model":"ours"}\n\n',
    ),
    (
        "text/event-stream",
        b'data: {"model":"a"\n\ndata: {"model":"a"}\n\n',
        b'data: {"model":"a"\n\ndata: {"model":"ours"}\n\n',
    ),
    (
        "application/x-ndjson",
        b'{"model":"a"}\n{"x":1}\n{"model" : "b"}',
        b'{"model":"ours"}\n{"x":1}\n{"model" : "ours"}',
    ),
    ("text/event-stream", b'data: {"model":"a"}', b'data: {"model":"a"}'),
]


@pytest.mark.parametrize(("kind", "before", "after"), STREAMS, ids=range(len(STREAMS)))
def test_a_stream_at_every_split(kind, before, after):
    assert at_every_split(lambda: editor(head(kind), streams=True), before) == after


def test_an_array_as_a_stream():
    before = b'[{"model":"a"},\n{"x":1}\n,{"drop":2}]'
    after = at_every_split(lambda: editor(head(), streams=True), before)
    assert after == b'[{"model":"ours"},\n{"x":1}\n,{}]'


def test_frames():
    headers = next(iter(EventStreamReader(1000).feed(write_frame((), b"{}")))).headers
    before = write_frame(headers, b'{"model":"a"}') + write_frame(headers, b'{"x":1}')
    found = played(editor(head("application/vnd.amazon.eventstream"), streams=True), [before])
    assert found == write_frame(headers, b'{"model":"ours"}') + write_frame(headers, b'{"x":1}')


def test_items_leave_with_the_piece_that_makes_them_whole():
    found = editor(head("text/event-stream"))
    pieces = [b'data: {"model":"a"}\n\n', b'data: {"mod', b'el":"b"}\n\n']
    assert [found.piece(piece) for piece in pieces] == [
        b'data: {"model":"ours"}\n\n',
        b"",
        b'data: {"model":"ours"}\n\n',
    ]


def test_a_stream_that_no_edit_can_touch_passes_piece_by_piece():
    found = editor(head("text/event-stream"), edits=FieldEdits(default=((("a",), b"1"),)))
    assert [found.piece(b'data: {"model": "abcdef'), found.piece(b'g"}\n\n')] == [
        b'data: {"model": "abcdef',
        b'g"}\n\n',
    ]


def test_a_stream_that_is_not_what_it_says_passes_and_it_is_said():
    problems = []
    before = b"\x00\x00\x00\x1f\x00\x00\x00\x00" + b"x" * 40
    assert played(editor(head("application/vnd.amazon.eventstream"), problems, streams=True), [before]) == before
    assert len(problems) <= 1


def test_what_fired_is_counted():
    found = editor(head("text/event-stream"))
    played(found, [b'data: {"model":"a"}\n\n' * 3 + b"data: {}\n\n"])
    assert found.fired == {"rule": 3}
    assert editor(head()).fired == {}


def test_several_rules_go_one_after_the_other():
    edits = [("one", FieldEdits(rename=((("a",), "b"),))), ("two", FieldEdits(set=((("b",), b"2"),)))]
    found = fields_of(edits, ASKED, head(), streams=False, say=lambda text: None)
    assert played(found, [b'{"a":1}']) == b'{"b":2}'
    assert found.fired == {"one": 1, "two": 1}


BODIES = st.binary(max_size=60) | st.sampled_from([b'data: {"model":1}\n\n', b'{"model":\xff}', b'[{"model":{}}, 7]'])
KINDS = ["application/json", "text/event-stream", "application/x-ndjson", "application/vnd.amazon.eventstream", ""]


@given(BODIES, st.booleans(), st.sampled_from(KINDS))
def test_whatever_comes_nothing_is_raised_and_what_is_no_object_stays(body, streams, kind):
    found = played(editor(head(kind), streams=streams), [body[:7], body[7:]])
    assert found == body or b"{" in body
