"""What our own HAR says beyond HAR: the member `_llmproxy` of an entry, written and read.

Invariant: what is read from it was checked: a file that somebody edited, or made up, gives a recording that holds
together. HAR 1.2 lets each tool add members whose names begin with an underscore. Called by `har/writing.py` and
`har.py`.
"""

from __future__ import annotations

from array import array
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from attrs import evolve

from proxy_daemon.core.cassettes.addresses import NOWHERE
from proxy_daemon.core.cassettes.fields import Broken, base64_octets, fields
from proxy_daemon.core.cassettes.wire_octets import true_fields
from proxy_daemon.core.headers import Headers, Pair
from proxy_daemon.core.messages import Ending, Pieces, Recording, Response, Unknown

OWN = "_llmproxy"
BASE64 = "_base64"  # of octets that are no text in UTF-8: of a field's value, or of a request's body
NO_HOST = "http://unknown.invalid"  # RFC 6761 section 6.4: a name of nobody; HAR wants absolute URLs
_LATEST = 1 << 62  # microseconds


def own_member(recording: Recording, pieces: Pieces, trailers: Sequence[Any], unknown: Sequence[Unknown]) -> Any:
    """``pieces``: of the body as it is written; ``unknown``: what of the recording, as it is written, is not known."""
    found: dict[str, Any] = {"unknown": [each.name for each in unknown]}
    if recording.ending is not Ending.COMPLETE:
        found |= {"ending": recording.ending.name, "detail": recording.detail.encode("utf-8", "replace").decode()}
    if recording.cut:
        found["cut"] = True
    if pieces.sizes:
        found["pieces"] = {"sizes": [*pieces.sizes], "times": [*pieces.times]}
    return found | ({"trailers": trailers} if trailers else {})


def is_own(entry: dict[str, Any]) -> bool:
    """Whether it is an entry that llmproxy wrote."""
    return isinstance(entry.get(OWN), dict)


def octet_fields(given: Any) -> Any:
    """Header fields of a HAR with the octets of those that are no text. Raises `Broken`."""
    if not isinstance(given, list):
        return given
    return [_octet_field(each) if isinstance(each, dict) and BASE64 in each else each for each in given]


def _octet_field(given: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"name": given.get("name"), "value": base64_octets(given[BASE64])}
    except (ValueError, TypeError):
        raise Broken("a header field that is not base64") from None


def _wait(entry: dict[str, Any]) -> int:
    """When the answer began: we write no other times before it."""
    wait = entry["timings"].get("wait") if isinstance(entry.get("timings"), dict) else None
    is_number = isinstance(wait, int | float) and not isinstance(wait, bool) and 0 <= wait < _LATEST
    return round(wait * 1000) if is_number and wait is not None else 0


def restored(found: Recording, entry: dict[str, Any]) -> Recording:
    """A recording as HAR tells it, with what our own member adds. Raises `Broken`."""
    own = entry[OWN]
    unknown = _unknown(own.get("unknown"))
    found = evolve(
        found,
        upstream=NOWHERE if Unknown.HOST in unknown else found.upstream,
        response=_answer(found, entry),
        ending=_ending(own.get("ending")),
        detail=own["detail"] if isinstance(own.get("detail"), str) else "",
        cut=found.cut or own.get("cut") is True,
        head_time=_wait(entry),
        started=0.0 if Unknown.TIME in unknown else found.started,
        unknown=unknown,
    )
    return _in_pieces(found, own.get("pieces"))


def _unknown(given: Any) -> frozenset[Unknown]:
    if not isinstance(given, list) or not all(isinstance(name, str) and name in Unknown.__members__ for name in given):
        raise Broken("what llmproxy says of it names unknown parts that are none")
    return frozenset(Unknown[name] for name in given)


def _ending(given: Any) -> Ending:
    if given is None:
        return Ending.COMPLETE
    if not isinstance(given, str) or given not in Ending.__members__:
        raise Broken("what llmproxy says of it names an ending that is none")
    return Ending[given]


def _answer(found: Recording, entry: dict[str, Any]) -> Response | None:
    """With the fields as they stand in the file: no type is guessed. None where no answer came."""
    response = found.response
    if response is None:
        return None
    given = fields(octet_fields(entry["response"].get("headers")))
    data = response.body.whole() or b""
    headers, _ = true_fields(given, data, bodiless=found.request.method == b"HEAD")
    head = evolve(response.head, headers=headers)
    return evolve(response, head=head, trailers=fields(octet_fields(entry[OWN].get("trailers"))))


def _in_pieces(found: Recording, given: Any) -> Recording:
    """The pieces where they are those of the body; else they are not known: somebody edited it."""
    if found.response is None:
        return found
    sizes, times = _numbers(given, "sizes"), _numbers(given, "times")
    if sizes and sum(sizes) == found.response.body.size and len(times) in (0, len(sizes)):
        return evolve(found, response=evolve(found.response, pieces=Pieces(array("Q", sizes), array("Q", times))))
    lost = {Unknown.PIECES} if found.response.body.size else set()
    return evolve(found, unknown=found.unknown | lost)


def _numbers(given: Any, name: str) -> list[int]:
    listed = given.get(name) if isinstance(given, dict) else None
    if not isinstance(listed, list) or not all(type(each) is int and 0 <= each < _LATEST for each in listed):
        return []
    return listed


def said_fields(pairs: Sequence[Pair] | Headers) -> list[dict[str, str]]:
    """Header fields as HAR has them; octets that are no text stand in a member of our own."""
    return [_said_field(*pair) for pair in (pairs.pairs if isinstance(pairs, Headers) else pairs)]


def _said_field(name: bytes, value: bytes) -> dict[str, str]:
    said = {"name": name.decode("latin-1"), "value": value.decode("utf-8", "replace")}
    return said if value.isascii() or said["value"].encode() == value else said | {BASE64: b64encode(value).decode()}
