"""The page on TLS: its commands run in order, and its table names the parts that the code knows."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("h2")

from page_player import blocks, command
from rig import LIMIT

from proxy_daemon.core.http2_frames import IDLE, IDLE_A_SECOND, MAX_FRAME, OVER, RESETS, RESETS_A_SECOND
from proxy_daemon.net.http2 import STREAMS
from proxy_daemon.net.limits import MAX_FIELDS
from proxy_daemon.net.listening import KNOWN

PAGE = (Path(__file__).parents[2] / "docs" / "serving-tls.md").read_text()


def test_the_table_names_every_part():
    named = set(re.findall(r"(?m)^\| `(\w+)=", PAGE))
    assert named | {"port"} == KNOWN


NUMBERS = [
    f"more than {STREAMS} requests at a time",
    f"more than {RESETS} resets at once, or {RESETS_A_SECOND} a second",
    f"more than {IDLE} frames at once",
    f"or {IDLE_A_SECOND} a second; a client that reads has more",
    f"a frame of more than {MAX_FRAME // 1024} KiB",
    f"more than {MAX_FIELDS} fields | 431 or 414; beyond {OVER // 1024} KiB more",
]


@pytest.mark.parametrize("line", NUMBERS)
def test_the_numbers_are_those_of_the_code(line):
    assert line in PAGE


@pytest.mark.skipif(shutil.which("openssl") is None or shutil.which("curl") is None, reason="needs openssl, curl")
def test_the_commands_run(daemon, tmp_path):
    make, serve, ask = [content for *_, content in blocks(PAGE)]
    run(make, tmp_path)
    listen = command(serve)[1][1]
    listen = re.sub(r"=(\w+\.pem)", rf"={tmp_path}/\1", listen.replace("8443", "0"))
    said = b"".join(daemon("--listen", listen, "--upstream", "demo:").said)
    port = re.search(rb"https://127\.0\.0\.1:(\d+)", said)[1].decode()
    assert "demo-fast" in run(ask.replace("8443", port), tmp_path)


def run(line, folder):
    places = {"cwd": folder, "timeout": LIMIT}
    return subprocess.run(["bash", "-euc", line], capture_output=True, text=True, check=True, **places).stdout
