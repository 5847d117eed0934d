"""What two recordings say differently."""

import json

import pytest
from attrs import evolve
from compared_sides import chat, posted, side
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.comparing.meaning import Line, lines
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Request
from tests.core.cassettes.llmproxy.cassette_files import JSON, recording

LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"


def differ(one, other, **options):
    return list(lines(side(one), side(other), **options))


def short(found):
    return [(one.section, one.path) for one in found]


def body(**members):
    return evolve(
        recording(), request=Request(b"POST", b"/v1/chat/completions", JSON, Bytes(json.dumps(members).encode()))
    )


def said(message, finish="stop"):
    found = {"id": "x", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": finish}]}
    return recording(answer=json.dumps(found).encode())


def call(arguments, number=1):
    function = {"name": "weather", "arguments": arguments}
    return said({"role": "assistant", "tool_calls": [{"id": f"c{number}", "type": "function", "function": function}]})


BASE = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
SYSTEM = {"role": "system", "content": "Be brief."}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ({}, {}, []),
        ({}, {"temperature": 1}, [("parameter", "temperature")]),
        ({"model": "a"}, {"model": "b"}, [("parameter", "model")]),
        ({}, {"messages": [{"role": "user", "content": "ho"}]}, [("prompt", "messages[0].content")]),
        ({}, {"messages": [SYSTEM, *BASE["messages"]]}, [("prompt", "messages[0]")]),
        ({}, {"tools": [TOOL]}, [("tool", "tools")]),
        ({"tools": [TOOL]}, {"tools": [TOOL, TOOL | {"strict": True}]}, [("tool", "tools[1]")]),
        ({"system": "a"}, {"system": "b"}, [("prompt", "system")]),
    ],
)
def test_requests(old, new, found):
    assert short(differ(body(**(BASE | old)), body(**(BASE | new)))) == found


def test_of_long_texts_the_words():
    (line,) = differ(chat(LONG), chat(LONG.replace("eight", "acht")))
    assert "[-eight-]" in line.old
    assert "{+acht+}" in line.new


def test_the_address():
    one = chat()
    other = evolve(one, request=evolve(one.request, target=b"/v2/chat/completions?beta=1"))
    assert differ(one, other) == [
        Line("request", "path", '"/v1/chat/completions"', '"/v2/chat/completions"'),
        Line("request", "query", '""', '"beta=1"'),
    ]


def test_what_the_rules_of_matching_do_not_count_is_told_on_demand():
    one = chat()
    other = evolve(one, request=evolve(one.request, body=Bytes(one.request.body.whole().replace(b":", b": "))))
    assert differ(one, other) == []
    assert differ(one, other, everything=True) == [
        Line("request", "body", "the same values", "but numbers or keys are written differently, or far inside")
    ]


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (chat(), chat(number=7), []),
        (chat(), chat(said="Rome."), [("answer", "text")]),
        (chat(), chat(status=500), [("answer", "status")]),
        (chat(), chat(ending=Ending.BROKEN_OFF), [("answer", "ending")]),
        (call('{"a":1}'), call('{ "a": 1 }', number=2), []),
        (call('{"a":1}'), call('{"a":2}'), [("answer", "parts[0].arguments.a")]),
        (call("broken {"), call("broken ["), [("answer", "parts[0].arguments")]),
        (
            chat(),
            said({"role": "assistant", "content": "Paris."}, "length"),
            [("answer", "model"), ("answer", "finish")],
        ),
        (chat(), chat(response=None), [("answer", "body")]),
        (chat(response=None), chat(response=None), []),
    ],
)
def test_answers(one, other, found):
    assert short(differ(one, other)) == found
    assert short(differ(other, one)) == found


def test_ids_and_usage_and_fields_on_demand():
    one, other = call("{}", 1), call("{}", 2)
    head = evolve(other.response.head, headers=Headers([*JSON.pairs, (b"X-Request-Id", b"7")]))
    other = evolve(other, response=evolve(other.response, head=head))
    assert differ(one, other) == []
    assert short(differ(one, other, everything=True)) == [("answer", "parts[0].id"), ("header", "answer.x-request-id")]


def vector(*numbers):
    answer = {"object": "list", "model": "e", "data": [{"object": "embedding", "index": 0, "embedding": list(numbers)}]}
    asked = b'{"model":"e","input":"words"}'
    return recording(asked, json.dumps(answer).encode(), path=b"/v1/embeddings")


def test_what_is_told_by_its_size_is_compared_by_its_values():
    assert differ(vector(0.1, 0.2), vector(0.1, 0.2)) == []
    assert [line.old for line in differ(vector(0.1, 0.2), vector(0.1, 0.3))] == ["0.2"]


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (b"\0b\xff", b"\0b\xfe", "body, from octet 2 on"),
        (b"\0bc", b"\0bcd", "body, from octet 3 on"),
        (b"", b"\xff", "body, from octet 0 on"),
        (b"\xff" * 70_000, b"\xff" * 69_999 + b"\xfe", "body, from octet 69999 on"),
        (b"\xff" * 65_536, b"\xff" * 65_537, "body, from octet 65536 on"),
    ],
)
def test_octets(old, new, path):
    found = Line("request", path, f"{len(old)} octets", f"{len(new)} octets")
    assert differ(posted(old), posted(new)) == [found]
    (line,) = differ(posted(b"q", old), posted(b"q", new))
    assert line.path == path or (line.path == "parts[0].media" and len(old) != len(new))


def test_json_that_nobody_knows():
    old, new = (posted(b"{}", b'{"a":%d,"id":"%d"}' % (n, n), kind=b"application/json") for n in (1, 2))
    assert short(differ(old, new)) == [("answer", "a")]
    assert short(differ(old, new, everything=True))[:2] == [("answer", "a"), ("answer", "id")]


def test_two_apis():
    asked = (
        b'{"model":"claude-3","max_tokens":9,"messages":[{"role":"user","content":"What is the capital of Italy?"}]}'
    )
    other = recording(asked, b"{}", path=b"/v1/messages")
    found = differ(chat(), other)
    assert ("prompt", "messages[0].parts[0].text") in short(found)
    assert ("parameter", "model") in short(found)


@given(st.binary(max_size=30), st.binary(max_size=30), st.sampled_from([b"application/json", b"text/plain"]))
def test_of_whatever_bodies_something_is_told_where_they_differ(old, new, kind):
    found = differ(posted(b"q", old, kind=kind), posted(b"q", new, kind=kind), everything=True)
    assert bool(found) is (old != new) or _equal(old, new)
    assert all(text.isprintable() for line in found for text in (line.path, line.old, line.new))


def _equal(old, new):
    """As JSON."""
    try:
        return json.loads(old) == json.loads(new)
    except ValueError:
        return False


def test_texts_that_look_the_same_and_are_not():
    one, other = (posted(b"q", b"words " + end, kind=b"text/plain") for end in (b"\xff", b"\xfe"))
    assert differ(one, other) == [Line("answer", "body, from octet 6 on", "7 octets", "7 octets")]
