"""Parts that other recorders left out of a request: anything may stand there, and nowhere else."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.patterns.patterns import answers
from proxy_daemon.core.messages import Request
from proxy_daemon.core.pattern import Pattern
from proxy_daemon.core.redacted_parts import redacted_parts

CHAT = "/v1/chat/completions"


def asked(target=CHAT, body=None):
    data = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
    return Request(b"POST", target.encode("latin-1"), Headers(), Bytes(data))


def found(request, recorded=None):
    return redacted_parts(request, recorded or request)


HI = {"messages": [{"role": "user", "content": "hi"}]}
FITTING = {
    "a project": (("/v1/projects/<PROJECT>/run",), ("/v1/projects/mine-7/run",)),
    "a project, percent-encoded": (("/v1/projects/%3CPROJECT%3E/run",), ("/v1/projects/mine-7/run",)),
    "a parameter": (("/a?key=**REDACTED**&alt=sse",), ("/a?alt=sse&key=AIzaSy",)),
    "the whole address": (("/**REDACTED**", HI), ("/any/way", HI)),
    "a member of the body": ((CHAT, HI | {"user": "<USER_ID>"}), (CHAT, HI | {"user": "u-77"})),
    "a part of an address in the body": (
        (CHAT, {"model": "projects/FILTERED/models/m"}),
        (CHAT, {"model": "projects/p/models/m"}),
    ),
    "an element": ((CHAT, {"a": [{"b": "[REDACTED]"}]}), (CHAT, {"a": [{"b": "x y"}]})),
}


@pytest.mark.parametrize(("recorded", "live"), FITTING.values(), ids=FITTING)
def test_anything_stands_for_what_was_left_out(recorded, live):
    pattern = found(asked(*recorded))
    assert answers(pattern, asked(*live))
    assert answers(pattern, asked(*recorded))


OTHERS = {
    "another path": (("/v1/projects/<PROJECT>/run",), ("/v1/projects/mine/stop",)),
    "more of a path": (("/v1/projects/<PROJECT>/run",), ("/v1/projects/a/b/run",)),
    "another parameter": (("/a?key=**REDACTED**&alt=sse",), ("/a?key=AIza&alt=json",)),
    "another text": ((CHAT, HI | {"user": "<USER_ID>"}), (CHAT, {"messages": [], "user": "u"})),
    "more in the body": ((CHAT, HI | {"user": "<USER_ID>"}), (CHAT, HI | {"user": "u", "seed": 1})),
    "a star in the body is a star": (
        (CHAT, {"user": "FILTERED", "messages": ["a * b"]}),
        (CHAT, {"user": "u", "messages": ["a + b"]}),
    ),
    "another body at a place that was left out": (("/p/<PROJECT>", {"n": "*"}), ("/p/x", {"n": "other"})),
}


@pytest.mark.parametrize(("recorded", "live"), OTHERS.values(), ids=OTHERS)
def test_nothing_stands_for_anything_else(recorded, live):
    pattern = found(asked(*recorded))
    assert pattern is not None
    assert not answers(pattern, asked(*live))


NONE = {
    "nothing left out": asked(CHAT, HI),
    "within a text": asked(CHAT, {"messages": ["fill in <PROJECT> for me"], "user": "<PROJECT>"}),
    "a word of a text": asked(CHAT, {"messages": ["what does REDACTED mean?"]}),
    "a longer word": asked("/v1/REDACTEDLY"),
    "small letters": asked("/v1/<project>/filtered"),
    "a placeholder of ours": asked(CHAT, {"user": "<API_KEY_1>"}),
    "a placeholder of ours in the address": asked("/v1/models?key=<API_KEY_12>"),
    "no JSON": asked("/p/<PROJECT>/x", b"a=1"),
    "a name of a member": asked(CHAT, {"<PROJECT>": 1}),
    "a star of its own": asked("/p/<PROJECT>/a*b"),
    "a star of its own in a value": asked("/p/<PROJECT>?a=*"),
}


@pytest.mark.parametrize("request_", NONE.values(), ids=NONE)
def test_no_pattern(request_):
    assert found(request_) is None


def test_what_llmproxy_leaves_out_itself_is_found_by_the_fingerprint():
    assert found(asked("/a?key=REDACTED"), asked("/a?key=AIzaSy")) is None
    assert found(asked("/a?key=REDACTED")) == Pattern("POST", "/a", (("key", "*"),), b"", ("**REDACTED**",), whole=True)
    assert found(asked("/<P_ID>/a?key=REDACTED"), asked("/<P_ID>/a?key=AIzaSy")).path == "/*/a"


def test_a_placeholder_of_ours_beside_what_was_left_out_is_itself():
    pattern = found(asked(CHAT, {"user": "<USER_ID>", "key": "<API_KEY_1>"}))
    assert answers(pattern, asked(CHAT, {"user": "u", "key": "<API_KEY_1>"}))
    assert not answers(pattern, asked(CHAT, {"user": "u", "key": "<API_KEY_2>"}))


def test_deep_bodies_end():
    assert found(asked("/p/<PROJECT>", b"[" * 5000 + b"]" * 5000)) is None
    deep = value = {}
    for _ in range(250):
        value["a"] = value = {}
    value["a"] = "<PROJECT>"
    assert found(asked(CHAT, orjson.dumps(deep))) is None


PART = st.sampled_from(["<PROJECT>", "**REDACTED**", "*", "a", " ", "REDACTED", "\n", "é", "%", "?", "&k=", "["])
TEXT = st.lists(PART, max_size=6).map("".join)
VALUE = st.recursive(
    TEXT | st.integers(-(2**63), 2**63), lambda of: st.lists(of, max_size=3) | st.dictionaries(TEXT, of, max_size=3)
)


@given(TEXT, VALUE)
def test_whatever_was_left_out_the_pattern_answers_its_own_request(target, body):
    request = asked("/" + target.encode().decode("latin-1"), body)
    pattern = found(request)
    assert pattern is None or answers(pattern, request)
