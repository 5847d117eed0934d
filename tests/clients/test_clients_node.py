"""The unmodified Node `openai` package, with nothing changed but the base URL."""

import shutil
from pathlib import Path

import pytest
from rehearsal import Rehearsal, check, needs

NODE = Path(__file__).parents[1] / "node"
CALLS = {"models", "chat", "stream", "tools", "tool_stream", "tool_result", "responses", "response_stream"}


@pytest.mark.more
def test_every_answer_comes_back_to_node_with_the_upstream_gone(daemon, tmp_path):
    needs(shutil.which("node"), "Node")
    needs((NODE / "node_modules" / "openai").is_dir(), "make tests/node/node_modules")
    rehearsal = Rehearsal(daemon, tmp_path, ["node", str(NODE / "calls.mjs")], ("OPENAI_BASE_URL", "/v1"))
    check(rehearsal, "7.", CALLS | {"embeddings", "asynchronous"})
