"""Streams stream, seen from both ends: upstream sends event n+1 only after the SDK has handed over event n.

Were one event held back anywhere on the way, both sides would wait for each other and the test would fail.
"""

import json
import queue
import subprocess
import sys
from pathlib import Path

import pytest
from rehearsal import OPENAI2, client_env, needs
from rig import LIMIT, SSE_HEAD, chunk

HERE = Path(__file__).parent
OBSERVER = str(HERE.parents[1] / "examples" / "count_events.py")
COUNT = 12
REWRITING = ("--rewrite", "gpt-oss")


def chat(text):
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return "", {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def responses(text):
    kind = "response.output_text.delta"
    place = {"item_id": "i", "output_index": 0, "content_index": 0, "sequence_number": 1, "logprobs": []}
    return kind, {"type": kind, "delta": text} | place


def messages(text):
    kind = "content_block_delta"
    return kind, {"type": kind, "index": 0, "delta": {"type": "text_delta", "text": text}}


def octets(kind, document):
    return (f"event: {kind}\n" if kind else "").encode() + b"data: %b\n\n" % json.dumps(document).encode()


def waiting_upstream(event, handed_over):
    """A play that sends an event, and waits until the client has reported it."""

    def play(peer):
        peer.request()
        peer.send(SSE_HEAD)
        for number in range(COUNT):
            peer.send(chunk(octets(*event(f"word{number}"))))
            assert handed_over.get(timeout=LIMIT) == f"word{number}"
        peer.send(chunk(b"data: [DONE]\n\n") + chunk(b""))
        peer.rest()

    return play


CASES = [
    pytest.param(chat, "", (), id="openai 3"),
    pytest.param(chat, str(OPENAI2), (), id="openai 2"),
    pytest.param(responses, "", (), id="responses"),
    pytest.param(messages, "", (), id="anthropic"),
    pytest.param(chat, "", ("--mode", "off"), id="not recording"),
    pytest.param(chat, "", ("--plugin", OBSERVER), id="observed"),
    pytest.param(chat, "", REWRITING, id="rewritten"),
    pytest.param(responses, "", REWRITING, id="responses rewritten"),
    pytest.param(messages, "", REWRITING, id="anthropic rewritten"),
]


@pytest.mark.parametrize(("event", "path", "options"), CASES)
def test_the_next_event_is_sent_after_the_client_has_the_last(daemon, upstream, event, path, options):
    if path:
        needs(OPENAI2.is_dir(), "make .sdk/openai2")
    handed_over = queue.Queue()
    server = upstream(waiting_upstream(event, handed_over))
    proxy = daemon("--upstream", server.url, *options)
    bases = {"OPENAI_BASE_URL": f"{proxy.url}/v1", "ANTHROPIC_BASE_URL": proxy.url, "PYTHONPATH": path}
    command = [sys.executable, str(HERE / "sdk_stream.py"), event.__name__]
    with subprocess.Popen(command, env=client_env(bases), stdout=subprocess.PIPE, text=True) as client:
        said = []
        for line in client.stdout:
            said.append(line.strip())
            handed_over.put(said[-1])
    assert said == [f"word{number}" for number in range(COUNT)]
    assert client.returncode == 0
    assert [line["ending"] for line in proxy.exchanges()] == ["complete"]
