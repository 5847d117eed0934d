"""The body of a message as members of a document: `json` with its `style`, `text`, `stream`, `base64` or `file`.

Invariant: the octets come back as they were, or reading says why not. Called by `messages.py` and `patterns.py`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from proxy_daemon.core.bodies import Body, chunks
from proxy_daemon.core.cassettes.fields import base64_octets
from proxy_daemon.core.cassettes.llmproxy import json_style
from proxy_daemon.core.cassettes.llmproxy.scalars import binary, is_readable, scalar
from proxy_daemon.core.cassettes.llmproxy.tree import NotInYaml, block
from proxy_daemon.core.cassettes.llmproxy.values import INLINE, Beside
from proxy_daemon.core.cassettes.llmproxy.wrong import Wrong, text

MEMBERS = frozenset(("style", "json", "text", "stream", "base64", "file"))
_SAID_BY = ("json", "text", "stream", "base64", "file")
_NAME = re.compile(r"([0-9a-f]{64})\.[a-z0-9]{1,8}\Z", re.ASCII)
_SUFFIX = re.compile(rb"(?:image|audio|video|application)/([a-z0-9]{1,8})\s*(?:;|\Z)")
_ROOM = INLINE * 2  # characters of base64 with its line ends that so many octets never need


def whole(body: Body) -> bytes:
    """All octets. Raises OSError where some are missing."""
    data = body.whole()
    data = b"".join(chunks(body)) if data is None else data
    if len(data) != body.size:
        raise OSError(f"{body.size - len(data)} octets of a body are missing")
    return data


def written(
    data: bytes, *, kind: bytes = b"", parsed: bool = True, streams: bool = False
) -> tuple[str, dict[str, bytes]]:
    """The members' lines, and the file beside that they name. ``kind``: its media type.

    ``parsed``: whether JSON is written as its value; ``streams``: whether its text is that of a stream.
    """
    found = json_style.style_of(data) if parsed else None
    if found is not None:
        try:
            return f"\n  style: {found[1]}\n  json:{block(found[0], '    ')}", {}
        except NotInYaml:
            pass
    shown = _text(data)
    if shown is not None:
        return f"\n  {'stream' if streams else 'text'}:{scalar(shown, '    ', block=True)}", {}
    if len(data) <= INLINE:
        return f"\n  base64:{binary(data, '    ')}", {}
    name = _name(data, kind)
    return f"\n  file: {name}", {name: data}


def _text(data: bytes) -> str | None:
    try:
        found = data.decode()
    except UnicodeDecodeError:
        return None
    return found if is_readable(data) else None


def _name(data: bytes, kind: bytes) -> str:
    found = _SUFFIX.match(kind.lower())
    return f"{hashlib.sha256(data).hexdigest()}.{found[1].decode() if found else 'bin'}"


def read(found: Mapping[str, Any], beside: Beside) -> bytes:
    """The octets; none where no member says them. Raises `Wrong`."""
    said = [name for name in _SAID_BY if name in found]
    if len(said) > 1:
        raise Wrong(f"a body is said once, here by {' and '.join(said)}", said[1])
    if not said:
        return b""
    if said[0] == "json":
        return _from_value(found)
    value = text(found, said[0])
    if said[0] == "base64":
        return _from_base64(value)
    return _from_beside(value, beside) if said[0] == "file" else value.encode("utf-8", "replace")


def _from_value(found: Mapping[str, Any]) -> bytes:
    try:
        return json_style.octets(found["json"], text(found, "style", "compact"))
    except json_style.NoStyle as error:
        raise Wrong(str(error), "style" if "style" in str(error) else "json") from None


def _from_base64(value: str) -> bytes:
    if len(value) > _ROOM:
        raise Wrong(f"more than {INLINE} octets in base64: these stand in a file beside the cassette (file:)", "base64")
    try:
        return base64_octets(value)
    except (ValueError, TypeError):
        raise Wrong("no base64", "base64") from None


def _from_beside(name: str, beside: Beside) -> bytes:
    found = _NAME.match(name)
    if found is None:
        raise Wrong(
            "no name of a file beside the cassette: the SHA-256 of its octets in hex, a point, a suffix", "file"
        )
    try:
        data = beside(name)
    except (OSError, LookupError) as error:
        reason = getattr(error, "strerror", None) or "it is missing"
        raise Wrong(f"the file beside the cassette cannot be read: {name}: {reason}", "file") from None
    if hashlib.sha256(data).hexdigest() != found[1]:
        raise Wrong(f"the file beside the cassette is not the one that was written: {name} was changed", "file")
    return data
