"""The pages below `/_llmproxy/` that plugins give (`llmproxy_resources`), put into one tree.

Called by `tap.py` at the start. Who may ask for them is not decided here, but before (`net/request.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from twisted.internet.defer import ensureDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from proxy_daemon.hookspecs import JsonPage
from proxy_daemon.pipeline.faults import StartError

log = Logger()

METHODS = frozenset(("GET", "PUT", "DELETE"))  # HTML forms and links of other sites can send GET only, of these
_PATH = re.compile(r"(?:[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+)*)?")


def mounted(found: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Resources by their first path segment. ``found``: (plugin, its pages by path). Raises `StartError`."""
    pages: dict[str, tuple[str, Any]] = {}
    for plugin, given in found:
        for path, page in given.items():
            _check(plugin, path, page)
            if path in pages:
                raise StartError(f"the plugins {pages[path][0]!r} and {plugin!r} both have a page at /_llmproxy/{path}")
            pages[path] = plugin, page
    root: dict[str, Any] = {}
    for path in sorted(pages):  # what stands above comes first
        _place(root, path, *pages[path])
    return root


def _check(plugin: str, path: Any, page: Any) -> None:
    if not isinstance(path, str) or _PATH.fullmatch(path) is None or {".", ".."} & set(path.split("/")):
        raise StartError(f"plugin {plugin!r}: {path!r} is no path of a page: segments of letters, digits and .-_~")
    if isinstance(page, JsonPage) and not (page.answers and METHODS.issuperset(page.answers)):
        raise StartError(f"plugin {plugin!r}: the page {path!r} answers others than {', '.join(sorted(METHODS))}")


def _place(root: dict[str, Any], path: str, plugin: str, page: Any) -> None:
    resource = JsonResource(f"{path} of plugin {plugin}", page) if isinstance(page, JsonPage) else page
    first, *rest = path.split("/")
    if not rest:
        root[first] = resource
        return
    above = root.setdefault(first, Resource())
    for segment in rest[:-1]:
        children = getattr(above, "children", {})
        if segment.encode() not in children:
            _put(above, segment, Resource(), plugin, path)
        above = above.children[segment.encode()]
    _put(above, rest[-1], resource, plugin, path)


def _put(above: Any, segment: str, resource: Any, plugin: str, path: str) -> None:
    if getattr(above, "isLeaf", False) or not isinstance(above, Resource):
        raise StartError(f"plugin {plugin!r}: nothing can stand at {path!r}, what is above it has no pages below")
    if segment.encode() in above.children:
        raise StartError(f"plugin {plugin!r}: another plugin has a page at {path!r}")
    above.putChild(segment.encode(), resource)


class JsonResource(Resource):
    """A `JsonPage`."""

    isLeaf = True

    def __init__(self, name: str, page: JsonPage) -> None:
        super().__init__()
        self._name, self._answers = name, page.answers
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
        parameters = _parameters(request.args)
        if parameters is None:
            return _write(request, 400, {"error": "a parameter is given twice, or is no UTF-8"})
        left: list[Failure] = []
        answering = ensureDeferred(_answer(function, parameters))
        request.notifyFinish().addErrback(left.append).addCallback(lambda _: answering.cancel())
        answering.addErrback(self._failed, left).addCallback(_send, request, left)
        return NOT_DONE_YET

    def _failed(self, failure: Failure, left: list[Failure]) -> tuple[int, bytes]:
        if not left:
            log.failure("the page {name} failed", failure, name=self._name)
        return 500, _encoded({"error": "this page failed; the log of llmproxy says where"})


async def _answer(function: Any, parameters: Mapping[str, str]) -> tuple[int, bytes]:
    found = function(parameters)
    status, value = await found if hasattr(found, "__await__") else found
    return int(status), _encoded(value)


def _parameters(args: Mapping[bytes, list[bytes]]) -> dict[str, str] | None:
    """None where one has two values, of which nobody could say which is meant."""
    try:
        found = {name.decode(): [value.decode() for value in values] for name, values in args.items()}
    except UnicodeDecodeError:
        return None
    return {name: values[0] for name, values in found.items()} if all(len(v) == 1 for v in found.values()) else None


def _send(answer: tuple[int, bytes], request: Any, left: list[Failure]) -> None:
    if not left:
        request.write(_headed(request, *answer))
        request.finish()


def _write(request: Any, status: int, value: Any) -> bytes:
    return _headed(request, status, _encoded(value))


def _headed(request: Any, status: int, data: bytes) -> bytes:
    request.setResponseCode(status)
    request.setHeader(b"content-type", b"application/json")
    request.setHeader(b"cache-control", b"no-store")
    request.setHeader(b"content-length", b"%d" % len(data))
    return b"" if request.method == b"HEAD" else data


def _encoded(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
