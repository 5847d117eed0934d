"""The files of the page in the browser: `ui/static/`, below `/_llmproxy/`.

Invariant: what is served is a file below that folder whose kind is known; nothing of a request becomes a path unless it
is a plain name. Each is read and compressed once, and again where it has changed. Mounted by `ui/pages.py`.
"""

from __future__ import annotations

import gzip
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
from attrs import define, field, frozen
from twisted.web.resource import Resource

STATIC = Path(__file__).parent / "static"
INDEX = "index.html"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
COMPRESSED = frozenset((".html", ".css", ".js", ".mjs", ".json", ".txt", ".svg"))
# Nothing from elsewhere, nothing inline, and no markup of a recording but through the sanitiser
# (https://www.w3.org/TR/CSP3/, https://www.w3.org/TR/trusted-types/). `connect-src` is what the page asks: our API.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types dompurify"
)
FRESH = "no-cache"  # kept, and asked for again with its ETag each time
FOR_EVER = "public, max-age=31536000, immutable"
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_HASHED = re.compile(r"[.-][0-9a-f]{8,64}\.[a-z0-9]+\Z")
_GZIP = re.compile(rb"(?:^|,)\s*(?:x-)?gzip\s*(?:;\s*q=(?P<q>[0-9.]+)\s*)?(?:,|$)", re.IGNORECASE)


@frozen
class Content:
    """A file as it was read. ``packed``: the same by gzip; empty where that is not shorter."""

    stamp: tuple[int, int]
    data: bytes = field(repr=False)
    packed: bytes = field(repr=False)
    tag: str


@define(eq=False)
class Files:
    """The folder, and what was read of it."""

    folder: Path = STATIC
    _read: dict[Path, Content] = field(factory=dict, init=False)

    def pages(self) -> dict[str, Resource]:
        """By the first segment of their path: what stands in the folder itself, and "" for its page."""
        names = sorted(each.name for each in self.folder.iterdir() if _NAME.fullmatch(each.name))
        return {"": File(self, (INDEX,)), **{name: File(self, (name,)) for name in names}}

    def content(self, path: Path) -> Content | None:
        """What stands in the file; None where there is none."""
        try:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            known = self._read.get(path)
            if known is not None and known.stamp == stamp:
                return known
            found = self._read[path] = _content(stamp, path.read_bytes(), path.suffix)
        except OSError:
            return None
        return found


class File(Resource):
    """One file, or all below one folder."""

    isLeaf = True

    def __init__(self, files: Files, names: tuple[str, ...]) -> None:
        super().__init__()
        self._files, self._names = files, names

    def render(self, request: Any) -> bytes:
        """GET and HEAD."""
        if request.method not in (b"GET", b"HEAD"):
            request.setHeader(b"allow", b"GET, HEAD")
            return _refused(request, 405, "this page answers GET, HEAD")
        path = self._path(request.postpath)
        content = None if path is None else self._files.content(path)
        if path is None or content is None:
            return _refused(request, 404, "there is no such page")
        return _sent(request, path, content)

    def _path(self, below: list[bytes]) -> Path | None:
        names = (*self._names, *(each.decode("latin-1") for each in below))
        if Path(names[-1]).suffix not in KINDS or not all(map(_NAME.fullmatch, names)):
            return None
        return self._files.folder.joinpath(*names)


def _content(stamp: tuple[int, int], data: bytes, suffix: str) -> Content:
    packed = gzip.compress(data, 9, mtime=0) if suffix in COMPRESSED else b""
    return Content(stamp, data, packed if len(packed) < len(data) else b"", sha256(data).hexdigest()[:32])


def _sent(request: Any, path: Path, content: Content) -> bytes:
    packed = bool(content.packed) and takes_gzip(request.getHeader(b"accept-encoding") or b"")
    tag = f'"{content.tag}{"-gz" if packed else ""}"'  # another one: the octets differ (RFC 9110 section 8.8.3.3)
    for name, value in _fields(path, tag).items():
        request.setHeader(name.encode(), value.encode())
    if _has(request.getHeader(b"if-none-match") or b"", tag.encode()):
        request.setResponseCode(304)
        return b""
    data = content.packed if packed else content.data
    if packed:
        request.setHeader(b"content-encoding", b"gzip")
    request.setHeader(b"content-length", b"%d" % len(data))
    return b"" if request.method == b"HEAD" else data


def _fields(path: Path, tag: str) -> dict[str, str]:
    fields = {
        "content-type": KINDS[path.suffix],
        "etag": tag,
        "vary": "accept-encoding",
        "cache-control": FOR_EVER if _HASHED.search(path.name) else FRESH,
    }
    return fields | ({"content-security-policy": POLICY} if path.suffix == ".html" else {})


def takes_gzip(accepted: bytes) -> bool:
    """Whether this `Accept-Encoding` names gzip, and not with a weight of zero (RFC 9110 section 12.5.3)."""
    found = _GZIP.search(accepted[:1000])
    return found is not None and (found["q"] or b"1").strip(b"0.") != b""


def _has(given: bytes, tag: bytes) -> bool:
    """Whether an `If-None-Match` names this tag, compared weakly (RFC 9110 section 13.1.2)."""
    tags = (each.strip().removeprefix(b"W/") for each in given.split(b","))
    return any(each in (tag, b"*") for each in tags)


def _refused(request: Any, status: int, words: str) -> bytes:
    request.setResponseCode(status)
    request.setHeader(b"content-type", b"application/json")
    return orjson.dumps({"error": words}, option=orjson.OPT_APPEND_NEWLINE)
