"""The tools that people come from, as they are on PyPI and npm, each in a folder of its own (`make .sdk/NAME`).

Used by the tests of this folder, which do what docs/migrating.md says: no other test sees these packages.
"""

import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from rig import LIMIT

SDK = Path(__file__).parents[2] / ".sdk"
OURS = [sys.executable, "-m", "proxy_daemon.cli.main"]
_ALWAYS = {"OPENAI_API_KEY": "sk-sample", "ANTHROPIC_API_KEY": "sk-sample", "PYTHONDONTWRITEBYTECODE": "1"}
_NEVER = ("CI", "PYTHONPATH", "PYTEST_ADDOPTS", "LLMPROXY_MODE", "LLMPROXY_UPSTREAM")


def needs(what, hint):
    """Skip without it, or fail where everything must be there."""
    if not what:
        assert not os.environ.get("LLMPROXY_REQUIRE_ALL"), f"not installed: {hint}"
        pytest.skip(f"not installed: {hint}")


def packages(name, module):
    """The folder of a Makefile's target; ``module``: one that must be in it."""
    needs((SDK / name / module).exists(), f"make .sdk/{name}")
    return SDK / name


def environment(folder=None, **more):
    """Of a user's shell, with the packages of this folder."""
    here = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    found = {name: value for name, value in here.items() if name not in _NEVER and not name.startswith("PYTEST_XDIST")}
    return found | _ALWAYS | ({"PYTHONPATH": str(folder)} if folder else {}) | more


def run(*words, cwd, folder=None, code=0, **env):
    """What a command says, of both outputs; it must end with this code."""
    done = subprocess.run(
        [*map(str, words)],
        cwd=cwd,
        env=environment(folder, HOME=str(cwd), **env),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT * 10,
        check=False,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


def python(*words, **more):
    return run(sys.executable, *words, **more)


def llmproxy(*words, **more):
    return run(*OURS, *words, **more)


@contextmanager
def served(*words, ready, cwd, folder=None, **env):
    """A server of theirs while the block runs; gives what the pattern finds of its address in what it says first."""
    process = subprocess.Popen(
        [*map(str, words)],
        cwd=cwd,
        env=environment(folder, HOME=str(cwd), PYTHONUNBUFFERED="1", **env),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    slow = threading.Timer(LIMIT * 4, process.kill)  # then what it says ends
    slow.start()
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if found := re.search(ready, line):
                break
        else:
            raise AssertionError("".join(said))
        slow.cancel()
        yield found[1]
    finally:
        slow.cancel()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LIMIT * 4)
