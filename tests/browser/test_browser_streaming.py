"""A stream in the page: each word is shown before the upstream says the next one."""

import time

import pytest
from browsing import expect
from rig import LIMIT

pytestmark = pytest.mark.more


def test_a_stream_arrives_token_by_token(talk, tab):
    tab.open(talk.daemon)
    talk.ask("tell me")
    row = tab.at("row")
    expect(row).to_have_count(1)
    expect(row).to_have_attribute("data-state", "streaming")
    row.click()
    shown = ""
    for word in ("Once ", "upon ", "a **bold** ", "time. "):
        talk.say(word)
        shown += word.replace("*", "")
        expect(tab.at("answer").locator(".markdown")).to_have_text(shown.strip())
    talk.end()
    expect(row).to_have_attribute("data-state", "ended")
    expect(tab.at("message").first).to_contain_text("tell me")
    expect(tab.at("answer").locator(".markdown")).to_have_text("Once upon a bold time.")
    expect(tab.at("status")).to_have_text("200")


def test_a_stream_that_began_before_a_page_was_opened_anew_is_shown(talk, tab):
    tab.open(talk.daemon)
    talk.ask("tell me more")
    live = tab.page.locator("[data-testid=row][data-state=streaming]")
    expect(live).to_have_count(1)
    talk.say("Once ")
    tab.page.reload()
    expect(live).to_have_count(1)
    tab.filter("~said nothing")
    expect(live).to_have_count(0)
    tab.filter("")
    live.click()
    expect(tab.at("answer")).to_contain_text("Once")
    talk.end()
    expect(live).to_have_count(0)


def test_two_pages_see_one_stream(talk, tabs):
    one, other = tabs(), tabs()
    one.open(talk.daemon)
    other.open(talk.daemon)
    work = talk.ask("both")
    live = one.page.locator("[data-testid=row][data-state=streaming]")
    live.click()
    other.page.locator("[data-testid=row][data-state=streaming]").click()
    talk.say("seen ", "by ", "both ")
    for tab in (one, other):
        expect(tab.at("answer")).to_contain_text("seen by both")
    talk.end()
    work.join(LIMIT)
    assert b"seen " in talk.got.get(timeout=LIMIT)[2]


def test_why_one_was_a_miss_is_shown_when_it_is_known(talk, tab):
    words = "what is the weather like in the old town of {} on a sunday"
    assert talk.daemon.chat(words.format("Bern"))[0] == 200
    deadline = time.monotonic() + LIMIT
    while not talk.daemon.get("/_llmproxy/api/stats")["near_misses"]["index"].get("recordings"):
        assert time.monotonic() < deadline, "the child process does not answer"
    tab.open(talk.daemon)
    expect(tab.at("row")).to_have_count(1)
    assert talk.daemon.chat(words.format("<b>Rome"))[0] == 200
    expect(tab.at("row")).to_have_count(2)
    tab.at("row").first.click()
    expect(tab.at("explained")).to_contain_text("Bern")
    expect(tab.at("explained")).to_contain_text("<b>Rome")


def test_of_an_answer_that_is_not_to_be_kept_the_page_says_so(talk, tab):
    tab.open(talk.daemon)
    talk.ask("hush", headers={"Cache-Control": "no-store"})
    row = tab.at("row")
    expect(row).to_have_attribute("data-state", "streaming")
    talk.say("nobody reads this")
    row.click()
    expect(tab.at("not-live")).to_contain_text("no-store")
    expect(tab.at("answer")).to_have_count(0)
    talk.end()
    expect(row).to_have_attribute("data-state", "ended")
