"""The pytest plugin: a cassette per test, for tests with the marker `llmproxy` or the fixture `llmproxy_cassette`.

Inert until one of them is used: nothing but pytest is imported, nothing is started. Registered in setup.cfg (pytest11);
what it does is in `in_tests/`. See docs/testing.md.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from proxy_daemon.in_tests.cassette import CassetteInUse
    from proxy_daemon.in_tests.item import ItemsCassette

MARKER = (
    "llmproxy(mode=, match_on=, repeat=, on_error_response=, cassette=, fail_on=): record the LLM traffic of this test"
    " to a cassette beside its file, and replay it from there"
)
FAIL_ON = "fail on these too, besides what was refused or failed: unused, miss, live, near, with commas; or nothing"
UPSTREAM = "where to ask what is not recorded: URL, or NAME=URL for one API; repeatable; without it each API's own host"
OPTIONS = "more options of llmproxy serve"
_USED: pytest.StashKey[ItemsCassette] = pytest.StashKey()
_ENVIRON: pytest.StashKey[Mapping[str, str]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options, and the same in the ini file."""
    group = parser.getgroup("llmproxy", "cassettes of LLM traffic")
    group.addoption("--llmproxy-fail-on", metavar="WORDS", help=FAIL_ON)
    group.addoption("--llmproxy-upstream", metavar="URL", action="append", default=[], help=UPSTREAM)
    parser.addini("llmproxy_fail_on", FAIL_ON)
    parser.addini("llmproxy_upstream", UPSTREAM, type="linelist")
    parser.addini("llmproxy_options", OPTIONS, type="args")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known. What tests and fixtures do to the environment does not change where clients are sent."""
    config.addinivalue_line("markers", MARKER)
    config.stash[_ENVIRON] = dict(os.environ)


def pytest_unconfigure() -> None:
    """Stop the daemon, if there is one."""
    if module := sys.modules.get("proxy_daemon.in_tests.daemon"):
        module.SHARED.stop()


# --- fixtures --------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _llmproxy_marked(request: pytest.FixtureRequest) -> None:
    """The marker is the fixture, for those who need nothing of it."""
    if request.node.get_closest_marker("llmproxy"):
        request.getfixturevalue("llmproxy_cassette")


@pytest.fixture
def llmproxy_cassette(request: pytest.FixtureRequest) -> Iterator[CassetteInUse]:
    """The cassette of this test: `.url`, `.url_for("openai")`, `.file`, `.mode`, `.records`, `.verdict()`."""
    from proxy_daemon.in_tests.item import ItemsCassette, Settings, Trouble  # noqa: PLC0415  (few tests need it)

    config = request.config
    settings = Settings(
        environ=config.stash[_ENVIRON],
        fail_on=config.getoption("--llmproxy-fail-on") or config.getini("llmproxy_fail_on"),
        upstreams=tuple(config.getoption("--llmproxy-upstream") or config.getini("llmproxy_upstream")),
        options=tuple(config.getini("llmproxy_options")),
    )
    item = request.node
    try:
        used = ItemsCassette.begin(_file(item), _markers(item), settings, called=item.nodeid)
        item.stash[_USED] = used
        yield used.cassette
        late = used.end()
    except Trouble as trouble:
        _fail(str(trouble))
    if late:
        _fail(late)


def _file(item: pytest.Item) -> tuple[Path, list[str], str]:
    """The test's file, the names of its classes and its own, and its parameters."""
    classes = [node.name for node in item.listchain() if isinstance(node, pytest.Class)]
    name, _, parameters = item.name.partition("[")
    return item.path, [*classes, name], parameters.removesuffix("]")


def _markers(item: pytest.Item) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """The arguments of each, the closest first."""
    return [(marker.args, dict(marker.kwargs)) for marker in item.iter_markers("llmproxy")]


def _fail(text: str) -> NoReturn:
    """Without what led to it: the text says all."""
    raise pytest.fail.Exception(text, pytrace=False) from None


# --- the verdict -----------------------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A test that went on in spite of a miss fails here."""
    yield
    used = item.stash.get(_USED, None)
    if used is not None and (text := used.judged(passed=True)):
        _fail(text)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Of one that failed, what missed stands above its own traceback."""
    report = yield
    used = item.stash.get(_USED, None)
    if used is not None and report.failed and report.when != "teardown":
        text = used.judged(passed=False)
        if text and text not in str(report.longrepr):
            report.longrepr = _below(text, report.longrepr)
        elif used.nothing_asked:
            report.sections.append(("llmproxy", used.NOTHING_ASKED))
    return report


def _below(text: str, longrepr: Any) -> Any:
    """What pytest would show, with this above it; as a chain of exceptions, which pytest-xdist can carry."""
    from _pytest._code.code import ExceptionChainRepr, ReprEntryNative, ReprTraceback  # noqa: PLC0415  (only here)

    if not hasattr(longrepr, "reprtraceback"):
        return f"{text}\n\n{longrepr}"
    shown = getattr(longrepr, "chain", None) or [(longrepr.reprtraceback, longrepr.reprcrash, None)]
    above = ReprTraceback([ReprEntryNative([f"{text}\n"])], None, "native")
    return ExceptionChainRepr([(above, None, "And so the test failed:"), *shown])
