"""`project`: a folder of its own, in which pytest runs with the plugin."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))  # runs.py: an environment that knows of no API
from projects import Project


@pytest.fixture
def project(tmp_path):
    """A folder with `talk.py`, and pytest to run in it."""
    return Project(tmp_path)
