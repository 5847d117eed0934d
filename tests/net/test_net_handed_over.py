"""Sockets that are handed over: which ones we take, and what becomes of them. Whole daemons: test_life_cycle.py."""

import os
import socket
import subprocess
import sys
from contextlib import closing

import pytest
from rig import LIMIT
from twisted.internet.endpoints import AdoptedStreamServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock

from proxy_daemon.net import handed_over as module
from proxy_daemon.net import listening

ASK = """
import os, sys
from twisted.internet import reactor
from proxy_daemon.net import handed_over
try:
    found = handed_over.handed_over(reactor)
    print(found, [handed_over.host(each) for each in found], [handed_over.is_unix(each) for each in found])
except handed_over.HandedOverError as error:
    print(error)
"""


def handed_over(*sockets, pid="$$", count=None, names=None):
    """What a process says that gets these sockets as systemd hands them over: from descriptor 3 on."""
    count = len(sockets) if count is None else count
    names = ":".join(["a.socket"] * count) if names is None else names
    moves = "".join(f"exec {3 + index}<&{100 + index}; " for index in range(len(sockets)))
    for index, each in enumerate(sockets):
        os.dup2(each.fileno(), 100 + index)
    try:
        script = f'{moves}export LISTEN_PID={pid} LISTEN_FDS={count} LISTEN_FDNAMES={names}; exec "$@"'
        ran = subprocess.run(
            ["bash", "-c", script, "bash", sys.executable, "-c", ASK],
            pass_fds=[100 + index for index in range(len(sockets))],
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    finally:
        for index in range(len(sockets)):
            os.close(100 + index)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@pytest.fixture
def opened():
    """`opened(family, address)`: a listening socket."""
    sockets = []

    def make(family, address, *, listen=True, kind=socket.SOCK_STREAM):
        sockets.append(socket.socket(family, kind))
        sockets[-1].bind(address)
        if listen:
            sockets[-1].listen()
        return sockets[-1]

    yield make
    for each in sockets:
        each.close()


class TestHandedOver:
    def test_all_that_there_are_with_their_addresses(self, opened):
        found = handed_over(opened(socket.AF_INET, ("127.0.0.1", 0)), opened(socket.AF_INET6, ("::1", 0)))
        assert (
            found
            == "('systemd:domain=INET:index=0', 'systemd:domain=INET6:index=1') ['127.0.0.1', '::1'] [False, False]"
        )

    def test_those_of_another_process_are_not_ours(self, opened):
        assert handed_over(opened(socket.AF_INET, ("127.0.0.1", 0)), pid="1") == "() [] []"

    def test_none(self):
        assert handed_over() == "() [] []"

    @pytest.mark.parametrize("count", ["-1", "many"])
    def test_a_count_that_is_none(self, count):
        assert handed_over(count=0, names="", pid=f"$$ LISTEN_FDS={count}") == "() [] []"

    @pytest.mark.parametrize("name", ["path", "abstract"])
    def test_a_unix_socket_has_no_address(self, opened, tmp_path, name):
        address = str(tmp_path / "s") if name == "path" else f"\0{tmp_path}"
        assert handed_over(opened(socket.AF_UNIX, address)) == "('systemd:domain=UNIX:index=0',) [''] [True]"

    def test_one_that_is_not_for_streams(self, opened, tmp_path):
        found = handed_over(opened(socket.AF_UNIX, str(tmp_path / "s"), kind=socket.SOCK_SEQPACKET))
        assert found == "descriptor 3 of LISTEN_FDS is no socket for streams: use ListenStream="

    def test_one_that_does_not_listen(self, opened):
        found = handed_over(opened(socket.AF_INET, ("127.0.0.1", 0), listen=False))
        assert found == "descriptor 3 of LISTEN_FDS does not listen: use Accept=no"

    def test_one_that_is_not_open(self):
        assert handed_over(count=1).startswith("descriptor 3 of LISTEN_FDS is no socket: ")


# --- listening on them -----------------------------------------------------------------------------------------------


class Reactor(Clock):
    """Remembers who reads."""

    def __init__(self):
        super().__init__()
        self.readers = []

    def addReader(self, reader):
        self.readers.append(reader)

    def removeReader(self, reader):
        self.readers = [each for each in self.readers if each is not reader]

    def removeWriter(self, _):
        pass


class Greeter(Protocol):
    def connectionMade(self):
        self.transport.socket.send(b"hello")
        self.transport.socket.close()


class TestUnixSockets:
    @pytest.fixture
    def held(self, opened, tmp_path):
        """The socket as systemd holds it: nobody else may connect."""
        held = opened(socket.AF_UNIX, str(tmp_path / "s"))
        (tmp_path / "s").chmod(0o600)
        return held

    @pytest.fixture
    def port(self, held):
        reactor, ports = Reactor(), []
        module.UnixEndpoint(reactor, os.dup(held.fileno())).listen(Factory.forProtocol(Greeter)).addCallback(
            ports.append
        )
        [port] = ports
        yield port
        if port.connected:
            port.stopListening()
            reactor.advance(0)

    def test_it_answers_there(self, port, tmp_path):
        with closing(socket.socket(socket.AF_UNIX)) as client:
            client.connect(str(tmp_path / "s"))
            assert port.reactor.readers == [port]
            port.doRead()
            assert client.recv(100) == b"hello"

    def test_who_may_connect_is_not_changed(self, port, tmp_path):
        assert (tmp_path / "s").stat().st_mode & 0o777 == 0o600
        assert listening.address(port) == str(tmp_path / "s")

    def test_after_the_stop_it_is_there_for_the_next_one(self, held, port, tmp_path):
        stopped = []
        port.stopListening().addCallback(stopped.append)
        port.reactor.advance(0)
        assert (stopped, port.reactor.readers) == ([None], [])
        with closing(socket.socket(socket.AF_UNIX)) as client:
            client.connect(str(tmp_path / "s"))
            held.settimeout(LIMIT)
            held.accept()[0].close()


class TestDescriptions:
    @pytest.fixture
    def given(self, monkeypatch):
        """`given(socket)`: what Twisted finds in the environment."""

        def give(each, family):
            found = AdoptedStreamServerEndpoint(None, each.fileno(), family)
            monkeypatch.setattr(module, "serverFromString", lambda *_: found)
            return found

        return give

    def test_tcp_is_left_to_twisted(self, opened, given):
        found = given(opened(socket.AF_INET, ("127.0.0.1", 0)), socket.AF_INET)
        assert listening.endpoint(None, "systemd:domain=INET:index=0") is found

    def test_a_unix_socket_is_ours(self, opened, given, tmp_path):
        found = given(opened(socket.AF_UNIX, str(tmp_path / "s")), socket.AF_UNIX)
        assert listening.endpoint(None, "systemd:domain=UNIX:index=0") == module.UnixEndpoint(None, found.fileno)

    def test_a_wrong_domain_is_named(self, opened, given, tmp_path):
        given(opened(socket.AF_UNIX, str(tmp_path / "s")), socket.AF_INET)
        with pytest.raises(module.HandedOverError, match="is of domain=UNIX"):
            listening.endpoint(None, "systemd:domain=INET:index=0")

    @pytest.mark.parametrize("which", ["index=0", "name=llmproxy.socket"])
    def test_one_that_was_not_handed_over(self, which):
        with pytest.raises(module.HandedOverError, match="has handed over no such socket"):
            listening.endpoint(None, f"systemd:domain=INET:{which}")
        assert (module.host(f"systemd:domain=INET:{which}"), module.is_unix(f"systemd:domain=UNIX:{which}")) == (
            "",
            False,
        )
