"""promptecho's cassettes as we write them: what is read back is what was recorded, and what is lost is said."""

import base64
import gzip
import json
from array import array

import pytest
import yaml
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy_daemon.core.bodies import EMPTY, Bytes
from proxy_daemon.core.cassettes import Unreadable, foreign_text, formats
from proxy_daemon.core.cassettes.addresses import NOWHERE
from proxy_daemon.core.cassettes.foreign_text import Loss, text
from proxy_daemon.core.cassettes.promptecho import answers, writing
from proxy_daemon.core.cassettes.promptecho.writing import PromptechoText
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.counting.promptecho import DEFAULT
from proxy_daemon.core.messages import (
    Delivered,
    Ending,
    Outcome,
    Pieces,
    Recording,
    Request,
    Response,
    ResponseHead,
    Unknown,
)
from proxy_daemon.core.pattern import Pattern
from proxy_daemon.core.upstreams import parse_upstream

HI = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
JSON, SSE = (b"content-type", b"application/json"), (b"content-type", b"text/event-stream; charset=utf-8")
UPSTREAM = parse_upstream("https://api.example/v1")


def recorded(body=b'{"id": 1}', *fields, sent=HI, method=b"POST", target=b"/v1/chat/completions", status=200, **more):
    response = Response(ResponseHead(status, b"", Headers(fields or [JSON])), Bytes(body))
    found = Recording(
        id=1,
        request=Request(method, target, Headers([]), Bytes(sent)),
        response=response,
        upstream=UPSTREAM,
        ending=Ending.COMPLETE,
        outcome=Outcome.LIVE,
        started=1.0,
        status=status,
    )
    return evolve(found, **more)


def written(*recordings):
    return text(PromptechoText(), recordings)


def again(one):
    (found,) = formats.read("c.yaml", written(one).text)
    return found


def said(one):
    (found,) = yaml.safe_load(written(one).text)["interactions"]
    return found


def losses(one):
    """But for those that neither promptecho nor asgi-replay can tell of any recording."""
    return [loss.what for loss in written(one).losses if loss.what not in foreign_text.LOST_BY_BOTH]


def test_a_file():
    made = written(recorded(), recorded(sent=b"", method=b"GET", target=b"/v1/models?after=a"))
    assert made.text.decode() == (
        "version: 2\n"
        "match_on:\n- model\n- messages\n- system\n- tools\n- tool_choice\n"
        "- reasoning_effort\n- reasoning\n- thinking\n"
        "interactions:\n"
        "- request:\n    method: POST\n    url: https://api.example/v1/chat/completions\n"
        "    match_key: 09fd77d21c4e0aa9\n    matched_on:\n"
        "    - model\n    - messages\n    - system\n    - tools\n    - tool_choice\n"
        "    - reasoning_effort\n    - reasoning\n    - thinking\n"
        "    body:\n      model: m\n      messages:\n      - role: user\n        content: hi\n"
        "  response:\n    status: 200\n    headers:\n      content-type: application/json\n    streaming: false\n"
        "    body:\n      id: 1\n"
        "- request:\n    method: GET\n    url: https://api.example/v1/models?after=a\n"
        "    match_key: 1100ca4580d11e36\n    matched_on:\n"
        "    - model\n    - messages\n    - system\n    - tools\n    - tool_choice\n"
        "    - reasoning_effort\n    - reasoning\n    - thinking\n"
        "    body: {}\n"
        "  response:\n    status: 200\n    headers:\n      content-type: application/json\n    streaming: false\n"
        "    body:\n      id: 1\n"
    )
    both = [foreign_text.RECORDED, foreign_text.DURATION]
    wanted = [(0, what) for what in [*both, writing.REQUEST_OCTETS]] + [(1, what) for what in both]
    assert made.losses == [Loss(*each) for each in wanted]


def test_an_empty_file():
    assert yaml.safe_load(written().text) == {"version": 2, "match_on": [*DEFAULT], "interactions": []}


BODIES = [  # body, its type, what stands in the file
    (b'{"a": [1, 2.5, "\xc3\xa9", null]}', JSON, {"streaming": False, "body": {"a": [1, 2.5, "\xe9", None]}}),
    (b"[]", JSON, {"streaming": False, "body": []}),
    (b"", JSON, {"streaming": False, "body": None}),
    (b"", SSE, {"streaming": True, "events": []}),
    (
        b'data: {"a": 1}\n\ndata: [DONE]\n\n',
        SSE,
        {"streaming": True, "events": ['data: {"a": 1}\n\n', "data: [DONE]\n\n"]},
    ),
    (b"data: 1\r\n\r\n: x\n\n\n\n", SSE, {"streaming": True, "events": ["data: 1\r\n\r\n", ": x\n\n\n\n"]}),
    (b"data: 1\n\ndata: 2", SSE, {"streaming": True, "events": ["data: 1\n\n", "data: 2"]}),
    (b"data: \xff\n\n", SSE, {"streaming": False, "binary": True, "body": "ZGF0YTog/woK"}),
    (b"\x89PNG", (b"content-type", b"Image/PNG; x=1"), {"streaming": False, "binary": True, "body": "iVBORw=="}),
    (b"text", (b"content-type", b"application/pdf"), {"streaming": False, "binary": True, "body": "dGV4dA=="}),
    (b"plain \x00 text\r\n", (b"content-type", b"text/plain"), {"streaming": False, "body": "plain \x00 text\r\n"}),
    # What promptecho would replay as something else stays a text.
    (b"5", JSON, {"streaming": False, "body": "5"}),
    (b'"hi"', JSON, {"streaming": False, "body": '"hi"'}),
    (b"null", JSON, {"streaming": False, "body": "null"}),
    (b'{"a":1,"a":2}', JSON, {"streaming": False, "body": '{"a":1,"a":2}'}),
    (b'{"a":NaN}', JSON, {"streaming": False, "body": '{"a":NaN}'}),
    (b'{"a":1e999}', JSON, {"streaming": False, "body": '{"a":1e999}'}),
    (b'{"a":0.12345678901234567890123}', JSON, {"streaming": False, "body": '{"a":0.12345678901234567890123}'}),
    (b'{"a":1e-99999999999999999999}', JSON, {"streaming": False, "body": '{"a":1e-99999999999999999999}'}),
    (rb'{"a":"\ud800"}', JSON, {"streaming": False, "body": r'{"a":"\ud800"}'}),
    (b'{"a":' + b"1" * 2000 + b"}", JSON, {"streaming": False, "body": '{"a":' + "1" * 2000 + "}"}),
    (b"[" * 200 + b"]" * 200, JSON, {"streaming": False, "body": "[" * 200 + "]" * 200}),
    (b"[" * 99_999, JSON, {"streaming": False, "body": "[" * 99_999}),
    (b"\xef\xbb\xbf{}", JSON, {"streaming": False, "body": "\ufeff{}"}),
]


@pytest.mark.parametrize(("body", "kind", "found"), BODIES, ids=range(len(BODIES)))
def test_bodies_of_answers(body, kind, found):
    one = recorded(body, kind)
    response = said(one)["response"]
    assert {name: response[name] for name in response if name not in ("status", "headers")} == found
    back = again(one).response.body.whole()
    assert back == body or json.loads(back) == json.loads(body)
    assert (answers.JSON_OCTETS in losses(one)) is (back != body and json.dumps(found["body"]).encode() != body)


@pytest.mark.parametrize("coding", [b"gzip", b"gzip, gzip"])
def test_codings_are_undone(coding):
    packed = b'{"id": 1}'
    for _ in coding.split(b","):
        packed = gzip.compress(packed)
    one = recorded(packed, JSON, (b"Content-Encoding", coding), (b"Content-Length", b"%d" % len(packed)))
    assert said(one)["response"] == {
        "status": 200,
        "headers": {"content-type": "application/json"},
        "streaming": False,
        "body": {"id": 1},
    }
    assert losses(one) == [writing.REQUEST_OCTETS, answers.CODING]


def test_header_fields():
    fields = [JSON, (b"X-A", b"1"), (b"x-a", b"2"), (b"X-B", b"\xe9"), (b"Set-Cookie", b"k=secret")]
    one = recorded(b"{}", *fields)
    found = said(one)["response"]["headers"]
    assert found == {"content-type": "application/json", "x-a": "1, 2", "x-b": "\xe9", "set-cookie": "REDACTED"}
    assert losses(one) == [writing.REQUEST_OCTETS, answers.FIELD_LINES, answers.REDACTED]
    assert b"secret" not in written(one).text
    assert again(one).redacted


@pytest.mark.parametrize("status", [200, 204, 301, 429, 500])
def test_statuses(status):
    assert again(recorded(b"", status=status)).status == status


def test_an_answer_to_head_has_no_body():
    one = recorded(b"", JSON, (b"content-length", b"9"), method=b"HEAD", sent=b"")
    assert said(one)["response"]["body"] is None


LOST = [
    ({"request": Request(b"POST", b"/a", Headers([(b"X-A", b"1")]), EMPTY)}, foreign_text.REQUEST_FIELDS),
    ({"request": Request(b"POST", b"/a", Headers([]), Bytes(b"x=1"))}, writing.BODY_HASHED),
    ({"pattern": Pattern()}, foreign_text.PATTERN),
    ({"delivered": Delivered(ResponseHead(200))}, foreign_text.DELIVERED),
    ({"upstream": parse_upstream("https://h/api/v1")}, writing.BASE_PATH),
]


@pytest.mark.parametrize(("changes", "what"), LOST, ids=[what for _, what in LOST])
def test_what_is_lost(changes, what):
    assert what in losses(recorded(**changes))
    assert what not in losses(recorded())


def test_pieces_their_times_and_trailers_are_lost():
    one = recorded()
    pieces = Pieces(array("Q", [4, 5]), array("Q", [0, 7]))
    one = evolve(one, response=evolve(one.response, pieces=pieces, trailers=Headers([(b"a", b"b")])))
    assert losses(one) == [foreign_text.TRAILERS, foreign_text.TIMES, writing.REQUEST_OCTETS, answers.PIECES]


DEEP = b'{"a":' + b"[" * 160 + b"]" * 160 + b"}"
LEFT_OUT = [
    ({"response": None}, "it has no answer"),
    ({"cut": True}, "its answer is not whole"),
    *(({"ending": ending}, "its answer is not whole") for ending in Ending if ending is not Ending.COMPLETE),
    ({"unknown": frozenset([Unknown.STATUS])}, "its status"),
    ({"unknown": frozenset([Unknown.REQUEST])}, "its request is not known"),
    ({"unknown": frozenset([Unknown.REQUEST_BODY])}, "its request is not known"),
    ({"request": Request(b"M SEARCH", b"/", Headers([]))}, "its method or its target"),
    ({"request": Request(b"OPTIONS", b"*", Headers([]))}, "its method or its target"),
    ({"request": Request(b"GET", b"/a#b", Headers([]))}, "its method or its target"),
    ({"request": Request(b"POST", b"/a", Headers([]), Bytes(DEEP))}, "its body is nested deeper"),
    ({"request": Request(b"POST", b"/a", Headers([]), Bytes(rb'{"x":"\ud800"}'))}, "half a surrogate pair"),
]


@pytest.mark.parametrize(("changes", "why"), LEFT_OUT, ids=range(len(LEFT_OUT)))
def test_what_cannot_be_written_is_left_out_with_its_reason(changes, why):
    made = written(recorded(b"1"), recorded(**changes), recorded(b"3"))
    assert [one.response.body.whole() for one in formats.read("c.yaml", made.text)] == [b"1", b"3"]
    (loss,) = [loss for loss in made.losses if loss.entry == 1]
    assert loss.what.startswith(f"left out: {why}")
    assert PromptechoText().entry(recorded(**changes)).left_out.startswith(why)


@pytest.mark.parametrize("status", [0, 100, 199, 600, 1000])
def test_a_status_of_no_answer_is_left_out(status):
    assert losses(recorded(status=status)) == ["left out: its status is none of an answer"]


def test_a_damaged_coding_is_left_out():
    (what,) = losses(recorded(gzip.compress(b"x" * 99)[:-9], JSON, (b"content-encoding", b"gzip")))
    assert what.startswith("left out: ")


# --- a file that is there --------------------------------------------------------------------------------------------


def test_entries_of_a_file_are_what_they_were():
    made = written(recorded(b"1"), recorded(b'{"a": "\xc3\xa9\xf0\x9f\x98\x80"}'), recorded(b"data: x\n\n", SSE))
    form = PromptechoText().like("c.yaml", made.text)
    entries = form.entries("c.yaml", made.text)
    assert (len(entries), form.whole(entries)) == (3, made.text)


def test_a_file_in_another_style_keeps_its_values():
    value = yaml.safe_load(written(recorded(), recorded(b"2")).text)
    for data in (json.dumps(value).encode(), b"# by hand\n" + yaml.safe_dump(value, default_flow_style=True).encode()):
        assert yaml.safe_load(PromptechoText().whole(PromptechoText().entries("c.yaml", data))) == value


@pytest.mark.parametrize("given_", [["model", "input"], [], None])
def test_what_a_files_keys_are_made_of_counts_for_all_of_it(given_):
    data = yaml.safe_dump({"version": 2, "match_on": given_, "interactions": []}).encode()
    form = PromptechoText().like("c.yaml", data)
    one = recorded(sent=b'{"model":"e","input":"x"}', target=b"/v1/embeddings")
    found = yaml.safe_load(form.whole([form.entry(one).text]))
    assert found["match_on"] == found["interactions"][0]["request"]["matched_on"] == (given_ or [*DEFAULT])
    assert (found["interactions"][0]["request"]["match_key"] == "33f7dd3c59d71201") is bool(given_)


@pytest.mark.parametrize(
    "data",
    [
        b"version: 1\ninteractions: []",
        b"[]",
        b"version: 2\ninteractions: 5",
        b"version: 2\nmatch_on: [5]",
        b"version: 2\nmatch_on: x",
        b"version: 2\n  x",
        b"# llmproxy cassette 1\n---\n",
        b"# only words\n",
    ],
)
def test_a_file_that_is_none(data):
    with pytest.raises(Unreadable, match=r"c\.yaml: "):
        PromptechoText().like("c.yaml", data).entries("c.yaml", data)


def test_nothing_is_there_yet():
    assert PromptechoText().like("c.yaml", b"").entries("c.yaml", b"") == []


# --- all that can be -------------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=15,
)
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=5)
KINDS = st.sampled_from([JSON, SSE, (b"content-type", b"image/png"), (b"x", b"y")])
ANSWERS = st.binary(max_size=60) | TEXTS.map(str.encode) | VALUES.map(json.dumps).map(str.encode)
UNSEEN = settings(suppress_health_check=[HealthCheck.too_slow])


def same_json(one, other):
    """1 is no 1.0, and true no 1: as their texts say."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@UNSEEN
@given(ANSWERS, KINDS, st.integers(200, 599))
def test_any_answer_is_read_back(body, kind, status):
    one = recorded(body, kind, status=status)
    found = again(one)
    back = found.response.body.whole()
    assert found.status == status
    assert back == body or same_json(json.loads(back), json.loads(body))


@UNSEEN
@given(OBJECTS)
def test_any_request_is_read_back(value):
    sent = json.dumps(value).encode()
    made = written(recorded(sent=sent))
    if made.losses[0].what.startswith("left out"):
        return
    (found,) = formats.read("c.yaml", made.text)
    body = found.request.body.whole()
    expected = yaml.safe_load(made.text)["interactions"][0]["request"]["body"]
    assert same_json(json.loads(body or b"{}"), expected)
    others = {name: one for name, one in value.items() if name not in ("messages", "system", "tools", "tool_choice")}
    assert others.items() <= expected.items()


@UNSEEN
@given(st.lists(st.tuples(ANSWERS, KINDS), max_size=4))
def test_any_file_is_taken_apart_and_put_together(given_):
    made = written(*(recorded(*one) for one in given_))
    assert PromptechoText().whole(PromptechoText().entries("c.yaml", made.text)) == made.text


@given(st.binary(min_size=1, max_size=20).map(lambda octets: b"/" + octets), st.sampled_from([UPSTREAM, NOWHERE]))
def test_any_target(target, upstream):
    one = recorded(target=target, upstream=upstream)
    made = written(one)
    if b"#" in target:
        assert made.losses[0].what.startswith("left out")
        return
    (found,) = formats.read("c.yaml", made.text)
    printable = b"".join(b"%c" % octet if 0x20 < octet < 0x7F else b"%%%02X" % octet for octet in target)
    assert (found.request.target, found.upstream.host) == (printable, upstream.host)


def test_base64_is_that_of_the_octets():
    octets = bytes(range(256))
    assert base64.b64decode(said(recorded(octets))["response"]["body"]) == octets


NORMALISED = [
    (recorded(), [writing.REQUEST_OCTETS]),
    (recorded(sent=b'{"tool_choice":{"type":"any"}}'), [writing.REQUEST_OCTETS, writing.NORMAL]),
    (recorded(sent=b""), [writing.NO_BODY]),
    (recorded(sent=b"", method=b"GET", target=b"/v1/models"), []),
    (recorded(sent=b"no JSON"), [writing.BODY_HASHED]),
    (recorded(unknown=frozenset([Unknown.RESPONSE_HEADERS])), [writing.REQUEST_OCTETS, writing.NOT_OWN]),
]


@pytest.mark.parametrize(("one", "told"), NORMALISED, ids=range(len(NORMALISED)))
def test_what_of_a_request_is_not_there(one, told):
    assert [what for what in losses(one) if what in writing.LOSSES[len(foreign_text.LOST) :]] == told


def test_it_is_read_back_as_promptecho_replays_it():
    body = b'{"id": 1, "text": "\\u00e9", "n": [1.5, null]}'
    assert again(recorded(body)).response.body.whole() == body
    assert answers.JSON_OCTETS not in losses(recorded(body))
