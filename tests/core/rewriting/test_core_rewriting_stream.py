"""Streams of chats: what leaves when, in which order, with which octets; choices, blocks and arguments apart."""

import itertools

import orjson
import pytest
from edited import (
    CLOSE,
    HEAD,
    JSON_HEAD,
    MOVE,
    NEVER,
    OPEN,
    THINK,
    ask,
    chunk,
    edited,
    editor,
    event,
    pieces,
    run,
    said_by,
)
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.rewriting.rules import Expression, Pair, Replace

REQUEST = ask("/v1/chat/completions")
DONE = b"data: [DONE]\n\n"
CAT = (Replace("cat", "cat", "dog"),)


def ended(index=0):
    return event(id="c", choices=[{"index": index, "delta": {}, "finish_reason": "stop"}])


def stream(*contents):
    return b"".join([*map(chunk, contents), ended(), DONE])


def rewritten(octets, rules=THINK, cuts=()):
    return edited(rules, REQUEST, HEAD, octets, cuts)


# --- nothing changes, and at once ------------------------------------------------------------------------------------

ODD = [
    chunk("plain"),
    chunk("<|chan"),
    chunk("nel|> almost"),
    chunk("<|channel|>analysis<|message|"),
    chunk("<"),
    chunk("\u2603<nev"),
    chunk("1" * 39),
    chunk("x", 1),
    chunk("<|", 1),
    chunk(""),
    ended(),
    ended(1),
    b": comment\n\n",
    b"\n",
    b'data: {"choices":\ndata: [{"delta":{"content":"<|"}}]}\n\n',
    b'event: x\r\nid: 7\r\ndata: {"choices":[{"delta":{"content":"<|end"}}]}\r\n\r\n',
    b'data: {"choices":[{"delta":{"content":"\\u003c|channel|>"}}]}\n\n',
    b"data: {broken\n\n",
    b'data: {"choices":[{"delta":{"content":"\xff<"}}]}\n\n',
    b'data: {"choices":[{"delta":{"content":"\\ud83d<"}}]}\n\n',
    b'data: {"choices":[{"delta":{"content":7}},4,{"delta":[]}]}\n\n',
    b"data: [1]\n\n",
    DONE,
    b'data: {"choices":[{"delta":{"content":"cut <',
]


@given(st.lists(st.sampled_from(ODD), max_size=12).map(b"".join), st.lists(st.integers(0, 2000), max_size=12))
def test_without_a_match_the_octets_are_the_same_however_they_are_cut(octets, cuts):
    assert run(editor(NEVER, REQUEST), octets, cuts) == octets


@given(st.lists(st.sampled_from([OPEN, CLOSE, "<|", "x", "\n", "é"]), max_size=8).map("".join), st.data())
def test_the_result_is_the_same_however_octets_and_text_are_cut(text, data):
    places = st.lists(st.integers(0, len(text)), max_size=6)
    octets = stream(*pieces(text, *data.draw(places)))
    cuts = data.draw(st.lists(st.integers(0, len(octets)), max_size=8))
    out = rewritten(octets, cuts=cuts)
    assert out == rewritten(octets)
    assert said_by(out) == said_by(rewritten(stream(text)))


@pytest.mark.parametrize("rules", [THINK, CAT, MOVE])
def test_what_cannot_be_part_of_a_match_is_out_before_the_next_piece(rules):
    edits = editor(rules, REQUEST)
    for content in ("one", " two\n", ">", "|channel|>", ""):
        assert edits.piece(chunk(content)) == chunk(content)


def test_what_may_be_part_of_a_match_waits_no_longer_than_that_is_open():
    edits = editor(THINK, REQUEST)
    assert edits.piece(chunk("a <|")) == b""
    assert edits.piece(chunk("other", 1)) == b""  # order holds
    assert edits.piece(chunk("x")) == chunk("a <|") + chunk("other", 1) + chunk("x")
    assert edits.piece(chunk("b")) == chunk("b")


def test_an_expression_lets_go_of_each_event_when_its_text_is_settled():
    rules = (Expression("digits", "[0-9]{3}", "N", 3),)
    edits = editor(rules, REQUEST)
    assert edits.piece(chunk("ab1")) == b""
    assert edits.piece(chunk("2x9")) == chunk("ab1")
    out = edits.piece(chunk("98."))
    assert said_by(out) == "2xN."
    assert edits.piece(chunk("56a")) == chunk("56a")  # what follows a match is as it came again


def test_what_follows_a_match_has_its_own_octets_again():
    octets = [chunk("a "), chunk("c"), chunk("at b"), chunk(" c"), chunk("up"), ended(), DONE]
    out = rewritten(b"".join(octets), CAT)
    assert out == b"".join([octets[0], chunk("dog"), chunk(" b"), *octets[3:]])


# --- choices, blocks, calls ------------------------------------------------------------------------------------------


def test_two_choices_that_take_turns_have_a_state_each():
    texts = [f"0{OPEN}zero{CLOSE}0", f"1{OPEN}one"]
    each = [
        [chunk(piece, index) for piece in pieces(text, *range(3, len(text), 3))] for index, text in enumerate(texts)
    ]
    taken = [one for turn in itertools.zip_longest(*each, fillvalue=b"") for one in turn]
    out = rewritten(b"".join([*taken, ended(1), ended(), DONE]))
    assert (said_by(out), said_by(out, 1)) == ("0<think>zero</think>0", "1<think>one")


def test_two_blocks_in_one_answer_and_one_that_is_never_closed():
    text = f"{OPEN}a{CLOSE}b{OPEN}c{CLOSE}d{OPEN}e"
    out = rewritten(stream(*pieces(text, *range(5, len(text), 5))))
    assert said_by(out) == "<think>a</think>b<think>c</think>d<think>e"


def test_a_pattern_that_stays_half_is_text_and_comes_before_the_end():
    out = rewritten(stream("a", "<|channel", "|>"))
    assert out == stream("a", "<|channel", "|>")


def test_what_waits_when_a_choice_ends_comes_before_its_end():
    edits = editor(THINK, REQUEST)
    assert edits.piece(chunk("<|")) == b""
    assert edits.piece(ended()) == chunk("<|") + ended()


def test_what_waits_when_the_stream_ends_comes_at_the_end():
    edits = editor(THINK, REQUEST)
    assert edits.piece(chunk("<|")) == b""
    assert edits.end() == chunk("<|")
    edits = editor(THINK, REQUEST)
    assert edits.piece(chunk("<|") + DONE) == chunk("<|") + DONE


def test_the_last_event_may_hold_text_and_the_reason_both():
    octets = chunk("a c") + chunk("at", finish_reason="stop")
    assert said_by(rewritten(octets, CAT)) == "a dog"
    assert rewritten(chunk("c", finish_reason="stop"), CAT) == chunk("c", finish_reason="stop")


def called(arguments):
    calls = [{"index": 0, "function": {"arguments": arguments}}]
    return event(choices=[{"index": 0, "delta": {"tool_calls": calls}}])


def test_arguments_change_only_where_the_rule_asks():
    octets = called('{"a":"c') + called('at"}') + chunk("cat")
    assert rewritten(octets, CAT) == called('{"a":"c') + called('at"}') + chunk("dog")
    out = rewritten(octets, (Replace("r", "cat", "dog", ("arguments",)),))
    assert out == called('{"a":"dog') + called('"}') + chunk("cat")


@pytest.mark.parametrize("member", ["reasoning_content", "reasoning"])
def test_thoughts_change_only_where_the_rule_asks(member):
    octets = event(choices=[{"index": 0, "delta": {member: "cat"}}]) + chunk("cat")
    assert said_by(rewritten(octets, CAT), member=member) == "cat"
    out = rewritten(octets, (Replace("r", "cat", "dog", ("reasoning",)),))
    assert (said_by(out, member=member), said_by(out)) == ("dog", "cat")


def test_the_octets_around_a_text_stay_and_escapes_too():
    octets = rb'data: { "n":1.10,"choices":[{"delta" : {"content": "\u003c%b \u00e9\/"} ,"x":[ ] }]}'
    before, after = octets % rb"|channel|>analysis\u003c|message|>", octets % b"think>"
    for end in (b"\n\n", b"\r\n\r\n"):
        assert rewritten(before + end) == after + end
    assert orjson.loads(after[6:])["choices"][0]["delta"]["content"] == "<think> é/"


# --- framing ---------------------------------------------------------------------------------------------------------


def test_lines_end_as_they_came():
    crlf = [chunk(each).replace(b"\n", b"\r\n") for each in ("a c", "at", " b")]
    assert rewritten(b"".join(crlf), CAT) == b"".join(
        chunk(each).replace(b"\n", b"\r\n") for each in ("a dog", "", " b")
    )


def test_comments_names_and_several_lines_of_data_stay():
    octets = b': hi\nevent: m\nid: 1\ndata: {"choices":[{"index":0,\ndata:"delta":{"content":\ndata: "cat"}}]}\n\n'
    assert rewritten(octets, CAT) == octets.replace(b"cat", b"dog")


def test_an_event_of_a_hundred_thousand_octets_is_edited():
    long = chunk("x" * 100_000 + "cat")
    assert rewritten(long, CAT, cuts=range(0, len(long), 1000)) == long.replace(b"cat", b"dog")


def test_the_last_event_may_lack_its_blank_line():
    assert rewritten(chunk("cat")[:-1], CAT) == chunk("dog")[:-1]
    assert rewritten(chunk("cat")[:-2], CAT) == chunk("dog")[:-2]


def test_a_byte_order_mark_stays():
    assert rewritten(b"\xef\xbb\xbf" + chunk("cat"), CAT) == b"\xef\xbb\xbf" + chunk("dog")


# --- moved text ------------------------------------------------------------------------------------------------------


def deltas(octets):
    return [orjson.loads(line[6:])["choices"][0] for line in octets.splitlines() if line.startswith(b"data: {")]


def test_an_event_with_both_kinds_is_cut_in_two_and_only_the_last_ends_the_choice():
    octets = chunk(f"a{OPEN}b{CLOSE}c", finish_reason="stop")
    found = deltas(rewritten(octets, MOVE))
    assert [each["delta"] for each in found] == [{"content": "a"}, {"reasoning_content": "b"}, {"content": "c"}]
    assert [each["finish_reason"] for each in found] == [None, None, "stop"]


def test_calls_and_counts_are_said_once():
    calls = [{"index": 0, "function": {"arguments": "{}"}}]
    told = {"index": 0, "delta": {"role": "assistant", "content": f"{OPEN}b{CLOSE}c", "tool_calls": calls}}
    out = rewritten(event(id="c", usage={"total_tokens": 7}, choices=[told]), MOVE)
    first, last = out.split(b"\n\n")[:2]
    assert (out.count(b"tool_calls"), out.count(b"usage"), out.count(b"role")) == (1, 1, 1)
    assert b'"id":"c"' in first
    assert b"tool_calls" in last


def test_moved_text_goes_behind_thoughts_that_stand_there():
    octets = event(choices=[{"index": 0, "delta": {"reasoning_content": "cat", "content": f"{OPEN}b"}}])
    rules = (*MOVE, Replace("r", "cat", "dog", ("reasoning",)))
    assert deltas(rewritten(octets, rules))[0]["delta"] == {"reasoning_content": "dogb", "content": None}


def test_openrouter_has_a_name_of_its_own_for_thoughts():
    request = ask("/api/v1/chat/completions")
    out = edited(MOVE, request, HEAD, chunk(OPEN) + chunk("b"))
    assert said_by(out, member="reasoning") == "b"


@pytest.mark.parametrize("there", ["reasoning", "reasoning_content"])
def test_moved_text_goes_where_thoughts_are_already(there):
    octets = orjson.dumps({"choices": [{"message": {there: "r", "content": f"{OPEN}b"}}]})
    message = orjson.loads(edited(MOVE, REQUEST, JSON_HEAD, octets))["choices"][0]["message"]
    assert message == {there: "rb", "content": ""}


def test_text_that_moves_is_moved_in_each_event_until_the_close():
    rules = (Pair("tags", "<think>", "</think>", moves=True),)
    out = rewritten(stream("<think>", "plain", " words", "</think>", "x"), rules)
    assert (said_by(out), said_by(out, member="reasoning_content")) == ("x", "plain words")
