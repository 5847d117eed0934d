"""All rules of a daemon, in their order, and which of them are for a request.

Invariant: what holds for a request is decided once, before anything is changed, by the request as the client sent it.
Made by `reading.py` and `settings/rewriting.py`; asked by the plugin that rewrites and by `llmproxy rewrite`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from attrs import field, frozen

from proxy_daemon.core.dialects.dialect import LONGEST_KNOWN, Dialect
from proxy_daemon.core.lazy import lazy
from proxy_daemon.core.matching.kept import Kept
from proxy_daemon.core.messages import Request
from proxy_daemon.core.rewriting.conditions import Conditions, may_meet
from proxy_daemon.core.rewriting.conflicts import conflicts
from proxy_daemon.core.rewriting.field_edits import dotted
from proxy_daemon.core.rewriting.looking import Looks, looks_of
from proxy_daemon.core.rewriting.requests import RequestEdits
from proxy_daemon.core.rewriting.responses import ResponseEdits
from proxy_daemon.core.rewriting.rules import TextRule

_Place = tuple[bytes, bytes, str, str]
MOST_KNOWN = 1024  # places whose rules are remembered
MOST_MODELS = 64  # at each, whose rules are
MEMORY, LONGEST_JUDGED = 2 * 1024 * 1024, 64 * 1024  # octets of requests that are remembered: of all, of one body
Act = RequestEdits | ResponseEdits | TextRule
_EDITS = (RequestEdits, ResponseEdits)


@frozen
class Rule:
    """``place``: where it stands, for error lines: a file and a line, or the name of ready rules."""

    name: str
    when: Conditions
    act: Act
    place: str = field(default="", eq=False)


@frozen(slots=False)
class Chosen:
    """The rules that are for one request, by what they change."""

    requests: tuple[Rule, ...] = ()
    responses: tuple[Rule, ...] = ()
    texts: tuple[TextRule, ...] = ()

    @property
    def shapes_answers(self) -> bool:
        """Whether any of them may change the answer."""
        return bool(self.responses or self.texts)

    def may_change(self, request: Request, dialect: Dialect) -> bool:
        """Whether any of them may change the request."""
        return any(rule.act.may_change(request, dialect) for rule in self.requests)  # type: ignore[union-attr]

    @lazy
    def looks(self) -> Looks | None:
        """How to look for what the rules for texts change: see `looks_of`."""
        return looks_of(self.texts)


NOTHING = Chosen()


@frozen
class _Near:
    """Rules for one place. ``by_header``, ``by_model``: that decides too; ``by_models``: what was decided by model."""

    rules: tuple[Rule, ...]
    by_header: bool
    by_model: bool
    by_models: dict[str, Chosen] = field(factory=dict, eq=False)

    @classmethod
    def of(cls, rules: Sequence[Rule]) -> _Near:
        """What they ask for."""
        conditions = [rule.when for rule in rules]
        return cls(tuple(rules), any(each.header for each in conditions), any(each.model for each in conditions))


@frozen
class RuleSet:
    """``rules`` in the order in which they are used."""

    rules: tuple[Rule, ...] = ()
    _known: dict[_Place, _Near] = field(init=False, factory=dict, eq=False, repr=False)
    _parts: dict[tuple[int, ...], Chosen] = field(init=False, factory=dict, eq=False, repr=False)
    _judged: Kept = field(init=False, factory=lambda: Kept(MEMORY, second=True), eq=False, repr=False)

    def judged(self, request: Request, dialect: Dialect, upstream: str) -> tuple[Chosen, bool]:
        """`chosen`, and whether any of these may change the request.

        Requests that are replayed come again octet for octet: of the last ones it is remembered.
        """
        data = request.body.whole()
        if data is None or len(data) > LONGEST_JUDGED:
            return self._judge(request, dialect, upstream)
        said = (request.method, request.target, request.headers, dialect.name, upstream)
        found: tuple[Chosen, bool] = self._judged.of(data, (said, b""), lambda: self._judge(request, dialect, upstream))
        return found

    def _judge(self, request: Request, dialect: Dialect, upstream: str) -> tuple[Chosen, bool]:
        chosen = self.chosen(request, dialect, upstream)
        return chosen, chosen.may_change(request, dialect)

    def chosen(self, request: Request, dialect: Dialect, upstream: str) -> Chosen:
        """Those that are for this request. `NOTHING` where none is."""
        near = self._near(request, dialect, upstream)
        if not near.rules:
            return NOTHING
        model = dialect.model(request) if near.by_model else ""
        chosen = None if near.by_header else near.by_models.get(model)
        if chosen is None:
            chosen = self._parted([rule for rule in near.rules if rule.when.hold_within(request, dialect)])
            if not near.by_header and len(model) <= LONGEST_KNOWN:
                if len(near.by_models) >= MOST_MODELS:
                    near.by_models.clear()
                near.by_models[model] = chosen
        return chosen

    def _parted(self, found: Sequence[Rule]) -> Chosen:
        """See `parted`: most requests have the same rules as one before."""
        if not found:
            return NOTHING
        key = tuple(map(id, found))
        chosen = self._parts.get(key)
        if chosen is None:
            if len(self._parts) >= MOST_KNOWN:
                self._parts.clear()
            chosen = self._parts[key] = parted(found)
        return chosen

    def _near(self, request: Request, dialect: Dialect, upstream: str) -> _Near:
        """Those that are for requests of this place: it is remembered, as clients ask for few paths again and again."""
        place = (request.path, request.method, dialect.name, upstream)
        near = self._known.get(place)
        if near is None:
            near = _Near.of([rule for rule in self.rules if rule.when.hold_at(request, dialect, upstream)])
            if len(request.path) <= LONGEST_KNOWN and len(request.method) <= LONGEST_KNOWN:
                if len(self._known) >= MOST_KNOWN:
                    self._known.clear()
                self._known[place] = near
        return near


def parted(rules: Sequence[Rule]) -> Chosen:
    """The rules by what they change."""
    requests = tuple(rule for rule in rules if isinstance(rule.act, RequestEdits))
    responses = tuple(rule for rule in rules if isinstance(rule.act, ResponseEdits))
    texts = tuple(rule.act for rule in rules if not isinstance(rule.act, _EDITS))
    return Chosen(requests, responses, texts)


def fights(rules: Sequence[Rule]) -> Iterator[tuple[Rule, str]]:
    """(The second of two rules that fight, a sentence why) for each such pair, where both may be for one request."""
    for first, second in combinations(rules, 2):
        if first.name == second.name:
            yield second, f"two rules have this name, the other at {first.place}"
        elif may_meet(first.when, second.when):
            yield from ((second, why) for why in _fight(first, second))


def _fight(first: Rule, second: Rule) -> list[str]:
    one, other = first.act, second.act
    if not isinstance(one, _EDITS) and not isinstance(other, _EDITS):
        return [found.why for found in conflicts([one, other])]
    if type(one) is not type(other) or first.when != second.when:
        return []
    same = sorted(_claims(one) & _claims(other))
    return [f"rule {first.name!r} changes {claim} too, for the same requests: make one rule of both" for claim in same]


def _claims(act: Act) -> frozenset[str]:
    """What a rule for messages changes, in words; two for the same requests must not share any."""
    if not isinstance(act, _EDITS):
        return frozenset()
    found = {f"the field {dotted(path)}" for path in act.fields.paths} if act.fields else set()
    found |= {f"the header field {name.decode()}" for name in act.headers.names} if act.headers else set()
    if isinstance(act, RequestEdits):
        found |= {"the model"} if act.model else set()
        found |= {act.path.claim} if act.path else set()
        return frozenset(found)
    return frozenset(found | ({"the status"} if act.status else set()))
