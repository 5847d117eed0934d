"""What kind of document a text is, from its beginning: exact, lazy, and never an error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.cassettes import formats
from proxy_daemon.core.cassettes import outline as module
from proxy_daemon.core.cassettes.outline import Outline, outline

BOTH = frozenset(("request", "response"))
SOME = frozenset(("uri", "body"))
FOUND = [
    (
        b"interactions:\n- request: {uri: 1, body: 2}\n  response: {}",
        Outline("interactions", frozenset(["request"]), SOME),
    ),
    (b"version: 1\ninteractions:\n- request: {uri: 1, body: 2}", Outline("interactions", frozenset(["request"]), SOME)),
    (b"- request: {uri: 1, body: {x: [1, {y: 2}]}}", Outline("-", frozenset(["request"]), SOME)),
    (b'{"interactions": [{"request": {"uri": 1, "body": 2}, "response": 1}]}', Outline("interactions", BOTH, SOME)),
    (b'[{"request": {"uri": 1, "body": 2}, "response": 1}]', Outline("-", BOTH, SOME)),
    (b"interactions: [{request: {uri: 1, body: 2}}]", Outline("interactions", frozenset(["request"]), SOME)),
    (b"{interactions: [{request: {uri: 1, body: 2}}]}", Outline("interactions", frozenset(["request"]), SOME)),
    (b"interactions:\n- kind: a\n  data: [1]", Outline("interactions", frozenset(("kind", "data")))),
    (b"interactions:\n- id: 0\n  ? [a, b]\n  : 1\n  x: 1", Outline("interactions", frozenset(("id", "", "x")))),
    (b"x: {interactions: []}\nhttp_interactions: []", Outline("http_interactions")),
    (b"requests:\n- 1", Outline("requests")),
    (b"interactions: {a: 1}", Outline("interactions")),
    (b"interactions: 7", Outline("interactions")),
    (b"interactions", Outline()),
    (b"x: interactions", Outline()),
    (b'{"x": "interactions"}', Outline()),
    (b'{"log": {"entries": [{"request": 1}]}}', Outline()),
    (b"[]", Outline()),
    (b"", Outline()),
    (b"\xffinteractions: []", Outline()),
    (b"interactions:\n- request: {uri: 1, body: 2, '", Outline("interactions", frozenset(["request"]), SOME)),
    (
        b"interactions:\n- request:\n    a: " + b"[" * 9000,
        Outline("interactions", frozenset(["request"]), frozenset("a")),
    ),
    (b"a: " + b"[" * 9000 + b"\ninteractions: []", Outline()),
]


@pytest.mark.parametrize(("data", "found"), FOUND, ids=range(len(FOUND)))
def test_a_document_is_known_by_its_beginning(data, found):
    assert outline(data) == found


EVENTS = module.events


@pytest.fixture
def read(monkeypatch):
    """The events that were looked at."""
    found = []
    monkeypatch.setattr(module, "events", lambda data: (found.append(event) or event for event in EVENTS(data)))
    return found


def test_no_more_is_read_than_the_first_request(read):
    outline(b"interactions:\n- request: {uri: 1}\n  response: {body: [" + b"1, " * 1000 + b"1]}")
    assert len(read) < 15


def test_a_file_is_read_once_however_many_formats_ask(monkeypatch):
    read, load = [], module.load
    monkeypatch.setattr(module, "load", lambda data: read.append(data) or load(data))
    one, two = (b'{"interactions": [{"about": "%b"}]}' % name for name in (b"the first", b"another"))
    formats.chosen("file", one)
    assert read == [one]
    assert outline(two) == outline(bytes(bytearray(two))) == Outline("interactions", frozenset(["about"]))
    assert read == [one, two]
    assert outline(one).top == "interactions"
    assert (read, len(module._LAST)) == ([one, two, one], 1)


def test_no_more_is_read_than_the_levels_that_are_allowed(read):
    outline(b"interactions:\n- request:\n    a: " + b"[" * 9000)
    assert len(read) < 250


def test_a_long_way_to_the_first_request_is_given_up(monkeypatch):
    monkeypatch.setattr(module, "_MOST_EVENTS", 50)
    far = b"version: [" + b"1, " * 100 + b"1]\ninteractions:\n- request: {uri: 1}"
    assert outline(far) == Outline()
    assert outline(b"interactions:\n- request: {uri: 1}").top == "interactions"


@pytest.mark.parametrize(
    "data",
    [
        b"# %b\ninteractions:\n- request: {uri: 1, body: 2}",
        b"about: %b\ninteractions:\n- request: {uri: 1, body: 2}",
        b'{"about": "%b", "interactions": [{"request": {"uri": 1, "body": 2}}]}',
    ],
)
def test_the_name_may_stand_far_behind(data):
    assert outline(data % (b"x" * 5000)) == Outline("interactions", frozenset(["request"]), SOME)


@pytest.mark.parametrize(
    "data", [b'[{"id": "%b", "request": {"uri": 1, "body": 2}}]', b"- id: %b\n  request: {uri: 1, body: 2}"]
)
def test_a_request_may_stand_far_behind(data):
    assert outline(data % (b"x" * 5000)) == Outline("-", frozenset(["request", "id"]), SOME)


def test_what_only_speaks_of_interactions_far_behind_is_none():
    assert outline(b'{"about": "%b interactions: []"}' % (b"x" * 5000)) == Outline()
    assert outline(b"data: %b interactions" % (b"x" * 5000)) == Outline()


@given(st.binary(max_size=60), st.text("[]{}:,-?&*!|>'\"\n ab", max_size=60))
def test_it_never_raises(octets, text):
    for before in (b"", b"interactions:", b"- request: ", b'{"interactions": [', b"requests: [{"):
        outline(before + octets)
        outline(before + text.encode())
