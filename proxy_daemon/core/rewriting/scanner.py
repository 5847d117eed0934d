"""All rules on the text of one field: one machine a rule, in order, each on what the one before gives.

Invariant: the text of each kind, moved and not, is the same joined over any split into feeds. Text that one rule moves
is for the later rules text of the field for reasoning. Called by who edits streams and documents, with a scanner for
each channel: a choice, a block, a field.
"""

from __future__ import annotations

from collections.abc import Sequence

from proxy_daemon.core.rewriting.expression_machine import Expressing
from proxy_daemon.core.rewriting.literal_machines import Pairing, Replacing
from proxy_daemon.core.rewriting.rules import Expression, Replace, TextRule
from proxy_daemon.core.rewriting.said import Machine, Said, joined

__all__ = ["Said", "Scanner", "scanner"]


def scanner(rules: Sequence[TextRule], field: str | None = None) -> Scanner:
    """A scanner for a text. ``field``: which one it is: rules for others are left out; None: all rules are meant."""
    return Scanner([_Stage(rule, field) for rule in rules if field is None or _meets(rule, field)])


def _meets(rule: TextRule, field: str) -> bool:
    """Whether the rule is for the field, or for what may be moved out of it."""
    return field in rule.fields or (field == "content" and "reasoning" in rule.fields)


class Scanner:
    """Made by `scanner`. After `end` it is used up."""

    def __init__(self, stages: Sequence[_Stage]) -> None:
        self._stages = tuple(stages)
        self._only = stages[0].stays if len(stages) == 1 else None
        if self._only is not None:
            self.feed = self._only.feed  # type: ignore[method-assign]  # one call less for each piece

    @property
    def fired(self) -> dict[str, int]:
        """How often each rule changed something: those that never did are not in it."""
        out: dict[str, int] = {}
        for stage in self._stages:
            if changed := stage.changed:
                out[stage.name] = out.get(stage.name, 0) + changed
        return out

    @property
    def held(self) -> int:
        """How many characters are held back: so many come behind those that were given, if no rule changes them."""
        if self._only is not None:
            return self._only.held
        return sum(stage.held for stage in self._stages)

    def feed(self, text: str) -> list[Said]:
        """What is certain now: text that was held back and this one, but for what may be a part of a match."""
        pieces = [Said(text)] if text else []
        for stage in self._stages:
            pieces = stage.through(pieces)
        return joined(pieces) if len(pieces) > 1 else pieces

    def end(self) -> list[Said]:
        """What was held back, once no more text comes."""
        pieces: list[Said] = []
        for stage in self._stages:
            pieces = stage.through(pieces) + stage.end()
        return joined(pieces)


class _Stage:
    """One rule: its machine for text that stays in the field, and its machine for text that an earlier one moved."""

    def __init__(self, rule: TextRule, field: str | None) -> None:
        self.name = rule.name
        self.stays = _machine(rule) if field is None or field in rule.fields else None
        self.moved = _machine(rule) if "reasoning" in rule.fields else None

    @property
    def changed(self) -> int:
        return sum(machine.changed for machine in (self.stays, self.moved) if machine)

    @property
    def held(self) -> int:
        return sum(machine.held for machine in (self.stays, self.moved) if machine)

    def through(self, pieces: Sequence[Said]) -> list[Said]:
        out: list[Said] = []
        for piece in pieces:
            machine = self.moved if piece.moved else self.stays
            out += [piece] if machine is None else _marked(machine.feed(piece.text), piece.moved)
        return out

    def end(self) -> list[Said]:
        out = self.stays.end() if self.stays else []
        return out + (_marked(self.moved.end(), moved=True) if self.moved else [])


def _marked(pieces: list[Said], moved: bool) -> list[Said]:
    return [Said(piece.text, moved=True) for piece in pieces] if moved else pieces


def _machine(rule: TextRule) -> Machine:
    if isinstance(rule, Replace):
        return Replacing(rule)
    return Expressing(rule) if isinstance(rule, Expression) else Pairing(rule)
