"""Numbers of the beginnings of conversations: equal for equal messages, and for nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.conversation import Media, Message, Other, Reasoning, Text, ToolCall, ToolResult
from proxy_daemon.store.catalogue.chain import MOST, chains

parts = st.one_of(
    st.builds(Text, st.text(max_size=5)),
    st.builds(ToolCall, st.text(max_size=2), st.text(max_size=2), st.text(max_size=2)),
    st.builds(ToolResult, st.text(max_size=2), st.text(max_size=2)),
    st.builds(Media, st.sampled_from(["image", "audio"]), source=st.text(max_size=2)),
    st.builds(Other, st.text(max_size=2)),
)
messages = st.lists(st.builds(Message, st.sampled_from(["user", "assistant", "system"]), st.tuples(parts)), max_size=5)


@given(one=messages, two=messages)
def test_numbers_are_equal_as_long_as_messages_are(one, two):
    pairs = list(zip(chains(one), chains(two), strict=False))
    same = [a == b for a, b in zip(one, two, strict=False)]
    for at, (a, b) in enumerate(pairs):
        others = [each for each in (one[at], two[at]) if any(isinstance(part, Other) for part in each.parts)]
        assert (a == b) == all(same[: at + 1]) or others or not all(same[:at])
    assert chains([*one, *two])[: len(one)] == chains(one)
    assert all(-(2**63) <= number < 2**63 for number in chains(one))


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ((Text("ab"), Text("c")), (Text("a"), Text("bc"))),
        ((Text("a"),), (ToolResult("", "a"),)),
        ((ToolCall("1", "f", "{}"),), (ToolCall("1", "f", "{} "),)),
        ((Media("image", size=1),), (Media("image", size=2),)),
        ((Text("\ud800"),), (Text("a"),)),
        ((), (Text(""),)),
    ],
)
def test_what_is_said_counts_and_where_it_ends(one, two):
    assert chains([Message("user", one)]) != chains([Message("user", two)])


def test_what_clients_leave_out_of_old_turns_does_not_count():
    thought = Message("assistant", (Reasoning("hm", "signature"), Text("a")))
    assert chains([thought]) == chains([Message("assistant", (Text("a"),))])
    assert chains([Message("user", (Text("a"),))]) != chains([Message("assistant", (Text("a"),))])


def test_the_longest_conversations_have_none():
    message = Message("user", (Text("a"),))
    assert len(chains([message] * MOST)) == MOST
    assert chains([message] * (MOST + 1)) == []
    assert chains([]) == []


def test_the_numbers_are_those_of_any_process():
    assert chains([Message("user", (Text("hello"),))]) == [FIXED]


FIXED = 3908263414211863029
