"""The SDKs of Google, Ollama, Mistral and Cohere read what the dialects render, as a document and as a stream.

They and all that they need stand in a folder of their own (`make .sdk/more`): no other test sees it.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from rehearsal import client_env, needs
from rendering_server import ARGUMENTS, CALLED, CUT_SHORT, SAID, serving
from rig import LIMIT

MORE = Path(__file__).parents[2] / ".sdk" / "more"
PROGRAM = str(Path(__file__).with_name("more_calls.py"))
# SDK: its dialect, and its words for a good end, for one at a call, and for one that was cut short.
WORDS = {
    "google": ("google", "STOP", "STOP", "MAX_TOKENS"),
    "ollama": ("ollama", "stop", "stop", "length"),
    "mistral": ("mistral", "stop", "tool_calls", "length"),
    "cohere": ("cohere", "COMPLETE", "TOOL_CALL", "MAX_TOKENS"),
    "cohere_v1": ("cohere-v1", "COMPLETE", "COMPLETE", "MAX_TOKENS"),  # its calls tell, no word of its own
}

pytestmark = pytest.mark.more


def understood(sdk, url):
    needs(MORE.is_dir(), "make .sdk/more")
    command = [sys.executable, PROGRAM, sdk, url]
    env = client_env({"PYTHONPATH": str(MORE)})
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=LIMIT * 10, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("answer", [SAID, CALLED, CUT_SHORT], ids=["said", "called", "cut short"])
@pytest.mark.parametrize("sdk", WORDS)
def test_the_sdk_reads_all_of_it(sdk, answer):
    with serving() as server:
        server.answer = answer
        found = understood(sdk, server.url)
    dialect, *words = WORDS[sdk]
    calls = [["call_1", "weather", json.loads(ARGUMENTS)]] if answer is CALLED else []
    word = words[[SAID, CALLED, CUT_SHORT].index(answer)]
    assert found == [[answer.text, calls, [11, 7], word]] * 2
    assert server.asked == [(dialect, False), (dialect, True)]
