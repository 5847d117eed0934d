"""`played(**options)`: an open cassette in a file of the test's own, closed afterwards."""

import pytest
from cassettes import Played


@pytest.fixture
def path(tmp_path):
    return tmp_path / "test.yaml"


@pytest.fixture
def quick(monkeypatch):
    """Where the file cannot be written, it is tried again at once."""
    monkeypatch.setattr("proxy_daemon.store.cassette.writer.IDLE_SECONDS", 0.01)


@pytest.fixture
def played(path):
    opened = []

    def start(mode="new_episodes", **options):
        opened.append(Played(options.pop("at", path), mode, **options))
        return opened[-1]

    yield start
    for each in opened:
        each.cassette.close()
