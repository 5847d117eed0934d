"""The hooks: all that a plugin can do, in the order in which an exchange meets them.

This file and `pipeline/exchange.py` tell the product. Each hook says when it is called, what it may return and what a
raise does. An implementation is a plain function or a method marked with `hookimpl`; it takes those of the arguments
that it needs and may return a value, a coroutine or a Deferred. `deadline(seconds)` gives it its own time limit.

A hook's *kind* is one of
  first   implementations are asked in turn until one returns something other than None
  each    all are called; what they return is kept in order, None left out
  fold    all are called in turn; what one returns is what the next one sees
and its *fault policy* one of
  open    the implementation is skipped, the exchange goes on
  closed  the exchange ends with an error that names the plugin
  stop    the daemon does not start
"""

# mypy: disable-error-code="empty-body"

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

import pluggy
from attrs import field, frozen

from proxy_daemon.core.cassettes import Format
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.messages import Exchange, Recording, Request, ResponseHead, id_text
from proxy_daemon.core.services import Services, Store
from proxy_daemon.core.upstreams import Upstream
from proxy_daemon.settings import Settings

PROJECT = "llmproxy"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

Function = TypeVar("Function", bound=Callable[..., Any])


def deadline(seconds: float) -> Callable[[Function], Function]:
    """Give a hook implementation its own deadline, where the coroutine or Deferred that it returns may take longer.

    Put it below ``@hookimpl``. Without it, each hook's deadline is that of `CONTRACTS`.
    """

    def mark(function: Function) -> Function:
        function.llmproxy_deadline = seconds  # type: ignore[attr-defined]
        return function

    return mark


def only_where(wanted: Callable[[Any, Exchange], bool]) -> Callable[[Function], Function]:
    """Let an implementation be called only where ``wanted(plugin, exchange)`` says so.

    For `llmproxy_request`, `llmproxy_response_head`, `llmproxy_transform` and `llmproxy_observe`. Put it below
    ``@hookimpl``. A request or an answer that no plugin wants takes the short way, as if there were no such plugin.
    ``wanted`` must be quick; it may be called more than once, and where it raises, the implementation has raised.
    """

    def mark(function: Function) -> Function:
        function.llmproxy_only_where = wanted  # type: ignore[attr-defined]
        return function

    return mark


EVENT_KINDS = ("begun", "matched", "explained", "first_byte", "ended", "failed")


def events(*kinds: str) -> Callable[[Function], Function]:
    """Let an implementation of `llmproxy_log` be called for these kinds of event only.

    Put it below ``@hookimpl``. Without it, it is called for all. Raises ValueError for a kind that there is not.
    """
    for kind in kinds:
        if kind not in EVENT_KINDS:
            raise ValueError(f"there are no events of the kind {kind!r}, only {', '.join(EVENT_KINDS)}")

    def mark(function: Function) -> Function:
        function.llmproxy_events = kinds  # type: ignore[attr-defined]
        return function

    return mark


class Transform(Protocol):
    """Changes a response body on its way to the client, piece by piece. The calls are synchronous.

    One that also has a method `broken_off()` is told by it, in the place of `end`, of an answer that has no end.
    """

    def piece(self, data: bytes) -> bytes:
        """What goes on in place of ``data``; what is held back comes with a later piece or at the end."""

    def end(self) -> bytes:
        """What was held back."""


class Observer(Protocol):
    """Sees a response body as the client gets it."""

    def piece(self, data: bytes) -> None:
        """These octets go to the client."""

    def end(self) -> None:
        """The body is over, whole or not: see `exchange.ending`."""


@frozen
class Event:
    """Something that happened to an exchange. ``kind``: begun, matched, explained, first_byte, ended or failed.

    "explained" says how a miss differs from the nearest recording; where the request was forwarded it may come late,
    behind "ended" too, or not at all.
    """

    kind: str
    text: str = ""


@frozen
class NearMiss:
    """The recording nearest to a request that found none. ``score``: 0 to 1; ``differences``: a line each.

    ``parts``: how alike each part is, such as ("model", 1.0) and ("messages", 0.93). ``answers``: it may be served in
    the place of a recording of this very request (`--fuzzy serve`). ``place``: where it stands, `FILE#n`; empty for one
    of the store.
    """

    recording: Recording
    score: float
    differences: tuple[str, ...]
    parts: tuple[tuple[str, float], ...] = ()
    answers: bool = False
    place: str = ""

    @property
    def called(self) -> str:
        """By what people find the recording."""
        return self.place or f"exchange {id_text(self.recording.id)}"


@frozen
class Octets:
    """What a `JsonPage` answers that is no JSON. ``fields``: more header fields of the answer."""

    data: bytes
    media_type: str = "application/octet-stream"
    fields: Mapping[str, str] = field(factory=dict)


@frozen
class JsonPage:
    """A page in JSON. ``answers``: by method (GET, PUT, DELETE), who answers it.

    Each is called with the parameters of the query and returns (status, value), or an awaitable of these; a raise is a
    500, and a value may be `Octets`. Segments of its path such as `{id}` are parameters too. ``takes_body``: who
    answers PUT is called with the body as well, as JSON has it; other bodies are refused before.

    What changes something is no GET: a link could do it. All else needs the token that `api/token` tells to pages of
    ours. For PUT and DELETE browsers ask first whether a page of another origin may (a CORS preflight), and nothing
    below `/_llmproxy/` says yes.
    """

    answers: Mapping[str, Callable[..., Any]]
    takes_body: bool = False


VETO = False  # what an implementation of `llmproxy_record` returns to keep an exchange out of the store

# --- the start of the daemon -----------------------------------------------------------------------------------------


@hookspec
def llmproxy_configure(settings: Settings, services: Services) -> None:
    """Called once, before anything listens. Kind: each. A raise stops the start, naming plugin and reason.

    `settings.plugin_settings` holds the TOML tables `[plugins.NAME]`; raise `SettingsError` where something there is
    wrong: the start ends with its line and no traceback. `services` has the store, clock, worker and
    scheduler; keep what you need.
    """


@hookspec
def llmproxy_dialects() -> list[Dialect]:
    """Called once at the start: LLM APIs that this plugin knows. They are asked before the built-in ones.

    Kind: each. A raise stops the start.
    """


@hookspec
def llmproxy_stores() -> dict[str, Callable[[str, Settings], Store]]:
    """Called once at the start: kinds of store, by the scheme of `--store SCHEME:REST`.

    Each value is called with REST and the settings and returns a `Store` (`core/services.py`).
    Kind: each. A raise stops the start.
    """


@hookspec
def llmproxy_resources(settings: Settings, services: Services) -> dict[str, Any]:
    """Called once at the start: pages by their path below `/_llmproxy/`, such as `mine`, `api/mine` or `api/mine/{id}`.

    A page is a `JsonPage`, or a `twisted.web` resource. Two at one path stop the start.
    They answer this machine, and the admin's token. Fields that keep other pages and caches out are set before, with a
    Content-Security-Policy by which a page loads and runs nothing: a page with scripts sets its own, as it needs it.
    Kind: each. A raise stops the start.
    """


@hookspec
def llmproxy_reload(settings: Settings) -> None:
    """Called when the settings were read again (SIGHUP), and once more for each further time.

    Only what `docs/configuration.md` lists as reloadable differs from before. Reopen your files here: programs that
    rotate logs have moved them. An exchange that is under way must not notice.
    Kind: each. A `SettingsError` refuses the new settings for all: those who have them already are called once more,
    with the old ones. Any other raise is skipped (open): the plugin keeps what it had.
    """


@hookspec
def llmproxy_formats() -> list[Format]:
    """Called by `llmproxy import`, `export` and `show`, never by the daemon: formats of files with recordings.

    They are asked before the built-in ones (`core/cassettes/formats.py`) whether they recognise a file. One that is
    a `Writer` (`core/cassettes/writers.py`) is written, too: `llmproxy export --format` takes its name.
    Kind: each. A raise stops the command.
    """


# --- the way of an exchange ------------------------------------------------------------------------------------------


@hookspec
def llmproxy_request(exchange: Exchange) -> Request | None:
    """Called when the request is whole. Return the request that goes on in its place, or None to leave it.

    Kind: fold; the next implementation sees the new one as `exchange.request`. The fingerprint is taken afterwards;
    where the path is another one, its API is recognised again.
    A raise fails closed: 502 naming the plugin.
    """


@hookspec
def llmproxy_lookup(exchange: Exchange) -> Recording | None:
    """Called where the mode allows a look-up. Return the recording to serve, or None.

    Kind: first. A raise is skipped (open): the next implementation is asked.
    """


@hookspec
def llmproxy_fuzzy_match(exchange: Exchange) -> NearMiss | None:
    """Called for a miss that is about to be refused, and with `--fuzzy serve` for each miss.

    Return the nearest recording and how it differs, or None. Its answer is served only where `answers` says so.

    Kind: first. A raise is skipped (open).
    """


@hookspec
def llmproxy_route(exchange: Exchange) -> Upstream | None:
    """Called before a request is forwarded. Return the upstream to send it to; the built-in gives `exchange.upstream`.

    Kind: first. A raise fails closed: a broken "stay local" must not send data elsewhere. Never called in mode none.
    """


@hookspec
def llmproxy_response_head(exchange: Exchange, head: ResponseHead) -> ResponseHead | None:
    """Called with the head of the answer, live or replayed. Return the head that goes on in its place, or None.

    Kind: fold; framing fields are set afterwards to fit what is sent. A raise fails closed.
    """


@hookspec
def llmproxy_transform(exchange: Exchange) -> Transform | None:
    """Called once when the answer begins. Return what changes the body on its way, bound for this stream, or None.

    Kind: each; several are chained in order. A raise, here or later in the transform, fails closed: the client sees
    a broken response.
    """


@hookspec
def llmproxy_observe(exchange: Exchange) -> Observer | None:
    """Called once when the answer begins. Return what looks at the pieces as the client gets them, or None.

    Kind: each. A raise, here or later in the observer, drops the observer (open).
    """


@hookspec
def llmproxy_record(exchange: Exchange, recording: Recording) -> Recording | bool | None:
    """Called after the end of a live answer, before it is stored.

    Return the recording to store in its place, `False` to store nothing, or None to leave it.

    Where any plugin has this hook, what clients get is not recorded beside what upstream sent: nobody could take out
    of it what must not be stored.

    Kind: fold; a veto ends it. A raise fails closed: nothing is stored.
    """


@hookspec
def llmproxy_log(exchange: Exchange, event: Event) -> None:
    """Called for each thing that happens to an exchange.

    Every exchange gets one "begun", and later either one "ended" or one "failed", never both. Must be quick.
    Kind: each. A raise is skipped (open).
    """


@frozen
class Contract:
    """How the dispatcher treats a hook."""

    kind: str
    policy: str
    deadline: float  # seconds for a coroutine or Deferred, unless the implementation has its own
    result: tuple[type, ...] = ()  # what may be returned besides None; empty: anything
    methods: tuple[str, ...] = ()  # what the result must have
    may_refuse: bool = False  # a `SettingsError` goes to who calls, whatever the policy


CONTRACTS = {
    "llmproxy_configure": Contract("each", "stop", 30),
    "llmproxy_dialects": Contract("each", "stop", 30, (list, tuple)),
    "llmproxy_stores": Contract("each", "stop", 30, (dict,)),
    "llmproxy_resources": Contract("each", "stop", 30, (dict,)),
    "llmproxy_reload": Contract("each", "open", 30, may_refuse=True),
    "llmproxy_formats": Contract("each", "stop", 30, (list, tuple)),
    "llmproxy_request": Contract("fold", "closed", 30, (Request,)),
    "llmproxy_lookup": Contract("first", "open", 5, (Recording,)),
    "llmproxy_fuzzy_match": Contract("first", "open", 5, (NearMiss,)),
    "llmproxy_route": Contract("first", "closed", 30, (Upstream,)),
    "llmproxy_response_head": Contract("fold", "closed", 30, (ResponseHead,)),
    "llmproxy_transform": Contract("each", "closed", 5, methods=("piece", "end")),
    "llmproxy_observe": Contract("each", "open", 5, methods=("piece", "end")),
    "llmproxy_record": Contract("fold", "closed", 30, (Recording, bool)),
    "llmproxy_log": Contract("each", "open", 5),
}
