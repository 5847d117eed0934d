"""`store`: a store's file in the test's folder; `ticks`: a clock that a test sets."""

import pytest
from stores import Store


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "llmproxy.db")
    yield store
    store.close()


class Ticks:
    """Seconds; each look takes ``step`` of them."""

    def __init__(self):
        self.now, self.step = 100.0, 0.0

    def __call__(self):
        self.now += self.step
        return self.now


@pytest.fixture
def ticks():
    return Ticks()
