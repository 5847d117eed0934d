"""How the tests of the built-in model ask it: `post` sends a body, `told` reads a stream of events."""

import orjson
import pytest

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request
from proxy_daemon.core.model import answer


def _post(path, body=None, method=b"POST", headers=()):
    data = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
    return answer(Request(method, path.encode(), Headers(headers), Bytes(data)))


def _told(script):
    """(event name, data) of each piece; a piece is one event."""
    events = []
    for _, octets in script.pieces:
        assert octets.endswith(b"\n\n")
        assert octets.count(b"\n\n") == 1
        lines = octets.decode().rstrip("\n").split("\n")
        fields = dict(line.split(": ", 1) for line in lines)
        data = fields["data"]
        events.append((fields.get("event", ""), data if data == "[DONE]" else orjson.loads(data)))
    return events


@pytest.fixture
def post():
    return _post


@pytest.fixture
def document():
    """The JSON of an answer that is 200, or of the status given."""

    def ask(path, body=None, status=200, **more):
        script = _post(path, body, **more)
        assert script.head.status == status
        return orjson.loads(b"".join(octets for _, octets in script.pieces))

    return ask


@pytest.fixture
def told():
    return lambda path, body: _told(_post(path, body))
