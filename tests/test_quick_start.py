"""What keeps the start of a daemon short: what few need is loaded later, and the garbage collector rests meanwhile."""

import gc
import subprocess
import sys

import pytest

from proxy_daemon import hookspecs, tap
from proxy_daemon.cli import main
from proxy_daemon.core.splice import find, grammar
from proxy_daemon.hookspecs import hookimpl
from proxy_daemon.pipeline import discovery

LATER = (
    "proxy_daemon.core.cassettes.formats",
    "proxy_daemon.core.cassettes.llmproxy",
    "proxy_daemon.core.care",
    "proxy_daemon.core.model",
    "proxy_daemon.core.rewriting.reading",
    "proxy_daemon.core.rewriting.editor",
    "proxy_daemon.store.cassette",
    "proxy_daemon.work",
    "yaml",
    "treq",
    "pytest",
)


def test_a_daemon_loads_only_what_it_needs_at_the_start():
    code = "import sys, proxy_daemon.tap; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "proxy_daemon.net.front" in loaded
    assert [name for name in loaded if name in LATER or name.startswith(tuple(f"{each}." for each in LATER))] == []


@pytest.fixture
def collector():
    """What is changed of the garbage collector is put back."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    gc.enable()


def test_the_collector_rests_until_the_daemon_is_put_together(collector, monkeypatch):
    rested = []
    monkeypatch.setattr("twisted.scripts.twistd.run", lambda: rested.append(not gc.isenabled()))
    monkeypatch.setattr(sys, "argv", [])
    main.serve([])
    assert rested == [True]
    tap._collect_rarely()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold()[0] > 10_000


def test_where_the_collector_has_run_nothing_is_kept_from_it(collector):
    before = gc.get_freeze_count()  # an interpreter may have frozen some at its own start
    tap._collect_rarely()
    assert gc.isenabled()
    assert gc.get_freeze_count() == before


def test_large_patterns_are_compiled_when_they_are_needed():
    for each in (grammar.value, grammar.elements, grammar.members):
        each.cache_clear()
    assert find(b'{"a": [1, 2]}', ("a",)).of(b'{"a": [1, 2]}') == b"[1, 2]"
    assert grammar.value.cache_info().currsize == 1
    assert grammar.value() is grammar.value()


class Names:
    """A plugin with hooks under their own name and under another."""

    @hookimpl
    def llmproxy_route(self, exchange):
        return None

    @hookimpl(specname="llmproxy_request")
    def _under(self, exchange):
        return None


def test_hooks_of_any_name_are_found():
    manager = discovery.load_plugins([("names", Names())], [], [])
    hooks = {caller.name for caller in manager.get_hookcallers(manager.get_plugin("names"))}
    assert hooks == {"llmproxy_route", "llmproxy_request"}


@pytest.mark.parametrize(("blocked", "searches"), [((), 1), (("names",), 2)])
def test_what_is_installed_is_searched_once(blocked, searches, monkeypatch):
    asked = []

    def entry_points(*, group):
        asked.append(group)
        return []

    monkeypatch.setattr(discovery, "entry_points", entry_points)
    discovery.load_plugins([("names", Names())], [], blocked)
    assert asked == [hookspecs.PROJECT] * searches
