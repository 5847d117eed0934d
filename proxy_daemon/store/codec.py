"""Recordings as rows of the store's tables, and back: nothing is lost on the way.

Heads are written as they stand on the wire, so header bytes of any kind survive.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from itertools import chain, product
from typing import Any, Protocol

import orjson
from attrs import asdict, evolve

from proxy_daemon.core.bodies import Body, Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import (
    Delivered,
    Ending,
    Outcome,
    Pieces,
    Recording,
    Request,
    Response,
    ResponseHead,
    Unknown,
)
from proxy_daemon.core.pattern import Pattern
from proxy_daemon.core.said_members import members_of, said_of
from proxy_daemon.core.timing import pace_of
from proxy_daemon.core.upstreams import Upstream

INLINE = 64 * 1024  # octets: a larger body stands in body_part
COLUMNS = (
    "id, started, fingerprint, replayable, pinned, path, model, status, facts, "
    "request_head, request_size, request_body, response_head, response_size, response_body, pieces, session"
)
IMPORTED = "imported"  # in the facts of what came from a file of another tool
SCOPE = "scope"  # in the facts; version 1 wrote none
EDITS = "edits"  # in the facts of what a person has edited
DELIVERED = "delivered"  # in the facts of what the client got otherwise than upstream sent it
PACE = "pace"  # in the facts of what a person wrote with one
CASSETTE = "cassette"  # in the facts of what a cassette was asked for
ASKED = "asked"  # in the facts of imports, and where another upstream than this one answered
_MARKS = f"({', '.join('?' * 17)})"
Row = tuple[Any, ...]


def insert(rows: int) -> str:
    """The statement that inserts so many rows at once."""
    return f"INSERT INTO exchange ({COLUMNS}) VALUES {', '.join([_MARKS] * rows)}"  # noqa: S608  (constants only)


class BodyReader(Protocol):
    """Makes the body of an exchange that stands in parts."""

    def __call__(self, exchange_id: int, side: int, size: int) -> Body:
        """The body. ``side``: 0 request, 1 response, 2 what the client got."""


def to_row(recording: Recording, octets: Callable[[bytes], Any] = bytes) -> Row:
    """The row of `exchange`; bodies over `INLINE` are NULL in it. Raises OSError where a body cannot be read.

    ``octets``: what its octets are given as.
    """
    request, response = recording.request, recording.response
    asked, answered = _inline(request.body), None if response is None else _inline(response.body)
    return (
        recording.id,
        int((recording.imported or recording.started) * 1_000_000),
        octets(recording.fingerprint) if recording.fingerprint else None,
        _answers(recording),
        int(recording.pinned),
        octets(request.path),
        recording.model,
        recording.status,
        octets(to_facts(recording)),
        octets(_request_head(request)),
        request.body.size,
        octets(asked) if asked is not None else None,
        octets(_response_head(response)) if response is not None else None,
        response.body.size if response is not None else 0,
        octets(answered) if answered is not None else None,
        octets(_pieces(response.pieces)) if response is not None else None,
        recording.session,
    )


def from_row(row: Row, parts: BodyReader) -> Recording:
    """The recording of a row of `COLUMNS`. Raises ValueError for a row that this version did not write."""
    if tuple(map(type, row)) not in _TYPES:
        raise ValueError("a row has a value of a wrong type")
    if row[10] < 0 or row[13] < 0:
        raise ValueError("a body has less than no octets")
    facts = _read_facts(row[8])
    request_body = Bytes(row[11]) if row[11] is not None else parts(row[0], 0, row[10])
    return Recording(
        id=row[0],
        fingerprint=row[2] or b"",
        replayable=bool(row[3]),
        pinned=bool(row[4]),
        model=row[6],
        status=row[7],
        session=row[16],
        request=_read_request(row[9], request_body),
        response=_read_response(row, parts),
        delivered=_read_delivered(facts.pop(DELIVERED, None), row[0], parts),
        **_times(row[1] / 1_000_000, facts),
    )


_SMALL = ("client", "detail", "head_time", "duration", "cut", "redacted", "served_from")
_SMALL_TYPES = [str, str, int, int, bool, bool, int]
_PATTERN = ("method", "path", "query", "body", "wild", "whole")
_DELIVERED_TYPES = ((str, int, bool), (str, type(None), bool))
_UPSTREAM_TYPES = [str, str, str, str, int, str]


def _row_types() -> frozenset[tuple[type, ...]]:
    """The types that the values of a row may have: SQLite keeps whatever somebody writes into its file."""
    none: type = type(None)
    request = product(
        (bytes, none), (int,), (int,), (bytes,), (str,), (int,), (bytes,), (bytes,), (int,), (bytes, none)
    )
    response = [*product((bytes,), (int,), (bytes, none), (bytes,)), (none, int, none, none)]
    # In some rows that are read the bodies are empty or missing, and the pieces empty.
    response += [(none, int, bytes, bytes), (none, int, none, bytes)]
    return frozenset((int, int, *first, *second, str) for first in request for second in response)


_TYPES = _row_types()


def to_facts(recording: Recording) -> bytes:
    """The column `facts`: what is seldom there, or never looked for."""
    up = recording.upstream
    facts: dict[str, Any] = {
        "client": recording.client,
        "detail": recording.detail.encode("utf-8", "replace").decode(),
        "head_time": recording.head_time,
        "duration": recording.duration,
        "cut": recording.cut,
        "redacted": recording.redacted,
        "served_from": recording.served_from,
        "upstream": _place(up),
        "ending": recording.ending,
        "outcome": recording.outcome,
        SCOPE: recording.scope.hex(),
    }
    if recording.asked is not None and (recording.imported or (recording.asked is not up and recording.asked != up)):
        facts[ASKED] = _place(recording.asked)
    if recording.pattern is not None:
        facts["pattern"] = _pattern(recording.pattern)
    if recording.written:
        facts["written"] = True
    if recording.pace:
        facts[PACE] = float(recording.pace)
    if recording.cassette:
        facts[CASSETTE] = recording.cassette.encode("utf-8", "replace").decode()
    if recording.edits:
        facts[EDITS] = recording.edits
    if recording.rules:
        facts["rules"] = recording.rules
    if recording.delivered is not None:
        facts[DELIVERED] = _delivered(recording.delivered)
    if recording.imported:
        facts[IMPORTED] = {
            "started": float(recording.started),
            "unknown": sorted(each.name for each in recording.unknown),
        }
    return orjson.dumps(facts)


def _times(row: float, facts: dict[str, Any]) -> dict[str, Any]:
    """The facts with when it began. The limit of age goes by the row's time: when an import came into the store."""
    return facts | ({"imported": row} if "started" in facts else {"started": row})


def _read_imported(told: Any) -> dict[str, Any]:
    """When an import was recorded, and what is not known of it. What only later versions know is left out."""
    started, names = told["started"], told["unknown"]
    if type(started) is not float or type(names) is not list:
        raise ValueError("a fact has a wrong type")
    return {"started": started, "unknown": frozenset(each for each in Unknown if each.name in names)}


def _read_facts(data: bytes) -> dict[str, Any]:
    """The fields of a recording that stand in its facts."""
    try:
        facts = orjson.loads(data)
        small = {name: facts[name] for name in _SMALL}
        if [*map(type, small.values())] != _SMALL_TYPES:
            raise ValueError("a fact has a wrong type")
        rest: dict[str, Any] = {"ending": Ending(facts["ending"]), "outcome": Outcome(facts["outcome"])}
        rest["upstream"] = _read_place(facts["upstream"])
        if ASKED in facts:
            rest["asked"] = _read_place(facts[ASKED])
        if IMPORTED in facts:
            rest |= _read_imported(facts[IMPORTED])
        rest |= _read_answering(facts)
        rest |= {"rules": _read_rules(facts.get("rules", [])), DELIVERED: facts.get(DELIVERED)}
    except (KeyError, TypeError) as error:
        raise ValueError(f"a fact is missing: {error}") from error
    return small | rest


def _read_rules(names: Any) -> tuple[str, ...]:
    if type(names) is not list or not all(type(name) is str for name in names):
        raise ValueError("a fact has a wrong type")
    return tuple(names)


def _delivered(delivered: Delivered) -> list[Any]:
    """Its head as that of a response, and how long its body is; the octets stand in parts."""
    head, body = delivered.head, delivered.body
    return [_response_head(Response(head)).decode("latin-1"), None if body is None else body.size, delivered.cut]


def _read_delivered(members: Any, exchange_id: int, parts: BodyReader) -> Delivered | None:
    if members is None:
        return None
    if type(members) is not list or tuple(map(type, members)) not in _DELIVERED_TYPES or (members[1] or 0) < 0:
        raise ValueError("a fact has a wrong type")
    head, size, cut = members
    body = None if size is None else parts(exchange_id, 2, size)
    return Delivered(_read_head(head.encode("latin-1", "replace")), body, cut)


def _place(upstream: Upstream) -> tuple[Any, ...]:
    return (upstream.name, upstream.url, upstream.scheme, upstream.host, upstream.port, upstream.base_path)


def _read_place(members: Any) -> Upstream:
    if [*map(type, members)] != _UPSTREAM_TYPES:
        raise ValueError("a fact has a wrong type")
    return Upstream(*members)


def _answers(recording: Recording) -> int:
    """0: nothing; 1: its own request; 2: more."""
    more = recording.pattern is not None or recording.written
    return int(recording.replayable) * (2 if more else 1)


def _pattern(pattern: Pattern) -> dict[str, Any]:
    """Its members as JSON. A body that is no UTF-8 is no JSON: it stands in octets."""
    members = asdict(evolve(pattern, said=None))
    members["body"] = pattern.body.decode("latin-1")
    del members["said"]
    return members if pattern.said is None else members | {"said": members_of(pattern.said)}


def _read_answering(facts: dict[str, Any]) -> dict[str, Any]:
    """Whose it is, and what it answers besides its own request. Raises ValueError, and TypeError."""
    scope, written, edits = facts.get(SCOPE, ""), facts.get("written", False), facts.get(EDITS, 0)
    cassette = facts.get(CASSETTE, "")
    if (type(scope), type(written), type(edits), type(cassette)) != (str, bool, int, str):
        raise ValueError("a fact has a wrong type")
    found: dict[str, Any] = {"scope": bytes.fromhex(scope), "written": written, EDITS: edits, CASSETTE: cassette}
    if PACE in facts:
        found[PACE] = pace_of(facts[PACE])
    return found | {"pattern": _read_pattern(facts["pattern"])} if "pattern" in facts else found


def _read_pattern(members: Any) -> Pattern:
    method, path, query, body, wild, whole = (members[each] for each in _PATTERN)
    flags = {name: members.get(name, False) for name in ("alone", "leading")}
    texts = [method, path, body, *wild, *chain.from_iterable(query)]
    if not all(type(each) is str for each in texts) or {type(whole), *map(type, flags.values())} != {bool}:
        raise ValueError("a pattern has a value of a wrong type")
    if any(type(pair) is not list or len(pair) != 2 for pair in query):  # noqa: PLR2004  (a name and a value)
        raise ValueError("a pattern's query has no pairs")
    pairs = tuple((name, value) for name, value in query)
    said = members.get("said")
    what = None if said is None else said_of(said)
    return Pattern(method, path, pairs, body.encode("latin-1"), tuple(wild), whole, what, **flags)


def _inline(body: Body) -> bytes | None:
    if body.size > INLINE:
        return None
    data = body.read(0, INLINE)
    if len(data) != body.size:
        raise OSError(f"{body.size - len(data)} octets of a body are missing")
    return data


def _read_lines(data: bytes) -> Headers:
    pairs = []
    for line in data.split(b"\r\n"):
        if line:
            name, _, value = line.partition(b": ")
            pairs.append((name, value))
    return Headers(pairs)


def _request_head(request: Request) -> bytes:
    return b"%b %b\r\n%b" % (request.method, request.target, request.headers.lines)


def _read_request(head: bytes, body: Body) -> Request:
    first, _, rest = head.partition(b"\r\n")
    method, _, target = first.partition(b" ")
    return Request(method, target, _read_lines(rest), body)


def _response_head(response: Response) -> bytes:
    """Status line and fields; trailers behind an empty line."""
    head = b"%d %b\r\n%b" % (response.head.status, response.head.reason, response.head.headers.lines)
    return head + b"\r\n" + response.trailers.lines if response.trailers.pairs else head


def _read_response(row: Row, parts: BodyReader) -> Response | None:
    if row[12] is None:
        return None
    head, _, trailers = row[12].partition(b"\r\n\r\n")
    body = Bytes(row[14]) if row[14] is not None else parts(row[0], 1, row[13])
    return Response(_read_head(head), body, _read_pieces(row[15]), _read_lines(trailers))


def _read_head(data: bytes) -> ResponseHead:
    first, _, fields = data.partition(b"\r\n")
    status, _, reason = first.partition(b" ")
    return ResponseHead(int(status), reason, _read_lines(fields))


def _pieces(pieces: Pieces) -> bytes:
    """Sizes, then times, eight octets each, the machine's order (a store does not leave its machine)."""
    return pieces.sizes.tobytes() + pieces.times.tobytes()


def _read_pieces(data: bytes | None) -> Pieces:
    both = array("Q", data or b"")
    half, odd = divmod(len(both), 2)
    if odd:
        raise ValueError("a piece has no time")
    return Pieces(both[:half], both[half:])
