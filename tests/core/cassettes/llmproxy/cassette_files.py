"""A cassette for tests: recordings written, files read, all without a disk."""

from attrs import evolve

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.cassettes.llmproxy import HEADER, Entry, read, written
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Outcome, Recording, Request, Response, ResponseHead
from proxy_daemon.core.upstreams import parse_upstream

OPENAI = parse_upstream("openai=https://api.openai.com/v1")
JSON = Headers([(b"Content-Type", b"application/json")])
QUESTION = b'{"model":"gpt-4o","messages":[{"role":"user","content":"What is the capital of France?"}]}'
ANSWER = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"gpt-4o-2024","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"Paris."},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":14,"completion_tokens":2,"total_tokens":16},"system_fingerprint":"fp_1"}'
)


def recording(question=QUESTION, answer=ANSWER, *, path=b"/v1/chat/completions", status=200, kind=b"application/json"):
    """A good one of OpenAI's chat, unless told otherwise."""
    head = ResponseHead(status, b"OK", Headers([(b"Content-Type", kind)]))
    return Recording(
        id=0,
        request=Request(b"POST", path, JSON, Bytes(question)),
        response=Response(head, Bytes(answer)),
        upstream=OPENAI,
        ending=Ending.COMPLETE,
        outcome=Outcome.LIVE,
        started=1_700_000_000.25,
        status=status,
        replayable=True,
    )


def file_of(*recordings):
    """The octets of a cassette."""
    return HEADER + b"".join(written(each).text for each in recordings)


def entries(data, beside=None):
    """All that is read of it."""
    return list(read("c.yaml", data, (beside or {}).__getitem__))


def entry(data, beside=None):
    """The only one of a file, which must be good."""
    (found,) = entries(data, beside)
    assert isinstance(found, Entry), found
    return found


def damaged(data, beside=None):
    """(line, reason) of the only document of a file, which must not be good."""
    (found,) = entries(data, beside)
    assert not isinstance(found, Entry), found
    return found.line, found.reason


def kept(recording):
    """What the file keeps of a recording: without what its dialect reads in the request."""
    return evolve(recording, model="")
