"""Tells a person at a terminal what happens: a conversation as it streams; of all else, a line each.

Nothing is drawn while an exchange is under way in the relay: what is to be told is kept, and drawn ten times a second.
Where more exchanges end in a second than one can read, each gets one line. Made by the plugin (`__init__.py`), where
there is a terminal.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, TextIO

from proxy_daemon.core.conversation import Conversation, Operation
from proxy_daemon.core.messages import SAFE, Exchange, Request, ResponseHead, id_text
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.services import Clock, Services
from proxy_daemon.core.telling.floor import Floor
from proxy_daemon.core.telling.holding import for_screens
from proxy_daemon.core.telling.news import Memory
from proxy_daemon.core.telling.styled import BARE, FULL, PLAIN, Line
from proxy_daemon.hookspecs import Event
from proxy_daemon.plugins.console import TALK, lines
from proxy_daemon.plugins.console.screen import Item, Screen
from proxy_daemon.plugins.console.seen import Notes, Room, Rush, Whose
from proxy_daemon.plugins.console.talk import Talk
from proxy_daemon.plugins.console.terminal import Terminal
from proxy_daemon.plugins.console.told import Teller
from proxy_daemon.settings import Settings

if TYPE_CHECKING:
    from proxy_daemon.plugins.console.drawing import Pen

EXPLAINED = "console.explained"  # the note with an explanation that came before the end
TICK_SECONDS = 0.1
A_TICK = 8 * 1024  # characters that are drawn at a tick
READ_A_TICK = 64 * 1024  # octets of answers that are read at a tick
AT_THE_END = 1024 * 1024  # characters that are drawn, and octets that are read, when the daemon stops
TOO_MANY = 20  # exchanges a second; beyond it each gets one line
CALM_SECONDS = 5.0  # after which conversations are told again
MOST_TALKS = 64  # conversations at once; of more, a line each
MOST_WAITING = 32 * 1024 * 1024  # octets of answers that are not read yet
MOST_LINES = 400  # of what is new in a request
MOST_NOTES = 1000  # lines of the log that wait for the terminal
_TOLD = (Operation.CHAT, Operation.COMPLETION)


class Telling:
    """``form``: "chat", or "lines" for a line each. ``output``: the terminal."""

    def __init__(self, settings: Settings, services: Services, form: str, output: TextIO) -> None:
        self._form, self._verbose = form, settings.verbose
        self._clock: Clock = services.clock
        self._redactor: Redactor = for_screens(services.redactor)
        self._teller, self._memory = Teller(self._redactor), Memory()
        self._talks: dict[Talk, None] = {}
        self._whose, self._room = Whose(), Room(MOST_WAITING)
        self._rush = Rush(TOO_MANY, CALM_SECONDS)
        self._was_told = False  # that there are too many
        self._floor: Floor[Item] | None = Floor()  # None: nobody sees it any more
        depth, self._terminal = _depth(os.environ), Terminal(output)
        write = self._terminal.given_to(services.lines(self._terminal))
        self._screen = Screen(write, self._terminal.size, _pens(depth), depth)
        self._at_first: list[Callable[[], object]] = [lambda: services.worker.run(self._screen.pen)]
        self._notes, self._notices, self._noted = Notes(MOST_NOTES), services.notices, services.notices.show
        if self._terminal.shows_errors:  # what goes wrong before the first tick is told by whoever exits
            self._at_first.append(self._take_notices)
        services.scheduler.every(TICK_SECONDS, self._tick)
        services.scheduler.at_stop(self._stop)

    # --- events ------------------------------------------------------------------------------------------------------

    def happened(self, exchange: Exchange, event: Event) -> None:
        """A conversation begins to be told when it was looked up; all else is told at its end."""
        if self._floor is None:
            return
        if event.kind == "matched":
            self._begin(exchange)
        elif event.kind == "explained":
            self._explain(exchange, event.text)
        elif event.kind in ("ended", "failed"):
            self._end(exchange)

    def _begin(self, exchange: Exchange) -> None:
        if self._floor is None or exchange.directives.no_store or self._form == "lines" or self._rush.is_on:
            return
        if len(self._talks) >= MOST_TALKS:
            return
        operation = exchange.dialect.operation(exchange.request)
        if operation not in _TOLD or exchange.request.method != b"POST":
            return
        talk = Talk(exchange, self._floor, self._teller, self._memory, self._redactor, self._clock.seconds, self._room)
        if not self._floor.begin(talk):
            return
        self._read(READ_A_TICK, self._clock.seconds())  # an answer that has just ended may be a part of this history
        exchange.notes[TALK] = talk
        self._talks[talk] = None
        self._introduce(talk)

    def _introduce(self, talk: Talk) -> None:
        """Its head, and what is new of it."""
        exchange = talk.exchange
        request: Request = exchange.notes.get(SAFE) or self._redactor.request(exchange.request)
        if not request.body.size:  # that of the recording that answers is the same, and not kept twice
            request = exchange.request
        talk.say(self._teller.head(exchange, self._whose.name(exchange)))
        if self._verbose:
            self._say_head(talk, lines.requested(exchange, self._redactor.target(request.target)), request)
        news = self._memory.news(_conversation(exchange, request))
        talk.place = news.place
        told = list(islice(self._teller.news(news), MOST_LINES + 1))
        for line in told[:MOST_LINES]:
            talk.say(line, important=False)
        if len(told) > MOST_LINES:
            talk.say((("dim", "… more lines"),))

    def _say_head(self, talk: Talk, first: str, head: Request | ResponseHead) -> None:
        for line in lines.head_lines(first, self._redactor.headers(head.headers)):
            talk.say(line)

    def _explain(self, exchange: Exchange, text: str) -> None:
        if exchange.directives.no_store:
            return
        if exchange.ending is None:
            exchange.notes[EXPLAINED] = text
            return
        target = self._redactor.target(exchange.request.target)
        self._say(lines.late_line(exchange, target), *lines.explained_lines(self._redactor.text(text)))

    def _end(self, exchange: Exchange) -> None:
        talk: Talk | None = exchange.notes.pop(TALK, None)
        explained = lines.explained_lines(self._redactor.text(exchange.notes.pop(EXPLAINED, "")))
        detail = self._redactor.text(exchange.detail)
        if self._rush.ended(self._clock.seconds()):
            self._hurry()
        if talk is not None and talk in self._talks:
            talk.detail = detail
            talk.last_lines = [*lines.problem_lines(exchange), *explained]
            talk.has_ended = True
            return
        more = lines.more_lines(exchange, "" if explained else detail) if self._verbose else []
        target = self._redactor.target(exchange.request.target)
        self._say(lines.line_of(exchange, target, detail), *more, *lines.problem_lines(exchange), *explained)

    def _hurry(self) -> None:
        """Too much happens for conversations: those under way are told no further, and get a line at their end."""
        for talk in [talk for talk in self._talks if not talk.has_ended]:
            del self._talks[talk]
            talk.stop()
        if not self._was_told:
            self._was_told = True
            words = (
                f"more than {TOO_MANY} exchanges a second: a line each, until there were fewer for {CALM_SECONDS:g} s"
            )
            self._say((("yellow", words),))

    def _say(self, *said: Line) -> None:
        """These lines, which belong together and to no conversation."""
        key = object()
        if self._floor is not None and self._floor.begin(key):
            for line in said:
                self._floor.say(key, line, sum(len(text) for _, text in line), important=True)
            self._floor.end(key)

    # --- the answer --------------------------------------------------------------------------------------------------

    def answered(self, exchange: Exchange, head: ResponseHead) -> None:
        """By its fields the answer is read."""
        talk: Talk = exchange.notes[TALK]
        talk.head = head
        if self._verbose:
            self._say_head(talk, f"{head.status} {head.reason.decode('latin-1')}", head)

    # --- ten times a second ------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        if self._floor is None:
            return
        if self._terminal.is_gone:
            self._give_up()
            return
        while self._at_first:  # in a thread: `rich` takes longer to import than a stream may wait
            self._at_first.pop()()
        now = self._clock.seconds()
        self._rush.calm(now)
        self._read(READ_A_TICK, now)
        if not self._terminal.is_behind:
            self._draw(self._floor, A_TICK, now)

    def _draw(self, floor: Floor[Item], most: int, now: float) -> None:
        notes = [(("yellow", line),) for line in self._notes.take()]
        try:
            self._screen.show(floor.take(most, now), _name, notes)
        except Exception:
            self._notices.show = self._noted  # what is wrong with the console is not told by the console
            raise

    def _read(self, most: int, now: float) -> None:
        """What has come of the answers."""
        for talk in tuple(self._talks):
            most -= talk.step(most, now) if most > 0 else 0
            if talk.is_done:
                del self._talks[talk]
                talk.finish()

    def _stop(self) -> None:
        """Show what is left."""
        self._notices.show = self._noted
        for talk in self._talks:
            talk.has_ended = True
        if self._floor is not None and not self._terminal.is_gone:
            now = self._clock.seconds()
            self._read(AT_THE_END, now)
            self._draw(self._floor, AT_THE_END, now)

    def _give_up(self) -> None:
        """The terminal was closed: nobody sees it any more, and nothing is kept for it."""
        self._notices.show, self._floor = self._noted, None
        for talk in self._talks:
            talk.stop()
        self._talks.clear()

    def _take_notices(self) -> None:
        """Lines that others write on this terminal would tear what grows there."""
        self._notices.show = self._notes.add


def _depth(environment: Mapping[str, str]) -> str:
    """See https://no-color.org/ and terminfo(5): "dumb" has no escape sequences."""
    if environment.get("TERM", "dumb") == "dumb":
        return BARE
    return PLAIN if environment.get("NO_COLOR") else FULL


def _pens(depth: str) -> Callable[[], Pen]:
    """Makes the pen where it is needed: to import `rich` takes as long as half of the daemon's start."""

    @cache
    def pen() -> Pen:
        from proxy_daemon.plugins.console.drawing import Pen  # noqa: PLC0415  (see above)

        return Pen(depth)

    return pen


def _name(key: Hashable) -> str:
    return id_text(key.exchange.id) if isinstance(key, Talk) else "lines"


def _conversation(exchange: Exchange, request: Request) -> Conversation:
    """Empty where the dialect, which may be a plugin's, cannot read it."""
    try:
        return exchange.dialect.conversation(request)
    except Exception:  # noqa: BLE001  (a plugin's dialect may raise anything; the exchange is shown all the same)
        return Conversation()
