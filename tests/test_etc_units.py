"""etc/llmproxy.service and .socket: systemd's own checks pass, and what they say fits the daemon's defaults."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from rig import LIMIT

from proxy_daemon.settings import Settings

ETC = Path(__file__).parents[1] / "etc"
SERVICE, SOCKET = ETC / "llmproxy.service", ETC / "llmproxy.socket"
CHECKED = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None and not os.environ.get("LLMPROXY_REQUIRE_ALL"),
    reason="needs systemd-analyze",
)


def analyze(*arguments):
    command = ["systemd-analyze", *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def value(unit, key):
    """Each value of the key."""
    return re.findall(rf"(?m)^{key}=(.*)$", unit.read_text())


@pytest.fixture
def units(tmp_path):
    """The units, whose program is there: it is not installed where the tests run."""
    program = tmp_path / "llmproxy"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    text = SERVICE.read_text().replace("/opt/llmproxy/bin/llmproxy", str(program))
    (tmp_path / SERVICE.name).write_text(text)
    (tmp_path / SOCKET.name).write_text(SOCKET.read_text())
    return tmp_path


@CHECKED
@pytest.mark.parametrize("name", [SERVICE.name, SOCKET.name])
def test_systemd_finds_nothing_wrong(units, name):
    assert analyze("verify", "--man=no", units / name) == (0, "")


@CHECKED
def test_systemd_finds_a_wrong_line(units):
    service = units / SERVICE.name
    service.write_text(service.read_text().replace("DynamicUser=yes", "DynamicUser=perhaps"))
    code, said = analyze("verify", "--man=no", service)
    assert (code, "perhaps" in said) == (1, True)


@CHECKED
def test_its_exposure_is_below_2():
    code, said = analyze("security", "--offline=true", "--threshold=19", "--no-pager", SERVICE)
    assert code == 0, said
    assert float(re.search(r"exposure level for \S+: ([\d.]+)", said)[1]) < 2.0


def test_it_is_stopped_later_than_the_daemon_stops_by_itself():
    [stop] = value(SERVICE, "TimeoutStopSec")
    assert float(stop.removesuffix("s")) > Settings().grace


def test_the_socket_is_where_the_daemon_listens_by_itself():
    [port] = {each.rpartition(":")[2] for each in value(SOCKET, "ListenStream")}
    assert Settings().listen == (f"tcp:{port}:interface=127.0.0.1",)


def test_it_is_told_by_sd_notify_and_reloaded_by_sighup():
    assert (value(SERVICE, "Type"), value(SERVICE, "ExecReload")) == (["notify"], ["/bin/kill -HUP $MAINPID"])
