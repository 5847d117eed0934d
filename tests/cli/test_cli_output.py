"""What `llmproxy serve` writes where: JSON lines for programs, a readable line for a terminal, what plugins print."""

import json
import os
import pty
import re
import subprocess
import sys
from contextlib import contextmanager

import pytest
from rig import READY, Daemon

SERVE = [sys.executable, "-m", "proxy_daemon.cli.main", "serve", "--listen", "tcp:0:interface=127.0.0.1"]
PRINTER = """
from proxy_daemon.hookspecs import hookimpl

@hookimpl
def llmproxy_log(exchange, event):
    print("printed:", event.kind)
"""


@contextmanager
def serving(folder, stdout, *options):
    """A daemon on the built-in model whose standard output is ours."""
    command = [*SERVE, "--upstream", "demo:", "--store", str(folder / "s.db"), *options]
    with subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE) as process:
        try:
            said = []
            for line in process.stderr:
                said.append(line)
                if found := READY.search(line):
                    break
            else:
                pytest.fail(f"it did not start: {b''.join(said)}")
            yield Daemon(process, int(found[1]), said, None)
        finally:
            process.terminate()


@contextmanager
def on_a_terminal(folder, *options):
    """(daemon, read): `read(mark)` gives what the terminal shows, up to a line that holds the mark."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen:
        try:
            with serving(folder, theirs, *options) as proxy:
                yield proxy, lambda mark: until(screen, mark)
        finally:
            os.close(theirs)


def until(screen, mark):
    shown = b""
    while mark not in shown or not shown.endswith(b"\n"):
        shown += screen.read(4096)
    return shown.decode()


@pytest.mark.parametrize("options", [(), ("--log", "stdout")])
def test_a_json_line_for_programs(tmp_path, options):
    with serving(tmp_path, subprocess.PIPE, *options) as proxy:
        proxy.chat(path="/v1/chat/completions?key=secret-in-the-query")
        line = json.loads(proxy.process.stdout.readline())
    assert line["path"] == "/v1/chat/completions?key=REDACTED"
    assert (line["status"], line["outcome"], line["ending"]) == (200, "miss", "complete")


def test_a_readable_line_for_a_terminal(tmp_path):
    with on_a_terminal(tmp_path) as (proxy, read):
        proxy.request("GET", "/v1/models")
        shown = read(b"/v1/models")
    assert re.search(r"live +\S+ GET /v1/models  200  \d+ B  \d+/\d+ ms\r\n$", shown)


def test_a_conversation_for_a_terminal(tmp_path):
    with on_a_terminal(tmp_path) as (proxy, read):
        proxy.chat("hello there")
        shown = read(b"miss")
    assert "hello there" in shown
    assert "POST /v1/chat/completions" in shown


def test_verbose_says_all_of_a_refusal(tmp_path):
    with on_a_terminal(tmp_path, "--mode", "none", "--verbose") as (proxy, read):
        _, headers, _ = proxy.chat()
        shown = read(b"no recording answers")
        _, line_headers, _ = proxy.request("GET", "/v1/models")
        shown += read(b"Nothing recorded is near it.")
    assert headers["X-LLMProxy-Exchange"] in shown
    assert line_headers["X-LLMProxy-Exchange"] in shown
    assert "Content-Type: application/json" in shown


def test_quiet_says_nothing_on_a_terminal(tmp_path):
    ours, theirs = pty.openpty()
    with serving(tmp_path, theirs, "--quiet") as proxy:
        proxy.chat()
        proxy.stop()
    os.set_blocking(ours, False)
    with os.fdopen(ours, "rb", buffering=0) as screen, os.fdopen(theirs, "rb"):
        assert not screen.read(4096)


def test_what_a_plugin_prints_is_shown_as_it_is(tmp_path):
    (tmp_path / "printer.py").write_text(PRINTER)
    with serving(tmp_path, subprocess.DEVNULL, "--plugin", str(tmp_path / "printer.py")) as proxy:
        proxy.chat()
        proxy.process.terminate()
        printed = [line for line in proxy.process.stderr if line.startswith(b"printed")]
        assert printed == [b"printed: begun\n", b"printed: matched\n", b"printed: first_byte\n", b"printed: ended\n"]
