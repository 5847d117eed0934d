"""The daemon goes and comes back: the page says so, goes on by itself, and shows what happened meanwhile."""

import pytest
from browsing import awake, expect

pytestmark = pytest.mark.more


def restarted(talk):
    """The daemon anew at its port, its child process awake."""
    port = talk.daemon.port
    talk.start(listen=("--listen", f"tcp:{port}:interface=127.0.0.1"))
    awake(talk.daemon)


def test_a_daemon_that_is_started_again(talk, tab):
    tab.expects("ERR_")
    first = talk.chat("before")
    tab.open(talk.daemon)
    tab.row(first).click()
    expect(tab.at("detail")).to_be_visible()
    talk.daemon.stop()
    expect(tab.at("lost")).to_contain_text("cannot be reached")
    expect(tab.row(first)).to_be_visible()
    tab.context.set_offline(True)
    restarted(talk)
    meanwhile = talk.chat("meanwhile")
    expect(tab.at("lost")).to_be_visible()
    tab.context.set_offline(False)
    expect(tab.row(meanwhile)).to_contain_text("meanwhile")
    expect(tab.at("lost")).to_have_count(0)
    after = talk.chat("and after")
    expect(tab.row(after)).to_contain_text("and after")
    expect(tab.at("row")).to_have_count(3)
    assert tab.ids() == [after, meanwhile, first]
    tab.at("pin").click()
    expect(tab.at("pin")).to_have_attribute("aria-pressed", "true")


def test_a_page_that_is_asked_of_a_daemon_that_is_gone(talk, tab):
    tab.expects("ERR_", "status of 503")
    made = talk.chat("before")
    tab.open(talk.daemon)
    talk.daemon.stop()
    expect(tab.at("lost")).to_be_visible()
    tab.row(made).click()
    expect(tab.at("fault")).to_contain_text("cannot be reached")
    tab.filter("~c 200")
    expect(tab.page.locator(".foot")).to_contain_text("cannot be reached")
    for act in (tab.page.locator(".foot button").click, lambda: tab.filter("")):
        with tab.page.expect_event("requestfailed", lambda request: "/exchanges?" in request.url):
            act()
        expect(tab.page.locator(".foot")).to_contain_text("cannot be reached")
    restarted(talk)
    expect(tab.at("lost")).to_have_count(0)
    expect(tab.row(made)).to_be_visible()
