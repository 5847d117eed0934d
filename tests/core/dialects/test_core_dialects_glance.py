"""A stream's end at a glance: where it says yes, the stream is whole and without an error, whatever is in it."""

import pytest
from cut_streams import joined
from hypothesis import given

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.glance import is_good_stream
from proxy_daemon.core.dialects.judging import fault
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request, Response, ResponseHead

SSE = Headers([(b"Content-Type", b"text/event-stream")])
ENDS = {
    b"/v1/chat/completions": b"data: [DONE]\n\n",
    b"/v1/messages": b'event: message_stop\ndata: {"type": "message_stop"}\n\n',
    b"/v1/responses": b'event: response.completed\ndata: {"type": "response.completed"}\n\n',
}
CHUNK = b'data: {"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": null}]}\n\n'
LAST = b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
WORDS = (
    *(b"event: ", b"data: ", b"error", b"failed", b'"error"', b": null", b": 1", b"{", b"}", b",", b"\n", b"\r"),
    *(b'{"error": null}', b'{"error": {"message": "m"}}', b'{"type": "error"}', b"event: error\n", b'.failed"'),
    *(b" ", b"\n\n"),
    *(b'{"type": "response.failed"}', b'{"text": "an error"}', b'"text": "the \\"error\\" failed"', CHUNK, LAST),
)
BAD = ("the stream was broken off", "the answer is not whole", "the answer tells of an error")


def asked(path):
    return Request(b"POST", path, Headers([(b"Content-Type", b"application/json")]), Bytes(b'{"stream": true}'))


def glanced(path, octets, headers=SSE):
    return is_good_stream(recognise(asked(path), BUILT_IN), headers, Bytes(octets))


@pytest.mark.parametrize("path", ENDS)
@given(joined(*WORDS))
def test_it_is_never_wrong_where_it_says_yes(path, middle):
    octets, request = middle + b"\n\n" + ENDS[path], asked(path)
    if glanced(path, octets):
        response = Response(ResponseHead(200, b"OK", SSE), Bytes(octets))
        assert fault(recognise(request, BUILT_IN), request, response) not in BAD


@pytest.mark.parametrize(
    ("middle", "good"),
    [
        (b"", True),
        (b'data: {"error": null}\n\n', True),
        (b'data: {"error":null, "x": "error"}\n\n', False),
        (b"event: error\ndata: {}\n\n", False),
        (b"event:error\n\n", False),
        (b"data: {}\r\revent: some_error\r\r", False),
        (b'data: {"type": "error"}\n\n', False),
        (b'data: {"error" : {}}\n\n', False),
        (b'data: {"status": "failed"}\n\n', False),
        (b'data: {"text": "event: it failed"}\n\n', True),
    ],
)
def test_what_is_an_error(middle, good):
    assert glanced(b"/v1/chat/completions", CHUNK + middle + LAST + ENDS[b"/v1/chat/completions"]) is good


@pytest.mark.parametrize("word", [b"event:", b'"error" ', b'"error"', b" ", b"failed"])
@pytest.mark.parametrize("begin", [b"data: failed error ", b"event: ", b'data: "error"'])
def test_a_long_line_is_looked_at_once(begin, word):
    """Else the last of these would take hours."""
    octets = begin + word * 200_000 + b"\n\n" + ENDS[b"/v1/chat/completions"]
    assert glanced(b"/v1/chat/completions", octets) in (True, False)


@pytest.mark.parametrize(
    ("octets", "headers"),
    [
        (LAST + b"data: [DONE]", SSE),
        (LAST, SSE),
        (b"", SSE),
        (ENDS[b"/v1/chat/completions"], Headers([(b"Content-Type", b"application/json")])),
        (ENDS[b"/v1/chat/completions"], Headers([*SSE.pairs, (b"Content-Encoding", b"gzip")])),
    ],
)
def test_what_it_cannot_tell_is_read(octets, headers):
    assert not glanced(b"/v1/chat/completions", octets, headers)
