"""What is looked at before anything is parsed, and what a whole answer comes to: repeats, rules that fired."""

import json
from base64 import b64encode

import orjson
import pytest
from edited import (
    APIS,
    CLOSE,
    HEAD,
    JSON_HEAD,
    MOVE,
    NEVER,
    OPEN,
    THINK,
    answer_in,
    ask,
    asked,
    chunk,
    cut_at,
    edited,
    editor,
    event,
    rendered,
    run,
    said_by,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import ResponseHead
from proxy_daemon.core.rewriting import stream
from proxy_daemon.core.rewriting.looking import is_json, looks_of, matters, parsed
from proxy_daemon.core.rewriting.packed import payload_of
from proxy_daemon.core.rewriting.rules import Expression, Pair, Replace
from proxy_daemon.core.wire.event_stream import EventStreamReader
from proxy_daemon.core.wire.event_stream import event as frame
from proxy_daemon.core.wire.json_text import NotJSON

REQUEST = ask("/v1/chat/completions")
CAT = (Replace("cat", "cat", "dog"),)


# --- before anything is parsed ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "octets", "seen"),
    [
        (CAT, b'{"a":"a cat"}', True),
        (CAT, b'{"a":"a ca"}', True),  # it may go on
        (CAT, b'{"a":"a c"}', True),
        (CAT, b'{"a":"a cow"}', False),
        (CAT, b'{"c":"d", "ca" : 1}', False),  # names of members
        (CAT, rb'{"a":"\u0063\u0061\u0074"}', True),
        (CAT, rb'{"a":"\u0063ow"}', False),
        (CAT, rb'{"a":"\u0064"}', False),
        ((Pair("p", "<a", "[b"),), b'"x [b"', True),
        ((Pair("p", "<a", "[b"),), b'"x [c < b"', False),
        ((Pair("p", "<a", "[b"),), rb'"\u003C\u0061"', True),
        ((*CAT, Replace("e", "\u00e9", "")), b'"\xc3\xa9"', True),
        ((*CAT, Replace("e", "\u00e9", "")), rb'"\u00E9"', True),
        ((Replace("q", '"x', ""),), rb'"\"x"', True),
        ((Replace("q", '"x', ""),), b'{"x":1}', True),  # arguments are seen as JSON
        ((Replace("n", "\nx", ""),), rb'"\nx"', True),
        ((Replace("n", "\nx", ""),), rb'"\ny"', False),
        ((Replace("s", "/x", ""),), rb'"\/x"', True),
        ((Replace("m", "\U0001f600!", ""),), rb'"\uD83D\ude00!"', True),
        ((Replace("long", "<|channel|>", ""),), b'"<|chain"', True),  # no more than its first characters are looked for
    ],
)
def test_what_json_must_hold_for_a_rule_to_matter(rules, octets, seen):
    assert matters(looks_of(rules), octets) is seen


@pytest.mark.parametrize(
    "rule", [Expression("e", "a", "b", 1), Replace("half", "\ud83d", "x"), Replace("u", "a\ufffd", "")]
)
def test_some_rules_may_begin_with_anything(rule):
    assert looks_of((*CAT, rule)) is None
    assert matters(None, b"")


@given(st.text(min_size=1, max_size=8), st.text(max_size=3), st.data())
def test_a_text_that_holds_what_is_looked_for_is_seen(find, before, data):
    looks = looks_of((Replace("r", find, ""),))
    part = find[: data.draw(st.integers(1, len(find)))]  # as a whole, or its beginning at the end
    plain = (before + part).encode("utf-8", "replace").decode()
    for octets in (
        orjson.dumps(plain),
        json.dumps(plain).encode(),
        json.dumps(plain).replace("/", "\\/").encode(),
        escaped(plain),
    ):
        assert matters(looks, octets)


def escaped(text):
    return b'"%b"' % b"".join(b"\\u%04x" % unit for unit in memoryview(text.encode("utf-16-le")).cast("H"))


@pytest.fixture
def looked_at(monkeypatch):
    """The JSON that was parsed."""
    seen = []
    monkeypatch.setattr(stream, "parsed", lambda data: seen.append(data) or parsed(data))
    return seen


def test_events_that_cannot_matter_are_not_parsed(looked_at):
    edits = editor(THINK, REQUEST)
    for content in ("one", "two\n", "three"):
        edits.piece(chunk(content))
        edits.piece(chunk(content)[:20])
        edits.piece(chunk(content)[20:])
    edits.piece(chunk("a < b"))
    assert not looked_at
    edits.piece(chunk("a <"))
    assert len(looked_at) == 1


def test_events_behind_one_that_waits_are_parsed_until_it_goes(looked_at):
    edits = editor(THINK, REQUEST)
    assert edits.piece(chunk("<|")) == b""
    edits.piece(chunk("plain", logprobs=1))
    edits.piece(chunk("plain", logprobs=2))
    assert len(looked_at) == 2


def test_while_a_pair_that_moves_is_open_all_are_parsed(looked_at):
    edits = editor(MOVE, REQUEST)
    for at, content in enumerate((OPEN, "plain", "plain")):
        edits.piece(chunk(content, logprobs=at))
    assert len(looked_at) == 3


@pytest.mark.parametrize(
    ("data", "meant"),
    [
        (b'{"a":1}', {"a": 1}),
        (b' \n{"a":1}', {"a": 1}),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b"[1]", [1]),
        (b"[DONE]", "[DONE]"),
        (b"ping", "ping"),
        (b"7", "7"),
        (b'{"a":"\\ud83d"}', {"a": "\ufffd"}),
        (b'{"a":' + b"9" * 30 + b"}", {"a": float("9" * 30)}),
        (b'{"a":NaN}', None),
    ],
)
def test_what_data_says(data, meant):
    found = parsed(data)
    assert meant is None or found == meant


@pytest.mark.parametrize("data", [b"{", b"[1", b'{"a":"\xff"}', b"{}{}"])
def test_what_is_no_json(data):
    assert not is_json(data)
    with pytest.raises(NotJSON):
        parsed(data)


# --- all APIs --------------------------------------------------------------------------------------------------------

PARTS = st.lists(st.sampled_from([OPEN, CLOSE, "<|", "|>", "x", "é\n", '"', "\\", "1"]), max_size=7).map("".join)


@pytest.mark.parametrize("api", APIS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(PARTS, st.data())
def test_any_text_in_any_pieces_is_as_in_one_piece(api, monkeypatch, text, data):
    text = text or "x"
    request = asked(api)
    cut_at(monkeypatch, api, *data.draw(st.lists(st.integers(1, len(text)), unique=True, max_size=6)))
    head, octets = rendered(request, text)
    cuts = data.draw(st.lists(st.integers(0, len(octets)), max_size=6))
    assert edited(NEVER[1:], request, head, octets, cuts) == octets
    out = edited(THINK, request, head, octets, cuts)
    assert answer_in(request, head, out).text == in_turns(text)
    assert out == edited(THINK, request, head, octets)


def in_turns(text):
    """What the pair makes of it, by the simplest means."""
    out, turns = "", [(OPEN, "<think>"), (CLOSE, "</think>")]
    while turns[0][0] in text:
        before, _, text = text.partition(turns[0][0])
        out += before + turns[0][1]
        turns.reverse()
    return out + text


@pytest.mark.parametrize("api", APIS)
def test_rules_that_fired_are_told(api):
    for streams in (True, False):
        request = asked(api, streams=streams)
        head, octets = rendered(request, f"{OPEN}a{CLOSE}b")
        edits = editor((*THINK, *CAT), request, head)
        run(edits, octets)
        assert set(edits.fired) == {"gpt-oss"}
        assert edits.fired["gpt-oss"] % 2 == 0


def test_a_block_that_ends_leaves_others_of_its_kind_open():
    def said(index, text):
        return event(type="content-delta", index=index, delta={"message": {"content": {"text": text}}})

    out = edited(CAT, asked("cohere"), HEAD, said(1, "c") + event(type="content-end", index=0) + said(1, "at"))
    assert out == said(1, "dog") + event(type="content-end", index=0) + said(1, "")


def test_what_stands_in_base64_is_seen():
    request = ask("/model/m/invoke-with-response-stream")
    head = ResponseHead(200, b"", Headers([(b"content-type", b"application/vnd.amazon.eventstream")]))
    packed = [b64encode(orjson.dumps({"outputText": text})).decode() for text in ("<c", "at>")]
    frames = [frame("chunk", orjson.dumps({"bytes": each})) for each in packed]
    assert not any(b"<" in each for each in frames)
    rules = (Replace("angle", "<cat", "<dog"),)
    out = edited(rules, request, head, b"".join(frames))
    told = [orjson.loads(payload_of(each))["outputText"] for each in EventStreamReader().feed(out)]
    assert told == ["<dog", ">"]


# --- repeats ---------------------------------------------------------------------------------------------------------


def test_all_that_responses_repeat_says_the_same(monkeypatch):
    request = asked("responses")
    cut_at(monkeypatch, "responses", 1, 2)
    head, octets = rendered(request, "a cat")
    out = edited(CAT, request, head, octets)
    assert octets.count(b"a cat") == 4
    assert out.count(b"a dog") == 4
    told = [orjson.loads(line[6:]) for line in out.splitlines() if line.startswith(b"data: ")]
    assert "".join(each["delta"] for each in told if each["type"].endswith("text.delta")) == "a dog"
    assert [each["sequence_number"] for each in told] == list(range(len(told)))


def test_what_perplexity_has_said_so_far_grows_with_the_deltas():
    def both(delta, message):
        choice = {"index": 0, "delta": {"content": delta}, "message": {"content": message}}
        return event(choices=[choice])

    out = edited(CAT, REQUEST, HEAD, both("a c", "a c") + both("at", "a cat") + both("!", "a cat!"))
    assert out == both("a dog", "a dog") + both("", "a dog") + both("!", "a dog!")


def test_a_text_so_far_that_begins_anew_is_taken_as_whole():
    request = asked("dashscope")
    octets = b"".join(event(output={"text": text}) for text in ("a c", "cat", "cat c", "x"))
    out = edited(CAT, request, HEAD, octets)
    assert out == b"".join(event(output={"text": text}) for text in ("a c", "dog", "dog c", "x"))


# --- framings --------------------------------------------------------------------------------------------------------


def test_lines_with_a_byte_order_mark_and_blank_lines():
    request = asked("ollama")
    octets = b'\xef\xbb\xbf{"message":{"content":"c"}}\n\n {"message":{"content":"at"}} \r\n{"done":true}'
    for cuts in ((), range(len(octets))):
        out = edited(CAT, request, HEAD, octets, cuts)
        assert out == octets.replace(b'"c"', b'"dog"').replace(b'"at"', b'""')


def test_lines_under_another_type_are_not_held_to_the_end():
    edits = editor(CAT, asked("ollama"), JSON_HEAD)
    line = b'{"message":{"content":"cat"}}\n'
    assert edits.piece(line) == line.replace(b"cat", b"dog")


def test_a_document_with_blanks_and_a_byte_order_mark():
    octets = b'\xef\xbb\xbf \n{"choices": [ {"message":{"content":"cat"}} ],"n": 1e2}\n\n'
    request = ask("/v1/chat/completions", stream=False)
    for cuts in ((), range(len(octets))):
        assert edited(CAT, request, JSON_HEAD, octets, cuts) == octets.replace(b"cat", b"dog")


def test_an_empty_body_stays_empty():
    edits = editor(CAT, REQUEST)
    assert edits.piece(b"") + edits.end() == b""
    assert said_by(b"") == ""
