"""Requests for the tests of matching: short words for what they say."""

import orjson

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import BUILT_IN
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.messages import Request
from proxy_daemon.core.upstreams import parse_upstream

BY_NAME = {dialect.name: dialect for dialect in BUILT_IN}
CHAT, MESSAGES, RESPONSES = BY_NAME["openai-chat"], BY_NAME["anthropic"], BY_NAME["openai-responses"]
UPSTREAM = parse_upstream("https://api.openai.com/v1")
JSON = (b"Content-Type", b"application/json")
PATH = b"/v1/chat/completions"


def as_octets(body):
    """JSON for a value; octets as they are."""
    return body if isinstance(body, bytes) else orjson.dumps(body)


def asked(body=b"", target=PATH, method=b"POST", fields=(JSON,)):
    """A request."""
    return Request(method, target, Headers(list(fields)), Bytes(as_octets(body)))


def taken(body=b"", dialect=CHAT, matcher=None, upstream=UPSTREAM, scope=b"", **request):
    """The fingerprint of a request, by a new matcher where none is given."""
    return (matcher or Matcher()).fingerprint(asked(body, **request), dialect, upstream, scope)


def chat(**more):
    """The body of a chat."""
    return {"model": "m", "messages": [{"role": "user", "content": "hi"}], **more}
