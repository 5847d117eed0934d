"""The table "Rooms" of the design: who may import what. Fails with the sentence that was broken."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "proxy_daemon"
STDLIB_BANNED_IN_CORE = ("socket", "time", "pathlib", "os", "tempfile", "threading", "subprocess", "asyncio")

# room: (sentence, prefixes that it must not import)
OWN = "proxy_daemon."
RULES = {
    "core": (
        "core imports stdlib, attrs and codec libraries; never twisted, pluggy, treq, clocks, files or another room",
        (
            "twisted",
            "pluggy",
            "treq",
            "sqlite3",
            *STDLIB_BANNED_IN_CORE,
            *(
                OWN + room
                for room in ("pipeline", "net", "store", "plugins", "ui", "cli", "tap", "hookspecs", "settings")
            ),
        ),
    ),
    "hookspecs.py": (
        "hookspecs imports core, attrs and pluggy's marker",
        ("twisted", *(OWN + room for room in ("pipeline", "net", "store", "work", "plugins", "ui", "cli", "tap"))),
    ),
    "settings": (
        "settings imports core and attrs",
        (
            "twisted",
            "pluggy",
            *(OWN + room for room in ("pipeline", "net", "store", "work", "plugins", "ui", "cli", "tap")),
        ),
    ),
    "pipeline": (
        "pipeline imports core, hookspecs, twisted's defer and logger, pluggy; no reactor, sockets, web or plugins",
        (
            "socket",
            "twisted.web",
            "twisted.internet.reactor",
            "twisted.internet.endpoints",
            "twisted.internet.protocol",
            *(OWN + room for room in ("net", "store", "plugins", "ui", "cli", "tap")),
        ),
    ),
    "net": (
        "net imports core, pipeline and twisted; never plugins, store or ui",
        tuple(OWN + room for room in ("plugins", "store", "work", "ui", "cli", "tap")),
    ),
    "store": (
        "store imports core, DB drivers, threads and defer; never web, pipeline or plugins",
        ("twisted.web", *(OWN + room for room in ("pipeline", "net", "plugins", "ui", "cli", "tap", "hookspecs"))),
    ),
    "work": (
        "work imports core, store, DB drivers and process support; never twisted, pipeline, net or plugins",
        (
            "twisted",
            "pluggy",
            *(OWN + room for room in ("pipeline", "net", "plugins", "ui", "cli", "tap", "hookspecs", "settings")),
            *(OWN + "store." + part for part in ("database", "writer", "nothing", "unwritable")),
        ),
    ),
    "plugins": (
        "plugins import core, hookspecs and what hooks hand them; never net, ui, store or the reactor",
        ("twisted", *(OWN + room for room in ("pipeline", "net", "store", "ui", "cli", "tap"))),
    ),
    "ui": (
        "ui imports core, hookspecs, handed-over services and twisted.web.resource; never net internals or plugins",
        ("twisted.internet", *(OWN + room for room in ("pipeline", "net", "store", "plugins", "cli", "tap"))),
    ),
    "in_tests": (
        "in_tests imports core and cli; never twisted: it runs in people's tests, whose event loop is their own",
        ("twisted", "pluggy", *(OWN + room for room in ("net", "pipeline", "plugins", "ui", "store", "tap"))),
    ),
    "pytest_plugin.py": (
        "the pytest plugin imports pytest, and in_tests where it is used; never twisted",
        ("twisted", *(OWN + room for room in ("net", "pipeline", "plugins", "ui", "store", "tap", "settings"))),
    ),
    "cli": (
        "cli imports core, store and treq; never net or pipeline",
        tuple(OWN + room for room in ("net", "pipeline", "plugins", "ui")),
    ),
}
FILES = sorted(PACKAGE.rglob("*.py"))


def imports(path):
    """(line, dotted name) of each import; `from a import b` gives a.b."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the room"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def within(name, prefix):
    return name == prefix or name.startswith(prefix + ".")


def room_of(path):
    first = path.relative_to(PACKAGE).parts[0]
    return first if first in RULES else None


@pytest.mark.parametrize("path", [file for file in FILES if room_of(file)], ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_room_imports_what_it_may(path):
    sentence, banned = RULES[room_of(path)]
    broken = [f"{path}:{line} imports {name}" for line, name in imports(path) for ban in banned if within(name, ban)]
    assert not broken, f"{sentence}. But: {broken}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_tap_touches_the_global_reactor(path):
    touched = [line for line, name in imports(path) if name == "twisted.internet.reactor"]
    assert path.name == "tap.py" or not touched, f"only tap.py imports the reactor; {path}:{touched}"


def test_plugins_do_not_import_each_other():
    for path in (PACKAGE / "plugins").glob("*.py"):
        if path.name != "__init__.py":
            others = [name for _, name in imports(path) if within(name, "proxy_daemon.plugins")]
            assert not others, f"plugins never import each other: {path} imports {others}"


def test_nobody_imports_tap():
    for path in FILES:
        assert not [name for _, name in imports(path) if within(name, "proxy_daemon.tap")], f"{path} imports tap"


def test_the_plugins_folder_does_not_shadow_twisted():
    root = PACKAGE.parent / "twisted"
    assert not (root / "__init__.py").exists()
    assert not (root / "plugins" / "__init__.py").exists()


def test_files_stay_small():
    long = {str(p): n for p in FILES if (n := len(p.read_text().splitlines())) > 400}
    assert not long, f"a file of more than 400 lines is more than one thing: {long}"


def test_functions_stay_small():
    long = [
        f"{path}:{node.lineno} {node.name}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno - node.lineno + 1 > 50
    ]
    assert not long


def test_no_two_modules_of_the_tests_have_one_name():
    """They are imported by their bare names: of two, all would get the one that came first."""
    files = [path for path in Path(__file__).parent.rglob("*.py") if path.name not in ("conftest.py", "__init__.py")]
    names = [path.name for path in files]
    assert sorted({name for name in names if names.count(name) > 1}) == []
