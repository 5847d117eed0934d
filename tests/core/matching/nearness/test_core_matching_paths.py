"""Paths of values: as people read them, and short whatever the names are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import GENERIC
from proxy_daemon.core.matching.nearness.difference import json_differences
from proxy_daemon.core.matching.nearness.paths import LONGEST, element, member
from proxy_daemon.core.matching.nearness.servable import servable
from proxy_daemon.core.messages import Request


@pytest.mark.parametrize(
    ("made", "path"),
    [
        (member("", "a"), "a"),
        (member("a", "b"), "a.b"),
        (element("a.b", "2"), "a.b[2]"),
        (element("", "0"), "[0]"),
        (member("x" * 100, "y" * 100), "x" * 100 + "." + "y" * 100),
    ],
)
def test_as_people_read_them(made, path):
    assert made == path


@given(st.lists(st.text(max_size=3) | st.text(min_size=1, max_size=1).map(lambda sign: sign * 10_000), max_size=30))
def test_never_much_longer(names):
    path = ""
    for name in names:
        path = element(member(path, name), "7→8")
        assert len(path) <= LONGEST + 10


def test_long_ones_that_differ_stay_apart():
    one, other = "x" * 5000 + "a" + "x" * 5000, "x" * 5000 + "b" + "x" * 5000
    assert member("", one) != member("", other)
    assert member(one, "a") != member(other, "a")
    assert member(one, "a") != member(one, "b")
    assert one[:50] in member("", one)


def test_a_long_name_is_not_repeated_for_each_member():
    """Sixty thousand paths of 300 KB each would be 18 GB."""
    old, new = ({"K" * 300_000: {f"a{number}": value for number in range(60_000)}} for value in (0, 1))
    assert max(map(len, json_differences(old, new))) < 2000
    texts = [str(each).replace("'", '"').encode() for each in (old, new)]
    assert len(servable(*(Request(b"POST", b"/a", body=Bytes(text)) for text in texts), GENERIC)) < 2000
