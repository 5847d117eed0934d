"""The console's lines: one an exchange, on a terminal only, and nothing in them that a terminal would obey."""

import re

import pytest
from console_rig import CHAT, Watched
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.cache_control import Directives
from proxy_daemon.core.dialects import GENERIC
from proxy_daemon.core.harmless import one_line
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Exchange, Outcome, Request
from proxy_daemon.core.telling.styled import STYLES, written
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.hookspecs import Event
from proxy_daemon.plugins.console.lines import (
    COLOURS,
    LONGEST,
    explained_lines,
    head_lines,
    late_line,
    line_of,
    more_lines,
    problem_lines,
)
from proxy_daemon.plugins.console.seen import Room, Rush, Whose
from proxy_daemon.settings import SettingsError

COLOUR = re.compile("\x1b\\[[0-9]+m")


def exchange(target=b"/v1/models", **more):
    return Exchange(1, Request(b"GET", target), parse_upstream("demo:"), GENERIC, 0.0, **more)


def plain(line):
    return "".join(text for _, text in line)


def line(target=b"/v1/models", **more):
    made = exchange(**more)
    return plain(line_of(made, target, made.detail))


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
def test_every_outcome_has_its_colour(outcome):
    style, text = line_of(exchange(outcome=outcome), b"/", "")[0]
    assert (style, text.strip()) == (COLOURS[outcome], outcome.value)
    assert style in STYLES


@pytest.mark.parametrize("text", ["\x1b[2J", "\r", "\n", "\x07", "\x9b31m", "\N{RIGHT-TO-LEFT OVERRIDE}", "\0", "\x7f"])
def test_what_a_terminal_would_obey_is_an_escape(text):
    said = line(b"/" + text.encode("latin-1", "ignore"), model=text, detail=f"x{text}y")
    assert said.isprintable()
    odd = exchange(detail=f"x\na{text}", client=text, rules=(text,))
    heads = head_lines(text, Headers([(b"a", text.encode())]))
    assert all(plain(each).isprintable() for each in [*more_lines(odd, odd.detail), *heads])


@given(st.text())
def test_any_explanation_is_lines_of_harmless_text(text):
    assert all(plain(each) == one_line(plain(each)) for each in explained_lines(text))


def test_a_line_is_not_longer_than_people_read():
    assert len(line(b"/" + b"x" * 10 * LONGEST, model="m" * 10 * LONGEST)) < 3 * LONGEST


def test_what_rules_could_not_change_is_said():
    assert problem_lines(exchange()) == []
    said = problem_lines(exchange(notes={"llmproxy.problems": ["a\x1b[0m", "b"]}))
    assert [plain(each).strip() for each in said] == ["a\\x1b[0m", "b"]


def test_verbose_says_more():
    made = exchange(client="127.0.0.1", request_size=7, served_from=255, rules=("one", "two"))
    assert [plain(each).strip() for each in more_lines(made, "why\nline two\nline three")] == [
        "exchange 0000000000000001, 7 B from 127.0.0.1, answered by 00000000000000ff",
        "line two",
        "line three",
        "rules: one, two",
    ]


NEAR = 'Nearest: exchange 1 (97% alike). It differs in:\nmessages[0].content: recorded "a" / incoming "b"'


def test_what_differs_is_coloured_recorded_red_and_incoming_green():
    first, second = explained_lines(NEAR)
    assert plain(first).strip() == "Nearest: exchange 1 (97% alike). It differs in:"
    assert written(second).strip() == 'messages[0].content: recorded \x1b[31m"a"\x1b[0m / incoming \x1b[32m"b"\x1b[0m'


def test_an_explanation_that_comes_late_names_its_exchange():
    assert plain(late_line(exchange(), b"/v1/x")) == "explained GET /v1/x  exchange 0000000000000001"


# --- the plugin ------------------------------------------------------------------------------------------------------


@pytest.fixture
def watched(monkeypatch):
    return lambda **more: Watched(monkeypatch, size=(120, 24), **more)


@pytest.mark.parametrize(
    ("more", "is_seen"),
    [
        ({}, True),
        ({"quiet": True}, False),
        ({"quiet": True, "verbose": True}, False),
        ({"terminal": False}, False),
        ({"terminal": None}, False),
    ],
)
def test_only_a_terminal_that_is_not_to_be_quiet_gets_anything(watched, more, is_seen):
    person = watched(**more)
    person.kit.send("/v1/models")
    result = person.chat("hi")
    assert bool(person.look()) is is_seen
    assert bool(person.console.scheduled) is is_seen
    assert not person.kit.hooks.faults
    assert result.status == 200


def test_without_a_terminal_the_short_way_is_kept(watched):
    person = watched(terminal=False)
    assert not person.kit.hooks.shapes(person.chat("hi").exchange)


def test_a_request_that_is_no_conversation_gets_a_line(watched):
    person = watched()
    person.kit.send("/v1/models?key=hush")
    seen = person.look()
    assert re.fullmatch(r"live +GET /v1/models\?key=REDACTED  200  \d+ B  \d+/\d+ ms", seen)


@pytest.mark.parametrize("kind", ["begun", "matched", "first_byte"])
def test_of_what_is_no_conversation_nothing_is_said_before_the_end(watched, kind):
    person = watched()
    person.console.llmproxy_log(exchange(), Event(kind))
    assert person.look() == ""


def test_an_explanation_comes_late_or_waits_for_the_end_and_is_said_once(watched):
    person = watched()
    person.console.llmproxy_log(exchange(ending=Ending.COMPLETE), Event("explained", NEAR))
    assert person.look().count("Nearest") == 1
    refused = exchange(outcome=Outcome.REFUSED, detail=f"llmproxy: no recording\n{NEAR}")
    person.console.llmproxy_log(refused, Event("explained", NEAR))
    assert person.look().count("Nearest") == 1
    refused.ending = Ending.REFUSED
    person.console.llmproxy_log(refused, Event("ended"))
    assert person.look().count("Nearest") == 2
    assert refused.notes == {}


@pytest.mark.parametrize("ending", [None, Ending.COMPLETE])
def test_under_no_store_no_explanation_is_shown(watched, ending):
    person = watched()
    private = exchange(ending=ending, directives=Directives(no_store=True))
    person.console.llmproxy_log(private, Event("explained", NEAR))
    person.console.llmproxy_log(private, Event("ended"))
    assert "Nearest" not in person.look()


def test_under_no_store_a_conversation_gets_a_line(watched):
    person = watched()
    person.chat("a private question", headers={"Cache-Control": "no-store"})
    assert re.fullmatch(rf"\w+ +POST {CHAT}  m  200  \d+ B  \d+/\d+ ms", person.look())


def test_one_may_want_lines_only(watched):
    person = watched(plugin_settings={"console": {"form": "lines"}})
    person.chat("hi")
    assert re.match(rf"miss +POST {CHAT}  m  200", person.look())


@pytest.mark.parametrize("table", [{"form": "colourful"}, {"from": "lines"}])
def test_a_wrong_table_is_refused(watched, table):
    with pytest.raises(Exception, match=r"plugins\.console.*chat, lines") as caught:
        watched(plugin_settings={"console": table})
    assert isinstance(caught.value.__cause__ or caught.value, SettingsError)


# --- what it has seen ------------------------------------------------------------------------------------------------


def test_a_rush_begins_with_too_many_a_second_and_ends_when_it_is_calm():
    rush = Rush(most=3, calm_seconds=5)
    assert [rush.ended(at / 10) for at in range(5)] == [False, False, False, True, False]
    rush.calm(5.3)
    assert rush.is_on
    rush.calm(5.5)
    assert not rush.is_on


def test_few_a_second_are_no_rush():
    rush = Rush(most=3, calm_seconds=5)
    assert not any(rush.ended(at / 2.5) for at in range(100))


def test_there_is_room_for_so_much_and_no_more():
    room = Room(most=10)
    assert [room.take(6), room.take(6), room.take(4)] == [True, False, True]
    room.size -= 5
    assert room.take(5)


def test_a_client_is_named_where_there_is_more_than_one():
    whose = Whose()
    one, two = exchange(client="127.0.0.1"), exchange(client="10.0.0.2", client_name="ci", session="run-7")
    assert [whose.name(each) for each in (one, one, two, one)] == ["", "", "ci session run-7", "127.0.0.1"]
