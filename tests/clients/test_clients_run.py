"""The unmodified SDKs under `llmproxy run`, told by nothing but the environment: none goes anywhere else.

Each has no key and no recording: its question comes, is refused, and stands in the verdict as the API has it.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rehearsal import needs
from rig import LIMIT

HERE = Path(__file__).parent
MORE = HERE.parents[1] / ".sdk" / "more"
AZURE = {"AZURE_OPENAI_ENDPOINT": "https://unused.example"}
PATHS = {
    "openai": "POST /v1/chat/completions",
    "azure": "POST /openai/deployments/model-1/chat/completions?api-version=2024-10-21",
    "anthropic": "POST /v1/messages",
}
MORES = {
    "google": "POST /v1/models/model-1:generateContent",
    "ollama": "POST /api/chat",
    "cohere": "POST /v2/chat",
    "mistral": "POST /v1/chat/completions",
}


def ran(sdk, *options, **env):
    left_out = re.compile(r"LLMPROXY_|CI$|.*(_proxy|_PROXY|_KEY|_TOKEN|_URL|_BASE|_HOST|_ENDPOINT)$|AWS_")
    kept = {name: value for name, value in os.environ.items() if not left_out.match(name)}
    words = [sys.executable, "-m", "proxy_daemon.cli.main", "run", "--mode", "none", *options, "--"]
    path = ["env", f"PYTHONPATH={MORE}"] if sdk not in PATHS else []  # not the daemon's: there are other versions
    command = [*words, *path, sys.executable, str(HERE / "run_calls.py"), sdk]
    return subprocess.run(command, env=kept | env, capture_output=True, text=True, timeout=LIMIT * 10, check=False)


def check(sdk, path, **env):
    done = ran(sdk, "--trap", **env)
    assert done.stdout == "127.0.0.1\n", done.stderr
    assert re.search(rf"\(no name\): miss [0-9a-f]{{16}} {re.escape(path)}[ \n]", done.stderr), done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize("sdk", PATHS)
def test_the_sdks_at_hand_ask_here_and_nowhere_else(sdk):
    check(sdk, PATHS[sdk], **(AZURE if sdk == "azure" else {}))


@pytest.mark.more
@pytest.mark.parametrize("sdk", MORES)
def test_more_sdks_ask_here_and_nowhere_else(sdk):
    needs(MORE.is_dir(), "make .sdk/more")
    check(sdk, MORES[sdk])


@pytest.mark.more
def test_one_that_reads_no_variable_is_caught():
    needs(MORE.is_dir(), "make .sdk/more")
    done = ran("mistral_without_a_word", "--trap")
    assert done.stdout == "127.0.0.1\n", done.stderr
    assert "CONNECT api.mistral.ai:443" in done.stderr
    assert done.returncode == 1
