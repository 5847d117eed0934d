"""Whole daemons from start to stop: drained, reloaded, watched over and given their sockets, as systemd does it."""

import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from signal import SIGHUP, SIGTERM

import pytest
from rig import HERE, LIMIT, SSE_HEAD, Peer, chunk
from service_manager import Manager, handed_over

STREAM = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
HEALTH = b"GET /_llmproxy/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST = b"data: [DONE]\n\n"  # a stream without it is not served again


@pytest.fixture
def manager(tmp_path):
    manager = Manager(tmp_path / "notify")
    yield manager
    manager.socket.close()


class Tap:
    """An upstream whose stream goes on when the test says so."""

    def __init__(self, upstream):
        self.peers = []
        self.server = upstream(self.play)

    def play(self, peer):
        peer.request()
        peer.send(SSE_HEAD + chunk(b"data: first\n\n"))
        self.peers.append(peer)
        peer.rest()

    def finish(self):
        self.peers[0].send(chunk(LAST) + chunk(b""))


@pytest.fixture
def tap(upstream):
    return Tap(upstream)


def streaming(proxy):
    """A client with a stream under way."""
    client = proxy.connect()
    client.send(STREAM)
    client.until(b"data: first\n\n")
    return client


def until_refused(proxy):
    """Until nothing new is let in."""
    with suppress(ConnectionRefusedError):
        while True:
            with suppress(ConnectionResetError):  # it was waiting for its turn when the port was closed
                socket.create_connection(("127.0.0.1", proxy.port), LIMIT).close()


class TestDraining:
    def test_what_is_under_way_ends_and_nothing_new_is_let_in(self, daemon, tap):
        proxy = daemon("--upstream", tap.server.url)
        stream, idle, half = streaming(proxy), proxy.connect(), proxy.connect()
        idle.send(HEALTH)
        assert b'"ready"' in idle.response()[1]
        half.send(HEALTH[:30])
        idle.send(HEALTH)  # by its answer, what the other one has sent was read too
        idle.response()
        proxy.process.send_signal(SIGTERM)
        until_refused(proxy)
        assert idle.rest() == b""
        half.send(HEALTH[30:])
        head, body = half.response()
        assert (head.split(b"\r\n")[0], b'"draining"' in body) == (b"HTTP/1.1 503 Service Unavailable", True)
        assert half.rest() == b""
        tap.finish()
        assert stream.rest().endswith(chunk(LAST) + chunk(b""))
        assert proxy.process.wait(LIMIT) == -SIGTERM

    def test_what_has_drained_is_recorded(self, daemon, tap):
        proxy = daemon("--upstream", tap.server.url)
        stream = streaming(proxy)
        proxy.process.send_signal(SIGTERM)
        until_refused(proxy)
        tap.finish()
        stream.rest()
        proxy.process.wait(LIMIT)
        tap.server.close()
        again = daemon("--mode", "none", "--upstream", tap.server.url).connect()
        again.send(STREAM)
        head, body = again.response()
        assert (b"Cache-Status: llmproxy; hit" in head, body) == (True, b"data: first\n\n" + LAST)

    def test_after_the_grace_time_the_rest_is_broken_off(self, daemon, tap):
        proxy = daemon("--upstream", tap.server.url, "--grace", "200ms")
        stream = streaming(proxy)
        proxy.process.send_signal(SIGTERM)
        assert stream.rest() in (b"", b"\r\n")
        assert proxy.process.wait(LIMIT) == -SIGTERM

    def test_a_second_signal_ends_it_at_once(self, daemon, tap):
        proxy = daemon("--upstream", tap.server.url, "--grace", "10m")
        stream = streaming(proxy)
        proxy.process.send_signal(SIGTERM)
        until_refused(proxy)
        proxy.process.send_signal(SIGTERM)
        assert stream.rest() in (b"", b"\r\n")
        assert proxy.process.wait(LIMIT) == -SIGTERM


class TestReloading:
    @pytest.fixture
    def proxy(self, daemon, manager, tmp_path):
        self.file = tmp_path / "llmproxy.toml"
        self.file.write_text('upstream = "demo:"\n')
        proxy = daemon("--config", str(self.file), env=manager.environ)
        manager.until("READY")
        return proxy

    def reload(self, proxy, manager, text):
        """The status after it."""
        self.file.write_text(text)
        proxy.process.send_signal(SIGHUP)
        first, *_, last = manager.until("READY")
        assert (first["RELOADING"], int(first["MONOTONIC_USEC"]) > 0) == ("1", True)
        return last["STATUS"]

    def said(self, proxy):
        proxy.stop()
        proxy.reader.join(LIMIT)
        return b"".join(proxy.said).decode()

    def test_who_may_ask_is_read_again(self, proxy, manager):
        client = proxy.connect()  # the same connection learns of it
        for text, status in (("", 403), ('allow-host = "llm.example.com"', 200), ("", 403)):
            self.reload(proxy, manager, f'upstream = "demo:"\n{text}\n')
            client.send(b"GET /v1/models HTTP/1.1\r\nHost: llm.example.com\r\n\r\n")
            assert int(client.response()[0].split()[1]) == status
        said = self.said(proxy)
        assert said.count("reload: changed allow-host\n") == 2
        assert said.count("reload: no setting has changed; files were read and opened again\n") == 1

    def test_a_bad_file_changes_nothing_and_is_told(self, proxy, manager):
        status = self.reload(proxy, manager, 'upstream = "demo:"\nallow-hots = "x"\n')
        why = f"{self.file}: unknown key 'allow-hots'; did you mean 'allow-host'?"
        assert status.endswith(f"; settings not read again: {why}")
        assert proxy.get("/_llmproxy/health") == {
            "status": "degraded",
            "recording": "on",
            "settings": f"not read again: {why}",
            "mode": "new_episodes",
        }
        assert proxy.chat()[0] == 200
        assert "settings" not in self.reload(proxy, manager, 'upstream = "demo:"\n')
        assert proxy.get("/_llmproxy/health")["status"] == "ready"
        assert f"reload: the settings stay as they were: {why}\n" in self.said(proxy)

    def test_what_only_a_restart_changes_is_named(self, proxy, manager):
        self.reload(proxy, manager, 'upstream = "http://127.0.0.1:1"\nreplay-speed = 2\n[plugins.x]\na = 1\n')
        assert proxy.chat()[0] == 200
        line = "reload: changed replay-speed; only a restart changes upstream, [plugins]\n"
        assert line in self.said(proxy)

    def test_a_rotated_log_goes_on_in_a_new_file(self, proxy, manager, tmp_path):
        log, old = tmp_path / "requests.log", tmp_path / "requests.log.1"
        assert proxy.chat("before")[0] == 200
        self.until_written(log)
        log.rename(old)
        assert proxy.chat("between")[0] == 200
        self.reload(proxy, manager, 'upstream = "demo:"\n')
        assert proxy.chat("after")[0] == 200
        proxy.stop()
        lines = [path.read_text().count('"POST"') for path in (old, log)]
        assert lines in ([2, 1], [1, 2])  # a line that waits to be written goes with those behind it

    @staticmethod
    def until_written(log):
        deadline = time.monotonic() + LIMIT
        while b'"POST"' not in log.read_bytes():
            assert time.monotonic() < deadline

    def test_replays_that_are_too_old_after_it(self, proxy, manager):
        outcomes = [proxy.chat("x")[1]["Cache-Status"] for _ in range(2)]
        self.reload(proxy, manager, 'upstream = "demo:"\nreplay-max-age = "1ms"\n')
        outcomes.append(proxy.chat("x")[1]["Cache-Status"])
        assert [text.partition("; ")[2] for text in outcomes] == ["fwd=miss", "hit", "fwd=miss"]

    def test_a_stream_under_way_does_not_notice(self, daemon, manager, tap):
        proxy = daemon("--upstream", tap.server.url, env=manager.environ)
        manager.until("READY")
        stream = streaming(proxy)
        proxy.process.send_signal(SIGHUP)
        manager.until("READY")
        tap.finish()
        assert stream.until(chunk(b"")).endswith(chunk(LAST) + chunk(b""))


class TestTheServiceManager:
    def test_it_is_told_of_start_and_stop(self, daemon, manager):
        proxy = daemon("--upstream", "demo:", env=manager.environ)
        [ready] = manager.until("READY")
        assert ready["STATUS"].startswith(f"listening on {proxy.url}, ")
        proxy.stop()
        [stopping] = manager.until("STOPPING")
        assert (stopping["STOPPING"], stopping["EXTEND_TIMEOUT_USEC"]) == ("1", "45000000")

    def test_its_watchdog_is_given_signs_of_life(self, daemon, manager):
        daemon("--upstream", "demo:", env=manager.environ | {"WATCHDOG_USEC": "300000"})
        manager.until("READY")
        assert [manager.until("WATCHDOG")[-1] for _ in range(3)] == [{"WATCHDOG": "1"}] * 3


class TestSocketActivation:
    @pytest.fixture
    def listening(self):
        with closing(socket.create_server(("127.0.0.1", 0))) as listening:
            yield listening

    @pytest.mark.parametrize("listen", [(), ("--listen", "systemd:domain=INET:index=0")], ids=["found", "named"])
    def test_over_a_restart_no_connection_is_refused(self, daemon, listening, listen):
        def start():
            return daemon("--upstream", "demo:", **handed_over(listening) | {"listen": listen})

        first = start()
        assert first.port == listening.getsockname()[1]
        assert first.get("/_llmproxy/health")["status"] == "ready"
        first.stop()
        with closing(Peer(socket.create_connection(listening.getsockname(), LIMIT))) as waiting:
            waiting.send(HEALTH)
            start()
            assert b'"ready"' in waiting.response()[1]

    def test_what_the_command_line_says_rules(self, daemon, listening):
        proxy = daemon("--upstream", "demo:", **handed_over(listening) | {"listen": HERE})
        assert proxy.port != listening.getsockname()[1]

    def test_a_socket_of_loopback_is_private(self, daemon, listening):
        """Anybody's recording answers there, as with `--listen tcp:...:interface=127.0.0.1`."""
        proxy = daemon("--upstream", "demo:", **handed_over(listening))
        outcomes = [proxy.chat(headers={"Authorization": f"Bearer {key}"})[1]["Cache-Status"] for key in ("a", "b")]
        assert [text.partition("; ")[2] for text in outcomes] == ["fwd=miss", "hit"]


def test_a_port_that_is_taken_is_one_line_and_exit_code_1(tmp_path):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        description = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
        command = [sys.executable, "-m", "proxy_daemon.cli.main", "serve", "--listen", description]
        command += ["--store", str(tmp_path / "s.db"), "--upstream", "demo:"]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert (ran.returncode, ran.stderr) == (1, f"llmproxy: cannot listen on {description}: Address already in use\n")
