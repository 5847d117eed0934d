"""Which recordings of two files belong together."""

import pytest
from compared_sides import chat, posted, side
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.comparing import pairing
from proxy_daemon.core.comparing.pairing import paired
from proxy_daemon.core.matching.nearness.similarity import Likeness

LONG = "Tell me of the boats and the stars and of the {} that stand by the sea in the evening"
TEXTS = ["What is the capital of France?", "What is the capital of Italy?", LONG.format("towers"), LONG.format("trees")]
SIDES = [side(chat(text)) for text in TEXTS] + [side(posted(b"\x00\x01" * 40))]


def sides(*texts):
    return [side(chat(text), f"{text}#{at}") for at, text in enumerate(texts)]


def places(pairs):
    return [tuple(one and one.place for one in pair) for pair in pairs]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("", "", []),
        ("a", "a", [("a#0", "a#0")]),
        ("ab", "ba", [("b#1", "b#0"), ("a#0", "a#1")]),
        ("aa", "aaa", [("a#0", "a#0"), ("a#1", "a#1"), (None, "a#2")]),
        ("aaa", "a", [("a#0", "a#0"), ("a#1", None), ("a#2", None)]),
        ("", "a", [(None, "a#0")]),
    ],
)
def test_equal_requests_in_their_order(monkeypatch, old, new, found):
    monkeypatch.setattr(pairing, "LEAST", 1.0)
    assert places(paired(sides(*old), sides(*new), least=1.0)) == found


def test_then_the_nearest():
    one, two = LONG.format("towers"), LONG.format("trees")
    old = sides(TEXTS[0], one)
    assert places(paired(old, sides(two, TEXTS[1]))) == [
        (f"{one}#1", f"{two}#0"),
        (f"{TEXTS[0]}#0", f"{TEXTS[1]}#1"),
    ]


def test_what_is_another_request_is_alone():
    (strange,), chats = [side(posted(b"\x00\x01" * 40), "x")], sides("hello")
    assert places(paired(chats, [strange])) == [(None, "x"), ("hello#0", None)]
    assert places(paired(chats, [strange], least=0.0)) == [("hello#0", "x")]


def test_what_is_gone_stands_where_it_stood():
    assert places(paired(sides("a", "b", "c"), sides("a", "c"), least=1.0)) == [
        ("a#0", "a#0"),
        ("b#1", None),
        ("c#2", "c#1"),
    ]


@given(st.lists(st.sampled_from(SIDES)), st.lists(st.sampled_from(SIDES)))
def test_each_is_in_one_pair(old, new):
    pairs = paired(old, new)
    assert [one for _, one in pairs if one is not None] == new
    assert sorted(map(id, (one for one, _ in pairs if one is not None))) == sorted(map(id, old))
    assert all(pair != (None, None) for pair in pairs)


def test_large_files_are_compared_near_by_only(monkeypatch):
    calls = []

    def alike(one, other):
        calls.append(1)
        return Likeness(0.9, ())

    monkeypatch.setattr(pairing, "likeness_of", alike)
    old, new = sides(*(f"old {n}" for n in range(100))), sides(*(f"new {n}" for n in range(100)))
    assert len(paired(old, new)) == 100
    assert len(calls) <= 100 * 2 * pairing.NEAR
