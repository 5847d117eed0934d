"""A real daemon, asked what its OpenAPI description allows and what it does not, by schemathesis.

No answer may be a fault of the server, or another one than the description says. `make test-all` installs it.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rig import LIMIT

SDK = Path(__file__).parents[2] / ".sdk" / "schemathesis"
SECONDS = 40
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# Streams have no end; and a cassette is opened at any path of the machine that one can think of.
CONFIG = '[phases.coverage]\nunexpected-methods = ["POST", "PATCH"]\n'  # TRACE is a 501 on every path, by rule
LEFT_OUT = ("/api/events", "/api/live/{id}")

pytestmark = pytest.mark.more


@pytest.fixture
def proxy(daemon):
    """A daemon with some exchanges of several kinds."""
    found = daemon("--upstream", "demo:")
    for text in ("one", "two", "one"):
        assert found.chat(text)[0] == 200
    assert found.chat("three", stream=True)[0] == 200
    found.chat("four", path="/v1/nothing")
    found.settle()
    awake(found)
    return found


def awake(proxy):
    """Waits until the child process answers: while it starts, questions for it are refused (503)."""
    deadline = time.monotonic() + 4 * LIMIT
    while proxy.request("GET", f"/_llmproxy/api/told?ids={0:016x}")[0] == 503:
        assert time.monotonic() < deadline, "the child process does not answer"


def described(proxy, path):
    """The description, with the ids that there are, so that not all is unknown. DELETE has ids of its own making."""
    found = proxy.get("/_llmproxy/api/openapi.json")
    ids = [each["id"] for each in proxy.exchanges()]
    for name in LEFT_OUT:
        del found["paths"][name]
    del found["paths"]["/api/cassettes"]["put"]
    for operations in found["paths"].values():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", []):
                if parameter["name"] in ("id", "before", "after", "ids") and method != "delete":
                    parameter["schema"] = {"anyOf": [{"enum": ids}, parameter["schema"]]}
    path.write_text(json.dumps(found))


def test_the_daemon_does_as_its_description_says(proxy, tmp_path):
    if not (SDK / "schemathesis").is_dir():
        if os.environ.get("LLMPROXY_REQUIRE_ALL"):
            pytest.fail("schemathesis is missing: make .sdk/schemathesis")
        pytest.skip("schemathesis is missing: make .sdk/schemathesis")
    described(proxy, tmp_path / "openapi.json")
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    token = proxy.get("/_llmproxy/api/token")["token"]
    command = [
        *(sys.executable, "-P", "-m", "schemathesis.cli", "run", str(tmp_path / "openapi.json")),
        *("--url", f"{proxy.url}/_llmproxy", "--header", f"X-LLMProxy-Token:{token}"),
        *("--checks", CHECKS, "--max-time", str(SECONDS), "--seed", "1", "--request-timeout", str(LIMIT)),
        *("--warnings", "off", "--continue-on-failure", "--max-examples", "30"),
    ]
    environ = os.environ | {"PYTHONPATH": str(SDK), "COLUMNS": "200", "NO_COLOR": "1"}
    done = subprocess.run(
        command, env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS + 10 * LIMIT, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in b"".join(proxy.said).decode()
    assert proxy.get("/_llmproxy/health")["status"] == "ready"
