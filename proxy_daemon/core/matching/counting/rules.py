"""What does not count in the bodies of one dialect: its own rules, the settings', and what is common to all.

Invariant: made once, it never changes; it depends on nothing but the dialect and the settings. Called by
`fingerprint.py`; what the settings say is read by `match_on.py` and `stamps.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import field, frozen

from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.matching.counting import unstreamed
from proxy_daemon.core.matching.counting.match_on import MatchOn
from proxy_daemon.core.matching.counting.stamps import Stamp
from proxy_daemon.core.matching.counting.tree import Kind, Rule, compiled
from proxy_daemon.core.matching.counting.walking import Walk

# One block of text says what the bare text does, in each API that takes both.
TEXTS = ("system", "messages.*.content", "messages.*.content.*.content", "input.*.content")


@frozen(eq=False)
class Rules:
    """``only``: the top-level members that count, where not all do. ``stamps``: what is struck out of texts."""

    tree: Rule
    only: frozenset[str] | None = None
    stamps: tuple[Stamp, ...] = ()
    fields: tuple[bytes, ...] = field(default=())  # header fields that count, by their names in lower case

    @classmethod
    def of(cls, dialect: Dialect, on: MatchOn, stamps: tuple[Stamp, ...], *, either_form: bool = False) -> Rules:
        """Those of a dialect, under the settings. ``either_form``: what asks for a stream does not count."""
        dropped = [*on.dropped, *(stamp.path for stamp in stamps if stamp.drops), *dialect.volatile]
        dropped += unstreamed.MEMBERS if either_form else ()
        tree = compiled(
            [
                *((path, Kind.DROPPED) for path in dropped),
                *((path, Kind.OPAQUE) for path in dialect.opaque),
                *((path, Kind.OWN_ID) for path in dialect.own_ids),
                *((path, Kind.RENAMED) for path in dialect.ids),
                *((path, Kind.TEXT) for path in TEXTS),
            ]
        )
        decide = {name.lower() for name in dialect.deciding_fields} - (unstreamed.FIELDS if either_form else set())
        fields = sorted(decide.union(on.fields))
        return cls(tree, on.only, tuple(stamp for stamp in stamps if not stamp.drops), tuple(fields))

    def apply(self, value: Any) -> tuple[Any, Sequence[float]]:
        """What counts of a body, and its numbers with a fraction or an exponent.

        ``value`` stays unchanged; it is given back itself where all of it counts. Raises `NotExact`.
        """
        if self.only is not None and isinstance(value, dict):
            value = {name: member for name, member in value.items() if name in self.only}
        for stamp in self.stamps:
            value = stamp.struck(value, self.tree)
        walk = Walk()
        return walk.body(value, self.tree), walk.floats
