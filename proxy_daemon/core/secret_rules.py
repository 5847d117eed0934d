"""Rules of one's own for what is a secret, besides the built-in names and shapes.

    [[redact]]
    name = "tenant"
    pattern = 'acme-[0-9]{6}'

Invariant: rules that were made can be carried out, in a time that is linear in the text (RE2,
https://github.com/google/re2/wiki/Syntax). Made by `settings/redacting.py`; asked by `core/redact.py` and
`core/secret_spans.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import re2
from attrs import evolve, field, frozen

from proxy_daemon.core.secret_look import Look, in_body, in_values, looking
from proxy_daemon.core.secret_names import plain_name
from proxy_daemon.core.secret_shapes import Found, shapes_in

MOST = 200  # rules
LONGEST = 4096  # characters of a pattern
DEEPEST = 50  # steps of a path
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_INDEX = re.compile(r"[0-9]{1,8}")
_MOST_MEMORY = 8 << 20


@frozen
class Rule:
    """One table. ``pattern`` in RE2's syntax: where it has groups, only what these matched is a secret.

    ``header``, ``query``, ``form``: names. ``json``: a name, of members anywhere, or a path (`user.*.email`). Raises
    ValueError with a sentence.
    """

    name: str
    pattern: str = ""
    header: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    form: tuple[str, ...] = ()
    json: tuple[str, ...] = ()
    expression: re2._Regexp | None = field(init=False, eq=False, repr=False)

    @expression.default
    def _compiled(self) -> re2._Regexp | None:
        return compiled(self.pattern) if self.pattern else None

    def __attrs_post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name: {self.name[:60]!r} must be up to 40 letters, digits, - and _, a letter first")
        names = (*self.header, *self.query, *self.form, *self.json)
        if not self.pattern and not names:
            raise ValueError("says nothing to look for: it needs pattern, header, query, form or json")
        for each in names:
            _check_name(each)

    @property
    def kind(self) -> str:
        """The word of its placeholders."""
        return self.name.upper().replace("-", "_")


def _check_name(name: str) -> None:
    if not plain_name(name.encode()):
        raise ValueError(f"{name!r} is no name")
    if name.count(".") >= DEEPEST or len(name) > LONGEST:
        raise ValueError(f"{name[:60]!r}... has more than {DEEPEST} steps, or {LONGEST} characters")
    if not all(name.split(".")):
        raise ValueError(f"{name!r} is no path: between its dots are names, numbers or *")
    if name.rsplit(".", maxsplit=1)[-1] == "*":
        raise ValueError(f"{name!r} ends in *: name the member that holds the list instead")


def compiled(pattern: str) -> re2._Regexp:
    """The pattern over octets of UTF-8. Raises ValueError where RE2 does not read it, or it matches nothing at all."""
    if len(pattern) > LONGEST:
        raise ValueError(f"pattern: it has more than {LONGEST} characters")
    options = re2.Options()
    options.log_errors, options.max_mem = False, _MOST_MEMORY
    try:
        expression = re2.compile(pattern.encode(), options=options)
    except re2.error as error:
        said = error.args[0] if error.args else b""
        reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise ValueError(f"pattern: {pattern[:200]!r} is no pattern that RE2 reads: {reason}") from None
    if expression.search(b"") is not None:
        raise ValueError(f"pattern: {pattern[:200]!r} matches where nothing stands, and so everywhere")
    return expression


def _lower(name: str) -> bytes:
    return name.lower().encode()


def _plain(name: str) -> bytes:
    return plain_name(name.encode())


@frozen(slots=False, cache_hash=True)
class Rules:
    """Rules together. Names are as `secret_names` compares them; the values are kinds.

    ``members`` are those of rules that name members anywhere, and the last steps of paths: these rule where a text
    cannot be read as JSON. ``by_shape``: whether keys of well-known services count too (`secret_shapes.py`).
    """

    rules: tuple[Rule, ...] = ()
    by_shape: bool = True
    fields: Mapping[bytes, str] = field(init=False, eq=False, repr=False)
    parameters: Mapping[bytes, str] = field(init=False, eq=False, repr=False)
    form_fields: Mapping[bytes, str] = field(init=False, eq=False, repr=False)
    members: Mapping[bytes, str] = field(init=False, eq=False, repr=False)
    paths: tuple[tuple[tuple[str | int, ...], str], ...] = field(init=False, eq=False, repr=False)
    in_body: Look = field(init=False, eq=False, repr=False)
    in_values: Look = field(init=False, eq=False, repr=False)

    @fields.default
    def _fields(self) -> Mapping[bytes, str]:
        return {_lower(name): rule.kind for rule in self.rules for name in rule.header}

    @parameters.default
    def _parameters(self) -> Mapping[bytes, str]:
        return {_plain(name): rule.kind for rule in self.rules for name in rule.query}

    @form_fields.default
    def _form_fields(self) -> Mapping[bytes, str]:
        return {_plain(name): rule.kind for rule in self.rules for name in rule.form}

    @members.default
    def _members(self) -> Mapping[bytes, str]:
        return {_plain(name): rule.kind for rule in self.rules for name in rule.json if "." not in name}

    @paths.default
    def _paths(self) -> tuple[tuple[tuple[str | int, ...], str], ...]:
        return tuple((_steps(name), rule.kind) for rule in self.rules for name in rule.json if "." in name)

    @in_body.default
    def _in_body(self) -> Look:
        names = [*self.members, *self.last_steps]
        return _any(looking(names)[0] if names else in_body, self._expressions())

    @in_values.default
    def _in_values(self) -> Look:
        return _any(in_values, self._expressions())

    @property
    def for_showing(self) -> Rules:
        """What is shown is shown without keys, also where the policy is to record them."""
        return self if self.by_shape else evolve(self, by_shape=True)

    @property
    def last_steps(self) -> Mapping[bytes, str]:
        """Of the paths: the names that they end in."""
        names = [(next(step for step in reversed(path) if isinstance(step, str)), kind) for path, kind in self.paths]
        return {_plain(name): kind for name, kind in names}

    def _expressions(self) -> list[re2._Regexp]:
        return [rule.expression for rule in self.rules if rule.expression is not None]

    def found(self, data: bytes) -> list[Found]:
        """Keys by their shape, and what the patterns match."""
        return shapes_in(data) + self._matched(data) if self.by_shape else self._matched(data)

    def _matched(self, data: bytes) -> list[Found]:
        return sorted(
            each for rule in self.rules if rule.expression is not None for each in _matches(rule, rule.expression, data)
        )


def _steps(path: str) -> tuple[str | int, ...]:
    return tuple(int(step) if _INDEX.fullmatch(step) else step for step in path.split("."))


def _any(look: Look, expressions: Iterable[re2._Regexp]) -> Look:
    searches = [look, *[expression.search for expression in expressions]]
    return look if len(searches) == 1 else lambda data: any(search(data) for search in searches)


def _matches(rule: Rule, expression: re2._Regexp, data: bytes) -> Iterable[Found]:
    for match in expression.finditer(data):
        spans = [match.span(group) for group in range(1, expression.groups + 1)] or [match.span()]
        for start, end in spans:
            if start < end:
                yield Found(start, end, rule.kind, f"the rule {rule.name}")


NO_RULES = Rules()
