"""The kit with which an author tests a plugin: the daemon's own pipeline, without sockets, files, threads or waiting.

    from proxy_daemon.testing import Kit

    def test_my_plugin():
        kit = Kit(MyPlugin())
        result = kit.send("/v1/chat/completions", {"model": "demo-1", "messages": [...]})
        assert result.status == 200

Requests are answered by the built-in model, or by a function of yours that makes a `Script`. Time is the kit's own:
pauses of a stream pass at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from attrs import define, field, frozen
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from proxy_daemon.core import model
from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import BUILT_IN
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.ids import Ids
from proxy_daemon.core.matching.anew import Anew
from proxy_daemon.core.matching.either_form import EitherForm
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.messages import Exchange, Recording, Request, ResponseHead
from proxy_daemon.core.modes import MODES
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.script import Script
from proxy_daemon.core.services import Candidate, Services
from proxy_daemon.core.shelves import OnlyStore, Shelf
from proxy_daemon.core.upstreams import Upstream, parse_upstream
from proxy_daemon.net.player import Player
from proxy_daemon.net.stage import Stage
from proxy_daemon.pipeline.admission import Admission
from proxy_daemon.pipeline.discovery import load_plugins
from proxy_daemon.pipeline.dispatch import Dispatcher
from proxy_daemon.pipeline.exchange import Pipeline
from proxy_daemon.pipeline.flights import Flights
from proxy_daemon.pipeline.good_ends import GoodEnds
from proxy_daemon.pipeline.keeping import Keeper
from proxy_daemon.pipeline.ports import Answer, Flow
from proxy_daemon.pipeline.recognising import Recogniser
from proxy_daemon.plugins import built_in
from proxy_daemon.settings import Settings
from proxy_daemon.testing_splits import at_every_split, played, splits

START = 1_800_000_000.0  # seconds since 1970 when a kit is made
TURNS = 100_000

__all__ = [
    "Kit",
    "MemoryClient",
    "MemoryStore",
    "Result",
    "Script",
    "at_every_split",
    "played",
    "script",
    "splits",
]


def script(body: bytes | str, *, status: int = 200, content_type: str = "application/json") -> Script:
    """A whole answer in one piece, with its length."""
    data = body.encode() if isinstance(body, str) else body
    fields = ((b"Content-Type", content_type.encode()), (b"Content-Length", b"%d" % len(data)))
    head = ResponseHead(status, b"OK", Headers(fields))
    return Script(head, ((0.0, data),))


@frozen
class Result:
    """What a client got. ``pieces``: as they were sent; ``whole``: False where the response was broken off."""

    exchange: Exchange
    status: int
    headers: Headers
    pieces: tuple[bytes, ...]
    whole: bool

    @property
    def body(self) -> bytes:
        """All pieces."""
        return b"".join(self.pieces)

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return orjson.loads(self.body)


class MemoryClient:
    """A client (`pipeline.ports.Client`) that keeps what it gets. ``flow``: whom it would hold up."""

    def __init__(self) -> None:
        self.head: ResponseHead | None = None
        self.pieces: list[bytes] = []
        self.finished = False
        self.broken_off = False
        self.flow: Flow | None = None

    def begin(self, head: ResponseHead, own: bytes) -> None:
        """Keep the head, as a client would read it."""
        assert self.head is None, "an answer began twice"
        lines = (head.wire + own).split(b"\r\n")[1:-1]
        pairs = [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]
        self.head = ResponseHead(head.status, head.reason, Headers(pairs))

    def flush(self) -> None:
        """Nothing waits here."""

    def write(self, data: bytes, *, more: bool = False) -> None:
        """Keep a part of the body."""
        assert self.head is not None, "a body came before its head"
        self.pieces.append(data)

    def finish(self) -> None:
        """The end."""
        assert not self.finished, "an answer ended twice"
        self.finished = True

    def break_off(self) -> None:
        """The broken end."""
        self.broken_off = True

    def feed_from(self, flow: Flow | None) -> None:
        """Whom to hold up."""
        self.flow = flow


class MemoryStore:
    """A store (`core.services.Store`) that forgets. What is put is there at once."""

    def __init__(self) -> None:
        self.trouble = ""
        self.recordings: dict[int, Recording] = {}
        self._replaced: set[int] = set()
        self._patterns: tuple[Recording, ...] = ()

    def candidates(self, fingerprint: bytes) -> Sequence[Candidate]:
        """Those that may answer, oldest first."""
        found = [r for r in self._replayable() if r.fingerprint == fingerprint]
        return [Candidate(r.id, r.started, r.status, r.session) for r in found]

    def get(self, exchange_id: int) -> Recording | None:
        """One exchange."""
        return self.recordings.get(exchange_id)

    def patterns(self) -> Sequence[Recording]:
        """Those that answer more than their own request."""
        found = tuple(r for r in self._replayable() if r.pattern is not None or r.written)
        if found != self._patterns:
            self._patterns = found
        return self._patterns

    def similar(self, path: bytes, model: str, limit: int) -> Sequence[Recording]:
        """Of this path, this model first, newest first."""
        found = [r for r in reversed(self._replayable()) if r.request.path == path]
        return sorted(found, key=lambda r: r.model != model)[:limit]

    def page(self, limit: int, before: int = 0) -> Sequence[Recording]:
        """Newest first."""
        ids = sorted((i for i in self.recordings if not before or i < before), reverse=True)
        return [self.recordings[i] for i in ids[:limit]]

    def replayable(self, limit: int, behind: tuple[bytes, int] = (b"", 0)) -> Sequence[tuple[bytes, int, str]]:
        """What may answer, slice by slice."""
        return sorted(row for r in self._replayable() if (row := (r.fingerprint, r.id, r.session))[:2] > behind)[:limit]

    def put(self, recording: Recording, *, replace: bool = False, run: int = 0) -> Deferred[bool]:
        """Keep it."""
        if replace:
            same = [r for r in self._replayable() if r.fingerprint == recording.fingerprint and not r.pinned]
            old = (r.id for r in same if not run or (r.id < run and r.session == recording.session))
            self._replaced.update(old)
        self.recordings[recording.id] = recording
        return succeed(True)

    def note(self, recording: Recording) -> None:
        """Keep it."""
        self.recordings[recording.id] = recording

    def amend(self, recording: Recording) -> None:
        """Keep it in the place of the one that was put."""
        if recording.id in self.recordings:
            self.recordings[recording.id] = recording

    def stats(self) -> dict[str, Any]:
        """How many."""
        return {"exchanges": len(self.recordings)}

    def _replayable(self) -> list[Recording]:
        found = [r for r in self.recordings.values() if r.replayable and r.id not in self._replaced]
        return sorted(found, key=lambda r: r.id)


@define
class _KitUpstreams:
    answer: Callable[[Request], Script]
    clock: Clock
    sent: list[tuple[Upstream, Request]] = field(factory=list)

    async def send(self, upstream: Upstream, request: Request, *, at_once: bool = True) -> Answer:
        """Answer from the function, at once."""
        self.sent.append((upstream, request))
        made = self.answer(request)
        return Player(made.head, iter(made.pieces), self.clock)


@frozen
class _KitClock:
    clock: Clock

    def seconds(self) -> float:
        return self.clock.seconds()

    def wall(self) -> float:
        return START + self.clock.seconds()


class _Inline:
    """A worker and scheduler without threads: calls at once, and nothing again."""

    def run(self, function: Callable[..., Any], *args: Any) -> Deferred[Any]:
        return succeed(function(*args))

    def every(self, seconds: float, function: Callable[[], object]) -> None:
        pass

    def at_stop(self, function: Callable[[], object]) -> None:
        pass


class Kit:
    """A daemon in memory with these plugins.

    ``answer`` makes the upstream's answers, by default the built-in model. Further keywords are settings, such as
    ``mode="none"``. ``sent``: what went upstream, ``store``: what was recorded, ``hooks.faults``: what plugins did.
    """

    def __init__(self, *plugins: Any, answer: Callable[[Request], Script] = model.answer, **settings: Any) -> None:
        self.clock = Clock()
        self.settings = Settings(**{"log": "off", "upstream": (parse_upstream("demo:"),)} | settings)
        named = [(getattr(plugin, "__name__", type(plugin).__name__), plugin) for plugin in plugins]
        manager = load_plugins([*built_in(), *named], (), self.settings.block_plugin)
        self.hooks = Dispatcher(manager, self.clock)
        self.store = MemoryStore()
        self._upstreams = _KitUpstreams(answer, self.clock)
        clock, inline, redactor = _KitClock(self.clock), _Inline(), Redactor()
        either_form = EitherForm(Anew(Matcher.of(self.settings), upstreams=self.settings.upstream))
        shelves = OnlyStore(Shelf(self.store, MODES[self.settings.mode]))
        services = Services(
            self.store,
            clock,
            inline,
            inline,
            redactor,
            lambda file: lambda line: None,
            {},
            either_form=either_form,
            shelves=shelves,
        )
        self._now(self.hooks.each("llmproxy_configure", self.settings, services))
        dialects = [each for _, found in self._now(self.hooks.each("llmproxy_dialects")) for each in found]
        keeper = Keeper(
            self.store,
            redactor,
            self.hooks,
            inline,
            shelves,
            self.settings.replay_scope == "key",
            GoodEnds.of(self.settings, inline),
            self.settings.record_max_body,
            Recogniser(redactor, Matcher.of(self.settings), b"k" * 32),
            run=Ids(clock).least(),
        )
        stage = Stage(self.settings, keeper, clock, self.clock)
        dialects += BUILT_IN
        upstreams = self._upstreams
        self.pipeline = Pipeline(self.settings, shelves, self.hooks, keeper, upstreams, stage, Flights(), dialects)
        self._admission = Admission(self.settings.upstream, dialects, clock, b"k" * 32, Ids(clock))

    @property
    def sent(self) -> list[tuple[Upstream, Request]]:
        """(upstream, request) of each request that was forwarded."""
        return self._upstreams.sent

    def send(
        self,
        path: str,
        body: Any = None,
        *,
        method: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Result:
        """Send one request through the pipeline to its end. ``body``: bytes, or a value that is sent as JSON."""
        exchange, client, running = self.begin(path, body, method=method, headers=headers)
        for _ in range(TURNS):
            if running.called:
                break
            self.clock.advance(0.1)
        self._now(running)
        assert client.head is not None, "the exchange ended without an answer"
        return Result(exchange, client.head.status, client.head.headers, tuple(client.pieces), client.finished)

    def begin(
        self,
        path: str,
        body: Any = None,
        *,
        method: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> tuple[Exchange, MemoryClient, Deferred[None]]:
        """Send one request and return at once: turn ``clock`` to let it go on, cancel the Deferred to hang up."""
        data = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        fields = Headers([(name.encode(), value.encode()) for name, value in self._fields(body, headers).items()])
        verb = method or ("GET" if body is None else "POST")
        exchange = self._admission.admit(verb.encode(), path.encode(), fields, Bytes(data), "127.0.0.1")
        client = MemoryClient()
        return exchange, client, Deferred.fromCoroutine(self.pipeline.run(exchange, client))

    @staticmethod
    def _fields(body: Any, headers: Mapping[str, str] | None) -> dict[str, str]:
        fields = {"Host": "127.0.0.1:8910"}
        if body is not None:
            fields["Content-Type"] = "application/json"
        return fields | dict(headers or {})

    @staticmethod
    def _now(awaitable: Any) -> Any:
        """The result of what must be there already."""
        done = awaitable if isinstance(awaitable, Deferred) else Deferred.fromCoroutine(awaitable)
        results: list[Any] = []
        failures: list[Any] = []
        done.addCallbacks(results.append, failures.append)
        if failures:
            failures[0].raiseException()
        assert results, "it is not done yet: the plugin waits for something that the kit does not have"
        return results[0]
