"""Writes vcrpy's cassettes of version 1 in YAML, which vcrpy and pytest-recording replay.

Invariant: bodies are those of the wire, still in their content coding, as vcrpy keeps them: its stubs hand them to the
client as they are, with the fields that say the coding. An answer that is not whole is not written: vcrpy would replay
it as whole. Source: vcrpy 9.4.2, `serialize.py`, `serializers/yamlserializer.py`, `stubs/`. Called as one of
`writers.py`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import yaml

from proxy_daemon.core.cassettes.foreign_text import TIMES, TRAILERS, CannotSay, WrittenEntry, answer_of, left_out
from proxy_daemon.core.cassettes.whole_exchange import (
    NOT_OWN,
    NOT_OWN_PARTS,
    PIECES,
    SHARED,
    Address,
    Fields,
    address,
    check,
    fields,
    octets,
    only_ours,
    text_of,
    told,
)
from proxy_daemon.core.headers import Pair
from proxy_daemon.core.messages import Recording, Response, Unknown

DURATION = "how long it took"
REASON = "the words beside the status"
FIELD_ORDER = "the order of header fields of which one stands there repeatedly"
BEYOND_ASCII = "header fields beyond ASCII to other clients than httpx: vcrpy replays them to it alone"
NO_BODY = "that the request's body is not known: it is written as none"
LOSSES = (TIMES, TRAILERS, DURATION, PIECES, REASON, FIELD_ORDER, BEYOND_ASCII, NO_BODY, NOT_OWN, *SHARED)

_EARLIEST, _LATEST = 0.0, 253402300799.0  # the years that ISO 8601 has four digits for


class VcrpyWriter:
    """The format."""

    name = "vcrpy"
    suffix = ".yaml"
    single = False
    head = b"interactions:\n"
    between = b""
    tail = b"version: 1\n"
    empty = b"interactions: []\nversion: 1\n"

    def entry(self, recording: Recording) -> WrittenEntry:
        """One interaction, an item of the list. Raises OSError where a body cannot be read."""
        try:
            check(recording)
            response = answer_of(recording)
        except CannotSay as error:
            return left_out(error)
        where = address(recording)
        sent, got = octets(recording.request.body), octets(response.body)
        asked = fields(recording.request.headers, len(sent))
        said = fields(response.head.headers, len(got), bodiless=recording.request.method == b"HEAD")
        interaction = {
            "request": _request(recording, where, asked, sent),
            "response": _response(response, said, got),
            **_moment(recording),
        }
        losses = [*where.losses, *asked.losses, *said.losses, *_lost(recording, response, asked, said)]
        return WrittenEntry(_dumped([interaction]), [*dict.fromkeys(losses), *only_ours(recording)])


def _request(recording: Recording, where: Address, asked: Fields, data: bytes) -> dict[str, Any]:
    """As `Request._to_dict` has it."""
    method = recording.request.method.decode()
    return {"body": _text(data), "headers": _mapping(asked), "method": method, "uri": where.url}


def _response(response: Response, said: Fields, data: bytes) -> dict[str, Any]:
    """As `_serialize_response` of vcrpy's stubs for httpx has it."""
    reason = _reason(response)
    return {
        "body": {"string": _text(data)},
        "headers": _mapping(said),
        "status": {"code": response.head.status, "message": reason},
    }


def _reason(response: Response) -> str:
    """None of it where it is beyond ASCII: httpx would refuse to serve it."""
    reason = response.head.reason
    return reason.decode() if reason.isascii() and reason.decode().isprintable() else ""


def _mapping(given: Fields) -> dict[str, list[str | bytes]]:
    found: dict[str, list[str | bytes]] = {}
    for name, value in given.pairs:
        found.setdefault(name.decode(), []).append(value.decode() if value.isascii() else value)
    return found


def _moment(recording: Recording) -> dict[str, str]:
    """When it was recorded: vcrpy passes over this member; Ruby's VCR has one of the same name."""
    if Unknown.TIME in recording.unknown or not _EARLIEST < recording.started < _LATEST:
        return {}
    return {"recorded_at": datetime.fromtimestamp(recording.started, UTC).isoformat()}


def _lost(recording: Recording, response: Response, asked: Fields, said: Fields) -> list[str]:
    sizes, times = response.pieces.sizes, response.pieces.times
    facts = {
        TRAILERS: bool(response.trailers.pairs),
        DURATION: bool(recording.duration or recording.head_time),
        PIECES: len(sizes) > 1,
        TIMES: len(sizes) > 1 and any(times),
        REASON: _reason(response).encode() != response.head.reason,
        FIELD_ORDER: not (_is_in_order(asked) and _is_in_order(said)),
        BEYOND_ASCII: not all(value.isascii() for _, value in said.pairs),
        NO_BODY: Unknown.REQUEST_BODY in recording.unknown,
        NOT_OWN: not recording.unknown.isdisjoint(NOT_OWN_PARTS),
    }
    return told(facts)


def _is_in_order(given: Fields) -> bool:
    """Whether the mapping that it becomes gives the same order."""
    names = [name for name, _ in given.pairs]
    places: dict[bytes, int] = {}
    ordered: list[Pair] = sorted(given.pairs, key=lambda pair: places.setdefault(pair[0], len(places)))
    return [name for name, _ in ordered] == names


# --- YAML ------------------------------------------------------------------------------------------------------------


class _Dumper(yaml.CSafeDumper):  # type: ignore[misc]  # PyYAML has no types
    """Says each value where it stands: no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(data: bytes) -> str | bytes:
    """As vcrpy has bodies: text where they are UTF-8, else octets."""
    text = text_of(data)
    return data if text is None else text


def _dumped(value: Any) -> bytes:
    """As vcrpy writes it, with letters as they are; by libyaml, which is ten times as fast."""
    dumped: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return dumped.encode()
