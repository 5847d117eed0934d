"""Which id becomes which."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.matching.renaming.changes import applied
from proxy_daemon.core.matching.renaming.new_names import LONGEST_ID, MOST_SEARCHED, changes_in, paired


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("", "", {}),
        ("a", "a", {}),
        ("a", "b", {"a": "b", "b": "a"}),
        ("ab", "ba", {"a": "b", "b": "a"}),
        ("ab", "bc", {"a": "b", "b": "c", "c": "a"}),
        ("abc", "bca", {"a": "b", "b": "c", "c": "a"}),
        ("ab", "ac", {"b": "c", "c": "b"}),
        ("abc", "xay", {"a": "x", "b": "a", "c": "y", "x": "b", "y": "c"}),
        (["a" * (LONGEST_ID + 1)], ["b"], {}),
        (["a"], ["b" * (LONGEST_ID + 1)], {}),
        (["", "a"], ["b", ""], {}),
    ],
    ids=range(11),
)
def test_pairs_make_a_permutation(old, new, names):
    assert paired(tuple(old), tuple(new)).of == names


NAMES = st.lists(st.text("abcdefgh", min_size=1, max_size=2), min_size=5, max_size=5, unique=True)


@given(NAMES, NAMES)
def test_no_two_become_one(old, new):
    names = paired(old, new).of
    assert set(names) == set(names.values())
    assert all(names.get(one, one) == other for one, other in zip(old, new, strict=True))


def test_what_is_telling():
    long, other = "call_0000001", "call_0000002"
    assert paired([long], [other]).telling == {long, other}
    assert not paired([long], ["call_1"]).telling
    assert not paired([long, other], [other, "x"]).telling


@pytest.mark.parametrize(
    ("octets", "found"),
    [(b"call_0001", True), (b'{"a": "call_1"}', False), (b"\\u0063", False), (b"", False)],
)
def test_a_quick_look(octets, found):
    assert paired(["call_0001"], ["call_0002"]).may_be_in(octets) == found


def test_a_quick_look_within():
    names = paired(["call_0001", "call_0003"], ["call_0002", "call_0004"])
    assert names.within(b"call_0001").searched == (b"call_0001",)
    assert names.within(b"call_0009").searched == ()
    assert names.within(b"cal").searched == ()
    assert names.within(b"call_0004, call_0001").of == names.of


@pytest.mark.parametrize("old", ["a/b", "é", "a=", "a b"], ids=range(4))
def test_what_may_be_written_with_escapes_may_be_anywhere(old):
    names = paired([old], ["c/d"])
    assert names.may_be_in(b"")
    assert names.within(b"") is names


def test_many_are_looked_up_instead():
    count = MOST_SEARCHED + 1
    names = paired([f"call_old_{n}" for n in range(count)], [f"call_new_{n}" for n in range(count)])
    assert names.may_be_in(b"")
    text = json.dumps([f"call_old_{n}" for n in range(count)])
    assert applied(text.encode(), changes_in(text.encode(), names)) == text.replace("old", "new").encode()


def test_places_are_in_order():
    names = paired(["call_0001"], ["call_2"])
    text = b'{"b_id": "call_2", "a": [{"id": "call_0001"}, {"ids": ["call_2"]}], "a_id": "call_0001"}'
    changes = changes_in(text, names)
    assert [text[each.start : each.end] for each in changes] == [
        b'"call_2"',
        b'"call_0001"',
        b'"call_2"',
        b'"call_0001"',
    ]


@pytest.mark.parametrize("kind", [[], {}, None, 5, "text"])
def test_a_type_of_any_kind_hides_nothing(kind):
    text = json.dumps({"type": kind, "data": "call_0001"}).encode()
    assert applied(text, changes_in(text, paired(["call_0001"], ["call_0002"]))) == text.replace(b"0001", b"0002")
