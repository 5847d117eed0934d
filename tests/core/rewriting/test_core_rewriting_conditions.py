"""`core/rewriting/conditions.py`: when a rule is for a request, and whether two rules can be for the same one."""

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request
from proxy_daemon.core.rewriting.conditions import Conditions, Glob, may_meet

GLOBS = [
    ("abc", "abc", True),
    ("abc", "abcd", False),
    ("", "", True),
    ("", "a", False),
    ("*", "", True),
    ("*", "a/b c", True),
    ("a*", "a", True),
    ("a*", "ba", False),
    ("*a", "ba", True),
    ("a*a", "a", False),
    ("a*a", "aa", True),
    ("a*b*c", "a-b-c", True),
    ("a*b*c", "acbc", True),
    ("a*b*c", "ac", False),
    ("*b*b*", "b", False),
    ("*b*b*", "bb", True),
    ("a?c", "abc", False),
    ("[ab]", "a", False),
    ("a.c", "abc", False),
]


@pytest.mark.parametrize(("glob", "text", "expected"), GLOBS)
def test_a_glob(glob, text, expected):
    assert Glob(glob).matches(text) is expected


@given(st.text("ab*", max_size=8), st.text("ab", max_size=10))
def test_a_glob_is_that_of_the_standard_library(glob, text):
    assert Glob(glob).matches(text) == bool(re.fullmatch(fnmatch.translate(glob), text))


def test_many_stars_take_no_time():
    assert not Glob("*a" * 2000 + "*b").matches("a" * 100_000)


def request(target="/v1/chat/completions?x=1", body=b'{"model": "gpt-4o"}', method="POST", headers=()):
    return Request(method.encode(), target.encode(), Headers(headers), Bytes(body))


TEAM = ((b"X-Team", b"billing"), (b"x-team", b"search-eu"))
HOLD = [
    ({}, {}, True),
    ({"path": ("/v1/*",)}, {}, True),
    ({"path": ("/v1/chat/completions",)}, {}, True),
    ({"path": ("/v1/chat/completions?x=1",)}, {}, False),
    ({"path": ("/v2/*", "/v1/*")}, {}, True),
    ({"path": ("/v1/chat",)}, {}, False),
    ({"method": ("GET", "POST")}, {}, True),
    ({"method": ("GET",)}, {}, False),
    ({"model": ("gpt-*",)}, {}, True),
    ({"model": ("gpt-*",)}, {"body": b"no JSON"}, False),
    ({"model": ("gemini-*",)}, {"target": "/v1beta/models/gemini-2.0-flash:generateContent", "body": b"{}"}, True),
    ({"header": ((b"x-team", ("search*",)),)}, {"headers": TEAM}, True),
    ({"header": ((b"x-team", ("s*", "b*")), (b"x-other", ("*",)))}, {"headers": TEAM}, False),
    ({"header": ((b"x-team", ("*",)),)}, {}, False),
    ({"dialect": ("openai-chat",)}, {}, True),
    ({"dialect": ("anthropic",)}, {}, False),
    ({"upstream": ("local",)}, {}, True),
    ({"upstream": ("default",)}, {}, False),
    ({"path": ("/v1/*",), "model": ("llama*",)}, {}, False),
]


def globs(name, values):
    if name == "header":
        return tuple((field, tuple(map(Glob, texts))) for field, texts in values)
    return tuple(map(Glob, values)) if name in ("path", "model") else values


@pytest.mark.parametrize(("given", "asked", "expected"), HOLD, ids=range(len(HOLD)))
def test_conditions(given, asked, expected):
    conditions = Conditions(**{name: globs(name, values) for name, values in given.items()})
    made = request(**asked)
    assert conditions.hold(made, recognise(made, BUILT_IN), "local") is expected


MEET = [
    ({}, {}, True),
    ({"dialect": ("a",)}, {}, True),
    ({"dialect": ("a",)}, {"dialect": ("b",)}, False),
    ({"dialect": ("a", "b")}, {"dialect": ("b",)}, True),
    ({"upstream": ("a",)}, {"upstream": ("b",)}, False),
    ({"method": ("GET",)}, {"method": ("POST",)}, False),
    ({"path": ("/a",)}, {"path": ("/b",)}, False),
    ({"path": ("/a*",)}, {"path": ("/b",)}, True),
    ({"model": ("a",)}, {"model": ("b",)}, False),
    ({"model": ("a",), "path": ("/x",)}, {"model": ("a",), "path": ("/x",)}, True),
]


@pytest.mark.parametrize(("one", "other", "expected"), MEET, ids=range(len(MEET)))
def test_whether_two_may_meet(one, other, expected):
    pair = [Conditions(**{name: globs(name, values) for name, values in each.items()}) for each in (one, other)]
    assert may_meet(*pair) is may_meet(*reversed(pair)) is expected
