"""The script that makes the pictures of the README runs, and what it makes are pictures of the right kind."""

import struct
import subprocess
import sys
from pathlib import Path

import pytest
from browsing import chromium
from rig import LIMIT

pytestmark = pytest.mark.more
SCRIPT = Path(__file__).parents[2] / "tools" / "screenshots.py"
MOST = 200_000  # octets of a picture


def test_pictures_are_made(tmp_path):
    chromium()
    pytest.importorskip("playwright")
    done = subprocess.run(
        [sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, timeout=10 * LIMIT, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(made) == sorted(
        f"{name}-{theme}.png" for name in ("list", "chat", "stream", "diff") for theme in ("light", "dark")
    )
    for name, picture in made.items():
        assert struct.unpack(">II", picture[16:24]) == (1440, 900), name
        assert 20_000 < len(picture) < MOST, name
    assert len(set(made.values())) == len(made)
