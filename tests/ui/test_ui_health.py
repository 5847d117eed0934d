"""`health`, `api/stats` and `api/token`: what they say of the daemon."""

from types import SimpleNamespace

import pytest
from ui_parts import asked

from proxy_daemon.core.services import Life
from proxy_daemon.settings import Settings
from proxy_daemon.ui.health import Standing, health

# Shelves on which all is recorded.
WELL = SimpleNamespace(trouble=lambda: "", default=SimpleNamespace(mode=SimpleNamespace(name="once")))


def pages(**services):
    return Standing(Settings(), SimpleNamespace(**{"shelves": WELL, "life": Life(), **services})).pages()


@pytest.mark.parametrize(
    ("store", "trouble", "life", "said"),
    [
        ("x.db", "", Life(), {"status": "ready", "recording": "on"}),
        ("off", "", Life(), {"status": "ready", "recording": "off"}),
        ("x.db", "the disk is full", Life(), {"status": "degraded", "recording": "the disk is full"}),
        ("x.db", "", Life(draining=True), {"status": "draining", "recording": "on"}),
        ("x.db", "no disk", Life(draining=True), {"status": "draining", "recording": "no disk"}),
        (
            "x.db",
            "",
            Life(unread="x.toml: no"),
            {"status": "degraded", "recording": "on", "settings": "not read again: x.toml: no"},
        ),
    ],
)
def test_health_says_what_the_daemon_does(store, trouble, life, said):
    assert health(Settings(store=store), trouble, life) == said


@pytest.mark.parametrize("more", [{"cassette": "c.yaml"}, {"cassette_dir": "c"}])
def test_what_goes_into_cassettes_is_recorded_without_a_store_too(more):
    assert health(Settings(store="off", **more), "", Life())["recording"] == "on"


@pytest.mark.parametrize(("life", "code"), [(Life(), 200), (Life(unread="no"), 200), (Life(draining=True), 503)])
def test_only_a_daemon_that_drains_sends_balancers_away(life, code):
    assert asked(pages(life=life)["health"])[0] == code


def test_the_mode_that_holds_is_told():
    assert asked(pages()["health"]) == (200, {"status": "ready", "recording": "on", "mode": "once"})


def test_a_balancer_may_add_what_it_likes():
    assert asked(pages()["health"], anything="1")[0] == 200


def raises():
    raise RuntimeError("broken by its \ud800 author")


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        (raises, "broken by its"),
        (object, "not JSON serializable"),
        (lambda: {1: 2}, "must be str"),
        (lambda: "\ud800", "UTF-8"),
    ],
)
def test_a_broken_fact_of_a_plugin_does_not_hide_the_others(fact, words):
    status, stats = asked(pages(facts={"mine": fact, "sound": lambda: 7})["api/stats"])
    assert (status, stats["sound"]) == (200, 7)
    assert words in stats["mine"]["fault"]


def test_the_token_is_told():
    assert asked(pages(page_token="abc")["api/token"]) == (200, {"token": "abc"})


@pytest.mark.parametrize("path", ["api/stats", "api/token"])
def test_they_have_no_parameters(path):
    status, value = asked(pages(facts={}, page_token="")[path], x="1")
    assert (status, value) == (400, {"error": "there is no parameter 'x' here; there are: none"})
