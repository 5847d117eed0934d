"""The store that is off has all that a store has, and keeps nothing."""

import inspect

import pytest
from recordings import recording

from proxy_daemon.core.services import Store
from proxy_daemon.store.database import SQLiteStore
from proxy_daemon.store.nothing import NoStore

METHODS = [name for name, _ in inspect.getmembers(Store, inspect.isfunction) if not name.startswith("_")]


@pytest.mark.parametrize("kind", [NoStore, SQLiteStore])
@pytest.mark.parametrize("method", METHODS)
def test_has_the_methods_of_a_store(kind, method):
    expected = inspect.signature(getattr(Store, method)).parameters
    found = inspect.signature(getattr(kind, method)).parameters
    assert [(each.name, each.kind, each.default) for each in found.values()] == [
        (each.name, each.kind, each.default) for each in expected.values()
    ]


def test_keeps_nothing():
    store, each, results = NoStore(), recording(), []
    store.put(each, replace=True).addCallback(results.append)
    store.note(each)
    assert results == [False]
    assert (store.candidates(each.fingerprint), store.get(each.id), store.trouble) == ((), None, "")
    assert store.patterns() == ()
    assert [*store.similar(each.request.path, each.model, 9), *store.page(9)] == []
    assert store.stats() == {"store": "off"}
