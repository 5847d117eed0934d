"""Outputs that cannot take what is written: no traceback, a line that says so, exit code 1; whatever the command."""

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from interactions import ASKED, SAID, entry

from proxy_daemon.cli.output import INTERRUPTED, guarded

LLMPROXY = (sys.executable, "-m", "proxy_daemon.cli.main")
ODD = entry(ASKED | {"messages": [{"role": "user", "content": "Grüße"}]}, SAID)
COMMANDS = [
    *("--help", "--version", "serve --help", "import --help", "show --help"),
    *("token ann", "import c.yaml --store s.db", "show c.yaml", "show c.yaml --raw", "show c.yaml --json"),
]
# Without a buffer it is the write that fails, not the flush.
CASES = [*((each, False) for each in COMMANDS), *((each, True) for each in ("import --help", "show c.yaml --raw"))]
NO_SPACE = b"llmproxy: standard output: No space left on device\n"
CLOSED = b"llmproxy: standard output: it is closed\n"
full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")


def shell(line, *, unbuffered=False, **environment):
    """(exit code, standard output, standard error) of a line of a shell; $L is the command."""
    environment |= {"PYTHONUNBUFFERED": "1"} if unbuffered else {}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LLMPROXY_", "PYTHONUN"))}
    done = subprocess.run(
        ["sh", "-c", line.replace("$L", " ".join(LLMPROXY))], capture_output=True, env=kept | environment, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(autouse=True)
def there(cassette):
    cassette(ODD)


@full
@pytest.mark.parametrize(("command", "unbuffered"), CASES)
def test_a_full_disk(command, unbuffered):
    code, _, said = shell(f"$L {command} >/dev/full", unbuffered=unbuffered)
    assert (code, said[-len(NO_SPACE) :]) == (1, NO_SPACE)
    assert b"Traceback" not in said


@pytest.mark.parametrize("command", [each for each in COMMANDS if not each.startswith("serve")])
def test_a_closed_output(command):
    code, _, said = shell(f"$L {command} >&-")
    assert (code, said[-len(CLOSED) :]) == (1, CLOSED)
    assert b"Traceback" not in said


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("$L show c.yaml >&- 2>&- <&-", 1),
        ("$L show c.yaml 2>&-", 0),
        ("$L nonsense 2>&-", 2),
        ("$L show gone.yaml 2>&-", 1),
        ("$L serve --help >&-", 0),
    ],
)
def test_what_else_is_closed(line, code):
    assert shell(line)[0] == code


@pytest.mark.parametrize(("command", "unbuffered"), CASES)
def test_who_reads_has_had_enough(command, unbuffered):
    """The reading end is closed before anything is written."""
    environment = {"PYTHONUNBUFFERED": "1"} if unbuffered else {}
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run(
            [*LLMPROXY, *command.split()],
            stdout=pipe,
            stderr=subprocess.PIPE,
            env=os.environ | environment,
            check=False,
        )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"Error" not in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_an_encoding_that_lacks_characters(command):
    code, said, error = shell(f"$L {command}", PYTHONIOENCODING="ascii")
    assert (code, b"Traceback" in error) == (0, False)
    if command == "show c.yaml":
        assert b"    Gr\\xfc\\xdfe\n" in said


def test_nobody_hears_what_is_wrong():
    assert shell("$L show c.yaml >/dev/full 2>/dev/full")[0] != 0


# --- in the process --------------------------------------------------------------------------------------------------


def raising(error):
    def command():
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (OSError(errno.ENOSPC, "full up"), 1, "llmproxy: standard output: full up\n"),
        (OSError(errno.ENOSPC, "full up", "a\x1bb"), 1, "llmproxy: [Errno 28] full up: 'a\\x1bb'\n"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), 1, "llmproxy: [Errno 111] refused\n"),
        (BrokenPipeError(), 1, ""),
        (KeyboardInterrupt(), INTERRUPTED, ""),
    ],
    ids=range(5),
)
def test_what_is_said_of_it(monkeypatch, capsys, error, code, said):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert guarded(raising(error)) == code
    assert capsys.readouterr().err == said


def test_the_code_is_the_commands(capsys):
    assert [guarded(lambda code=code: code) for code in (0, 1, 2)] == [0, 1, 2]


def test_a_fault_of_ours_keeps_its_traceback(capsys):
    with pytest.raises(ZeroDivisionError):
        guarded(raising(ZeroDivisionError()))
    with pytest.raises(SystemExit):
        guarded(raising(SystemExit(3)))
