"""`opened(**options)`: a store in a file of the test's own, closed afterwards."""

import pytest
from recordings import Opened


@pytest.fixture
def path(tmp_path):
    return tmp_path / "llmproxy.db"


@pytest.fixture
def opened(path):
    stores = []

    def start(**options):
        stores.append(Opened(options.pop("at", path), **options))
        return stores[-1]

    yield start
    for each in stores:
        each.store.close()
