"""Changes requests and answers by rule (`--rewrite`), through public hooks alone.

Which rules are for an exchange is decided once, when its request is whole; where none may touch the answer, the answer
takes the way that it has without this plugin, and without rules so does the request. What fired and what could not be
done stands in the exchange.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.messages import PROBLEMS, Exchange, Request, ResponseHead
from proxy_daemon.hookspecs import hookimpl, only_where
from proxy_daemon.settings import Settings, SettingsError

if TYPE_CHECKING:
    from proxy_daemon.core.rewriting.passage import Passage, Rewritten

    MakePassage = Callable[[Request, Dialect, str], Passage | None]

PASSAGE = "rewriting.passage"  # the note with an exchange's `Passage`


def _changes(plugin: Rewriting, exchange: Exchange) -> bool:
    """Whether a rule may change the request. Notes the rules that are for it, for its answer too."""
    if plugin.passage_of is None:
        return False
    exchange.notes.pop(PASSAGE, None)
    passage = plugin.passage_of(exchange.request, exchange.dialect, exchange.upstream.name)
    if passage is None:
        return False
    exchange.notes[PASSAGE], exchange.notes[PROBLEMS] = passage, passage.problems
    return passage.changes_request


def _shapes(_: object, exchange: Exchange) -> bool:
    passage: Passage | None = exchange.notes.get(PASSAGE)
    return passage is not None and passage.shapes(exchange.at_hand)


class Rewriting:
    """`--rewrite`. ``passage_of``: makes the passage of an exchange; None where there are no rules."""

    def __init__(self) -> None:
        self.passage_of: MakePassage | None = None

    @hookimpl
    def llmproxy_configure(self, settings: Settings) -> None:
        """Read the rules; the start ends here where one is wrong."""
        self.passage_of = _read(settings)

    @hookimpl
    def llmproxy_reload(self, settings: Settings) -> None:
        """Read them again. Wrong ones are refused, and those before stay."""
        self.passage_of = _read(settings)

    @hookimpl
    @only_where(_changes)
    def llmproxy_request(self, exchange: Exchange) -> Request | None:
        """The request that goes on, where a rule changes it."""
        passage: Passage = exchange.notes[PASSAGE]
        passage.tell = exchange.fire
        request = passage.request(exchange.request)
        return None if request is exchange.request else request

    @hookimpl
    @only_where(_shapes)
    def llmproxy_response_head(self, exchange: Exchange, head: ResponseHead) -> ResponseHead | None:
        """The head that goes on, where a rule changes it, or takes the body's coding off."""
        passage: Passage = exchange.notes[PASSAGE]
        passage.tell = exchange.fire  # not before: it is a cycle, which only the garbage collector takes away
        changed = passage.head(head)
        return None if changed is head else changed

    @hookimpl
    @only_where(_shapes)
    def llmproxy_transform(self, exchange: Exchange) -> Rewritten | None:
        """What changes the body, found by its head."""
        passage: Passage = exchange.notes[PASSAGE]
        return passage.transform


def _read(settings: Settings) -> MakePassage | None:
    """None where there are none. Raises `SettingsError`, also where a rule asks for an upstream that there is not."""
    if not settings.rewrite:
        return None
    from proxy_daemon.core.rewriting.passage import passage_of  # noqa: PLC0415  (as below)
    from proxy_daemon.settings.rewriting import rules_of  # noqa: PLC0415  (most daemons have no rules: a quick start)

    rules = rules_of(settings.rewrite)
    known = {upstream.name for upstream in settings.upstream}
    for rule in rules.rules if known else ():
        if unknown := sorted({*rule.when.upstream} - known):
            there = ", ".join(sorted(known))
            raise SettingsError(f"--rewrite: {rule.place}: rule {rule.name!r}: no upstream {unknown[0]!r}, but {there}")
    return partial(passage_of, rules)
