"""Plugins by entry point, module and file: what is registered, in which order, and what stops the start."""

import importlib
import re
import sys

import pytest

from proxy_daemon import hookspecs
from proxy_daemon.hookspecs import hookimpl
from proxy_daemon.pipeline import discovery
from proxy_daemon.pipeline.discovery import load_plugins
from proxy_daemon.pipeline.faults import StartError

IMPORTS = "from proxy_daemon.hookspecs import hookimpl\n"
GOOD = IMPORTS + "@hookimpl\ndef llmproxy_route(exchange):\n    return None\n"
MISSPELT = IMPORTS + "@hookimpl\ndef llmproxy_rout(exchange):\n    return None\n"
UNKNOWN_ARGUMENT = IMPORTS + "@hookimpl\ndef llmproxy_route(exchange, answer):\n    return None\n"
SETTINGS_ONLY = "x = 1\n"


class Point:
    """An entry point (`importlib.metadata.EntryPoint`) of these names."""

    def __init__(self, name, plugin):
        self.name, self.plugin, self.loaded = name, plugin, 0

    def load(self):
        self.loaded += 1
        if isinstance(self.plugin, BaseException):
            raise self.plugin
        return self.plugin


class Routes:
    @hookimpl
    def llmproxy_route(self, exchange):
        return None


@pytest.fixture(autouse=True)
def points(monkeypatch):
    """The entry points that are installed: a list that the test fills."""
    installed, groups = [], []

    def entry_points(*, group):
        groups.append(group)
        return installed

    monkeypatch.setattr(discovery, "entry_points", entry_points)
    yield installed
    assert set(groups) <= {"llmproxy"}


@pytest.fixture
def write(tmp_path, monkeypatch):
    """`write(name, text)` makes a file beside which modules are found; gives its path."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def make(name, text):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
        importlib.invalidate_caches()
        return str(path)

    yield make
    for name in set(sys.modules) - before:
        del sys.modules[name]


def names(manager):
    return [name for name, _ in manager.list_name_plugin()]


def implementations(manager):
    """Names of the plugins that implement the hook, in the order in which they are called."""
    return [impl.plugin_name for impl in reversed(manager.hook.llmproxy_route.get_hookimpls())]


def test_the_built_in_come_first_and_are_called_last(write, points):
    points.append(Point("installed", Routes()))
    manager = load_plugins([("built-in", Routes())], [write("mine.py", GOOD)], [])
    assert names(manager) == ["built-in", "installed", "mine"]
    assert implementations(manager) == ["mine", "installed", "built-in"]


def test_all_hooks_are_specified():
    manager = load_plugins([], [], [])
    assert all(hasattr(manager.hook, name) for name in hookspecs.CONTRACTS)


class TestEntryPoints:
    @pytest.mark.parametrize("plugin", [Routes, Routes()], ids=["class", "object"])
    def test_a_class_is_made_into_a_plugin(self, points, plugin):
        points.append(Point("installed", plugin))
        manager = load_plugins([], [], [])
        assert isinstance(manager.get_plugin("installed"), Routes)
        assert implementations(manager) == ["installed"]

    def test_one_that_is_blocked_is_not_even_loaded(self, points):
        points.append(Point("installed", ImportError("no")))
        manager = load_plugins([], [], ["installed"])
        assert implementations(manager) == []
        assert points[0].loaded == 0

    @pytest.mark.parametrize(
        ("error", "words"),
        [
            (ImportError("no module x"), "ImportError: no module x"),
            (AttributeError("no attribute y"), "AttributeError: no attribute y"),
            (ZeroDivisionError("division"), "ZeroDivisionError: division"),
        ],
    )
    def test_one_that_cannot_be_loaded_stops_the_start(self, points, error, words):
        points.append(Point("installed", error))
        with pytest.raises(StartError, match=f"plugin 'installed' cannot be loaded: {words}"):
            load_plugins([], [], [])

    def test_a_class_that_cannot_be_made_stops_the_start(self, points):
        class Needs:
            def __init__(self, more):
                pass

        points.append(Point("installed", Needs))
        with pytest.raises(StartError, match=r"plugin 'installed' cannot be loaded: TypeError: .*more"):
            load_plugins([], [], [])


class TestModulesAndFiles:
    def test_a_module_is_called_by_its_name(self, write):
        write("my_pack/__init__.py", "")
        write("my_pack/mine.py", GOOD)
        manager = load_plugins([], ["my_pack.mine"], [])
        assert names(manager) == ["my_pack.mine"]
        assert manager.get_plugin("my_pack.mine") is sys.modules["my_pack.mine"]

    def test_a_file_is_called_by_its_name_without_its_ending(self, write):
        assert names(load_plugins([], [write("deep/my-file.py", GOOD)], [])) == ["my-file"]

    def test_a_file_may_be_below_the_home(self, write, monkeypatch, tmp_path):
        write("at_home.py", GOOD)
        monkeypatch.setenv("HOME", str(tmp_path))
        assert implementations(load_plugins([], ["~/at_home.py"], [])) == ["at_home"]

    def test_a_file_may_be_beside_the_start(self, write, monkeypatch, tmp_path):
        write("beside.py", GOOD)
        monkeypatch.chdir(tmp_path)
        assert implementations(load_plugins([], ["beside.py"], [])) == ["beside"]

    def test_a_file_is_not_taken_for_a_module_of_that_name(self, write):
        """A file `json.py` is a plugin; it must not stand in the way of the library's module."""
        manager = load_plugins([], [write("json.py", GOOD)], [])
        assert implementations(manager) == ["json"]
        assert sys.modules["json"] is not manager.get_plugin("json")
        assert sys.modules["llmproxy_plugin_json"] is manager.get_plugin("json")

    def test_a_file_may_have_dataclasses(self, write):
        """They look for their module by its name."""
        start = "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        text = start + GOOD + "@dataclass\nclass State:\n    count: int = 0\n"
        assert implementations(load_plugins([], [write("stateful.py", text)], [])) == ["stateful"]

    @pytest.mark.parametrize("text", [SETTINGS_ONLY, "def llmproxy_route(exchange):\n    return None\n"])
    def test_one_without_hooks_stops_the_start(self, write, text):
        with pytest.raises(StartError, match=r"^plugin 'quiet' has no hook: is there a @hookimpl"):
            load_plugins([], [write("quiet.py", text)], [])

    def test_a_kind_of_events_that_there_is_not_stops_the_start(self, write):
        text = "from proxy_daemon.hookspecs import events\n@events('typo')\ndef llmproxy_log():\n    pass\n"
        with pytest.raises(StartError, match="the kind 'typo'"):
            load_plugins([], [write("odd.py", text)], [])

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("raise RuntimeError('no')\n", "RuntimeError: no"),
            ("import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module'"),
            ("def broken(:\n", "SyntaxError: "),
            ("x = undefined\n", "NameError: name 'undefined' is not defined"),
            ("raise ValueError('two\\nlines')\n", "ValueError: two lines"),
            ("import sys\nsys.exit(0)\n", "SystemExit: 0"),
        ],
        ids=["raises", "import", "syntax", "name", "two lines", "exits"],
    )
    @pytest.mark.parametrize("as_module", [False, True], ids=["file", "module"])
    def test_a_broken_one_stops_the_start_in_one_line(self, write, text, words, as_module):
        path = write("broken.py", text)
        place = "broken" if as_module else path
        line = f"plugin {place!r} cannot be loaded: {words}"
        with pytest.raises(StartError, match=f"^{re.escape(line)}") as error:
            load_plugins([], [place], [])
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize(
        ("place", "words"),
        [
            ("no.such", "ModuleNotFoundError: No module named 'no'"),
            ("/no/such.py", "FileNotFoundError: "),
            ("", "ValueError: "),
            ("..x", "TypeError: "),
        ],
    )
    def test_one_that_is_not_there(self, place, words):
        with pytest.raises(StartError, match=f"^plugin {place!r} cannot be loaded: {words}"):
            load_plugins([], [place], [])


class TestNames:
    def test_two_of_one_name_stop_the_start(self, write, points):
        points.append(Point("twin", Routes()))
        with pytest.raises(StartError, match="two plugins are called 'twin'; rename one, or block it with"):
            load_plugins([], [write("twin.py", GOOD)], [])

    def test_a_built_in_is_not_replaced_by_its_name(self, write):
        with pytest.raises(StartError, match="two plugins are called 'replay'"):
            load_plugins([("replay", Routes())], [write("replay.py", GOOD)], [])

    def test_the_same_file_twice(self, write):
        path = write("again.py", GOOD)
        with pytest.raises(StartError, match="two plugins are called 'again'"):
            load_plugins([], [path, path], [])

    def test_the_same_object_under_two_names(self):
        plugin = Routes()
        with pytest.raises(StartError, match="plugin 'b': Plugin already registered"):
            load_plugins([("a", plugin), ("b", plugin)], [], [])

    def test_a_blocked_name_is_free_for_nobody(self, write):
        manager = load_plugins([("replay", Routes())], [write("replay.py", GOOD)], ["replay"])
        assert implementations(manager) == []

    def test_blocking_one_leaves_the_others(self, write):
        manager = load_plugins([("a", Routes()), ("b", Routes())], [write("mine.py", GOOD)], ["a"])
        assert implementations(manager) == ["mine", "b"]

    @pytest.mark.parametrize("name", ["b", "mine", "point"])
    def test_all_that_there_are_can_be_blocked(self, write, points, name):
        points.append(Point("point", Routes()))
        manager = load_plugins([("a", Routes()), ("b", Routes())], [write("mine.py", GOOD)], [name])
        assert set(implementations(manager)) == {"a", "b", "mine", "point"} - {name}

    def test_a_name_that_there_is_not_stops_the_start(self, write, points):
        points.append(Point("point", Routes()))
        with pytest.raises(StartError, match=r"^--block-plugin nix: no plugin is called so; there are a, mine, point$"):
            load_plugins([("a", Routes())], [write("mine.py", GOOD)], ["a", "nix"])


class TestHooks:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            (MISSPELT, "unknown hook 'llmproxy_rout' in plugin"),
            (UNKNOWN_ARGUMENT, "plugin 'wrong': Plugin 'wrong' for hook 'llmproxy_route'.*'answer'"),
        ],
        ids=["name", "argument"],
    )
    def test_a_misspelling_stops_the_start_in_one_line(self, write, text, words):
        with pytest.raises(StartError, match=words) as error:
            load_plugins([], [write("wrong.py", text)], [])
        assert "\n" not in str(error.value)

    def test_a_misspelt_hook_says_where_the_hooks_are_listed(self, write):
        with pytest.raises(StartError, match=r"; docs/plugins.md lists the hooks$"):
            load_plugins([], [write("wrong.py", MISSPELT)], [])

    def test_first_and_last_by_wish(self, write):
        last = GOOD.replace("@hookimpl", "@hookimpl(trylast=True)")
        manager = load_plugins([("a", Routes())], [write("last.py", last)], [])
        assert implementations(manager) == ["a", "last"]
