"""`store`: a store's file in the test's folder; `ticks`: a clock that a test sets; `asking`: questions to the store."""

import pytest
from catalogued import Store, Ticks

from proxy_daemon.store.catalogue.asking import Asking


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "s.db")
    yield store
    store.close()


@pytest.fixture
def ticks():
    return Ticks()


@pytest.fixture
def asking(store, ticks):
    asking = Asking(store.path, ticks)
    yield asking
    asking.close()
