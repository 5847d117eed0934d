"""The streams of the page: `api/events`, what happens now, and `api/live/ID`, an answer that grows.

Invariant: a reader that does not read costs no memory: what it takes no more is not written (`IPushProducer`). All
else is done by `core/living/live.py`. Mounted by `ui/`.
"""

from __future__ import annotations

from typing import Any

import orjson
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from proxy_daemon.core.living.live import Live
from proxy_daemon.core.messages import id_number
from proxy_daemon.core.services import Services

RETRY_AFTER = b"5"  # seconds
HEAD = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)


class Stream:
    """A response that goes on (`Listener`)."""

    def __init__(self, request: Any, live: Live) -> None:
        self.is_full = False
        self._request, self._live, self._open = request, live, True
        _head(request)
        request.notifyFinish().addBoth(self._over)
        request.registerProducer(self, True)

    def write(self, data: bytes) -> None:
        """To the client, if it is still there."""
        if self._open:
            self._request.write(data)

    def close(self) -> None:
        """Its ordinary end; one whose reader does not read is broken off, for its end would not come through."""
        if self._open and self.is_full:
            self._request.transport.abortConnection()
        elif self._open:
            self._request.unregisterProducer()
            self._request.finish()

    def _over(self, _: object) -> None:
        self._open = False
        self._live.leave(self)

    def pauseProducing(self) -> None:
        """The client takes no more."""
        self.is_full = True

    def resumeProducing(self) -> None:
        """It does again."""
        self.is_full = False
        self._live.resume(self)

    def stopProducing(self) -> None:
        """It is gone, as `notifyFinish` tells too."""


class _Streams(Resource):
    """What both have in common: who is let in."""

    isLeaf = True

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._live, self._life = services.live, services.life

    def render(self, request: Any) -> Any:
        """A stream, or why there is none."""
        if request.postpath:
            return _said(request, 404, "there is no such page")
        if request.method not in (b"GET", b"HEAD"):
            request.setHeader(b"allow", b"GET, HEAD")
            return _said(request, 405, "this page answers GET, HEAD")
        if trouble := self._trouble():
            request.setHeader(b"retry-after", RETRY_AFTER)
            return _said(request, 503, trouble)
        return self._begun(request)

    def _trouble(self) -> str:
        """Why nobody gets a stream now; empty where one may."""
        if self._life.draining:
            return "llmproxy stops"
        if not self._live.runs:
            return "nothing is told of what happens now: the plugin `live` is off (--block-plugin)"
        if self._live.is_full:
            return "too many pages follow what happens: close some of them"
        return ""

    def _begun(self, request: Any) -> Any:
        raise NotImplementedError


class Events(_Streams):
    """`api/events`. Goes on behind `Last-Event-ID`, or ``?last=``."""

    def _begun(self, request: Any) -> Any:
        """From now on, or from where the page has come to."""
        if request.method == b"HEAD":
            return _head(request)
        said = request.getHeader(b"last-event-id") or request.args.get(b"last", [b""])[0]
        self._live.follow(Stream(request, self._live), said.decode("latin-1"))
        return NOT_DONE_YET


class LiveAnswers(_Streams):
    """`api/live/{id}`: the answer of an exchange that is under way."""

    def _begun(self, request: Any) -> Any:
        """As far as it has come, and then what is new."""
        number = _number(request.prepath[-1])
        if number is None or not self._live.is_under_way(number):
            return _said(request, 404, "there is no such exchange under way")
        if request.method == b"HEAD":
            return _head(request)
        self._live.watch(Stream(request, self._live), number)
        return NOT_DONE_YET


def _number(segment: bytes) -> int | None:
    try:
        return id_number(segment.decode("ascii"))
    except ValueError:
        return None


def _head(request: Any) -> bytes:
    """What a stream would begin with."""
    for name, value in HEAD:
        request.setHeader(name, value)
    return b""


def _said(request: Any, status: int, words: str) -> bytes:
    request.setResponseCode(status)
    request.setHeader(b"content-type", b"application/json")
    request.setHeader(b"cache-control", b"no-store")
    return orjson.dumps({"error": words}, option=orjson.OPT_APPEND_NEWLINE)
