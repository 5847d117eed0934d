"""Paths and model names mapped by rule: in the request's target, and where a model stands, in the body or the path.

Invariant: a target that comes out is one that may be sent: it begins with a slash, is plain ASCII without blanks, and
has no segment that leads elsewhere, as a client may not send one either.
Used by `requests.py`.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from attrs import field, frozen

from proxy_daemon.core.lazy import lazy
from proxy_daemon.core.rewriting.conditions import ANY, Glob
from proxy_daemon.core.rewriting.expressions import Compiled, compiled
from proxy_daemon.core.strictness import wrong_path

LONGEST_PATH = 8192  # octets that an expression may make
_PATH = re.compile(rb"/[\x21-\x22\x24-\x3e\x40-\x7e]*")  # neither blanks nor what ends a path
_MODEL = re.compile(rb"/(?:models?|deployments)/", re.IGNORECASE)
_ENDS = re.compile(rb"[/:]|\Z")


class NoPath(ValueError):
    """What comes out cannot be sent; the sentence says why."""


def checked_path(path: bytes) -> bytes:
    """Raises `NoPath`."""
    if len(path) > LONGEST_PATH or _PATH.fullmatch(path) is None or path.startswith(b"//"):
        raise NoPath("its new path is none that can be sent: it begins with one slash, without blanks, ? and #")
    if wrong_path(path) is not None:
        raise NoPath("its new path is none that can be sent: a backslash, or a segment . or .., may lead elsewhere")
    return path


@frozen
class Prefix:
    """``to`` in place of ``prefix``, by whole segments: `/old` is not found in `/older`."""

    prefix: str
    to: str

    @property
    def claim(self) -> str:
        """What it maps, in words: of two that map the same the second finds nothing."""
        return f"paths below {self.prefix.rstrip('/') or '/'!r}"

    def mapped(self, path: bytes) -> bytes:
        """The path, mapped; the same object where it does not begin so. Raises `NoPath`."""
        old = self.prefix.rstrip("/").encode()
        if path != old and not path.startswith(old + b"/"):
            return path
        return checked_path(self.to.rstrip("/").encode() + path[len(old) :] or b"/")


@frozen
class PathExpression:
    """``to`` in place of the first match of ``pattern`` (see `expressions.py`, whose ValueError it raises)."""

    pattern: str
    to: str
    compiled: Compiled = field(init=False, eq=False, repr=False)

    @compiled.default
    def _compile(self) -> Compiled:
        return compiled(self.pattern, self.to)

    @property
    def claim(self) -> str:
        """See `Prefix`."""
        return f"paths like {self.pattern!r}"

    def mapped(self, path: bytes) -> bytes:
        """The path, mapped; the same object where nothing matches. Raises `NoPath`."""
        found = self.compiled.whole.search(path)
        if found is None:
            return path
        to = self.compiled.by.filled(found).encode("utf-8", "surrogatepass")
        return checked_path(path[: found.start()] + to + path[found.end() :])


@frozen(slots=False)
class Models:
    """Names for names. A name with `*` holds for all that it covers; whole names go before, then the file's order."""

    names: tuple[tuple[str, str], ...]

    def named(self, model: str) -> str:
        """The new name; empty where there is none, or it is the same."""
        found = self._whole.get(model)
        if found is None:
            found = next((to for glob, to in self._globs if glob.matches(model)), "") if self._globs else ""
        return "" if found == model else found

    @lazy
    def _whole(self) -> dict[str, str]:
        return dict(reversed(self.names))  # of a name that stands there twice, the first counts

    @lazy
    def _globs(self) -> list[tuple[Glob, str]]:
        return [(Glob(name), to) for name, to in self.names if ANY in name]


def with_model(path: bytes, model: str, new: str) -> bytes:
    """The path with ``new`` where ``model`` stands behind `/models/`, `/model/` or `/deployments/`.

    The same object where it does not. Ends of a name are looked for no further than ``model`` can reach.
    """
    longest = 3 * len(model.encode("utf-8", "replace"))  # each octet may be percent-encoded
    for found in _MODEL.finditer(path):
        start = found.end()
        for end in _ENDS.finditer(path, start, min(len(path), start + longest + 1)):
            written = path[start : end.start()]
            if _meant(written) == model:
                safe = "/" if b"/" in written else ""
                return path[:start] + quote(new, safe=safe).encode() + path[end.start() :]
    return path


def _meant(written: bytes) -> str:
    return unquote(written.decode("latin-1"))
