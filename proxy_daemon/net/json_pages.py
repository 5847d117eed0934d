"""A `JsonPage` as a resource: who answers is asked with the parameters, the answer may come later.

Invariant: each request gets one answer in JSON, whatever the page's function does; a client that leaves ends its work.
Made by `net/mounting.py`, which also puts the segments of the path beside the parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from twisted.internet.defer import ensureDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from proxy_daemon.hookspecs import JsonPage, Octets

log = Logger()

JSON = "application/json"
MOST_BODY = 16 * 1024 * 1024  # octets; `net/request.py` lets no more in
Answer = tuple[int, Octets]


class Branch(Resource):
    """A place in the tree. ``wild``: what stands below it whatever the segment is, and the name that it has then.

    The segments of a request are kept in its attribute `segments`, by name.
    """

    def __init__(self) -> None:
        super().__init__()
        self.wild: tuple[str, Resource] | None = None

    def getChild(self, path: bytes, request: Any) -> Resource:
        """For a segment that nothing of its own stands at."""
        if self.wild is None or not path:
            return Branch()
        name, resource = self.wild
        request.segments = {**getattr(request, "segments", {}), name: path.decode("utf-8", "replace")}
        return resource

    def render(self, request: Any) -> Any:
        """Nothing stands here."""
        return _write(request, 404, {"error": "there is no such page"})


class JsonResource(Branch):
    """A `JsonPage`."""

    def __init__(self, name: str, page: JsonPage) -> None:
        super().__init__()
        self._name, self._answers, self._takes_body = name, page.answers, page.takes_body
        more = {"HEAD"} if "GET" in page.answers else set()
        self._allowed = ", ".join(sorted({*page.answers, *more})).encode()

    def render(self, request: Any) -> Any:
        """Any method; the answer may come later."""
        method = request.method.decode("latin-1")
        function = self._answers.get("GET" if method == "HEAD" else method)
        if request.postpath:
            return _write(request, 404, {"error": "there is no such page"})
        if function is None:
            request.setHeader(b"allow", self._allowed)
            return _write(request, 405, {"error": f"this page answers {self._allowed.decode()}"})
        parameters = _parameters(request.args, getattr(request, "segments", {}))
        if parameters is None:
            return _write(request, 400, {"error": "a parameter is given twice, or is no UTF-8"})
        given: tuple[Any, ...] = (parameters,)
        if self._takes_body and method == "PUT":
            status, body = _body(request)
            if status:
                return _write(request, status, {"error": body})
            given = (parameters, body)
        self._start(request, function, given)
        return NOT_DONE_YET

    def _start(self, request: Any, function: Any, given: tuple[Any, ...]) -> None:
        left: list[Failure] = []
        answering = ensureDeferred(_answer(function, given))
        request.notifyFinish().addErrback(left.append).addCallback(lambda _: answering.cancel())
        answering.addErrback(self._failed, left).addCallback(_send, request, left)

    def _failed(self, failure: Failure, left: list[Failure]) -> Answer:
        if not left:
            log.failure("the page {name} failed", failure, name=self._name)
        return 500, _encoded({"error": "this page failed; the log of llmproxy says where"})


async def _answer(function: Any, given: tuple[Any, ...]) -> Answer:
    found = function(*given)
    status, value = await found if hasattr(found, "__await__") else found
    return int(status), value if isinstance(value, Octets) else _encoded(value)


def _parameters(args: Mapping[bytes, list[bytes]], segments: Mapping[str, str]) -> dict[str, str] | None:
    """None where one has two values, of which nobody could say which is meant."""
    try:
        found = {name.decode(): [value.decode() for value in values] for name, values in args.items()}
    except UnicodeDecodeError:
        return None
    if any(len(values) != 1 or name in segments for name, values in found.items()):
        return None
    return {name: values[0] for name, values in found.items()} | dict(segments)


def _body(request: Any) -> tuple[int, Any]:
    """(0, the body as JSON has it), or the status of a refusal and its words."""
    kind = (request.getHeader(b"content-type") or b"").partition(b";")[0].strip().lower()
    if kind != JSON.encode():
        return 415, f"this page takes JSON: send it with Content-Type: {JSON}"
    data = request.content.read(MOST_BODY + 1)
    if len(data) > MOST_BODY:
        return 413, f"the body has more than {MOST_BODY} octets"
    try:
        return 0, orjson.loads(data)
    except orjson.JSONDecodeError as error:
        return 400, f"the body is no JSON: {error}"


def _send(answer: Answer, request: Any, left: list[Failure]) -> None:
    if not left:
        request.write(_headed(request, *answer))
        request.finish()


def _write(request: Any, status: int, value: Any) -> bytes:
    return _headed(request, status, _encoded(value))


def _headed(request: Any, status: int, octets: Octets) -> bytes:
    request.setResponseCode(status)
    request.setHeader(b"content-type", octets.media_type.encode())
    request.setHeader(b"cache-control", b"no-store")
    for name, value in octets.fields.items():
        request.setHeader(name.encode(), value.encode())
    request.setHeader(b"content-length", b"%d" % len(octets.data))
    return b"" if request.method == b"HEAD" else octets.data


def _encoded(value: Any) -> Octets:
    return Octets(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE), JSON)
