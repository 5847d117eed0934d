"""The console: a line a person can read, on a terminal only, and nothing in it that a terminal would obey."""

import io
import re
import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.cache_control import Directives
from proxy_daemon.core.dialects import GENERIC
from proxy_daemon.core.messages import Ending, Exchange, Outcome, Request
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.hookspecs import Event
from proxy_daemon.plugins.console import (
    COLOURS,
    Console,
    console_line,
    explained_lines,
    more_lines,
    printable,
    problem_lines,
)
from proxy_daemon.settings import Settings
from proxy_daemon.testing import Kit

COLOUR = re.compile("\x1b\\[[0-9]+m")


class Terminal(io.TextIOWrapper):
    def __init__(self, is_terminal):
        super().__init__(io.BytesIO())
        self.is_terminal = is_terminal

    def isatty(self):
        return self.is_terminal


@pytest.fixture
def console(monkeypatch):
    """`console(**settings)` is (plugin, what it writes), on a terminal unless `terminal` says otherwise."""

    def make(terminal=True, **settings):
        written = []
        monkeypatch.setattr(sys, "__stdout__", Terminal(terminal) if terminal is not None else None)
        plugin = Console()
        services = SimpleNamespace(lines=lambda file: written.append, redactor=Redactor())
        plugin.llmproxy_configure(Settings(**settings), services)
        return plugin, written

    return make


def exchange(target=b"/v1/models", **more):
    return Exchange(1, Request(b"GET", target), parse_upstream("demo:"), GENERIC, 0.0, **more)


def line(**more):
    return COLOUR.sub("", console_line(exchange(**more), b"/v1/models"))


def test_a_line_has_what_one_looks_for():
    said = line(
        model="demo-fast", status=200, response_size=512, head_time=12_000, duration=340_400, outcome=Outcome.HIT
    )
    assert said == "hit       GET /v1/models  demo-fast  200  512 B  12/340 ms"


def test_a_line_without_a_model_has_no_hole():
    assert line(outcome=Outcome.LIVE) == "live      GET /v1/models  0  0 B  0/0 ms"


@pytest.mark.parametrize(
    ("detail", "ending", "said"),
    [
        ("why\nand more", Ending.FAILED, "  why"),
        ("", Ending.BROKEN_OFF, "  upstream broke off"),
        ("", Ending.COMPLETE, "ms"),
        ("", None, "ms"),
    ],
)
def test_a_line_ends_with_what_went_wrong(detail, ending, said):
    assert line(detail=detail, ending=ending).endswith(said)


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_its_colour_and_the_line_ends_it(outcome):
    said = console_line(exchange(outcome=outcome), b"/")
    assert said.startswith(f"\x1b[{COLOURS[outcome]}m{outcome.value}")
    assert COLOUR.findall(said)[-1] == "\x1b[0m"


@pytest.mark.parametrize("text", ["\x1b[2J", "\r", "\n", "\x07", "\x9b31m", "\N{RIGHT-TO-LEFT OVERRIDE}", "\0", "\x7f"])
def test_what_a_terminal_would_obey_is_replaced(text):
    target = b"/" + text.encode("latin-1", "ignore")
    said = COLOUR.sub("", console_line(exchange(model=text, detail=f"x{text}y"), target))
    assert said.isprintable()
    assert all(each.isprintable() for each in more_lines(exchange(detail=f"x\na{text}", client=text)))


@given(st.text())
def test_printable_text_stays_and_the_rest_is_marked(text):
    said = printable(text)
    assert said.isprintable()
    assert len(said) == len(text)
    assert (said == text) is text.isprintable()


def test_what_rules_could_not_change_is_said_in_harmless_words():
    assert problem_lines(exchange()) == []
    assert problem_lines(exchange(notes={"llmproxy.problems": ["a\x1b[0m", "b"]})) == [
        f"{'':10}a\N{REPLACEMENT CHARACTER}[0m",
        f"{'':10}b",
    ]


def test_verbose_says_more():
    lines = more_lines(
        exchange(client="127.0.0.1", request_size=7, served_from=255, detail="why\nline two\nline three")
    )
    assert [each.strip() for each in lines] == [
        "exchange 0000000000000001, 7 B from 127.0.0.1, answered by 00000000000000ff",
        "line two",
        "line three",
    ]


@pytest.mark.parametrize(("verbose", "count"), [(False, 1), (True, 3)])
def test_lines_are_whole_and_one_write(console, verbose, count):
    plugin, written = console(verbose=verbose)
    plugin.llmproxy_log(exchange(detail="first\nsecond"), Event("ended"))
    assert len(written) == 1
    assert written[0].endswith(b"\n")
    assert written[0].count(b"\n") == count


@pytest.mark.parametrize("kind", ["begun", "matched", "first_byte"])
def test_nothing_is_said_before_the_end(console, kind):
    plugin, written = console()
    plugin.llmproxy_log(exchange(), Event(kind))
    assert written == []


@pytest.mark.parametrize(
    ("settings", "lines"),
    [
        ({}, 1),
        ({"quiet": True}, 0),
        ({"quiet": True, "verbose": True}, 0),
        ({"terminal": False}, 0),
        ({"terminal": None}, 0),
    ],
)
def test_only_a_terminal_that_is_not_to_be_quiet_gets_lines(console, settings, lines):
    plugin, written = console(**settings)
    plugin.llmproxy_log(exchange(), Event("failed"))
    assert len(written) == lines


NEAR = 'Nearest: exchange 1 (97% alike). It differs in:\nmessages[0].content: recorded "a" / incoming "b"'


def test_what_differs_is_coloured_recorded_red_and_incoming_green():
    first, second = explained_lines(NEAR)
    assert first.strip() == "Nearest: exchange 1 (97% alike). It differs in:"
    assert second.strip() == 'messages[0].content: recorded \x1b[31m"a"\x1b[0m / incoming \x1b[32m"b"\x1b[0m'


@pytest.mark.parametrize("text", ["\x1b[2J", "a: recorded \x1b[2J / incoming \x9b31m\r", "\n\n", ""])
def test_an_explanation_holds_nothing_that_a_terminal_would_obey(text):
    assert COLOUR.sub("", "".join(explained_lines(text))).isprintable()


@given(st.text())
def test_any_explanation_is_lines_of_printable_text_that_end_their_colours(text):
    for each in explained_lines(text):
        assert COLOUR.sub("", each).isprintable()
        assert not (codes := COLOUR.findall(each)) or codes[-1] == "\x1b[0m"


def test_an_explanation_that_comes_later_names_its_exchange(console):
    plugin, written = console()
    plugin.llmproxy_log(exchange(b"/v1/chat?key=hush", ending=Ending.COMPLETE), Event("explained", NEAR))
    said = COLOUR.sub("", written[0].decode())
    assert said.startswith("explained GET /v1/chat?key=REDACTED  exchange 0000000000000001\n")
    assert 'recorded "a" / incoming "b"\n' in said


@pytest.mark.parametrize(("verbose", "lines"), [(False, 3), (True, 4)])
def test_an_explanation_that_comes_first_waits_for_the_end_and_is_said_once(console, verbose, lines):
    plugin, written = console(verbose=verbose)
    refused = exchange(outcome=Outcome.REFUSED, detail=f"llmproxy: no recording\n{NEAR}")
    plugin.llmproxy_log(refused, Event("explained", NEAR))
    assert written == []
    refused.ending = Ending.REFUSED
    plugin.llmproxy_log(refused, Event("ended"))
    assert len(written) == 1
    assert written[0].count(b"\n") == lines
    assert written[0].count(b"Nearest") == 1
    assert refused.notes == {}


@pytest.mark.parametrize("ending", [None, Ending.COMPLETE])
def test_under_no_store_no_explanation_is_shown(console, ending):
    plugin, written = console()
    private = exchange(ending=ending, directives=Directives(no_store=True))
    plugin.llmproxy_log(private, Event("explained", NEAR))
    plugin.llmproxy_log(private, Event("ended"))
    assert b"Nearest" not in b"".join(written)


def test_a_secret_of_the_query_is_not_shown(console):
    plugin, written = console(verbose=True)
    plugin.llmproxy_log(exchange(b"/v1/models?key=hush"), Event("ended"))
    assert b"/v1/models?key=REDACTED" in written[0]
    assert b"hush" not in written[0]


def test_the_line_of_a_real_exchange():
    result = Kit().send("/v1/chat/completions", {"model": "demo-fast", "messages": [{"role": "user", "content": "hi"}]})
    said = COLOUR.sub("", console_line(result.exchange, result.exchange.request.target))
    assert re.fullmatch(rf"miss +POST /v1/chat/completions  demo-fast  200  {len(result.body)} B  \d+/\d+ ms", said)
