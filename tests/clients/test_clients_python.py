"""The unmodified `openai` (both majors) and `anthropic` SDKs, with nothing changed but the base URL."""

import sys
from pathlib import Path

import pytest
from rehearsal import OPENAI2, Rehearsal, check, needs

HERE = Path(__file__).parent
SHARED = {"models", "chat", "stream", "tools", "tool_stream", "tool_result", "asynchronous"}
OPENAI = SHARED | {"responses", "response_stream", "embeddings"}
ANTHROPIC = SHARED | {"tokens"}

PROGRAMS = [
    pytest.param("openai_calls.py", ("OPENAI_BASE_URL", "/v1"), {}, "3.", OPENAI, id="openai 3"),
    pytest.param(
        "openai_calls.py", ("OPENAI_BASE_URL", "/v1"), {"PYTHONPATH": str(OPENAI2)}, "2.", OPENAI, id="openai 2"
    ),
    pytest.param("anthropic_calls.py", ("ANTHROPIC_BASE_URL", ""), {}, "", ANTHROPIC, id="anthropic"),
]


@pytest.mark.parametrize(("program", "base", "env", "version", "calls"), PROGRAMS)
def test_every_answer_comes_back_with_the_upstream_gone(daemon, tmp_path, program, base, env, version, calls):
    if env:
        needs(OPENAI2.is_dir(), "make .sdk/openai2")
    rehearsal = Rehearsal(daemon, tmp_path, [sys.executable, str(HERE / program)], base, env)
    check(rehearsal, version, calls)
