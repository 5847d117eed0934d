"""`tap.assemble` without a reactor that runs: the parts fit together, and a start that fails leaves nothing behind."""

import gc
import json
import queue
import re
import resource
import threading
from hashlib import sha256

import pytest
from attrs import evolve
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock, StringTransportWithDisconnection
from twisted.logger import capturedLogs

from proxy_daemon import tap
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.net.housekeeping import ThreadWorker
from proxy_daemon.pipeline.faults import StartError
from proxy_daemon.settings import Settings, SettingsError
from proxy_daemon.tap import Options, assemble, makeService

DEMO = (parse_upstream("demo:"),)
CHAT = {"model": "demo-fast", "messages": [{"role": "user", "content": "hi"}]}
HERE = IPv4Address("TCP", "127.0.0.1", 8910)
THERE = IPv4Address("TCP", "127.0.0.1", 40000)


class Reactor(MemoryReactorClock):
    """Threads may call it; the test lets the calls happen."""

    def __init__(self):
        super().__init__()
        self.said = queue.Queue()

    def callFromThread(self, function, *args, **kwargs):
        self.said.put((function, args, kwargs))

    def turn_until(self, done):
        """Until it is done: a turn of the clock, then what a thread has to say."""
        while not done():
            self.advance(0.01)
            try:
                function, args, kwargs = self.said.get(timeout=0.01)
            except queue.Empty:
                continue
            function(*args, **kwargs)


@pytest.fixture(autouse=True)
def process():
    """What `assemble` changes of the process is put back."""
    thresholds, limits = gc.get_threshold(), resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    gc.set_threshold(*thresholds)
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.fixture
def reactor():
    return Reactor()


@pytest.fixture
def assembled(reactor, tmp_path):
    """`assembled(**settings)` is a daemon; its parts are stopped at the end, and no thread is left."""
    before, daemons = set(threading.enumerate()), []

    def make(**settings):
        daemons.append(finished(reactor, assemble(Settings(**defaults(tmp_path) | settings), reactor)))
        return daemons[-1]

    yield make
    for daemon in daemons:
        for stop in daemon.stops:
            if (stopped := stop()) is not None:
                finished(reactor, stopped)
    assert set(threading.enumerate()) <= before


def defaults(tmp_path):
    return {
        "listen": ("tcp:8910:interface=127.0.0.1",),
        "log": "off",
        "upstream": DEMO,
        "store": str(tmp_path / "s.db"),
    }


def finished(reactor, awaitable):
    """What comes of it, once it is there."""
    results, failures = [], []
    running = awaitable if isinstance(awaitable, Deferred) else Deferred.fromCoroutine(awaitable)
    running.addCallbacks(results.append, failures.append)
    reactor.turn_until(lambda: results or failures)
    if failures:
        failures[0].raiseException()
    return results[0]


def ask(reactor, daemon, target, body=None, *, peer=THERE, headers=()):
    """Send one request to the site: (status, head, body) of its answer."""
    channel, transport = daemon.site.buildProtocol(peer), StringTransportWithDisconnection(HERE, peer)
    transport.protocol = channel
    channel.makeConnection(transport)
    data = b"" if body is None else json.dumps(body).encode()
    fields = ["Host: 127.0.0.1:8910", "Connection: close", f"Content-Length: {len(data)}", *headers]
    verb = "GET" if body is None else "POST"
    channel.dataReceived("\r\n".join([f"{verb} {target} HTTP/1.1", *fields, "", ""]).encode() + data)
    reactor.turn_until(lambda: not transport.connected)
    head, _, answer = transport.value().partition(b"\r\n\r\n")
    return int(head.split()[1]), head, answer


def chat(reactor, daemon):
    status, head, _ = ask(reactor, daemon, "/v1/chat/completions", CHAT)
    return status, [line for line in head.decode().split("\r\n") if line.startswith("Cache-Status")]


# --- the parts fit ---------------------------------------------------------------------------------------------------


def test_a_question_is_answered_recorded_and_replayed(reactor, assembled):
    daemon = assembled()
    assert chat(reactor, daemon) == (200, ["Cache-Status: llmproxy; fwd=miss"])
    assert chat(reactor, daemon) == (200, ["Cache-Status: llmproxy; hit"])
    assert not reactor.tcpClients
    assert not reactor.tcpServers  # the service listens, not the assembly


def test_without_a_store_nothing_is_replayed(reactor, assembled):
    daemon = assembled(store="off")
    assert [chat(reactor, daemon)[1] for _ in range(2)] == [["Cache-Status: llmproxy; fwd=miss"]] * 2


@pytest.mark.parametrize("mode", ["none", "all", "off"])
def test_the_mode_rules(reactor, assembled, mode):
    status, cache = chat(reactor, assembled(mode=mode))
    assert (status, cache) == {
        "none": (424, ["Cache-Status: llmproxy; fwd=bypass; detail=refused"]),
        "all": (200, ["Cache-Status: llmproxy; fwd=bypass"]),
        "off": (200, ["Cache-Status: llmproxy; fwd=bypass"]),
    }[mode]


def test_the_pages_show_the_parts(reactor, assembled):
    daemon = assembled()
    chat(reactor, daemon)
    status, _, body = ask(reactor, daemon, "/_llmproxy/api/stats")
    facts = json.loads(body)
    assert status == 200
    assert {"store", "plugin_faults", "upstream_connections", "client_connections"} <= set(facts)
    assert facts["plugin_faults"] == {}
    assert facts["client_connections"] == 1


@pytest.mark.filterwarnings("ignore:twisted.web.resource._UnsafeNoResource")  # Twisted's own page for a 404
def test_the_pages_are_blocked_by_their_name(reactor, assembled):
    assert ask(reactor, assembled(block_plugin=("pages",)), "/_llmproxy/api/stats")[0] == 404


@pytest.mark.parametrize(("host", "status"), [("evil.example", 403), ("10.1.1.1", 200), ("named.example", 200)])
def test_hosts_that_may_be_named_are_those_of_the_settings(reactor, assembled, host, status):
    listen = ("tcp:8910:interface=127.0.0.1", "tcp:8910:interface=10.1.1.1")
    daemon = assembled(listen=listen, allow_host=("named.example",))
    channel, transport = daemon.site.buildProtocol(THERE), StringTransportWithDisconnection(HERE, THERE)
    transport.protocol = channel
    channel.makeConnection(transport)
    channel.dataReceived(f"GET /_llmproxy/health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    reactor.turn_until(lambda: not transport.connected)
    assert int(transport.value().split()[1]) == status


def test_bodies_are_limited(reactor, assembled):
    assert ask(reactor, assembled(max_body=10), "/v1/chat/completions", CHAT)[0] == 413


def test_what_the_start_says(assembled):
    first, second = assembled().start_lines(["http://127.0.0.1:8910"])
    assert first == "listening on http://127.0.0.1:8910, upstream: default demo:, mode new_episodes"
    assert "s.db are served again" in second


TOKENS = {"red": sha256(b"llmp_red").digest(), "blue": sha256(b"llmp_blue").digest()}


@pytest.mark.parametrize(("before", "after", "second"), [(None, TOKENS, "fwd=miss"), (TOKENS, None, "hit")])
def test_a_reload_of_tokens_changes_whose_recordings_answer(reactor, assembled, before, after, second):
    daemon = assembled(client_tokens=before)
    finished(reactor, daemon.adopt(evolve(daemon.settings, client_tokens=after)))
    answers = [
        ask(reactor, daemon, "/v1/chat/completions", CHAT, headers=[f"X-LLMProxy-Token: llmp_{name}"])
        for name in ("red", "blue")
    ]
    told = [re.search(rb"Cache-Status: llmproxy; (.*)\r\n", head)[1] for _, head, _ in answers]
    assert told == [b"fwd=miss", second.encode()]


@pytest.mark.parametrize(("listen", "warned"), [("tcp:8910", 2), ("tcp:8910:interface=127.0.0.1", 0)])
def test_a_reload_that_takes_the_tokens_away_is_warned_of(reactor, assembled, listen, warned):
    daemon = assembled(client_tokens=TOKENS, listen=(listen,))
    with capturedLogs() as said:
        finished(reactor, daemon.adopt(evolve(daemon.settings, client_tokens=None)))
    assert sum("line" in event for event in said) == warned


WATCHES = """
from proxy_daemon.hookspecs import hookimpl
@hookimpl
def llmproxy_reload(settings):
    settings.plugin_settings["seen"].append(settings.allow_host)
"""


def test_a_reload_that_one_plugin_refuses_is_taken_back_from_the_others(reactor, assembled, tmp_path):
    (tmp_path / "watches.py").write_text(WATCHES)
    seen = []
    daemon = assembled(plugin=(str(tmp_path / "watches.py"),), plugin_settings={"seen": seen}, allow_host=("old",))
    before = daemon.site.access
    with pytest.raises(SettingsError, match="'request-log': --log: /proc/no/log cannot be opened"):
        finished(reactor, daemon.adopt(evolve(daemon.settings, allow_host=("new",), log="/proc/no/log")))
    assert (seen, daemon.site.access) == ([("new",), ("old",)], before)


# --- plugins ---------------------------------------------------------------------------------------------------------

PLUGIN = """
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.hookspecs import hookimpl
from proxy_daemon.testing import MemoryStore
from twisted.web.resource import Resource

class Mine(Dialect):
    name = "mine"
    def generates(self, request):
        return False

class Page(Resource):
    isLeaf = True
    def render_GET(self, request):
        return b"my page"

def make(rest, settings):
    store = MemoryStore()
    settings.plugin_settings["mine"].append((rest, store))
    return store

@hookimpl
def llmproxy_dialects():
    return [Mine()]

@hookimpl
def llmproxy_stores():
    return {"memory": make}

@hookimpl
def llmproxy_configure(settings, services):
    settings.plugin_settings["mine"].append(services)
    services.facts["mine"] = lambda: 5

@hookimpl
def llmproxy_resources(settings, services):
    return {"mine": Page()}
"""


@pytest.fixture
def plugin(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN)
    return str(path)


def test_a_plugin_gives_a_store_a_dialect_a_page_and_a_fact(reactor, assembled, plugin):
    seen = []
    daemon = assembled(plugin=(plugin,), store="memory:rest:of:it", plugin_settings={"mine": seen})
    assert ask(reactor, daemon, "/_llmproxy/mine")[2] == b"my page"
    assert json.loads(ask(reactor, daemon, "/_llmproxy/api/stats")[2])["mine"] == 5
    assert chat(reactor, daemon) == (200, ["Cache-Status: llmproxy; fwd=bypass"])  # the dialect says so
    (rest, store), services = seen
    assert (rest, services.store) == ("rest:of:it", store)
    (recording,) = store.recordings.values()
    assert recording.replayable


def test_a_file_may_have_a_colon_in_its_name(reactor, assembled, plugin, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    daemon = assembled(plugin=(plugin,), store="other:s.db", plugin_settings={"mine": []})
    assert chat(reactor, daemon)[0] == 200
    assert (tmp_path / "other:s.db").exists()


# --- starts that fail ------------------------------------------------------------------------------------------------


@pytest.fixture
def workers(monkeypatch):
    """The workers that were made."""
    made = []

    class Watched(ThreadWorker):
        def __init__(self, reactor):
            super().__init__(reactor)
            self.stopped = 0
            made.append(self)

        def stop(self):
            self.stopped += 1
            super().stop()

    monkeypatch.setattr(tap, "ThreadWorker", Watched)
    return made


BROKEN = "from proxy_daemon.hookspecs import hookimpl\n@hookimpl\ndef {}\n    raise ValueError('broken')\n"


@pytest.mark.parametrize(
    "head",
    [
        "llmproxy_configure():",
        "llmproxy_dialects():",
        "llmproxy_stores():",
        "llmproxy_resources():",
        "async llmproxy_configure():",
    ],
)
def test_a_hook_that_fails_ends_the_start(reactor, tmp_path, workers, head):
    before = set(threading.enumerate())
    path = tmp_path / "broken.py"
    text = BROKEN.format(head.removeprefix("async "))
    path.write_text(text.replace("def ", "async def ") if head.startswith("async") else text)
    with pytest.raises(StartError, match=r"^The plugin 'broken' failed in llmproxy_\w+: ValueError: broken$"):
        finished(reactor, assemble(Settings(**defaults(tmp_path) | {"plugin": (str(path),)}), reactor))
    assert [worker.stopped for worker in workers] == [1, 1]
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"plugin": ("no.such",)}, "plugin 'no.such' cannot be loaded: ModuleNotFoundError"),
        ({"store": "/proc/nowhere/s.db"}, "the store /proc/nowhere/s.db cannot be used: "),
        ({"log": "/proc/nowhere/log"}, "plugin 'request-log': --log: /proc/nowhere/log cannot be opened: "),
    ],
)
def test_a_start_that_fails_is_one_line(reactor, tmp_path, workers, settings, words):
    with pytest.raises(StartError, match=f"^{words}") as error:
        finished(reactor, assemble(Settings(**defaults(tmp_path) | settings), reactor))
    assert "\n" not in str(error.value)
    assert [worker.stopped for worker in workers] == [1, 1]


# --- the process -----------------------------------------------------------------------------------------------------


def test_the_limit_of_descriptors_is_raised(assembled):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
    assembled(store="off")
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)


@pytest.mark.parametrize(("value", "traced"), [("", False), ("0", False), ("1", True)])
def test_hook_calls_are_printed_where_that_is_wanted(reactor, assembled, monkeypatch, capsys, value, traced):
    monkeypatch.setenv("LLMPROXY_TRACE_HOOKS", value)
    chat(reactor, assembled(store="off"))
    assert ("llmproxy_lookup [replay] Exchange(" in capsys.readouterr().err) is traced


def test_a_service_is_made_but_nothing_is_put_together_yet(monkeypatch, tmp_path):
    """twistd forks between the two."""
    monkeypatch.setenv("HOME", str(tmp_path))
    options = Options()
    options.parseOptions(["--store", str(tmp_path / "later.db")])
    service = makeService(options)
    assert not service.running
    assert not (tmp_path / "later.db").exists()
