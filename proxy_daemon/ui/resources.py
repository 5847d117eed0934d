"""The pages and the JSON API below `/_llmproxy/`: health, statistics, and the exchanges in the store.

A plugin like any other (`llmproxy_resources`); for this machine or the admin only, which `net/request.py` sees to.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import orjson
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from proxy_daemon.core.bodies import CHUNK, Body
from proxy_daemon.core.messages import Delivered, Recording, id_number, id_text
from proxy_daemon.core.services import Life, Services, Store
from proxy_daemon.hookspecs import hookimpl
from proxy_daemon.settings import Settings

PAGE_LIMIT = 500
POLICY = b"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class Pages:
    """The built-in resources."""

    @hookimpl
    def llmproxy_resources(self, settings: Settings, services: Services) -> dict[str, Any]:
        """By path segment."""
        api = Resource()
        api.putChild(b"stats", Json(lambda: {name: _said(fact) for name, fact in services.facts.items()}))
        api.putChild(b"exchanges", Exchanges(services.store))
        return {"": Start(settings, services), "health": Health(settings, services), "api": api}


def health(settings: Settings, trouble: str, life: Life) -> dict[str, Any]:
    """Whether the daemon does all that it should: ready, degraded (and in what), or draining before its stop.

    ``trouble``: why something is not recorded.
    """
    status = "draining" if life.draining else "degraded" if trouble or life.unread else "ready"
    said = {"status": status, "recording": trouble or ("on" if _records(settings) else "off")}
    if settings.insecure_upstream:
        said["insecure"] = f"certificates not checked: {', '.join(settings.insecure_upstream)} (--insecure-upstream)"
    return said | ({"settings": f"not read again: {life.unread}"} if life.unread else {})


def _records(settings: Settings) -> bool:
    return settings.store != "off" or bool(settings.cassette or settings.cassette_dir)


class Health(Resource):
    """`health`. Code 503 while the daemon drains: a balancer sends nothing more here."""

    isLeaf = True

    def __init__(self, settings: Settings, services: Services) -> None:
        super().__init__()
        self._settings = settings
        self._services = services

    def render_GET(self, request: Any) -> bytes:
        """As it is now."""
        if self._services.life.draining:
            request.setResponseCode(503)
        return write_json(request, health(self._settings, self._services.shelves.trouble(), self._services.life))


class Json(Resource):
    """What a function returns, as JSON."""

    isLeaf = True

    def __init__(self, make: Callable[[], Any]) -> None:
        super().__init__()
        self._make = make

    def render_GET(self, request: Any) -> bytes:
        """The value now."""
        return write_json(request, self._make())


class Start(Resource):
    """The start page: what runs, and where to look."""

    def __init__(self, settings: Settings, services: Services) -> None:
        super().__init__()
        self._settings = settings
        self._services = services

    def render_GET(self, request: Any) -> bytes:
        """A page without any script or outside link."""
        request.setHeader(b"content-type", b"text/html; charset=utf-8")
        request.setHeader(b"content-security-policy", POLICY)
        found = health(self._settings, self._services.shelves.trouble(), self._services.life)
        state = ", ".join(f"{name}: {value}" for name, value in found.items())
        rows = "".join(_row(recording) for recording in self._services.store.page(50))
        return PAGE.format(mode=html.escape(self._settings.mode), health=html.escape(state), rows=rows).encode()


class Exchanges(Resource):
    """`api/exchanges`: a page of them, newest first (`limit`, `before`); below it, one by its id."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store

    def getChild(self, path: bytes, request: Any) -> Resource:
        """One exchange."""
        try:
            recording = self._store.get(id_number(path.decode("ascii")))
        except ValueError:
            recording = None
        return NotFound() if recording is None else OneExchange(recording)

    def render_GET(self, request: Any) -> bytes:
        """A page."""
        try:
            limit = min(PAGE_LIMIT, max(1, int(request.args.get(b"limit", [b"50"])[0])))
            before = id_number(request.args.get(b"before", [b"0"])[0].decode("latin-1"))
        except ValueError:
            request.setResponseCode(400)
            return write_json(request, {"error": "limit is a number, before is an exchange's id"})
        return write_json(request, {"exchanges": [summary(recording) for recording in self._store.page(limit, before)]})


class OneExchange(Resource):
    """`api/exchanges/<id>`, and `request/body`, `response/body`, `delivered/body` below it."""

    def __init__(self, recording: Recording) -> None:
        super().__init__()
        self._recording = recording

    def getChild(self, path: bytes, request: Any) -> Resource:
        """One side of it."""
        sides = {b"request": self._recording.request.body}
        if self._recording.response is not None:
            sides[b"response"] = self._recording.response.body
        delivered = self._recording.delivered
        if delivered is not None and delivered.body is not None:
            sides[b"delivered"] = delivered.body
        if path in sides and request.postpath == [b"body"]:
            return RawBody(sides[path])
        return NotFound()

    def render_GET(self, request: Any) -> bytes:
        """All that is known of it but the bodies."""
        return write_json(request, detail(self._recording))


class RawBody(Resource):
    """The octets as they were on the wire, as a download: a page must not run what a model wrote."""

    isLeaf = True

    def __init__(self, body: Body) -> None:
        super().__init__()
        self._body = body

    def render_GET(self, request: Any) -> int:
        """The whole body."""
        request.setHeader(b"content-type", b"application/octet-stream")
        request.setHeader(b"x-content-type-options", b"nosniff")
        request.setHeader(b"content-length", b"%d" % self._body.size)
        request.registerProducer(Download(request, self._body), False)
        return NOT_DONE_YET


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


class NotFound(Resource):
    """404 in JSON."""

    isLeaf = True

    def render(self, request: Any) -> bytes:
        """Any method."""
        request.setResponseCode(404)
        return write_json(request, {"error": "there is no such exchange"})


def summary(recording: Recording) -> dict[str, Any]:
    """A line of the list."""
    return {
        "id": id_text(recording.id),
        "started": recording.started,
        "method": recording.request.method.decode("latin-1"),
        "path": recording.request.target.decode("latin-1"),
        "upstream": recording.upstream.name,
        "model": recording.model,
        "status": recording.status,
        "outcome": recording.outcome.value,
        "ending": recording.ending.value,
        "duration_ms": recording.duration / 1000,
        "served_from": id_text(recording.served_from) if recording.served_from else None,
        "replayable": recording.replayable,
        "cut": recording.cut,
        "redacted": recording.redacted,
        "rules": recording.rules,
        "imported": recording.imported or None,
        "unknown": sorted(recording.unknown),
    }


def detail(recording: Recording) -> dict[str, Any]:
    """All but the bodies."""
    response = recording.response
    more: dict[str, Any] = {
        "client": recording.client,
        "detail": recording.detail,
        "url": recording.upstream.url,
        "head_ms": recording.head_time / 1000,
        "request": {"headers": _texts(recording.request.headers.pairs), "size": recording.request.body.size},
    }
    if response is not None:
        more["response"] = {
            "headers": _texts(response.head.headers.pairs),
            "trailers": _texts(response.trailers.pairs),
            "size": response.body.size,
            "pieces": list(response.pieces.sizes),
            "times_us": list(response.pieces.times),
        }
    if recording.delivered is not None:
        more["delivered"] = _delivered(recording.delivered)
    return summary(recording) | more


def _delivered(delivered: Delivered) -> dict[str, Any]:
    """What the client got; the size is null where the body is upstream's."""
    return {
        "status": delivered.head.status,
        "headers": _texts(delivered.head.headers.pairs),
        "size": None if delivered.body is None else delivered.body.size,
        "cut": delivered.cut,
    }


def write_json(request: Any, value: Any) -> bytes:
    """The value as the body of a JSON answer."""
    request.setHeader(b"content-type", b"application/json")
    request.setHeader(b"cache-control", b"no-store")
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)


def _said(fact: Callable[[], Any]) -> Any:
    """What a fact says. Plugins add theirs: one that is broken must not hide the others."""
    try:
        return orjson.Fragment(orjson.dumps(fact()))
    except Exception as error:  # noqa: BLE001  (whatever a plugin raises is the plugin's fault)
        return {"fault": ascii(error)}


def _texts(pairs: tuple[tuple[bytes, bytes], ...]) -> list[list[str]]:
    return [[name.decode("latin-1"), value.decode("latin-1")] for name, value in pairs]


def _row(recording: Recording) -> str:
    line = summary(recording)
    cells = [line[key] for key in ("id", "outcome", "status", "method", "path", "model", "ending", "duration_ms")]
    return "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells) + "</tr>"


PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>llmproxy</title>
<style>body{{font:14px system-ui;margin:2em}}td{{padding:.1em .8em;font-variant-numeric:tabular-nums}}</style>
<h1>llmproxy</h1><p>Mode {mode}. Health: {health}.
<p><a href="health">health</a> <a href="api/stats">statistics</a> <a href="api/exchanges">exchanges as JSON</a>
<h2>The newest exchanges</h2><table>{rows}</table></html>
"""
