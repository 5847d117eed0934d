"""asgi-replay's logs as we write them: octets and pieces exact, and what is lost is said."""

import base64
import json
from array import array

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.cassettes import Unreadable, foreign_text, formats
from proxy_daemon.core.cassettes import asgi_replay_writing as writing
from proxy_daemon.core.cassettes.asgi_replay_writing import AsgiReplayText
from proxy_daemon.core.cassettes.foreign_text import text
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import (
    Ending,
    Outcome,
    Pieces,
    Recording,
    Request,
    Response,
    ResponseHead,
    Unknown,
)
from proxy_daemon.core.upstreams import parse_upstream

SSE = (b"Content-Type", b"text/event-stream")
FORM = AsgiReplayText()


def recorded(body=b"ab", sizes=(), fields=(SSE,), status=200, method=b"POST", **changes):
    pieces = Pieces(array("Q", sizes), array("Q", range(len(sizes))))
    found = Recording(
        id=1,
        request=Request(method, b"/v1/x", Headers([(b"a", b"b")]), Bytes(b"{}")),
        response=Response(ResponseHead(status, b"", Headers(fields)), Bytes(body), pieces),
        upstream=parse_upstream("https://api.example"),
        ending=Ending.COMPLETE,
        outcome=Outcome.LIVE,
        started=1.0,
        status=status,
    )
    return evolve(found, **changes)


def written(*recordings):
    return text(FORM, recordings)


def again(*recordings):
    return list(formats.read("log.json", written(*recordings).text))


def test_a_log():
    assert written(recorded(b"data: 1\n\ndata: [DONE]\n\n", [9, 14])).text.decode() == (
        '{"type": "http.response.start", "status": 200, "headers": '
        '[[{"$base64": "Y29udGVudC10eXBl"}, {"$base64": "dGV4dC9ldmVudC1zdHJlYW0="}]]}\n'
        '{"type": "http.response.body", "body": {"$base64": "ZGF0YTogMQoK"}, "more_body": true}\n'
        '{"type": "http.response.body", "body": {"$base64": "ZGF0YTogW0RPTkVdCgo="}, "more_body": true}\n'
        '{"type": "http.response.body", "more_body": false}\n'
    )


def test_an_empty_log():
    assert written() == foreign_text.WrittenFile(b"", [])


PIECES = [((), [2]), ((1, 1), [1, 1]), ((0, 2, 0), [2]), ((1,), [2]), ((2, 5), [2])]


@pytest.mark.parametrize(("sizes", "found"), PIECES)
def test_pieces_and_where_they_are_not_known_one(sizes, found):
    (one,) = again(recorded(b"ab", sizes))
    assert (one.response.body.whole(), list(one.response.pieces.sizes)) == (b"ab", found)


class Slow:
    """A body that gives one octet at a time."""

    size = 4

    def whole(self):
        return None

    def read(self, offset, size):
        return b"abcd"[offset : offset + min(1, size)]


def test_a_body_that_comes_in_parts():
    one = recorded(b"abcd", [3, 1])
    (found,) = again(evolve(one, response=evolve(one.response, body=Slow())))
    assert (found.response.body.whole(), list(found.response.pieces.sizes)) == (b"abcd", [3, 1])


FIELDS = [
    ([(b"X-A", b"1"), (b"x-a", b"\xff")], [(b"x-a", b"1"), (b"x-a", b"\xff")]),
    ([(b"Content-Length", b"2"), (b"Transfer-Encoding", b"chunked")], [(b"content-length", b"2")]),
    ([(b"Content-Length", b"3"), (b"a", b"")], [(b"a", b"")]),
    ([(b"Connection", b"x"), (b"X", b"1")], []),
]


@pytest.mark.parametrize(("fields", "found"), FIELDS)
def test_header_fields(fields, found):
    made = json.loads(written(recorded(fields=fields)).text.splitlines()[0])["headers"]
    assert [tuple(base64.b64decode(each["$base64"]) for each in pair) for pair in made] == found
    (one,) = again(recorded(fields=fields))
    assert list(one.response.head.headers.pairs) == found


def test_the_coding_stays():
    (one,) = again(recorded(b"\x1f\x8b\x08", fields=[(b"content-encoding", b"gzip")]))
    assert one.response.body.whole() == b"\x1f\x8b\x08"
    assert one.response.head.headers.get(b"content-encoding") == b"gzip"


def test_an_answer_to_head():
    made = written(recorded(b"", fields=[(b"content-length", b"99")], method=b"HEAD"))
    assert b"Y29udGVudC1sZW5ndGg=" not in made.text
    both = [foreign_text.RECORDED, foreign_text.DURATION]
    assert [loss.what for loss in made.losses] == [*both, writing.REQUEST, writing.HEAD_LENGTH]


def test_what_is_lost():
    one = recorded(b"ab", [1, 1])
    both = [foreign_text.RECORDED, foreign_text.DURATION, foreign_text.FIELD_NAMES]
    assert [loss.what for loss in written(one).losses] == [foreign_text.TIMES, *both, writing.REQUEST]
    unknown = frozenset([Unknown.REQUEST, Unknown.TIME, Unknown.DURATION])
    assert written(recorded(fields=[(b"a", b"b")], unknown=unknown)).losses == []


def test_the_words_beside_the_status_are_lost():
    one = recorded()
    head = evolve(one.response.head, reason=b"Fine")
    assert foreign_text.REASON in [
        loss.what for loss in written(evolve(one, response=evolve(one.response, head=head))).losses
    ]
    assert foreign_text.REASON not in [loss.what for loss in written(one).losses]


@pytest.mark.parametrize(
    "changes",
    [{"response": None}, {"cut": True}, {"ending": Ending.BROKEN_OFF}, {"unknown": frozenset([Unknown.STATUS])}],
)
def test_what_cannot_be_written_is_left_out(changes):
    made = written(recorded(b"1"), recorded(**changes), recorded(b"3"))
    assert [one.response.body.whole() for one in formats.read("log.json", made.text)] == [b"1", b"3"]
    assert [loss.what[:8] for loss in made.losses if loss.entry == 1] == ["left out"]


# --- a file that is there --------------------------------------------------------------------------------------------


def test_answers_of_a_log_stay_octet_for_octet():
    made = written(recorded(b"1"), recorded(b"", status=204))
    entries = FORM.like("log.json", made.text).entries("log.json", made.text)
    assert (len(entries), FORM.whole(entries)) == (2, made.text)


def test_other_styles_stay_and_the_servers_own_life_goes():
    one, other = b'{ "type":"http.response.start","status":200}\n', b'{"type": "http.response.body"}'
    life = b'{"type": "lifespan.startup.complete"}\n'
    assert FORM.entries("log.json", life + one + b"\n" + other) == [one + other + b"\n"]
    assert FORM.entries("log.json", life) == []


def test_an_answer_that_was_broken_off_stays():
    begun = b'{"type": "http.response.start", "status": 200}\n'
    assert FORM.entries("log.json", begun * 2) == [begun, begun]


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"type": "http.response.body"}', b'{"type": "websocket.accept"}'])
def test_a_file_that_is_none(data):
    with pytest.raises(Unreadable, match=r"log\.json: line 1"):
        FORM.entries("log.json", data)


# --- all that can be -------------------------------------------------------------------------------------------------

NAMES = st.sampled_from([b"x-a", b"x-b", b"content-type"])
VALUES = st.binary(max_size=9).map(lambda octets: octets.translate(None, b"\0\r\n").strip(b" \t"))
BODIES = st.lists(st.binary(min_size=1, max_size=20), max_size=5)


@given(BODIES, st.lists(st.tuples(NAMES, VALUES), max_size=4), st.integers(200, 599))
def test_any_answer_is_read_back(parts, fields, status):
    (found,) = again(recorded(b"".join(parts), [len(part) for part in parts], fields, status))
    assert found.response.body.whole() == b"".join(parts)
    assert list(found.response.pieces.sizes) == [len(part) for part in parts]
    assert found.status == status
    typed = [pair for pair in fields if pair[0] != b"content-type" or b"/" in pair[1]]
    assert [pair for pair in found.response.head.headers.pairs if pair in typed] == typed


@given(st.lists(BODIES, min_size=1, max_size=4))
def test_any_log_is_taken_apart_and_put_together(answers):
    made = written(*(recorded(b"".join(parts), [len(part) for part in parts]) for parts in answers))
    assert FORM.whole(FORM.entries("log.json", made.text)) == made.text
    assert len(again(*(recorded(b"".join(parts)) for parts in answers))) == len(answers)
    assert all(json.loads(line) for line in made.text.splitlines())
