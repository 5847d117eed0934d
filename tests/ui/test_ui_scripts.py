"""The web UI's modules that need no browser, under Node's own test runner (tests/ui/js)."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent / "js"
STATIC = Path(__file__).parents[2] / "proxy_daemon" / "ui" / "static"


def node():
    found = shutil.which("node")
    if found is None and os.environ.get("LLMPROXY_REQUIRE_ALL"):
        pytest.fail("not installed: Node")
    return found or pytest.skip("not installed: Node")


@pytest.mark.more
@pytest.mark.parametrize("name", sorted(path.name for path in SCRIPTS.glob("*.test.mjs")))
def test_modules_do_what_their_tests_say(name):
    ran = subprocess.run(
        [node(), "--test", str(SCRIPTS / name)], capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "# fail 0" in ran.stdout or "fail 0" in ran.stdout


@pytest.mark.more
def test_each_module_is_one(tmp_path):
    for path in sorted((STATIC / "js").glob("*.js")):
        copy = tmp_path / (path.stem + ".mjs")
        copy.write_bytes(path.read_bytes())
        ran = subprocess.run([node(), "--check", str(copy)], capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == 0, ran.stderr
