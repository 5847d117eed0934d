"""What lies between us and upstreams, put together from settings and environment, and told at the start."""

import pytest
from relays import FakeAnswer
from talks import DONE
from test_upstream_client import REQUEST, Sending
from twisted.internet.defer import succeed
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from wires import Wire

from proxy_daemon.core.dialects import BUILT_IN
from proxy_daemon.core.messages import ResponseHead
from proxy_daemon.core.proxying import parse_proxy
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.net.upstream.client import Upstreams
from proxy_daemon.net.upstream.way import find_way
from proxy_daemon.pipeline.faults import StartError, UpstreamFault
from proxy_daemon.settings import Settings

PROXY = "http://192.0.2.9:3128"
SOCKS = {"ALL_PROXY": "socks5://192.0.2.9:1080"}
FAR, NEAR = parse_upstream("far=https://api.example"), parse_upstream("near=http://127.0.0.1:8000")
OPEN = b"HTTP/1.1 200 OK\r\n\r\n"


def way(environ=(), **settings):
    found = Settings(**settings)
    return find_way(found, BUILT_IN, dict(environ), Clock().seconds), found


class TestProxiesThatCannotBeUsed:
    @pytest.mark.parametrize("settings", [{}, {"upstream": (NEAR, FAR)}])
    def test_they_end_the_start_where_an_upstream_needs_them(self, settings):
        with pytest.raises(StartError, match=r"^\$ALL_PROXY: proxy .* must be reached by http://"):
            way(SOCKS, **settings)

    @pytest.mark.parametrize(
        "settings",
        [{"upstream": (NEAR,)}, {"upstream": (parse_upstream("demo:"),)}, {"mode": "none"}],
        ids=["on this machine", "built in", "nothing is forwarded"],
    )
    def test_and_hold_up_nobody_else(self, settings):
        found, settings = way(SOCKS, **settings)
        assert found.lines(settings) == []
        with pytest.raises(UpstreamFault, match=r"no way to upstream far: \$ALL_PROXY"):
            found.proxy(FAR)  # as a plugin may route


def test_credentials_that_cannot_be_looked_at_end_the_start(tmp_path):
    folder = tmp_path / ("x" * 300)
    with pytest.raises(StartError, match=r"--upstream-key: .* for upstream near cannot be read"):
        way({"CREDENTIALS_DIRECTORY": str(folder)}, upstream=(NEAR,))
    assert not way({"CREDENTIALS_DIRECTORY": str(tmp_path)}, upstream=(NEAR,))[0].keys


class TestLines:
    @pytest.mark.parametrize("settings", [{}, {"upstream": (NEAR, FAR)}])
    def test_the_proxy(self, settings):
        found, settings = way({"HTTPS_PROXY": PROXY}, **settings)
        assert found.lines(settings) == [f"upstreams are reached through the proxy {PROXY}"]

    def test_no_proxy_where_nothing_is_forwarded(self):
        found, settings = way({"HTTPS_PROXY": PROXY}, mode="none")
        assert found.lines(settings) == []

    @pytest.mark.parametrize(
        ("url", "warned"), [("http://far.example", 1), ("https://far.example", 0), ("http://localhost:1", 0)]
    )
    def test_a_key_in_the_clear(self, tmp_path, url, warned):
        (tmp_path / "key").write_text("sk-secret")
        (tmp_path / "key").chmod(0o600)
        upstream = parse_upstream(f"far={url}")
        found, settings = way(upstream=(upstream,), upstream_key=(("far", str(tmp_path / "key")),))
        lines = found.lines(settings)
        assert (len(lines), "sk-secret" in repr((found, lines))) == (warned, False)
        assert all(line.startswith("WARNING: the key for upstream far goes over http://") for line in lines)


class Play:
    """Requests through a proxy, on a reactor in memory."""

    def __init__(self, url):
        self.reactor, settings = MemoryReactorClock(), Settings(upstream_proxy=parse_proxy(PROXY))
        self.upstreams = Upstreams(self.reactor, self.reactor, settings, find_way(settings, (), {}, Clock().seconds))
        self.sending = Sending(self.upstreams, parse_upstream(url), REQUEST)
        assert self.reactor.tcpClients[0][:2] == ("192.0.2.9", 3128)
        self.protocol, self.wire = self.reactor.tcpClients[0][2].buildProtocol(None), Wire()
        self.protocol.makeConnection(self.wire)


class TestFaultsBehindTheProxy:
    def test_it_closes_instead_of_an_answer(self):
        play = Play("http://api.example")
        play.protocol.connectionLost(DONE)
        assert (play.sending.fault.status, f"the proxy {PROXY}" in play.sending.fault.message) == (502, True)

    def test_the_tunnel_breaks_during_the_handshake(self):
        play = Play("https://api.example")
        play.protocol.dataReceived(OPEN)
        play.protocol.connectionLost(DONE)
        assert (play.sending.fault.status, f"the proxy {PROXY}" in play.sending.fault.message) == (502, True)

    def test_a_407_is_the_proxys_where_it_reads_the_request(self):
        play = Play("http://api.example")
        play.protocol.dataReceived(b"HTTP/1.1 407 No\r\nContent-Length: 5\r\n\r\n")
        assert (play.sending.fault.status, "(407)" in play.sending.fault.message) == (502, True)
        assert play.wire.disconnected

    def test_and_the_upstreams_own_behind_a_tunnel(self, monkeypatch):
        play, upstream = Play("https://api.example"), parse_upstream("https://api.example")

        class Tunnelled:
            def ask(self, *_, **__):
                return succeed(FakeAnswer(ResponseHead(407)))

        async def take(**_):
            return Tunnelled()

        monkeypatch.setattr(play.upstreams._pool(upstream, parse_proxy(PROXY)), "take", take)
        assert Sending(play.upstreams, upstream, REQUEST).answer.head.status == 407
