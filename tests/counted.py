"""What counts of a request, by a second and slower rule than the one under test: for comparing over real traffic."""

import json
from decimal import Context, Decimal
from urllib.parse import parse_qsl, unquote

from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.matching.counting.free import FREE, FREE_AT_TOP
from proxy_daemon.core.matching.counting.rules import TEXTS
from proxy_daemon.core.wire.multipart import boundary_of, normalised

READER = json.JSONDecoder(parse_float=Decimal, parse_int=Decimal)
EXACT = Context(prec=10_000)


def counted(host, request):
    """A value that is equal for requests that are the same."""
    dialect = recognise(request, BUILT_IN)
    path, _, query = request.target.decode("latin-1").partition("?")
    segments = [unquote(segment, "latin-1") for segment in path.split("/")]
    pairs = sorted(parse_qsl(query, keep_blank_values=True, encoding="latin-1"), key=lambda pair: pair[0])
    fields = {
        name: sorted(member.strip() for value in request.headers.all(name) for member in value.split(b","))
        for name in dialect.deciding_fields
        if name in request.headers
    }
    said = (host, request.method, segments, pairs, fields, dialect.name, dialect.streams(request))
    return repr((said, _body(request, dialect)))


def _body(request, dialect):
    data = request.body.data
    if boundary := boundary_of(request.headers.get(b"content-type")):
        return normalised(data, boundary)
    if request.headers.get(b"content-type").startswith(b"application/x-www-form-urlencoded"):
        return parse_qsl(data.decode("latin-1"), keep_blank_values=True)
    try:
        return Counted(dialect).of(READER.decode(data.decode())) if data[:1] in (b"{", b"[") else data
    except ValueError:
        return data


def _split(paths):
    return {tuple(path.split(".")) for path in paths}


class Counted:
    """One body's. Members are looked at in the order of their names, which numbers the ids."""

    def __init__(self, dialect):
        self.dropped = _split((*dialect.volatile, *dialect.opaque))
        self.ids, self.own, self.texts = _split(dialect.ids), _split(dialect.own_ids), _split(TEXTS)
        self.numbers = {}

    def of(self, value, path=(), free=False):
        if isinstance(value, Decimal):
            return "0" if value == 0 else str(EXACT.normalize(value))
        if isinstance(value, list):
            return self._list(value, path, free)
        return self._object(value, path, free) if isinstance(value, dict) else repr(value)

    def _list(self, value, path, free):
        found = [self.of(each, (*path, "*"), free) for each in value]
        if path in self.texts and len(found) == 1 and isinstance(found[0], dict):
            block = found[0]
            if sorted(block) == ["text", "type"] and block["type"] in ("'text'", "'input_text'"):
                return block["text"]
        return found

    def _object(self, value, path, free):
        found = {}
        for name in sorted(value):
            place, member = (*path, name), value[name]
            if free or not self._goes(value, place):
                found[name] = self._member(value, place, member, free)
        if free:
            return found
        found = {name: each for name, each in found.items() if each not in ("None", []) or name.startswith("allowed")}
        found = {name: each for name, each in found.items() if each != "None"}
        solid = {name: each for name, each in found.items() if each != {}}
        return found if path and (path[-1] == "*" or not solid) else solid

    def _goes(self, item, place):
        if place in self.own:
            says = item.get("type") != "item_reference" and any(
                name not in ("type", "id", "status") and item[name] is not None for name in item
            )
            return says and item.get("type") != "mcp_approval_request"
        return place in self.dropped

    def _member(self, item, place, member, free):
        renames = place in self.ids or (place in self.own and item.get("type") == "mcp_approval_request")
        if not free and renames and isinstance(member, str) and member:
            return ("id", self.numbers.setdefault(member, len(self.numbers)))
        names = FREE_AT_TOP if len(place) == 1 else FREE
        return self.of(member, place, free or place[-1] in names)
