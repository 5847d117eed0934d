"""What two recordings say differently: prompts, tools, parameters, answers; a line for each place.

Requests that one recording answers, by the rules of matching, do not differ; of answers what a server makes anew each
time does not count. Whoever wants all of it says so. Invariant: two recordings of which nothing is told say the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import field, frozen

from proxy_daemon.core.bodies import Body, chunks
from proxy_daemon.core.cassettes.llmproxy.checking import recorded
from proxy_daemon.core.cassettes.llmproxy.told import part, told
from proxy_daemon.core.comparing.side import Side
from proxy_daemon.core.dialects.json_shapes import parsed
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.nearness.difference import differing, sides
from proxy_daemon.core.matching.nearness.subject import PROMPTS, TOOLS
from proxy_daemon.core.messages import JSON_LIMIT, Recording, Request, Response

REQUEST, PROMPT, TOOL, PARAMETER, ANSWER, HEADER = "request", "prompt", "tool", "parameter", "answer", "header"
COMPARED_SIZE = 4 * 1024 * 1024  # octets of a body that is compared by its values
_SEGMENTS = re.compile(r"[.\[\]]+")
_NEST = 3  # names of a path of which one may say what it is: `input.messages`, `toolConfig.tools`
_MADE_ANEW = frozenset(("id", "created", "created_at", "request_id", "system_fingerprint", "usage", "timings"))
_SIZES = frozenset(("vector", "media", "other"))  # see told.py
_NOT_SAID = frozenset(("usage", "id", "opaque"))
Triple = tuple[str, Any, Any]


@frozen
class Line:
    """``old`` and ``new``: for people, as JSON, cut to what differs; "<absent>" where one side has nothing there.

    ``values``: both as they are, where they are known.
    """

    section: str
    path: str
    old: str
    new: str
    values: tuple[Any, Any] = field(default=(None, None), eq=False, repr=False)


def lines(one: Side, other: Side, *, everything: bool = False) -> Iterator[Line]:
    """All that differs. Raises OSError where a body is gone, and what a plugin's dialect raises."""
    old, new = one.recording, other.recording
    if everything or not one.fingerprint or one.fingerprint != other.fingerprint:
        yield from _request(one, other)
    yield from _made(ANSWER, _triples(_ended(old), _ended(new)))
    yield from _answer(one, other, everything=everything)
    if everything:
        yield from _made(HEADER, _triples(_fields(old.request.headers), _fields(new.request.headers)))
        heads = [_fields(each.response.head.headers) if each.response else {} for each in (old, new)]
        yield from _made(HEADER, _triples({"answer": heads[0]}, {"answer": heads[1]}))


def _made(section: str, triples: Iterator[Triple]) -> Iterator[Line]:
    for path, old, new in triples:
        yield Line(section or _section(path), path, *sides(old, new), (old, new))


def _triples(old: Any, new: Any) -> Iterator[Triple]:
    return differing(old, new)


def _section(path: str) -> str:
    """By the names that APIs give their members."""
    names = set(_SEGMENTS.split(path, _NEST)[:_NEST])
    return TOOL if names & TOOLS else PROMPT if names & PROMPTS else PARAMETER


# --- requests --------------------------------------------------------------------------------------------------------


def _request(one: Side, other: Side) -> Iterator[Line]:
    old, new = one.recording.request, other.recording.request
    heads = [
        {"method": _text(each.method), "path": _text(each.path), "query": _text(each.query)} for each in (old, new)
    ]
    yield from _made(REQUEST, _triples(*heads))
    if one.dialect is not other.dialect:
        yield from _made("", _triples(_conversation(one), _conversation(other)))
    elif _is_json(old) and _is_json(new):
        yield from _json(old, new)
    else:
        yield from _octets(REQUEST, old.body, new.body)


def _json(old: Request, new: Request) -> Iterator[Line]:
    found = False
    for line in _made("", _triples(old.json, new.json)):
        found = True
        yield line
    if not found and old.body.whole() != new.body.whole():
        yield Line(REQUEST, "body", "the same values", "but numbers or keys are written differently, or far inside")


def _is_json(request: Request) -> bool:
    return request.body.size <= COMPARED_SIZE and request.json is not None


def _conversation(side: Side) -> dict[str, Any]:
    """What is asked, whatever the API."""
    found = side.dialect.conversation(side.recording.request)
    return {
        "model": side.dialect.model(side.recording.request),
        "messages": [
            {"role": each.role, "parts": _plain([part(one) for one in each.parts])} for each in found.messages
        ],
        "tools": [{"name": one.name, "description": one.description, "schema": one.schema} for one in found.tools],
    }


# --- answers ---------------------------------------------------------------------------------------------------------


def _ended(recording: Recording) -> dict[str, Any]:
    return {"status": recording.status, "ending": recording.ending.value, "cut": recording.cut}


def _answer(one: Side, other: Side, *, everything: bool) -> Iterator[Line]:
    said = [_plain(told(recorded(each.recording, each.dialect)), everything=everything) for each in (one, other)]
    found = list(_made(ANSWER, _triples(*said))) if all(said) else []
    yield from found
    if not found and (not all(said) or any(map(_is_opaque, said))):
        yield from _bodies(one.recording.response, other.recording.response, everything=everything)


def _bodies(old: Response | None, new: Response | None, *, everything: bool) -> Iterator[Line]:
    """By their values where they are JSON, else by their octets."""
    if old is None or new is None:
        sizes = [{"body": None if each is None else f"{each.body.size} octets"} for each in (old, new)]
        yield from _made(ANSWER, _triples(*sizes))
        return
    values = [_value(each.body, everything=everything) for each in (old, new)]
    if all(each is not None for each in values):
        yield from _made(ANSWER, _triples(*values))
    else:
        yield from _octets(ANSWER, old.body, new.body)


def _is_opaque(said: Any) -> bool:
    """Whether something is told by its size only."""
    if isinstance(said, dict):
        counted = not _SIZES.isdisjoint(said) or isinstance(said.get("choices"), str)
        return counted or any(map(_is_opaque, said.values()))
    return isinstance(said, list) and any(map(_is_opaque, said))


def _plain(value: Any, *, everything: bool = True) -> Any:
    """Without what is made anew for each answer; arguments as the values that they are."""
    if isinstance(value, dict):
        kept = {name: each for name, each in value.items() if everything or name not in _NOT_SAID}
        return {name: _plain(_arguments(name, each), everything=everything) for name, each in kept.items()}
    if isinstance(value, list):
        return [_plain(each, everything=everything) for each in value]
    return str(value) if isinstance(value, str) else value


def _arguments(name: str, value: Any) -> Any:
    found = parsed(value) if name == "arguments" and isinstance(value, str) else None
    return value if found is None else found


def _value(body: Body, *, everything: bool) -> Any:
    """A body that no dialect reads, as a value; None where it is no JSON."""
    if body.size > min(JSON_LIMIT, COMPARED_SIZE) or body.read(0, 1) not in (b"{", b"["):
        return None
    found = parsed(b"".join(chunks(body)))
    if isinstance(found, dict) and not everything:
        return {name: each for name, each in found.items() if name not in _MADE_ANEW}
    return found


# --- octets ----------------------------------------------------------------------------------------------------------


def _octets(section: str, old: Body, new: Body) -> Iterator[Line]:
    at = place = 0
    for one, other in zip(_parts(old), _parts(new), strict=False):
        if one != other:
            place = next(
                (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
            )
            break
        at += len(one)
    else:
        if old.size == new.size:
            return
    yield Line(section, f"body, from octet {at + place} on", f"{old.size} octets", f"{new.size} octets")


def _parts(body: Body) -> Iterator[bytes]:
    """All of it in pieces of one size."""
    for at in range(0, body.size, 65536):
        part = b""
        while len(part) < min(65536, body.size - at):
            part += body.read(at + len(part), 65536 - len(part))
        yield part


def _fields(headers: Headers) -> Mapping[str, Any]:
    found: dict[str, list[str]] = {}
    for name, value in headers.pairs:
        found.setdefault(_text(name).lower(), []).append(_text(value))
    return found


def _text(octets: bytes) -> str:
    return octets.decode("latin-1")
