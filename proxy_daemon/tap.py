"""`twistd llmproxy`: its options, and the only place where the parts are put together.

Nothing imports this file but twistd, and nothing else imports the global reactor.
"""

from __future__ import annotations

import gc
import os
import resource
import secrets
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from attrs import Factory, asdict, field, frozen
from twisted.application.service import IService
from twisted.logger import Logger

from proxy_daemon import command_line
from proxy_daemon.core.access import Access
from proxy_daemon.core.adopting import Adopter
from proxy_daemon.core.dialects import BUILT_IN
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.ids import Ids
from proxy_daemon.core.matching.anew import Anew
from proxy_daemon.core.matching.either_form import EitherForm
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.modes import MODES, ONCE
from proxy_daemon.core.notices import NOTICES
from proxy_daemon.core.services import Services, Store
from proxy_daemon.core.tokens import Tokens, page_digest
from proxy_daemon.exposure import exposed, guard_keys, interface, opened, scopes_by_key
from proxy_daemon.net import handed_over, listening
from proxy_daemon.net.bodies import SPACE, space_limit
from proxy_daemon.net.certificates import CertificateError
from proxy_daemon.net.front import Front, FrontResource
from proxy_daemon.net.housekeeping import Lines, LoopingScheduler, SystemClock, ThreadWorker, within
from proxy_daemon.net.limits import limits_of
from proxy_daemon.net.mounting import mounted
from proxy_daemon.net.polling import poll_plainly
from proxy_daemon.net.service import Daemon, DaemonService, Stopping, Surroundings
from proxy_daemon.net.signals import Signals
from proxy_daemon.net.site import FrontSite
from proxy_daemon.net.stage import Stage
from proxy_daemon.net.systemd import Notifier
from proxy_daemon.net.upstream.client import Upstreams
from proxy_daemon.net.upstream.way import find_way
from proxy_daemon.net.work import ChildWork, child_of
from proxy_daemon.pipeline.acting import Acting
from proxy_daemon.pipeline.admission import Admission
from proxy_daemon.pipeline.discovery import load_plugins
from proxy_daemon.pipeline.dispatch import Dispatcher
from proxy_daemon.pipeline.exchange import Pipeline
from proxy_daemon.pipeline.faults import StartError
from proxy_daemon.pipeline.flights import Flights
from proxy_daemon.pipeline.good_ends import GoodEnds
from proxy_daemon.pipeline.keeping import Keeper
from proxy_daemon.pipeline.promoting import Promoter
from proxy_daemon.pipeline.recognising import Recogniser
from proxy_daemon.pipeline.secret_watch import SecretWatch
from proxy_daemon.pipeline.shelves import Shelves
from proxy_daemon.plugins import built_in
from proxy_daemon.settings import Settings, SettingsError
from proxy_daemon.settings.redacting import redactor_of
from proxy_daemon.settings.secrets import admin_token
from proxy_daemon.shelving import Opener
from proxy_daemon.store.database import SQLiteStore, StoreError
from proxy_daemon.store.nothing import NoStore
from proxy_daemon.store.refingerprint import Rules
from proxy_daemon.ui.pages import Pages

log = Logger()


class Options(command_line.Options):
    """The command line, with what only the reactor can tell."""

    def handed_over(self) -> tuple[str, ...]:
        """Endpoints of the sockets that systemd hands over."""
        from twisted.internet import reactor  # noqa: PLC0415  (as late as possible: --reactor must still rule)

        try:
            return handed_over.handed_over(reactor)
        except handed_over.HandedOverError as error:
            raise SettingsError(str(error)) from error

    def check_endpoints(self, descriptions: Sequence[str]) -> None:
        """Whether these can be listened on."""
        from twisted.internet import reactor  # noqa: PLC0415  (as late as possible: --reactor must still rule)

        for description in descriptions:
            try:
                listening.endpoint(reactor, description)
            except CertificateError as error:
                raise SettingsError(f"--listen {description}: {error}") from error
            except Exception as error:
                raise SettingsError(
                    f"--listen: {description!r} is not an endpoint ({error}); for example tcp:8910:interface=127.0.0.1"
                ) from error


def makeService(options: Options) -> IService:
    """The daemon of these options, as twistd wants it. It is put together when it starts, after twistd has forked."""
    from twisted.internet import reactor  # noqa: PLC0415  (as late as possible: --reactor must still rule)

    settings = options.settings
    around = Surroundings(Signals(reactor), lambda: Notifier.of(os.environ, os.getpid()), options.read)
    return DaemonService(reactor, settings.listen, lambda: assemble(settings, reactor), around)


async def assemble(settings: Settings, reactor: Any) -> Daemon:
    """Put the parts together. Raises `StartError` with one line."""
    raise_descriptor_limit()
    _collect_rarely()
    poll_plainly(reactor)
    machine = Machine(reactor)
    try:
        return await _assemble(settings, machine)
    except SettingsError as error:  # what is found wrong only now, as in a file of secrets
        machine.stop_threads()
        raise StartError(str(error)) from error
    except BaseException:
        machine.stop_threads()
        raise


def _collect_rarely() -> None:
    """Exchanges make many short-lived objects: the default looks at them 70 times as often."""
    if not gc.isenabled():  # as `llmproxy serve` loads us: there is no garbage yet, and modules stay
        gc.freeze()
        gc.enable()
    gc.set_threshold(50_000, 20, 50)


@frozen
class Machine:
    """What the daemon has of the machine: time, threads, and the reactor for sockets."""

    reactor: Any
    clock: SystemClock = field(factory=SystemClock)
    scheduler: LoopingScheduler = field(default=Factory(lambda self: LoopingScheduler(self.reactor), takes_self=True))
    worker: ThreadWorker = field(default=Factory(lambda self: ThreadWorker(self.reactor), takes_self=True))
    # a thread of its own for the redaction of large bodies: what plugins let theirs do must not hold up answers
    redaction: ThreadWorker = field(default=Factory(lambda self: ThreadWorker(self.reactor), takes_self=True))

    def stop_threads(self) -> None:
        """Wait for the calls that run, and let the threads end."""
        self.worker.stop()
        self.redaction.stop()


async def _assemble(settings: Settings, machine: Machine) -> Daemon:
    manager = load_plugins([*built_in(), ("pages", Pages())], settings.plugin, settings.block_plugin)
    hooks = Dispatcher(manager, machine.reactor, _trace())
    dialects = [dialect for _, found in await hooks.each("llmproxy_dialects") for dialect in found] + list(BUILT_IN)
    store, key = await _open_store(settings, machine, hooks, dialects)
    work = _work(settings, store, machine)
    anew = _anew(settings, dialects)
    stops: tuple[Stopping, ...] = (machine.scheduler.stop, machine.stop_threads, getattr(store, "close", lambda: None))
    try:
        shelves = _shelves(settings, store, machine, dialects)
        acts = _acting(settings, store, shelves, machine, anew)
        services = _services(store, machine, hooks, work, anew, shelves, acts)
        stops = (shelves.close, *stops)
        return await _daemon(settings, machine, hooks, dialects, services, key, stops)
    except BaseException:
        if isinstance(store, SQLiteStore):
            store.close()
        raise


async def _daemon(
    settings: Settings,
    machine: Machine,
    hooks: Dispatcher,
    dialects: list[Dialect],
    services: Services,
    key: bytes,
    stops: tuple[Stopping, ...],
) -> Daemon:
    clock = services.clock
    await hooks.each("llmproxy_configure", settings, services)
    way = find_way(settings, dialects, os.environ, clock.seconds)
    guard_keys(settings, bool(way.keys))
    upstreams = Upstreams(machine.reactor, machine.reactor, settings, way)
    services.facts["upstream_connections"] = upstreams.stats
    services.facts["upstream_queue"] = upstreams.queues
    SPACE.limit = space_limit(settings.max_spool)
    services.facts["spool"] = SPACE.stats
    keeper = _keeper(settings, hooks, services, machine, key)
    services.life.scoped = keeper.scope_by_key
    stage = Stage(settings, keeper, clock, machine.reactor)
    pipeline = Pipeline(settings, services.shelves, hooks, keeper, upstreams, stage, Flights(), dialects)
    admission = Admission(settings.upstream, dialects, clock, key, Ids(clock))
    pages = mounted(await hooks.each("llmproxy_resources", settings, services))
    root = FrontResource(Front(admission, pipeline, upstreams.has), pages)
    allowed = _access(settings, services.page_token)
    site = FrontSite(root, allowed, settings.max_body, settings.client_timeout, clock.seconds, limits_of(settings))
    services.scheduler.every(1.0, site.look)
    services.facts["client_connections"] = lambda: len(site.channels)
    services.facts["limits_met"] = site.met.numbers
    services.facts["unauthorized"] = lambda: site.unauthorized

    async def adopt(new: Settings) -> None:
        guard_keys(new, bool(way.keys))  # first, as what follows: where it raises, nothing has changed
        access = _access(new, services.page_token)
        await _reload_plugins(hooks, stage.settings, new)
        if site.access.tokens.needed and not access.tokens.needed:
            _tell_opened(new)
        site.access, stage.settings = access, new
        services.life.scoped = keeper.scope_by_key = scopes_by_key(new)

    def lines(addresses: list[str]) -> list[str]:
        return start_lines(settings, addresses) + way.lines(settings)

    return Daemon(site, lines, (upstreams.close, *stops), settings, services.life, adopt)


async def _reload_plugins(hooks: Dispatcher, before: Settings, new: Settings) -> None:
    """All plugins get the new settings; where one refuses them, all have the old ones. Raises its `SettingsError`."""
    try:
        await hooks.each("llmproxy_reload", new)
    except SettingsError:
        with suppress(SettingsError):  # it refused the new ones, so it has kept the old ones
            await hooks.each("llmproxy_reload", before)
        raise


def _keeper(settings: Settings, hooks: Dispatcher, services: Services, machine: Machine, key: bytes) -> Keeper:
    return Keeper(
        store=services.store,
        redactor=services.redactor,
        hooks=hooks,
        worker=machine.redaction,
        shelves=services.shelves,
        scope_by_key=scopes_by_key(settings),
        ends=GoodEnds.of(settings, machine.redaction),
        record_max_body=settings.record_max_body,
        recogniser=Recogniser(services.redactor, Matcher.of(settings), key),
        watch=SecretWatch(machine.redaction, settings.on_secret),
        run=Ids(machine.clock).least(),
    )


def _work(settings: Settings, store: Store, machine: Machine) -> ChildWork | None:
    """The child process, for stores that it can read. With --fuzzy off it waits for a question of the pages."""
    if not isinstance(store, SQLiteStore):
        return None
    waits = settings.fuzzy == "off"
    rules = settings.redact
    return child_of(settings.store, machine.reactor, machine.scheduler, os.environ, rules, waits=waits)


def _services(
    store: Store,
    machine: Machine,
    hooks: Dispatcher,
    work: ChildWork | None,
    anew: Anew,
    shelves: Shelves,
    acts: Acting,
) -> Services:
    facts: dict[str, Callable[[], Any]] = {"store": store.stats, "plugin_faults": lambda: dict(hooks.faults)}
    facts["mode"] = lambda: asdict(acts.mode())
    services = Services(
        store=store,
        clock=machine.clock,
        worker=machine.worker,
        scheduler=machine.scheduler,
        redactor=anew.redactor,
        lines=lambda file: Lines(file, machine.scheduler).write,
        facts=facts,
        tell=hooks.tell,
        work=work,
        either_form=EitherForm(anew),
        within=partial(within, machine.reactor),
        acts=acts,
        page_token=secrets.token_urlsafe(32),
        notices=NOTICES,
        shelves=shelves,
    )
    acts.publish = services.live.publish
    return services


def _acting(settings: Settings, store: Store, shelves: Shelves, machine: Machine, anew: Anew) -> Acting:
    """For people. Answers that are copied into a cassette are judged as those that are recorded."""
    judge = Adopter(
        settings.upstream,
        anew.dialects,
        settings.on_error_response == "record",
        settings.on_broken_stream == "record",
        settings.record_max_body,
    )
    clock, worker = machine.clock, machine.worker
    promoter, watch = Promoter(shelves, clock, worker, judge, anew), SecretWatch(worker, settings.on_secret)
    return Acting(store, shelves, clock, worker, anew.redactor, anew.dialects, promoter, watch, settings.mode)


async def _open_store(
    settings: Settings, machine: Machine, hooks: Dispatcher, dialects: list[Dialect]
) -> tuple[Store, bytes]:
    """The store and the key for hashes of credentials. Third parties' stores are named `SCHEME:REST`."""
    if settings.store == "off":
        return NoStore(), secrets.token_bytes(32)
    kinds = {name: make for _, found in await hooks.each("llmproxy_stores") for name, make in found.items()}
    scheme, separator, rest = settings.store.partition(":")
    if separator and scheme in kinds:
        return kinds[scheme](rest, settings), secrets.token_bytes(32)
    try:
        store = SQLiteStore.open(
            settings.store,
            max_bytes=settings.store_max_bytes,
            max_age=settings.store_max_age,
            wall=machine.clock.wall,
            call_in_reactor=machine.reactor.callFromThread,
            soon=lambda function: machine.reactor.callLater(0, function),
            rules=_rules(settings, dialects),
        )
    except StoreError as error:
        raise StartError(str(error)) from error
    store.on_trouble = _tell_trouble
    if store.trouble:
        _tell_trouble(store.trouble)
    machine.scheduler.every(1.0, store.sweep)
    return store, store.key


def _shelves(settings: Settings, store: Store, machine: Machine, dialects: list[Dialect]) -> Shelves:
    """Where recordings are found and kept. The cassette of the settings is opened before anybody asks it."""
    call = machine.reactor.callFromThread
    shelves = Opener(settings, dialects, machine.clock, machine.worker.run, call, _tell_trouble).shelves(store)
    machine.scheduler.every(1.0, shelves.sweep)
    return shelves


def _rules(settings: Settings, dialects: list[Dialect]) -> Rules:
    """What fingerprints follow. A store that was written under other rules gets new ones before anybody asks."""
    anew = _anew(settings, dialects)
    # A warning, since it may take a minute: `llmproxy serve` shows nothing less.
    return Rules(anew.digest, anew, lambda line: log.warn("{line}", line=line))  # noqa: G010  (a Twisted logger)


def _anew(settings: Settings, dialects: list[Dialect]) -> Anew:
    return Anew(Matcher.of(settings), dialects, settings.upstream, redactor_of(settings))


def _tell_trouble(trouble: str) -> None:
    log.warn("{trouble}", trouble=trouble or "recording works again")  # noqa: G010  (a Twisted logger)


def _tell_opened(settings: Settings) -> None:
    for line in opened(settings):
        log.warn("{line}", line=line)  # noqa: G010  (as above)


def _access(settings: Settings, page_token: str) -> Access:
    """Who may ask: for the start, and for a reload, which assigns it to `FrontSite.access`. Raises `SettingsError`."""
    hosts = (*settings.allow_host, *filter(None, map(interface, settings.listen)))
    tokens = Tokens(settings.client_tokens, admin_token(settings, os.environ), page_digest(page_token))
    return Access(hosts, settings.allow_origin, tokens)


def raise_descriptor_limit() -> None:
    """A thousand streams take two thousand descriptors; the soft limit is often 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # a service manager's filter of system calls may forbid it
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def start_lines(settings: Settings, addresses: list[str]) -> list[str]:
    """What the person who started the daemon should know."""
    upstream = ", ".join(f"{upstream.name} {upstream.url}" for upstream in settings.upstream) or "by API"
    lines = [f"listening on {', '.join(addresses)}, upstream: {upstream}, mode {settings.mode}"]
    mode = MODES[settings.mode] if settings.mode != ONCE else MODES["none"]
    if settings.cassette:
        lines.append(f"the cassette is {settings.cassette}")
    elif settings.store == "off":
        lines.append("nothing is recorded (--store off)")
    elif mode.looks_up:
        lines.append(f"answers recorded in {settings.store} are served again; --mode off turns that off")
    elif not mode.keeps:
        lines.append(f"exchanges are logged in {settings.store}, nothing is served from it")
    return lines if settings.client_tokens is not None else lines + exposed(addresses)


def _trace() -> Callable[[str], None] | None:
    """`LLMPROXY_TRACE_HOOKS=1` prints each hook call."""
    if os.environ.get("LLMPROXY_TRACE_HOOKS", "") in ("", "0"):
        return None
    return lambda line: print(line, file=sys.stderr, flush=True)  # noqa: T201  (that is what the switch is for)
