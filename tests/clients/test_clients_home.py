"""Each SDK under `llmproxy run`, a plain call and a stream: recorded, replayed with the upstream gone, never elsewhere.

An audit hook in the program has every address that its sockets went to and every name that was looked up, from before
the SDK is imported.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rehearsal import needs
from rendering_server import TEXT, Renderer, RenderingServer, serving
from rig import LIMIT

HERE = Path(__file__).parent
SDK = HERE.parents[1] / ".sdk"
NODE = HERE.parent / "node"
RUN = (sys.executable, "-m", "proxy_daemon.cli.main", "run")
# APIs whose address only the environment has.
AZURE = {"AZURE_OPENAI_ENDPOINT": "https://unused.example", "AZURE_API_BASE": "https://unused.example"}
# What a run has of its own: it must not be ours.
KNOWN = re.compile(r"LLMPROXY_|CI$|AWS_|LITELLM_|.*(_proxy|_PROXY|_KEY|_TOKEN|_URL|_BASE|_HOST|_ENDPOINT)$")
NAMES = ("OPENAI", "ANTHROPIC", "GEMINI", "CO", "MISTRAL", "AZURE_OPENAI")
KEYS = {f"{name}_API_KEY": "own-key" for name in NAMES} | {"AWS_ACCESS_KEY_ID": "own", "AWS_SECRET_ACCESS_KEY": "own"}
AT_HAND = {"openai": 8, "anthropic": 2}
# SDK: the folder that it is installed in, and how many calls it makes.
MORE = {
    "google_genai": ("more", 2),
    "ollama": ("more", 2),
    "mistralai": ("more", 2),
    "cohere": ("more", 2),
    "anthropic_bedrock": ("litellm", 2),
    "boto3": ("litellm", 2),
    "litellm": ("litellm", 17),
}


class Showing(Renderer):
    """Tells of Ollama's models too: litellm asks before it talks."""

    def do_POST(self):
        if self.path != "/api/show":
            super().do_POST()
            return
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


def apis():
    server = RenderingServer()
    server.RequestHandlerClass = Showing
    return server


def ran(options, command, **env):
    """The finished `llmproxy run` of that command."""
    kept = {name: value for name, value in os.environ.items() if not KNOWN.match(name)}
    words = [*RUN, *options, "--", *command]
    return subprocess.run(words, env=kept | AZURE | env, capture_output=True, text=True, timeout=LIMIT * 9, check=False)


def counts(done):
    """{column: number} of the verdict's one line."""
    rows = [re.split(r" {2,}", line.strip()) for line in done.stderr.splitlines()]
    at = next((index for index, row in enumerate(rows) if row[0] == "session"), None)
    assert at is not None, done.stderr
    return {name: int(number) for name, number in zip(rows[at][1:], rows[at + 1][1:], strict=True) if number != "0"}


def rehearsed(folder, command, calls):
    """Recorded and replayed: both finished processes."""
    cassette = ("--cassette", str(folder / "calls.yaml"))
    with serving(apis) as upstream:
        recorded = ran([*cassette, "--upstream", upstream.url], command, **KEYS)
        gone = upstream.url
    assert recorded.returncode == 0, recorded.stderr
    assert len(upstream.asked) == calls
    replayed = ran([*cassette, "--mode", "none", "--upstream", gone], command)
    assert replayed.returncode == 0, replayed.stderr
    found = counts(replayed)
    assert found.pop("hits") >= calls  # litellm asks Ollama for what it has, too
    assert found == {}
    return recorded, replayed


def check(done, calls):
    *said, (home, places) = map(json.loads, done.stdout.splitlines())
    assert said == [TEXT] * calls
    assert home in places
    assert set(places) <= {home, "name 127.0.0.1", "name localhost"}


def of(sdk, folder=None):
    """The command. An SDK's folder is not for the daemon: it has other versions."""
    path = ["env", f"PYTHONPATH={SDK / folder}"] if folder else []
    return [*path, sys.executable, str(HERE / "home_calls.py"), sdk]


@pytest.mark.parametrize("sdk", AT_HAND)
def test_the_sdks_at_hand_stay_home(tmp_path, sdk):
    for done in rehearsed(tmp_path, of(sdk), AT_HAND[sdk]):
        check(done, AT_HAND[sdk])


@pytest.mark.more
@pytest.mark.parametrize("sdk", MORE)
def test_more_sdks_stay_home(tmp_path, sdk):
    folder, calls = MORE[sdk]
    needs((SDK / folder).is_dir(), f"make .sdk/{folder}")
    for done in rehearsed(tmp_path, of(sdk, folder), calls):
        check(done, calls)


@pytest.mark.more
def test_node_stays_home(tmp_path):
    needs(shutil.which("node"), "Node")
    needs((NODE / "node_modules" / "openai").is_dir(), "make tests/node/node_modules")
    for done in rehearsed(tmp_path, ["node", str(NODE / "home_calls.mjs")], 2):
        check(done, 2)


def test_curl_stays_home(tmp_path):
    needs(shutil.which("curl"), "curl")
    recorded, replayed = rehearsed(tmp_path, ["sh", str(HERE / "home_calls.sh")], 2)
    assert recorded.stdout.splitlines()[:-1] == replayed.stdout.splitlines()[:-1]
    for done in (recorded, replayed):
        home = done.stdout.splitlines()[-1].removeprefix("http://")
        tried = re.findall(r"\* +Trying (\S+?)(?:\.\.\.)?\n", done.stderr)
        assert tried == [home] * 2
