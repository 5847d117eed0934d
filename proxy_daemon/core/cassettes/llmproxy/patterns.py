"""The pattern of requests that a recording answers, as members of a document, and back.

Invariant: the pattern comes back equal. Called by `writing.py` and `reading.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from proxy_daemon.core.cassettes.llmproxy import bodies
from proxy_daemon.core.cassettes.llmproxy.scalars import octets, scalar
from proxy_daemon.core.cassettes.llmproxy.tree import NotInYaml, block
from proxy_daemon.core.cassettes.llmproxy.values import Beside
from proxy_daemon.core.cassettes.llmproxy.wrong import Wrong, flag, members
from proxy_daemon.core.cassettes.llmproxy.wrong import octets as octets_of
from proxy_daemon.core.pattern import Pattern, Said
from proxy_daemon.core.said_members import NotSaid, members_of, said_of
from proxy_daemon.core.wire.json_text import NotJSON, parse, write

_FLAGS = ("whole", "alone", "leading")
_MEMBERS = frozenset(("method", "path", "query", "wild", "said", *_FLAGS)) | bodies.MEMBERS
_PAIR = 2


def written(pattern: Pattern) -> tuple[str, dict[str, bytes]]:
    """The member `pattern`, and the file beside that it names."""
    named = (("method", pattern.method), ("path", pattern.path))
    parts = [f"\n  {name}:{_octets(value, '    ')}" for name, value in named if value]
    if pattern.query:
        pairs = [f"\n  - -{_octets(name, '      ')}\n    -{_octets(value, '      ')}" for name, value in pattern.query]
        parts.append(f"\n  query:{''.join(pairs)}")
    body, files = bodies.written(pattern.body) if pattern.body else ("", {})
    parts.append(body)
    if pattern.wild:
        parts.append(f"\n  wild:{_listed(pattern.wild)}")
    parts += [f"\n  {name}: true" for name in _FLAGS if getattr(pattern, name)]
    parts += [f"\n  said:{_said(pattern.said)}"] if pattern.said is not None else []
    return f"pattern:{''.join(parts) or ' {}'}\n", files


def _said(said: Said) -> str:
    """As a block, or as its JSON in a text where a block cannot hold it."""
    members = members_of(said)
    try:
        return block(members, "    ")
    except NotInYaml:
        return scalar(write(members).decode(), "    ")


def _listed(texts: Iterable[str]) -> str:
    return "".join([f"\n  -{_octets(each, '    ')}" for each in texts])


def _octets(text: str, indent: str) -> str:
    """A path may hold octets that are no UTF-8: they stand in it as surrogates."""
    return octets(text.encode("utf-8", "surrogateescape"), indent)


def read(value: Any, beside: Beside) -> Pattern | None:
    """The pattern that a member says; None where there is none. Raises `Wrong`."""
    if value is None:
        return None
    try:
        found = members(value, _MEMBERS)
        method, path = (_text(octets_of(found, name)) for name in ("method", "path"))
        query = tuple((_one(name, "query"), _one(value, "query")) for name, value in _pairs(found.get("query", [])))
        wild = tuple(_one(each, "wild") for each in _list(found.get("wild", []), "wild"))
        flags = {name: flag(found, name) for name in _FLAGS}
        return Pattern(method, path, query, bodies.read(found, beside), wild, said=_read_said(found), **flags)
    except Wrong as error:
        raise error.under("pattern") from None


def _read_said(found: Mapping[str, Any]) -> Said | None:
    """Raises `Wrong`."""
    value = found.get("said")
    try:
        return None if value is None else said_of(parse(value.encode()) if isinstance(value, str) else value)
    except NotSaid as error:
        raise Wrong(error.reason, "said", *([error.member] if error.member != "said" else [])) from None
    except NotJSON as error:
        raise Wrong(f"no JSON: {error.reason}", "said") from None


def _list(value: Any, name: str) -> list[Any]:
    if type(value) is not list:
        raise Wrong("no list", name)
    return value


def _pairs(value: Any) -> list[list[Any]]:
    listed = _list(value, "query")
    if any(type(pair) is not list or len(pair) != _PAIR for pair in listed):
        raise Wrong("no list of pairs: a name and a value", "query")
    return listed


def _one(value: Any, name: str) -> str:
    return _text(octets_of({name: value}, name))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
