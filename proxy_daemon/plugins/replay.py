"""Answers requests from recordings: those of the store, or of the cassette that the exchange belongs to.

How one is chosen: `core/matching/answers.py`.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from attrs import evolve

from proxy_daemon.core.matching.answers import Answers
from proxy_daemon.core.matching.either_form import EitherForm
from proxy_daemon.core.messages import Exchange, Recording
from proxy_daemon.core.numbered import NumberedRequests
from proxy_daemon.core.services import Services
from proxy_daemon.core.shelves import Shelf
from proxy_daemon.hookspecs import hookimpl
from proxy_daemon.settings import Settings


class Replay:
    """`llmproxy_lookup` over all shelves."""

    @hookimpl
    def llmproxy_configure(self, settings: Settings, services: Services) -> None:
        """Begin with the shelf that most exchanges have."""
        self._settings, self._services = settings, services
        self._answers: WeakKeyDictionary[Shelf, Answers] = WeakKeyDictionary()
        self._shelf = services.shelves.default
        self._default = self._of(self._shelf)
        services.facts["repeats"] = lambda: self._of(services.shelves.default).stats()

    @hookimpl
    def llmproxy_reload(self, settings: Settings) -> None:
        """The age limit and the policy may be other ones."""
        self._settings = settings
        for answers in self._answers.values():
            answers.take(settings.repeat, settings.replay_max_age)

    @hookimpl
    def llmproxy_lookup(self, exchange: Exchange) -> Recording | None:
        """The recording that answers, or None."""
        shelf = exchange.shelf
        answers = self._default if shelf is self._shelf or shelf is None else self._of(shelf)
        return answers.of(exchange)

    def _of(self, shelf: Shelf) -> Answers:
        found = self._answers.get(shelf)
        if found is None:
            found = self._answers[shelf] = Answers(shelf, self._services, self._either_form(shelf))
            found.take(self._settings.repeat, self._settings.replay_max_age)
        return found

    def _either_form(self, shelf: Shelf) -> EitherForm:
        known = self._services.either_form
        if not shelf.cassette:
            return known
        anew = known.anew
        redactor = NumberedRequests(anew.redactor.rules)
        return EitherForm(evolve(anew, matcher=shelf.matcher or anew.matcher, redactor=redactor, hostless=True))
