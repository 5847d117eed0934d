"""What came of the exchanges of each session since its last reset, in bounded memory.

Sticky: nothing is taken back, and what there is no room for is counted. Kept by `plugins/verdict.py`.
"""

from __future__ import annotations

from attrs import define, field

from proxy_daemon.core.messages import Exchange, Outcome

MOST_SESSIONS = 1000
MOST_REPORTS = 200  # of a session
LONGEST_TEXT = 8000  # characters of a report
MOST_CHARACTERS = 16 * 1024 * 1024  # of all reports together
MOST_SERVED = 200_000  # ids of recordings, of all sessions together
CUT = " [cut]"
MISSED = 424  # the status of a request that nothing recorded answers, where nothing may be forwarded
NOTE = "verdict"  # in `exchange.notes`: an explanation that came before the exchange's end
FORWARDED = "llmproxy.forwarded_miss"  # another note: it missed, was forwarded, and then failed or was refused
_LONGEST_NAME = 500
_OWN = 300  # octets of memory of a report besides its texts, about
# By names of this module: a look-up in the enum takes longer than all else here.
_HIT, _MISS, _LIVE, _COLLAPSED = Outcome.HIT, Outcome.MISS, Outcome.LIVE, Outcome.COLLAPSED
_REFUSED, _FAILED = Outcome.REFUSED, Outcome.FAILED


@define
class Report:
    """One exchange that was no hit. ``what``: miss, refused or failed; ``text``: why, where that is known."""

    what: str
    method: str
    path: str
    model: str
    text: str

    @property
    def size(self) -> int:
        """What it takes of `MOST_CHARACTERS`."""
        return _OWN + len(self.path) + len(self.model) + len(self.text)


@define
class Tally:
    """One session. A miss that was forwarded is live too, or failed; one that was not is refused too."""

    since: int  # recordings with ids from here on are new: nobody can have used them
    exchanges: int = 0
    hits: int = 0
    near: int = 0  # answered by a recording of another request (--fuzzy serve)
    misses: int = 0
    refused: int = 0
    collapsed: int = 0
    live: int = 0
    failed: int = 0
    reports: dict[int, Report] = field(factory=dict)  # by the id of the exchange
    left_off: int = 0  # reports, or their texts, that there was no room for
    served: set[int] = field(factory=set)
    served_left_off: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """The numbers, by their names."""
        names = ("exchanges", "hits", "near", "misses", "refused", "collapsed", "live", "failed")
        return {name: getattr(self, name) for name in names}


@define
class Tallies:
    """All sessions. ``since``: the id that an exchange of this moment would have."""

    since: int
    sessions: dict[str, Tally] = field(factory=dict)
    beyond: Tally = field(init=False)  # the sessions that there was no room for, together
    _characters: int = 0
    _served: int = 0

    def __attrs_post_init__(self) -> None:
        """The session without a name is always there."""
        self.sessions[""] = Tally(self.since)
        self.beyond = Tally(self.since)

    # --- what happens ------------------------------------------------------------------------------------------------

    def ended(self, exchange: Exchange) -> bool:
        """One exchange more. Whether a report of it is to be kept: call `report` then."""
        tally = self.sessions.get(exchange.session) or self._entered(exchange.session)
        tally.exchanges += 1
        if exchange.served_from and exchange.served_from not in tally.served:
            self._serve(tally, exchange.served_from)
        if exchange.outcome is _HIT:
            if exchange.likeness:
                tally.near += 1
            else:
                tally.hits += 1
            return False
        if not _count(tally, exchange):
            return False
        full = len(tally.reports) >= MOST_REPORTS
        tally.left_off += full
        return not full

    def report(self, exchange: Exchange, path: str) -> None:
        """Keep what is known of an exchange that was no hit. ``path``: redacted."""
        tally = self.sessions.get(exchange.session, self.beyond)
        text = exchange.notes.pop(NOTE, "") if exchange.outcome is _MISS else exchange.detail
        made = Report(
            what="miss" if _is_miss(exchange) and FORWARDED not in exchange.notes else exchange.outcome.value,
            method=_sound(exchange.request.method.decode("latin-1"), _LONGEST_NAME),
            path=_sound(path, _LONGEST_NAME),
            model=_sound(exchange.model, _LONGEST_NAME),
            text=_sound(text, LONGEST_TEXT),
        )
        if self._characters + made.size > MOST_CHARACTERS:
            tally.left_off += 1
            return
        self._characters += made.size
        tally.reports[exchange.id] = made

    def explained(self, exchange: Exchange, text: str) -> None:
        """Why it missed, said before its end or after it. The prompts of a `no-store` request are not kept."""
        if exchange.directives.no_store:
            return
        tally = self.sessions.get(exchange.session, self.beyond)
        report = tally.reports.get(exchange.id)
        if report is None:
            exchange.notes[NOTE] = text
        elif not report.text:
            text = _sound(text, LONGEST_TEXT)
            if self._characters + len(text) > MOST_CHARACTERS:
                tally.left_off += 1
                return
            report.text = text
            self._characters += len(text)

    def _entered(self, session: str) -> Tally:
        if len(self.sessions) >= MOST_SESSIONS:
            return self.beyond
        return self.sessions.setdefault(session, Tally(self.since))

    def _serve(self, tally: Tally, recording: int) -> None:
        if self._served >= MOST_SERVED:
            tally.served_left_off = True
            return
        self._served += 1
        tally.served.add(recording)

    # --- reading and forgetting --------------------------------------------------------------------------------------

    def of(self, session: str) -> Tally:
        """Of one session; an empty one where nothing was asked in it."""
        return self.sessions.get(session) or Tally(self.since)

    def served(self) -> set[int]:
        """Recordings that were served in any session."""
        return set().union(*(each.served for each in (*self.sessions.values(), self.beyond)))

    def served_left_off(self) -> bool:
        """Whether `served` may lack some."""
        return any(each.served_left_off for each in (*self.sessions.values(), self.beyond))

    def reset(self, session: str, now: int) -> None:
        """Forget one session. ``now``: as `since`."""
        old = self.sessions.get(session)
        if old is not None:
            self._characters -= sum(report.size for report in old.reports.values())
            self._served -= len(old.served)
        if old is not None or len(self.sessions) < MOST_SESSIONS:
            self.sessions[session] = Tally(now)

    def drop(self, session: str) -> None:
        """Forget that there was such a session; the one without a name begins anew."""
        self.reset(session, self.since)
        if session:
            self.sessions.pop(session, None)


def _count(tally: Tally, exchange: Exchange) -> bool:
    """Whether it is one that has to be reported."""
    outcome = exchange.outcome
    if outcome is _COLLAPSED:
        tally.collapsed += 1
        return False
    missed = _is_miss(exchange)
    tally.misses += missed
    if outcome is _REFUSED:
        tally.refused += 1
        tally.live += _was_answered(exchange)
    elif outcome is _FAILED:
        tally.failed += 1
    else:
        tally.live += 1
    return missed or outcome is not _LIVE


def _is_miss(exchange: Exchange) -> bool:
    """No status: the client left before it was refused."""
    if exchange.outcome is _MISS or FORWARDED in exchange.notes:
        return True
    answered = _was_answered(exchange) or exchange.served_from
    return exchange.outcome is _REFUSED and exchange.status in (MISSED, 0) and not answered


def _was_answered(exchange: Exchange) -> bool:
    """Whether an upstream's answer came that was then refused (--on-error-response refuse)."""
    return exchange.head_time > 0 and not exchange.served_from


def _sound(text: str, most: int) -> str:
    """Of bounded length, and without what no JSON can hold."""
    text = text if len(text) <= most else text[:most] + CUT
    return text.encode("utf-8", "replace").decode()
