"""The difference between two states of an answer: what it says, and that it makes the new one of the old one."""

import json

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from listening import SSE, words

from proxy_daemon.core.conversation import Answer, Choice, Finish, Reasoning, Text, ToolCall, Usage
from proxy_daemon.core.dialects.openai.chat import OpenAIChat
from proxy_daemon.core.dialects.reading import AnswerReader
from proxy_daemon.core.inspecting.plain import plain
from proxy_daemon.core.living.growing import changes, grown
from proxy_daemon.core.messages import Request

NOTHING = Answer(complete=False)


def said(*parts, **more):
    """The state of an answer of one choice."""
    return plain(Answer((Choice(parts, **more),), complete=False))


TEXT = said(Text("Hel"))
CALL = {"type": "ToolCall", "id": "1", "name": "look", "arguments": '{"a"'}


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (TEXT, TEXT, []),
        (TEXT, said(Text("Hello")), [{"choice": 0, "part": 0, "append": "lo"}]),
        (TEXT, said(Text("")), [{"choice": 0, "part": 0, "value": {"type": "Text", "text": ""}}]),
        (TEXT, said(Text("Hallo")), [{"choice": 0, "part": 0, "value": {"type": "Text", "text": "Hallo"}}]),
        (TEXT, said(Reasoning("Hel")), [{"choice": 0, "part": 0, "value": plain(Reasoning("Hel"))}]),
        (
            TEXT,
            said(Text("Hel"), ToolCall("1", "look", '{"a"')),
            [{"choice": 0, "part": 1, "value": CALL}],
        ),
        (
            said(ToolCall("1", "look", '{"a"')),
            said(ToolCall("1", "look", '{"a": 1}')),
            [{"choice": 0, "part": 0, "append": ": 1}"}],
        ),
        (
            said(ToolCall("1", "", "")),
            said(ToolCall("1", "look", '{"a"')),
            [{"choice": 0, "part": 0, "value": CALL}],
        ),
        (
            TEXT,
            said(Text("Hel"), finish=Finish.STOP, said="stop"),
            [{"choice": 0, "value": {"type": "Choice", "finish": "stop", "said": "stop", "stopped_by": ""}}],
        ),
        (TEXT, said(), None),
        (TEXT, plain(NOTHING), None),
        (plain(NOTHING), plain(evolve(NOTHING, model="m")), [{"value": {**plain(NOTHING), "model": "m"}}]),
    ],
)
def test_what_a_difference_says(old, new, found):
    for change in found or ():
        change.get("value", {}).pop("choices", None)
    assert changes(old, new) == found
    if found is not None:
        assert grown(old, found) == new


def test_a_new_choice_comes_without_its_parts():
    old, new = TEXT, plain(Answer((Choice((Text("Hel"),)), Choice((Text("Ho"),))), complete=False))
    found = changes(old, new)
    assert [sorted(change) for change in found] == [["choice", "value"], ["choice", "part", "value"]]
    assert "parts" not in found[0]["value"]
    assert grown(old, found) == new


def test_the_old_state_stays_as_it_is():
    before = json.dumps(TEXT)
    grown(TEXT, changes(TEXT, said(Text("Hello"), Text("more"), finish=Finish.STOP)))
    assert json.dumps(TEXT) == before


TEXTS = st.text("ab ", max_size=6)
PARTS = st.one_of(
    TEXTS.map(Text),
    st.builds(Reasoning, TEXTS, TEXTS),
    st.builds(ToolCall, st.sampled_from(["1", "2"]), TEXTS, TEXTS),
)
CHOICES = st.builds(
    Choice, st.lists(PARTS, max_size=4).map(tuple), st.sampled_from(Finish), TEXTS, st.sampled_from(["", "END"])
)
ANSWERS = st.builds(
    Answer,
    st.lists(CHOICES, max_size=3).map(tuple),
    model=TEXTS,
    usage=st.none() | st.builds(Usage, st.integers(0, 5)),
    complete=st.booleans(),
)


@given(ANSWERS, ANSWERS)
def test_any_two_answers(first, second):
    old, new = plain(first), plain(second)
    found = changes(old, new)
    if found is not None:
        assert grown(old, json.loads(json.dumps(found))) == new
    else:
        assert fewer(first, second)


def fewer(first, second):
    """Whether a list is shorter than it was."""
    if len(second.choices) < len(first.choices):
        return True
    pairs = zip(first.choices, second.choices, strict=False)
    return any(len(after.parts) < len(before.parts) for before, after in pairs)


@given(st.lists(st.integers(0, 2000), max_size=12), st.lists(st.text(max_size=5), min_size=1, max_size=6))
def test_an_answer_that_comes_in_any_cut(cuts, texts):
    """What a page makes of the changes is at each moment what there is."""
    octets = b"".join(words(*texts)) + b"data: [DONE]\n\n"
    reader, page, last = AnswerReader(OpenAIChat(), Request(b"POST", b"/v1/chat/completions"), SSE), None, 0
    for cut in [*sorted(cut % len(octets) for cut in cuts), len(octets)]:
        reader.feed(octets[last:cut])
        last = cut
        state = plain(reader.answer())
        found = None if page is None else changes(page, state)
        page = state if found is None else grown(page, found)
        assert page == state
    assert page["choices"][0]["parts"] == ([{"type": "Text", "text": "".join(texts)}] if "".join(texts) else [])
