"""The clients' variables: set and put back, in whatever order those who set them end."""

import itertools
import os

import pytest

from proxy_daemon.in_tests.environment import Environment


@pytest.fixture(autouse=True)
def variables(monkeypatch):
    """One that is set before, one that is not."""
    monkeypatch.setenv("T_SET", "before")
    monkeypatch.delenv("T_NOT", raising=False)


def seen():
    return os.environ.get("T_SET"), os.environ.get("T_NOT")


def test_as_before():
    one = Environment()
    one.take("a", {"T_SET": "a", "T_NOT": "a"})
    assert seen() == ("a", "a")
    assert (one.without()["T_SET"], "T_NOT" in one.without()) == ("before", False)
    one.let_go("a")
    one.let_go("a")
    assert seen() == ("before", None)
    os.environ["T_SET"] = "later"
    one.take("b", {"T_SET": "b"})
    one.let_go("b")
    assert seen() == ("later", None)


@pytest.mark.parametrize("order", list(itertools.permutations("abc")), ids="".join)
def test_of_several_the_last_one_begun_has_it(order):
    one, left = Environment(), list("abc")
    for name in left:
        one.take(name, {"T_SET": name} | ({"T_NOT": name} if name != "b" else {}))
    for name in order:
        one.let_go(name)
        left.remove(name)
        not_b = [each for each in left if each != "b"]
        assert seen() == (left[-1] if left else "before", not_b[-1] if not_b else None)
