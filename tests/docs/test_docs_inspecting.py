"""docs/inspecting.md: what it names is there: keys, tabs, filters, pages. Its samples are run by test_docs_pages.py."""

import re
from pathlib import Path

import pytest
from page_player import EXCHANGE, Player, blocks, steady

from proxy_daemon.core.filtering import explain, parse

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "inspecting.md").read_text()
SCRIPTS = ROOT / "proxy_daemon" / "ui" / "static" / "js"


def script(name):
    return (SCRIPTS / name).read_text()


def rows(header):
    """The cells of each row of the table with this header."""
    lines = PAGE.partition(header)[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in lines]


FILTERS = [row[1].strip("`") for row in rows("| find | filter |")]


# --- the page in the browser -----------------------------------------------------------------------------------------


def test_every_tab_is_told():
    told = [name for row in rows("| tab | what it shows |") for name in row[0].split(", ")]
    assert told == re.findall(r'"(\w+)"', re.search(r"TABS = \[(.*?)\]", script("route.js"))[1])


def test_every_key_of_the_help_is_told_with_its_words():
    table = re.search(r"const KEYS = \[(.*?)\n\];", script("dialogs.js"), re.DOTALL)[1]
    known = {key for keys in re.findall(r'\["(.*?)", ', table) for key in keys.split()} - {r"\u2026"}
    known = {key.encode().decode("unicode_escape") for key in known}
    told = {key for row in rows("| key | |") for key in re.findall("`(.+?)`", row[0])}
    assert told == known


def test_the_outcomes_have_their_letters():
    shapes = re.search(r"const SHAPES = \{(.*?)\n\};", script("icons.js"), re.DOTALL)[1]
    known = re.findall(r"(?m)^  (\w+):", shapes)
    told = "".join(re.search(r"is also a\nletter \((.*?)\)", PAGE)[1].split("**")).lower()
    assert told.split(", ") == known


@pytest.mark.parametrize("words", ["#/x/ID", "#/x/ID/stream", "#/?q=FILTER"])
def test_the_addresses_are_the_page_s(words):
    assert words in PAGE
    assert "#/x/ID/TAB?q=FILTER" in script("route.js")


def test_what_is_copied_is_what_can_be_copied():
    kinds = re.findall(r'\["as (\w+)", ', script("actions.js"))
    assert f"as {', '.join(kinds[:-1])} or {kinds[-1]}" in PAGE


# --- filters and the API ---------------------------------------------------------------------------------------------


def test_there_are_five_filters():
    assert len(FILTERS) == 5


@pytest.mark.parametrize("text", FILTERS)
def test_each_of_them_is_one(text):
    assert parse(explain(parse(text))) == parse(text)


def test_the_pages_that_it_names_are_described(daemon):
    described = daemon("--upstream", "demo:").get("/_llmproxy/api/openapi.json")["paths"]
    named = set(re.findall(r"`(api/[\w/]+)`", PAGE)) | set(re.findall(r"/_llmproxy/(api/[\w/.]+)", PAGE))
    paths = {"/" + EXCHANGE.sub("{id}", name).replace("ID", "{id}").rstrip("/") for name in named} - {"/api"}
    assert len(paths) >= 12
    assert paths <= set(described)


# --- how its samples are run -----------------------------------------------------------------------------------------


def test_what_is_shown_is_compared_but_for_what_varies():
    real = "2026-01-02 03:04:05  0123456789abcdef   12 ms  at http://127.0.0.1:4711 \n"
    page = "2026-11-21 14:02:13  0002a1f3c5d7e903   1.5 s  at http://127.0.0.1:8910\n"
    assert steady(real) == steady(page) == ["TIME ID TIME at http://HERE"]
    assert steady(real) != steady(page.replace("at", "to"))
    assert steady("  a") != steady("a")


def test_an_id_of_the_page_stands_for_the_real_one_from_there_on(tmp_path):
    first, real = "0002a1f3c5d7e903", "0123456789abcdef"
    player = Player(None, tmp_path)
    player.printed = f"{real}: hi\n"
    player.shown("", "text", f"{first}: hi\n")
    player.run(real, "sh", f"echo {first}")
    assert player.printed == f"{real}\n"
    player.printed = f"{real[::-1]}: hi\n"
    with pytest.raises(AssertionError, match="and before"):
        player.shown("", "text", f"{first}: hi\n")


def test_all_that_is_printed_is_shown_behind_its_command():
    kinds = [kind for kind, *_ in blocks(PAGE)]
    assert all(kinds[at - 1] == "run" for at, kind in enumerate(kinds) if kind in ("shown", "answer"))
    assert kinds.count("shown") >= 5
