"""Sides to compare: recordings as `llmproxy diff` reads them."""

from attrs import evolve

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.comparing.side import Side
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.messages import Request, Response, ResponseHead
from tests.core.cassettes.llmproxy.cassette_files import recording

MATCHER = Matcher()


def side(one, place="a#0"):
    dialect = recognise(one.request, BUILT_IN)
    return Side(place, one, dialect, MATCHER.fingerprint(one.request, dialect, None, b""))


def chat(text="What is the capital of France?", said="Paris.", number=1, **changes):
    """Of OpenAI's chat; ``number``: what a server makes anew."""
    body = recording().request.body.whole().replace(b"What is the capital of France?", text.encode())
    answer = recording().response.body.whole().replace(b"Paris.", said.encode())
    return evolve(recording(body, answer.replace(b"chatcmpl-1", b"chatcmpl-%d" % number)), **changes)


def posted(body, answer=b"", *, path=b"/v1/other", kind=b"application/octet-stream"):
    """Of an API that nobody knows."""
    headers = Headers([(b"Content-Type", kind)])
    one = recording(path=path)
    response = Response(ResponseHead(200, b"OK", headers), Bytes(answer))
    return evolve(one, request=Request(b"POST", path, headers, Bytes(body)), response=response)
