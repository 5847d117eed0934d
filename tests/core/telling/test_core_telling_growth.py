"""What is new of an answer that grows: each part once, and all of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.conversation import Answer, Choice, Declined, Media, Other, Reasoning, Text, ToolCall
from proxy_daemon.core.telling.growth import Growth

CALL = ToolCall("1", "f", "{}")


def answer(*choices):
    return Answer(tuple(Choice(tuple(parts)) for parts in choices))


def told(growth, *choices, whole=False):
    return [(new.choice, new.text or new.part) for new in growth.news(answer(*choices), whole=whole)]


def test_only_the_rest_of_a_text_is_told():
    growth = Growth()
    assert told(growth) == []
    assert told(growth, [Text("")]) == []
    assert told(growth, [Text("one")]) == [(0, "one")]
    assert told(growth, [Text("one")]) == []
    assert told(growth, [Text("one two")]) == [(0, " two")]


@pytest.mark.parametrize("part", [CALL, Media("image"), Other("x")])
def test_what_does_not_grow_is_told_when_it_is_whole(part):
    growth = Growth()
    assert told(growth, [part]) == []
    assert told(growth, [part, Text("a")]) == [(0, part), (0, "a")]
    assert told(growth, [part, Text("a"), CALL], whole=True) == [(0, CALL)]
    assert told(growth, [part, Text("a"), CALL], whole=True) == []


def test_a_part_that_comes_before_one_that_has_begun_takes_nothing_from_it():
    growth = Growth()
    assert told(growth, [Text("a")]) == [(0, "a")]
    assert told(growth, [Reasoning("why"), Text("ab")]) == [(0, "why"), (0, "b")]
    assert told(growth, [Reasoning("why not"), Text("ab"), Declined("no")]) == [(0, " not"), (0, "no")]


def test_other_choices_are_told_at_the_end():
    growth = Growth()
    assert told(growth, [Text("a")], [Text("b")]) == [(0, "a")]
    assert told(growth, [Text("ac")], [Text("bd")], whole=True) == [(0, "c"), (1, "bd")]


def test_a_text_that_becomes_shorter_is_not_told_anew():
    growth = Growth()
    told(growth, [Text("long")])
    assert told(growth, [Text("lo")]) == []


PARTS = st.lists(
    st.one_of(st.text("ab", max_size=9).map(Text), st.text("ab", max_size=9).map(Reasoning), st.just(CALL)), max_size=6
)


@given(PARTS, st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), max_size=8))
def test_all_of_each_part_is_told_however_it_grows(parts, cuts):
    growth, texts, calls = Growth(), {}, 0
    for at, size in [*sorted(cuts), (len(parts), 0)]:
        seen = [*parts[:at], *(cut(part, size) for part in parts[at : at + 1])]
        for new in growth.news(answer(seen), whole=at == len(parts)):
            texts[new.key] = texts.get(new.key, "") + new.text
            calls += new.part is CALL
    for kind in (Text, Reasoning):
        expected = [part.text for part in parts if isinstance(part, kind)]
        assert [texts.get((0, kind, number), "") for number in range(len(expected))] == expected
    assert calls == parts.count(CALL)


def cut(part, size):
    return part if part is CALL else type(part)(part.text[:size])
