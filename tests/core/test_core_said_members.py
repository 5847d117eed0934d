"""What a talk says comes back equal from the store's rows and from our own cassettes; anything else is refused."""

import json

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from talk_rig import answering, chat, said

from proxy_daemon.core.cassettes.llmproxy import HEADER, Damaged, read, written
from proxy_daemon.core.conversation import (
    Declined,
    Media,
    Message,
    Other,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Vector,
)
from proxy_daemon.core.pattern import Pattern, Said
from proxy_daemon.core.said_members import NotSaid, members_of, said_of
from proxy_daemon.store.codec import from_row, to_row

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)
PART = st.one_of(
    st.builds(Text, TEXT),
    st.builds(Reasoning, TEXT, TEXT),
    st.builds(Declined, TEXT),
    st.builds(ToolCall, TEXT, TEXT, TEXT),
    st.builds(ToolResult, TEXT, TEXT, TEXT, st.booleans()),
    st.builds(Media, TEXT, TEXT, TEXT, st.none() | st.integers(0, 2**40), st.binary(max_size=9)),
    st.builds(Vector, st.lists(NUMBERS, max_size=3).map(tuple)),
    st.builds(Other, TEXT),
)
MESSAGE = st.builds(Message, TEXT, st.lists(PART, max_size=4).map(tuple))
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple)
SAID = st.builds(Said, st.lists(MESSAGE, max_size=4).map(tuple), st.booleans(), st.booleans(), TEXT, PAIRS)
PACE = st.floats(0, 3600, allow_subnormal=False)


def from_store(recording):
    return from_row(to_row(recording), lambda *_: None)


def from_cassette(recording):
    """From a file of ours."""
    made = written(recording)
    (found,) = read("c.yaml", HEADER + made.text, dict(made.beside).__getitem__)
    assert not isinstance(found, Damaged), found
    assert found.sealed
    return found.recording


def data_of(asked):
    """What does not count when two media are compared."""
    return [part.data for message in asked.messages for part in message.parts if isinstance(part, Media)]


@given(SAID)
def test_it_comes_back_from_its_members(asked):
    found = said_of(json.loads(json.dumps(members_of(asked))))
    assert found == asked
    assert data_of(found) == data_of(asked)


@pytest.mark.parametrize("back", [from_store, from_cassette])
@given(asked=SAID, pace=PACE)
def test_it_comes_back_from_files(back, asked, pace):
    recording = evolve(answering(asked), pace=pace, pattern=Pattern("POST", "/x", said=asked, alone=True))
    found = back(recording)
    assert (found.pattern, found.pace, found.written) == (recording.pattern, pace, True)


@pytest.mark.parametrize("back", [from_store, from_cassette])
@pytest.mark.parametrize("asked", [Said(), Said(anything=True), said("a\n\n b \n"), said("{{*}}", tail=True)])
def test_what_persons_write(back, asked):
    assert back(answering(asked)).pattern == Pattern(said=asked)
    assert back(answering(asked, pace=0.05)).pace == 0.05


@pytest.mark.parametrize("back", [from_store, from_cassette])
def test_without_any_there_is_none(back):
    found = back(evolve(answering(said("x")), pattern=Pattern("GET"), written=False))
    assert (found.pattern, found.pace) == (Pattern("GET"), 0.0)


def test_half_a_surrogate_pair_becomes_a_question_mark():
    assert members_of(said("a\ud800"))["messages"][0]["parts"] == [{"text": "a?"}]


def test_what_no_block_can_hold_is_a_text():
    deep = Said(
        parameters=(("a", "b"),) * 3, messages=tuple(Message(f"r{at}", (Vector((0.1,) * 9),)) for at in range(3))
    )
    assert from_cassette(answering(deep)).pattern.said == deep


def one(part):
    return {"messages": [{"role": "user", "parts": [part]}]}


BAD = [
    ([], "said"),
    ("x", "said"),
    ({"what": 1}, "what"),
    ({"tail": 1}, "tail"),
    ({"anything": "yes"}, "anything"),
    ({"api": 1}, "api"),
    ({"parameters": {}}, "parameters"),
    ({"parameters": [["a"]]}, "parameters"),
    ({"parameters": [["a", 1]]}, "parameters"),
    ({"messages": "x"}, "messages"),
    ({"messages": ["x"]}, "messages"),
    ({"messages": [{"role": 1}]}, "role"),
    ({"messages": [{"parts": []}]}, "role"),
    ({"messages": [{"role": "user", "parts": {}}]}, "parts"),
    (one("x"), "parts"),
    (one({}), "parts"),
    (one({"word": "x"}), "parts"),
    (one({"text": 1}), "text"),
    (one({"text": "x", "id": "y"}), "id"),
    (one({"call": "f", "arguments": {}}), "arguments"),
    (one({"result": "x", "failed": 1}), "failed"),
    (one({"media": "image", "size": -1}), "size"),
    (one({"media": "image", "size": True}), "size"),
    (one({"media": "image", "data": "?"}), "data"),
    (one({"vector": [1, "x"]}), "vector"),
    (one({"vector": [True]}), "vector"),
    (one({"other": None}), "other"),
]


@pytest.mark.parametrize(("value", "member"), BAD)
def test_what_is_no_talk_is_refused(value, member):
    with pytest.raises(NotSaid) as error:
        said_of(value)
    assert error.value.member == member


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | TEXT, lambda each: st.lists(each) | st.dictionaries(TEXT, each)
    )
)
def test_whatever_it_is_nothing_else_is_raised(value):
    for tried in (value, {"messages": value}, one(value), {"parameters": value}):
        try:
            assert isinstance(said_of(tried), Said)
        except NotSaid:
            continue


def facts(**changed):
    row = list(to_row(answering(said("hi"), pace=1.0)))
    told = json.loads(row[8])
    for name, value in changed.items():
        told |= {"pattern": told["pattern"] | {"said": value}} if name == "said" else {name: value}
    row[8] = json.dumps(told).encode()
    return tuple(row)


@pytest.mark.parametrize("value", [-1, "1", None, True, 1e9, [1]])
def test_a_row_with_another_pace_is_refused(value):
    assert from_row(facts(pace=2), lambda *_: None).pace == 2.0
    with pytest.raises(ValueError, match="seconds"):
        from_row(facts(pace=value), lambda *_: None)


@pytest.mark.parametrize("value", [value for value, _ in BAD])
def test_a_row_with_another_talk_is_refused(value):
    with pytest.raises(ValueError):  # noqa: PT011  (the row is left out; nobody reads why)
        from_row(facts(said=value), lambda *_: None)


@pytest.mark.parametrize(
    ("was", "instead", "why"),
    [
        (b"pace: 0.05", b"pace: -1", "pace: no seconds"),
        (b"pace: 0.05", b"pace: soon", "pace: no seconds"),
        (b"    - role: user", b"    - roll: user", "pattern.said.roll: no member"),
        (b"    - role: user", b"    - role: 7", "pattern.said.role: no text"),
    ],
)
def test_a_document_with_another_is_damaged_with_its_line(was, instead, why):
    text = written(answering(said("hi"), pace=0.05)).text
    assert was in text
    document = text.replace(was, instead)
    (found,) = read("c.yaml", HEADER + document, lambda name: b"")
    assert why in found.reason
    assert 1 < found.line < text.count(b"\n")


def test_a_talk_as_json_in_a_text_is_read_too():
    text = written(evolve(answering(said("hi")), pattern=Pattern(said=Said(anything=True)))).text
    assert b"  said:\n    anything: true\n" in text
    for value, good in ((b"'{\"anything\": true}'", True), (b"'{'", False), (b"'7'", False)):
        (found,) = read("c.yaml", HEADER + text.replace(b"\n    anything: true", b" " + value), lambda name: b"")
        assert isinstance(found, Damaged) is not good


def test_a_talk_answers_by_its_pattern_only():
    assert answering(said("hi")).answers_by_pattern_only
    assert not evolve(answering(said("hi")), pattern=Pattern()).answers_by_pattern_only
    assert chat("hi").body.size
