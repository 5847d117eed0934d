"""The octets of a recorded body as they were on the wire, as a download: a page must not run what a model wrote.

Mounted by `ui/pages.py` at `api/exchanges/{id}/SIDE/body`.
"""

from __future__ import annotations

from typing import Any

import orjson
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from proxy_daemon.core.bodies import CHUNK, Body
from proxy_daemon.core.inspecting.answered import answered
from proxy_daemon.core.messages import Recording, id_number, id_text
from proxy_daemon.core.services import Store
from proxy_daemon.ui.parameters import NO_EXCHANGE

SIDES = ("request", "response", "delivered")


class RawBody(Resource):
    """One side of an exchange, whose id is in the path."""

    isLeaf = True

    def __init__(self, store: Store, side: str) -> None:
        super().__init__()
        self._store, self._side = store, side

    def render(self, request: Any) -> Any:
        """GET and HEAD."""
        if request.postpath:
            return _refused(request, 404, "there is no such page")
        if request.method not in (b"GET", b"HEAD"):
            request.setHeader(b"allow", b"GET, HEAD")
            return _refused(request, 405, "this page answers GET, HEAD")
        recording = self._recording(request.segments["id"])
        body = None if recording is None else side(recording, self._side)
        if recording is None or body is None:
            return _refused(request, 404, NO_EXCHANGE if recording is None else f"it has no {self._side} of its own")
        return _sent(request, body, f"{id_text(recording.id)}-{self._side}.bin")

    def _recording(self, text: str) -> Recording | None:
        try:
            recording = self._store.get(id_number(text))
        except ValueError:
            return None
        return None if recording is None else answered(recording, self._store.get)


def side(recording: Recording, name: str) -> Body | None:
    """The body of one of `SIDES`; None where there is none."""
    if name == "request":
        return recording.request.body
    if name == "response":
        return None if recording.response is None else recording.response.body
    return None if recording.delivered is None else recording.delivered.body


def _sent(request: Any, body: Body, name: str) -> Any:
    request.setHeader(b"content-type", b"application/octet-stream")
    request.setHeader(b"content-disposition", f'attachment; filename="{name}"'.encode())
    request.setHeader(b"content-length", b"%d" % body.size)
    if request.method == b"HEAD":
        return b""
    request.registerProducer(Download(request, body), False)
    return NOT_DONE_YET


def _refused(request: Any, status: int, words: str) -> bytes:
    request.setResponseCode(status)
    request.setHeader(b"content-type", b"application/json")
    return orjson.dumps({"error": words}, option=orjson.OPT_APPEND_NEWLINE)


class Download:
    """Sends a body part by part, as the client takes it (`IPullProducer`): it may be larger than the memory."""

    def __init__(self, request: Any, body: Body) -> None:
        self._request, self._body, self._offset = request, body, 0

    def resumeProducing(self) -> None:
        """The client takes more. Where the store has lost octets, it sees a broken answer."""
        try:
            data = self._body.read(self._offset, CHUNK)
        except OSError:
            data = b""
        self._offset += len(data)
        self._request.write(data)
        if self._offset < self._body.size and data:
            return
        self._request.unregisterProducer()
        if self._offset < self._body.size:
            self._request.loseConnection()
        else:
            self._request.finish()

    def stopProducing(self) -> None:
        """The client is gone."""
