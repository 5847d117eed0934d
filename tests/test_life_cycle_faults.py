"""Whole daemons, where something is wrong: a part that hangs, a reload that is refused, sockets of an odd kind."""

import os
import shutil
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from signal import SIGHUP, SIGTERM
from subprocess import TimeoutExpired

import pytest
from rig import LIMIT, Peer
from service_manager import Manager, handed_over

HEALTH = b"GET /_llmproxy/health HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def manager(tmp_path):
    manager = Manager(tmp_path / "notify")
    yield manager
    manager.socket.close()


# --- a part that hangs at the stop -----------------------------------------------------------------------------------

HANGS = """
import os, threading, time
from proxy_daemon.hookspecs import hookimpl
@hookimpl
def llmproxy_configure(settings, services):
    def hang():
        os.mkdir(settings.plugin_settings["hangs"]["sign"])
        time.sleep(3600)
    services.scheduler.at_stop(lambda: services.worker.run(hang) and None)
"""


def ended(process, pid):
    """The exit code, after as many more signals as it takes: two that come at once are one."""
    for _ in range(int(LIMIT * 20)):
        with suppress(ProcessLookupError):
            os.kill(pid, SIGTERM)
        with suppress(TimeoutExpired):
            return process.wait(0.05)
    raise AssertionError("it does not end")


def hangs_at_its_stop(daemon, tmp_path, **more):
    sign, plugin, config = tmp_path / "sign", tmp_path / "hangs.py", tmp_path / "llmproxy.toml"
    plugin.write_text(HANGS)
    config.write_text(f'upstream = "demo:"\nplugin = "{plugin}"\n[plugins.hangs]\nsign = "{sign}"\n')
    return daemon("--config", str(config), **more), sign


def until_there(path):
    while not path.exists():
        pass


def test_a_third_signal_ends_it_even_where_it_hangs(daemon, tmp_path):
    proxy, sign = hangs_at_its_stop(daemon, tmp_path)
    proxy.process.send_signal(SIGTERM)
    until_there(sign)
    assert ended(proxy.process, proxy.process.pid) == -SIGTERM


ALONE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
CAN_BE_ALONE = (
    shutil.which("unshare") and not subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode
)


@pytest.mark.skipif(not CAN_BE_ALONE, reason="needs unshare and the right to use it")
def test_the_first_process_of_a_container_ends_too(daemon, tmp_path):
    """The kernel keeps it from dying of a signal that it does not handle."""
    proxy, sign = hangs_at_its_stop(daemon, tmp_path, wrap=ALONE)
    [child] = Path(f"/proc/{proxy.process.pid}/task/{proxy.process.pid}/children").read_text().split()
    os.kill(int(child), SIGTERM)
    until_there(sign)
    assert ended(proxy.process, int(child)) == 128 + SIGTERM


# --- a reload that is refused ----------------------------------------------------------------------------------------


class Reloaded:
    """A daemon with a file, which is read again."""

    def __init__(self, daemon, manager, file, text, **more):
        self.file, self.manager = file, manager
        file.write_text(text)
        self.proxy = daemon("--config", str(file), env=manager.environ, **more)
        manager.until("READY")

    def status(self, text):
        """What the service manager is told after it."""
        self.file.write_text(text)
        self.proxy.process.send_signal(SIGHUP)
        return self.manager.until("READY")[-1]["STATUS"]


def test_a_log_that_cannot_be_opened_changes_nothing_and_is_told(daemon, manager, tmp_path):
    """A plugin finds it, when others have the new settings already."""
    log, common = tmp_path / "mine.log", 'upstream = "demo:"\n'
    reloaded = Reloaded(daemon, manager, tmp_path / "x.toml", f'{common}log = "{log}"\n', log="")
    proxy = reloaded.proxy
    new = f'replay-max-age = "1ms"\nallow-host = "llm.example.com"\nlog = "{tmp_path}/no/x.log"\n'
    why = f"plugin 'request-log': --log: {tmp_path}/no/x.log cannot be opened: No such file or directory"
    assert reloaded.status(common + new).endswith(f"; settings not read again: {why}")
    assert proxy.get("/_llmproxy/health")["settings"] == f"not read again: {why}"
    assert proxy.request("GET", "/v1/models", headers={"Host": "llm.example.com"})[0] == 403
    outcomes = [proxy.chat("x")[1]["Cache-Status"] for _ in range(2)]
    assert [text.partition("; ")[2] for text in outcomes] == ["fwd=miss", "hit"]
    proxy.stop()
    assert log.read_text().count('"POST"') == 2


def test_a_key_of_ours_is_not_opened_to_all(daemon, manager, tmp_path):
    key = tmp_path / "lab.key"
    key.touch(0o600)
    key.write_text("sk-ours")
    common = f'upstream = "lab=http://127.0.0.1:1"\nupstream-key = "lab={key}"\nlisten = "tcp:0"\n'
    reloaded = Reloaded(daemon, manager, tmp_path / "x.toml", f"{common}[client-tokens]\n", listen=())
    assert "settings not read again: --upstream-key: with --listen tcp:0 everybody" in reloaded.status(common)
    assert reloaded.proxy.request("GET", "/v1/models", headers={"X-Forwarded-For": "192.0.2.1"})[0] == 401


# --- sockets that are handed over ------------------------------------------------------------------------------------

ACTIVATE = shutil.which("systemd-socket-activate")


def asking(path):
    """A client that has asked something at a Unix socket."""
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(path))
    peer = Peer(client)
    peer.send(HEALTH)
    return peer


def health(path):
    with closing(asking(path)) as client:
        return client.response()[1]


def test_a_unix_socket_stays_as_it_is_over_a_restart(daemon, tmp_path):
    path = tmp_path / "s"
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        listening.bind(str(path))
        listening.listen()
        path.chmod(0o600)
        first = daemon("--upstream", "demo:", **handed_over(listening))
        assert b'"ready"' in health(path)
        first.stop()
        assert path.stat().st_mode & 0o777 == 0o600
        with closing(asking(path)) as waiting:
            daemon("--upstream", "demo:", **handed_over(listening))
            assert b'"ready"' in waiting.response()[1]


@pytest.mark.skipif(ACTIVATE is None, reason="needs systemd-socket-activate")
def test_sockets_without_names_are_found(daemon, tmp_path):
    """systemd's own tool gives none; it starts the daemon when somebody asks."""
    path = tmp_path / "s"
    names = [f"--setenv={name}" for name in os.environ]

    def ask():
        until_there(path)
        return health(path)

    with ThreadPoolExecutor() as pool:
        asked = pool.submit(ask)
        daemon("--upstream", "demo:", wrap=[ACTIVATE, *names, "-l", str(path)], listen=())
        assert b'"ready"' in asked.result(LIMIT)
