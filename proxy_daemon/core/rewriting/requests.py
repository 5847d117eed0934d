"""What a rule does with a request: model names, fields of its JSON, header fields, its path.

Invariant: a request goes on either with all that the rule asks of a part of it, or with that part as it came and a
problem said. Octets that no rule names stay. Pure: values in, values out. Called by `ruleset.py`.
"""

from __future__ import annotations

from attrs import evolve, frozen

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.messages import JSON_LIMIT, Request
from proxy_daemon.core.rewriting.field_edits import FieldEdits, TooMany
from proxy_daemon.core.rewriting.header_edits import HeaderEdits
from proxy_daemon.core.rewriting.paths import Models, NoPath, PathExpression, Prefix, with_model
from proxy_daemon.core.splice.edits import octets_of
from proxy_daemon.core.wire.coding import CodingError, decoder_for
from proxy_daemon.core.wire.json_text import NotJSON

_CODED = (b"content-encoding",)
_MODEL_FIELD = ("model",)


class Left(ValueError):
    """A part of the request that stays as it came; the sentence says why."""


@frozen
class RequestEdits:
    """What is to be done, in this order; None: nothing."""

    model: Models | None = None
    fields: FieldEdits | None = None
    headers: HeaderEdits | None = None
    path: Prefix | PathExpression | None = None

    def may_change(self, request: Request, dialect: Dialect) -> bool:
        """Whether `applied` may change it, or say a problem: no where it maps just models that it does not ask for."""
        if self.model is None or self.fields is not None or self.headers is not None or self.path is not None:
            return True
        asked = dialect.model(request)
        return bool(asked and self.model.named(asked))

    def applied(self, request: Request, dialect: Dialect) -> tuple[Request, list[str]]:
        """(The request that goes on, the same object where nothing is to change; problems). Raises nothing."""
        problems: list[str] = []
        for step in (self._modelled, self._fielded, self._headed, self._mapped):
            try:
                request = step(request, dialect)
            except (Left, NotJSON, TooMany, NoPath) as error:
                problems.append(f"left as it came: {error}")
        return request, problems

    def _modelled(self, request: Request, dialect: Dialect) -> Request:
        if self.model is None:
            return request
        asked = dialect.model(request)
        new = self.model.named(asked) if asked else ""
        return _with_model(request, dialect, asked, new) if new else request

    def _fielded(self, request: Request, _: Dialect) -> Request:
        return request if self.fields is None else _edited(request, self.fields)

    def _headed(self, request: Request, _: Dialect) -> Request:
        if self.headers is None:
            return request
        headers = self.headers.edited(request.headers)
        return request if headers is request.headers else evolve(request, headers=headers)

    def _mapped(self, request: Request, _: Dialect) -> Request:
        return request if self.path is None else _at(request, self.path.mapped(request.path))


def _with_model(request: Request, dialect: Dialect, asked: str, new: str) -> Request:
    """The model in the path, in the body, or in both. Raises `Left` where it stands somewhere else."""
    mapped = _at(request, with_model(request.path, asked, new))
    if mapped.body_field("model") == asked:
        mapped = _edited(mapped, FieldEdits(set=((_MODEL_FIELD, octets_of(new)),)))
    if dialect.model(mapped) != new:
        raise Left(f"it is not known where the model {asked[:100]!r} stands in the request")
    return mapped


def _at(request: Request, path: bytes) -> Request:
    """With that path; the query stays."""
    if path == request.path:
        return request
    return evolve(request, target=path + request.target[len(request.path) :])


def _edited(request: Request, fields: FieldEdits) -> Request:
    """With changed fields. A coded body is sent uncoded, where it changes. Raises `Left`, `NotJSON` and `TooMany`."""
    octets = _plain(request)
    if not octets:
        return request
    edited = fields.edited(octets)
    if edited == octets:
        return request
    return evolve(request, body=Bytes(edited), headers=request.headers.without(_CODED))


def _plain(request: Request) -> bytes:
    codings = b",".join(request.headers.all(b"content-encoding"))
    octets = request.body.whole()
    if octets is None or len(octets) > JSON_LIMIT:
        raise Left(f"the body has {request.body.size} octets, and {JSON_LIMIT} are the most that are edited")
    if not codings:
        return octets
    try:
        decoder = decoder_for(codings, limit=JSON_LIMIT)
        octets = decoder.piece(octets)
        decoder.end()
    except CodingError as error:
        raise Left(f"the body cannot be decoded: {error}") from None
    return octets
