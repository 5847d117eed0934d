"""The list over 2,000 stored exchanges: only what is in view exists; keys; columns; what comes in while one reads."""

import re

import pytest
from browsing import expect
from filled import exchange, fill
from talking import Talk

pytestmark = pytest.mark.more
MANY = 2_000
TYPED_WITHIN_A_FRAME = """async (keys) => {
  const frame = () => new Promise(requestAnimationFrame);
  await frame();
  for (const key of keys) document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  await frame();
  await frame();
  return document.activeElement.id;
}"""
TO_THE_END = """() => {
  document.querySelector("[data-testid=list]").scrollTop = 1e9;
  return document.querySelector(".foot")?.textContent.includes("no more");
}"""
STORED = [f"{number << 22:016x}" for number in range(MANY, 0, -1)]


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("list")
    fill(
        folder / "store.db",
        (exchange(number, f"question {number}", f"answer {number}") for number in range(1, MANY + 1)),
    )
    found = Talk(folder)
    yield found
    found.stop()


@pytest.fixture
def shown(talk, tab):
    """The list, opened."""
    return tab.open(talk.daemon)


def scrolled(tab, rows):
    """So far down."""
    tab.page.evaluate("rows => { document.querySelector('[data-testid=list]').scrollTop = rows * 30; }", rows)


def test_newest_first_and_only_what_is_in_view(shown):
    assert shown.ids()[:3] == STORED[:3]
    assert len(shown.ids()) < 80
    expect(shown.row(STORED[0])).to_contain_text("question 2000")


def test_scrolling_to_the_end_and_back_finds_all_and_holds_few(shown):
    shown.until(TO_THE_END)
    scrolled(shown, MANY)
    expect(shown.row(STORED[-1])).to_be_visible()
    assert len(shown.ids()) < 80
    scrolled(shown, 1000)
    expect(shown.row(STORED[1005])).to_be_visible()
    expect(shown.row(STORED[1005])).to_contain_text("question 995")
    scrolled(shown, 0)
    expect(shown.row(STORED[0])).to_be_visible()


def test_keys(shown):
    page = shown.page
    shown.at("list").focus()
    shown.press("j", "j", "j", "k")
    expect(page.locator("[data-testid=row].at")).to_have_attribute("data-id", STORED[1])
    shown.press("Enter")
    expect(shown.at("detail")).to_have_attribute("data-id", STORED[1])
    for number, name in enumerate(("chat", "request", "response", "stream", "timing", "diff", "rules"), 1):
        shown.press(str(number))
        expect(shown.at(f"tab-{name}")).to_have_attribute("aria-selected", "true")
    shown.press("j")
    expect(shown.at("detail")).to_have_attribute("data-id", STORED[2])
    expect(page).to_have_url(re.compile(f"#/x/{STORED[2]}/rules$"))
    shown.press("Escape")
    expect(shown.at("detail")).to_have_count(0)
    shown.press("/")
    expect(shown.at("filter")).to_be_focused()
    shown.press("Escape", "?")
    expect(shown.at("dialog").get_by_role("heading", name="Keys", exact=True)).to_be_visible()
    shown.press("Escape")
    expect(shown.at("dialog")).to_have_count(0)


def test_what_is_typed_as_the_detail_closes_goes_where_it_was_sent(shown):
    shown.row(STORED[1]).click()
    expect(shown.at("detail")).to_have_attribute("data-id", STORED[1])
    assert shown.page.evaluate(TYPED_WITHIN_A_FRAME, ["Escape", "/"]) == "filter"
    expect(shown.at("detail")).to_have_count(0)


def test_the_way_back_leads_through_what_was_opened(shown):
    shown.row(STORED[3]).click()
    expect(shown.at("detail")).to_have_attribute("data-id", STORED[3])
    shown.page.go_back()
    expect(shown.at("detail")).to_have_count(0)
    shown.page.go_forward()
    expect(shown.at("detail")).to_have_attribute("data-id", STORED[3])


def test_columns_are_chosen_and_kept(shown):
    head = shown.page.locator(".row.head")
    shown.at("top-menu").click()
    shown.at("columns").click()
    expect(head).not_to_contain_text("path")
    shown.at("column-path").check()
    expect(head.locator("[role=columnheader]", has_text="path")).to_have_count(1)
    shown.press("Escape")
    shown.page.reload()
    expect(head.locator("[role=columnheader]", has_text="path")).to_have_count(1)


def test_a_dialog_gives_the_focus_back(shown):
    shown.at("top-menu").click()
    shown.at("columns").click()
    shown.at("dialog").get_by_role("button", name="close").click()
    expect(shown.at("dialog")).to_have_count(0)
    expect(shown.at("top-menu")).to_be_focused()


def test_new_rows_come_in_on_top(talk, shown):
    new = talk.chat("fresh as dew")
    expect(shown.page.locator("[data-testid=row]").first).to_have_attribute("data-id", new)
    expect(shown.row(new)).to_contain_text("fresh as dew")


def test_who_reads_further_down_is_not_moved(talk, shown):
    top = shown.ids()[0]
    scrolled(shown, 20)
    expect(shown.row(top)).to_have_count(0)
    expect(shown.row(STORED[25])).to_be_visible()
    before = shown.row(STORED[25]).bounding_box()
    new = talk.chat("meanwhile")
    expect(shown.at("new-pill")).to_contain_text("1 new")
    assert shown.row(STORED[25]).bounding_box() == before
    shown.at("new-pill").click()
    expect(shown.row(new)).to_be_visible()
    expect(shown.at("new-pill")).to_have_count(0)


def test_a_list_that_is_paused_stands_still(talk, shown):
    top = shown.ids()[0]
    shown.at("pause").click()
    new = talk.chat("while paused")
    expect(shown.at("new-pill")).to_contain_text("1 new")
    assert shown.ids()[0] == top
    shown.at("pause").click()
    expect(shown.page.locator("[data-testid=row]").first).to_have_attribute("data-id", new)


def test_full_text_search(talk, shown):
    new = talk.chat("the zebra crosses")
    shown.filter("~said zebra")
    expect(shown.row(new)).to_be_visible()
    expect(shown.at("row")).to_have_count(1)
    shown.filter('"answer 1234"')
    expect(shown.at("row")).to_have_count(1)
    expect(shown.row(f"{1234 << 22:016x}")).to_be_visible()
    expect(shown.page).to_have_url(re.compile("q="))
    shown.filter("xylophonist")
    expect(shown.at("empty")).to_contain_text("Nothing matches")
    shown.at("filter").press("Escape")
    expect(shown.at("row").nth(20)).to_be_visible()


def test_filters(shown):
    shown.filter("~c 200 & ~said 'question 77'")
    expect(shown.at("row")).to_have_count(11)
    for nothing in ("~u question", "~slow >100", "~outcome hit", "!~m POST"):
        shown.filter(nothing)
        expect(shown.at("empty")).to_contain_text("Nothing matches")
        shown.filter("~model lab ~tokens >=15")
        expect(shown.at("row").nth(20)).to_be_visible()


def test_what_is_typed_on_while_it_is_asked_for_stays(shown):
    shown.at("filter").press_sequentially("question ")
    expect(shown.page).to_have_url(re.compile("q=question$"))
    shown.at("filter").press_sequentially("77")
    expect(shown.page).to_have_url(re.compile(r"q=question\+77$"))
    expect(shown.at("filter")).to_have_value("question 77")


def test_a_filter_stands_in_the_address(talk, tab):
    tab.open(talk.daemon, "#/?q=~said+%22question+1999%22")
    expect(tab.at("row")).to_have_count(1)
    expect(tab.at("filter")).to_have_value('~said "question 1999"')


def test_new_rows_that_match_come_in_while_a_filter_is_on(talk, shown):
    shown.filter("~said giraffe")
    expect(shown.at("empty")).to_be_visible()
    new = talk.chat("a giraffe")
    talk.chat("an okapi")
    expect(shown.row(new)).to_be_visible()
    expect(shown.at("row")).to_have_count(1)


def test_a_filter_that_does_not_parse_marks_its_place(shown):
    shown.expects("status of 400")
    for term, marked in (("~said ok & (~c 200", "("), ("~m POST ~nosuch x", "~nosuch"), ("~c 200 | ~u (", "~u")):
        shown.filter(term)
        expect(shown.at("filter-fault")).not_to_be_empty()
        expect(shown.at("filter-mark")).to_contain_text(marked)
        assert len(shown.ids()) > 20, "the rows before it stay"
        shown.filter("~c 200")
        expect(shown.at("filter-fault")).to_have_count(0)
