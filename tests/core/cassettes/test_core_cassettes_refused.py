"""What lies beside recordings and is none: refused with what it is, by the name of the file."""

import pytest

from proxy_daemon.core.cassettes import Skipped, Unreadable, formats
from proxy_daemon.core.cassettes.refused import Refused, reason
from proxy_daemon.core.messages import Recording

SPANS = "spans of OpenTelemetry"
AGENT = "messages of an agent"
FILES = [
    (b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "0", "spanId": "1"}]}]}]}', SPANS),
    (b'[\n  {"name": "chat m", "context": {"trace_id": "0x0", "span_id": "0x1"}, "attributes": {}}\n]', SPANS),
    (b'- name: chat m\n  context:\n    trace_id: "0"\n    span_id: "1"\n', SPANS),
    (b'{"name": "a", "traceId": "0", "spanId": "1"}\n{"name": "b", "traceId": "0", "spanId": "2"}\n', SPANS),
    (b'{"jsonrpc": "2.0", "method": "initialize", "id": 0}\n{"jsonrpc": "2.0", "result": {}, "id": 0}\n', AGENT),
    (b'{"type": "system", "subtype": "init", "session_id": "0"}\n{"type": "assistant", "session_id": "0"}\n', AGENT),
    (b'{"direction": "stdin", "message": {}}\n{"direction": "stdout", "message": {}}\n', AGENT),
    (b'{"dir": "OUT", "data": "x"}', AGENT),
]


@pytest.mark.parametrize(("data", "kind"), FILES)
def test_known_and_refused(data, kind):
    assert Refused().recognises("a.x", data)
    with pytest.raises(Unreadable, match=rf"\Aa\.x: {kind}.*, no exchanges of HTTP"):
        list(formats.read("a.x", data))


MAPPING = b"interactions:\n  0f3a9c:\n    request: {prompt: hi}\n    response: {text: ho}\n"


@pytest.mark.parametrize("data", [MAPPING, b'{"interactions": {"0f3a9c": {"request": {}, "response": {}}}}'])
def test_a_mapping_by_hash_is_refused(data):
    with pytest.raises(Unreadable, match=r"\Aa\.x: .*interactions.* is no list"):
        list(formats.read("a.x", data))


def test_calls_of_tools_are_skipped_and_exchanges_beside_them_are_read():
    tool = b"- request: {method: CALL, uri: 'tool://search'}\n  response: a text\n"
    good = b"- request: {method: GET, uri: 'http://h/'}\n  response: {status: {code: 200}, body: {string: x}}\n"
    found = list(formats.read("a.x", b"version: 1\ninteractions:\n" + tool + good))
    assert [type(one) for one in found] == [Skipped, Recording]


OTHERS = [
    b"",
    b'{"type": "response.created", "session_id": "x"}\n{"type": "response.done"}\n',
    b'{"type": "system"}\n{"type": "user"}\n',
    b'{"traceId": "0"}',
    b'{"spanId": "0"}',
    b'{"direction": 5}\n{"stream": true}\n',
    b'{"stream": "yes"}',
    b'{"type": ["system"], "session_id": 1}',
    b"{\n" * 3,
    b"[]\n5\n",
    b'{"a": "' + b"x" * 20_000 + b'", "jsonrpc": 1}',
]


@pytest.mark.parametrize("data", OTHERS)
def test_others_are_left_alone(data):
    assert reason(data) == ""
    assert not Refused().recognises("a.x", data)


@pytest.mark.parametrize("data", [b"", b"\x00", b"hello", b"\x89PNG\r\n", b"{}", b"[]", b"a,b\n1,2\n", b"a: 1"])
def test_what_nobody_knows_is_refused_too(data):
    with pytest.raises(Unreadable, match=r"\Aa\.x: "):
        list(formats.read("a.x", data))
