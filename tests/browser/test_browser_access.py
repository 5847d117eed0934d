"""Labels and contrast, dark and light, as axe-core judges them; and what the themes do."""

from pathlib import Path

import pytest
from browsing import expect, missing
from filled import fill
from rig import Daemons
from test_browser_detail import ALL, IMAGES, NEXT, STREAM, name

pytestmark = pytest.mark.more
AXE = Path(__file__).parents[1] / "node" / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async () => {
  const found = await axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]});
  const told = (one) => one.html.slice(0, 200) + " " + one.failureSummary;
  return found.violations.map(({id, nodes}) => [id, nodes.slice(0, 5).map(told)]);
}"""
VIEWS = {
    "list": lambda tab, daemon: tab.open(daemon),
    "chat": lambda tab, daemon: tab.show(daemon, name(IMAGES)),
    "request": lambda tab, daemon: tab.show(daemon, name(IMAGES), "request"),
    "stream": lambda tab, daemon: tab.show(daemon, name(STREAM), "stream"),
    "timing": lambda tab, daemon: tab.show(daemon, name(STREAM), "timing"),
    "diff": lambda tab, daemon: [tab.show(daemon, name(NEXT), "diff"), tab.at("difference").first.wait_for()],
    "rules": lambda tab, daemon: tab.show(daemon, name(NEXT), "rules"),
    "help": lambda tab, daemon: [tab.open(daemon), tab.press("?"), tab.at("dialog").wait_for()],
    "edit": lambda tab, daemon: [
        tab.show(daemon, name(NEXT)),
        tab.at("more-menu").click(),
        tab.at("edit").click(),
        tab.at("edit-text").wait_for(),
    ],
}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    folder = tmp_path_factory.mktemp("access")
    daemons = Daemons(folder)
    yield daemons.start("--upstream", "demo:", store=fill(folder / "store.db", ALL))
    daemons.stop()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_has_nothing_to_say(daemon, tabs, theme):
    if not AXE.is_file():
        missing("axe-core is not installed (make tests/node/node_modules)")
    tab = tabs(color_scheme=theme)
    for name_of, go in VIEWS.items():
        tab.page.goto("about:blank")
        go(tab, daemon)
        assert tab.page.evaluate("document.documentElement.dataset.theme") == theme
        tab.page.evaluate(AXE.read_text())
        assert tab.page.evaluate(RUN) == [], name_of


def test_the_theme_is_the_systems_until_one_chooses(daemon, tabs):
    tab = tabs(color_scheme="dark")
    tab.open(daemon)
    root = tab.page.locator("html")
    expect(root).to_have_attribute("data-theme", "dark")
    tab.page.emulate_media(color_scheme="light")
    expect(root).to_have_attribute("data-theme", "light")
    tab.at("theme").click()
    expect(root).to_have_attribute("data-theme", "dark")
    tab.page.reload()
    expect(root).to_have_attribute("data-theme", "dark")


def test_all_is_reached_by_keys(daemon, tab):
    tab.show(daemon, name(IMAGES))
    expect(tab.at("mode")).to_be_visible()
    seen = set()
    for _ in range(40):
        tab.press("Tab")
        seen.add(tab.page.evaluate("document.activeElement.dataset.testid ?? document.activeElement.id"))
    assert {"list", "filter", "mode", "pin", "tab-chat", "more-menu", "close", "theme"} <= seen
