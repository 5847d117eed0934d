"""The list and one exchange: paging, what was said in them, searches, and a child that has trouble."""

import pytest
from attrs import evolve
from twisted.internet.defer import succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from ui_parts import FakeWork, answered, asked, asking, recording, services

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.messages import id_text
from proxy_daemon.hookspecs import JsonPage
from proxy_daemon.net.housekeeping import within
from proxy_daemon.ui.exchanges import MOST_FILTER, PAGE_LIMIT, TOLD_SECONDS, Exchanges
from proxy_daemon.ui.parameters import answering

IDS = [id_text(number) for number in range(9)]
FIVE = [recording(number) for number in range(1, 6)]
TOLD = {"dialect": "openai-chat"}


def listed(found, **parameters):
    return asked(Exchanges(found).pages()["api/exchanges"], **parameters)


def ids(value):
    return [int(row["id"], 16) for row in value["exchanges"]]


# --- paging ----------------------------------------------------------------------------------------------------------

PAGES = {
    "all": ({}, [5, 4, 3, 2, 1], None),
    "the newest two": ({"limit": 2}, [5, 4], 4),
    "before": ({"limit": 2, "before": IDS[4]}, [3, 2], 2),
    "the last ones": ({"limit": 2, "before": IDS[3]}, [2, 1], None),
    "none are left": ({"before": IDS[1]}, [], None),
    "after": ({"after": IDS[3]}, [5, 4], None),
    "after, the newest of them": ({"after": IDS[2], "limit": 2}, [5, 4], 4),
    "between": ({"after": IDS[1], "before": IDS[4]}, [3, 2], None),
    "after all": ({"after": IDS[5]}, [], None),
    "before the first id": ({"before": IDS[0]}, [5, 4, 3, 2, 1], None),  # 0: from the newest on
    "after the first id": ({"after": IDS[0]}, [5, 4, 3, 2, 1], None),
    "exactly as many as there are": ({"limit": 5}, [5, 4, 3, 2, 1], None),
}


@pytest.mark.parametrize(("parameters", "expected", "following"), PAGES.values(), ids=PAGES)
def test_a_page(parameters, expected, following):
    status, value = listed(services(*FIVE), **parameters)
    assert (status, ids(value)) == (200, expected)
    assert value["next"] == (None if following is None else IDS[following])
    assert (value["partial"], value["indexed"]) == (False, None)


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 7])
def test_who_follows_next_sees_each_once(limit):
    seen, before = [], {}
    while True:
        value = listed(services(*FIVE), limit=limit, **before)[1]
        seen += ids(value)
        if value["next"] is None:
            break
        before = {"before": value["next"]}
    assert seen == [5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("limit", "most"), [("0", 1), ("-3", 1), ("7", 7), ("501", PAGE_LIMIT), ("9" * 30, PAGE_LIMIT), ("007", 7)]
)
def test_a_limit_is_kept_within_its_bounds(limit, most, monkeypatch):
    found, seen = services(), []
    monkeypatch.setattr(found.store, "page", lambda limit, before: seen.append(limit) or [])
    assert listed(found, limit=limit)[0] == 200
    assert seen == [most + 1]


WRONG = {
    "limit=": ({"limit": ""}, "limit is a whole number"),
    "limit a word": ({"limit": "ten"}, "limit is a whole number"),
    "limit with an underscore": ({"limit": "1_0"}, "limit is a whole number"),
    "limit in other digits": ({"limit": "٣"}, "limit is a whole number"),
    "limit of two signs": ({"limit": "--1"}, "limit is a whole number"),
    "before": ({"before": "x"}, "before is an exchange's id"),
    "after": ({"after": "f" * 16}, "after is an exchange's id"),
    "unknown": ({"befor": IDS[1]}, "there is no parameter 'befor' here; there are: limit, before, after, q"),
    "a long name": ({"x" * 5000: "1"}, "there is no parameter 'xxx"),
}


@pytest.mark.parametrize(("parameters", "words"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named(parameters, words):
    status, value = listed(services(*FIVE), **parameters)
    assert status == 400
    assert value["error"].startswith(words)
    assert len(value["error"]) < 300


def test_rows_have_marks_and_comments():
    class Acts:
        def remarks(self, numbers):
            assert numbers == [5, 4]
            return {4: ("star", "why")}

    rows = listed(services(*FIVE, acts=Acts()), limit=2)[1]["exchanges"]
    assert [(row["mark"], row["comment"]) for row in rows] == [("", ""), ("star", "why")]


# --- what was said in them -------------------------------------------------------------------------------------------


def test_the_child_is_asked_what_was_said():
    work = FakeWork({"told": {"status": 200, "value": {"told": {IDS[5]: TOLD}, "indexed": {"done": 1, "total": 5}}}})
    value = listed(services(*FIVE, work=work), limit=2)[1]
    assert work.asked == [("told", {"ids": [IDS[5], IDS[4]]})]
    assert [row["told"] for row in value["exchanges"]] == [TOLD, None]
    assert value["indexed"] == {"done": 1, "total": 5}


BAD = {
    "trouble": {"trouble": "busy"},
    "nothing": {},
    "no object": {"status": 200, "value": [1]},
    "an error": {"status": 400, "value": {"error": "x"}},
    "null": {"status": 200, "value": {"told": None}},
}


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD)
def test_a_child_with_trouble_costs_the_list_nothing_but_that(answer):
    status, value = listed(services(*FIVE, work=FakeWork({"told": answer})))
    assert (status, ids(value)) == (200, [5, 4, 3, 2, 1])
    assert {row["told"] for row in value["exchanges"]} == {None}


def test_a_child_that_is_busy_is_waited_for_not_long():
    clock, work = Clock(), FakeWork({"told": None})
    found = services(*FIVE, work=work, within=lambda seconds, waiting: within(clock, seconds, waiting))
    request = asking(Exchanges(found).pages()["api/exchanges"])
    clock.advance(TOLD_SECONDS * 0.9)
    assert answered(request) == (None, None)
    clock.advance(TOLD_SECONDS * 0.2)
    assert ids(answered(request)[1]) == [5, 4, 3, 2, 1]
    assert len(work.left) == 1  # it has left the child's queue
    assert not clock.getDelayedCalls()


def test_an_empty_page_asks_nobody():
    work = FakeWork()
    assert listed(services(work=work))[0] == 200
    assert work.asked == []


def told(found, **parameters):
    return asked(Exchanges(found).pages()["api/told"], **parameters)


def test_told_is_handed_on():
    work = FakeWork({"told": {"status": 200, "value": {"told": {IDS[1]: None}}}})
    assert told(services(work=work), ids=f"{IDS[1]},1") == (200, {"told": {IDS[1]: None}})
    assert work.asked == [("told", {"ids": [IDS[1], IDS[1]]})]


def test_told_without_a_child():
    status, value = told(services(*FIVE), ids=f"{IDS[1]},{IDS[8]}")
    assert (status, value["told"][IDS[8]]) == (200, None)
    assert (value["told"][IDS[1]]["asked"], value["told"][IDS[1]]["said"]) == ("hi", "Hello.")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "ids is a list"),
        ("x", "ids is a list"),
        (f"{IDS[1]},", "ids is a list"),
        (f"{IDS[1]} {IDS[2]}", "ids is a list"),
        (",".join([IDS[1]] * 501), "ids has 501 ids: at most 500"),
    ],
)
def test_told_of_what_is_no_id(text, words):
    status, value = told(services(work=FakeWork()), ids=text)
    assert (status, value["error"][: len(words)]) == (400, words)


# --- a search --------------------------------------------------------------------------------------------------------


def test_a_search_is_the_childs():
    found = {"exchanges": [], "next": IDS[2], "partial": True, "indexed": None}
    work = FakeWork({"list": {"status": 200, "value": found}})
    assert listed(services(work=work), q=" ~u x", before=IDS[4], after=IDS[1], limit=7) == (200, found)
    assert work.asked == [("list", {"limit": 7, "before": IDS[4], "after": IDS[1], "q": " ~u x"})]


def test_a_wrong_filter_says_where():
    wrong = {"error": "nothing is called ~y", "at": 0, "length": 2}
    work = FakeWork({"list": {"status": 400, "value": wrong}})
    assert listed(services(work=work), q="~y") == (400, wrong)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"trouble": "the child process died"}, "the child process died"),
        ({"status": "x", "value": {}}, "gave an answer that is none"),
        ({"status": 200}, "gave an answer that is none"),
        ({"status": True, "value": {}}, "gave an answer that is none"),
    ],
)
def test_a_search_with_trouble(answer, words):
    status, value = listed(services(work=FakeWork({"list": answer})), q="x")
    assert status == 503
    assert words in value["error"]


def test_without_a_child_there_is_no_search():
    status, value = listed(services(*FIVE), q="x")
    assert status == 503
    assert "no search in this store" in value["error"]


def test_a_filter_without_end():
    work = FakeWork()
    status, value = listed(services(work=work), q="x" * (MOST_FILTER + 5))
    assert (status, value["at"], value["length"]) == (400, MOST_FILTER, 5)
    assert work.asked == []


def test_who_leaves_takes_the_question_along():
    work = FakeWork({"list": None})
    request = asking(Exchanges(services(work=work)).pages()["api/exchanges"], q="x")
    request.processingFailed(Failure(ConnectionDone()))
    assert len(work.left) == 1
    assert request.written == []


# --- one exchange ----------------------------------------------------------------------------------------------------


def one(found, text):
    page = JsonPage({"GET": answering(Exchanges(found).one)})
    return asked(page, segments={"id": text})


def test_one_exchange_has_its_heads():
    work = FakeWork({"told": {"status": 200, "value": {"told": {IDS[3]: TOLD}}}})
    status, value = one(services(*FIVE, work=work), "3")
    assert (status, value["id"], value["told"]) == (200, IDS[3], TOLD)
    assert value["request"] == {"headers": [["Content-Type", "application/json"]], "size": value["request_size"]}
    assert (value["response"]["status"], value["response"]["reason"]) == (200, "OK")
    assert "delivered" not in value


@pytest.mark.parametrize("text", ["0", "6", "x", "", "f" * 17, "-1", "\ufffd", "1_0", "٣", "1 ", "../1"])
def test_an_unknown_one(text):
    assert one(services(*FIVE), text) == (404, {"error": "there is no such exchange"})


def test_it_fires_where_the_child_answers_at_once():
    assert asked(JsonPage({"GET": lambda parameters: succeed((200, 7))})) == (200, 7)


def test_a_hit_has_the_sizes_and_heads_of_what_answered_it():
    """But not its times: these are of another day."""
    first = recording(4)
    request = evolve(first.request, body=Bytes(b""))
    found = services(first, evolve(first, id=5, request=request, response=None, served_from=4))
    status, row = one(found, id_text(5))
    assert (status, row["served_from"]) == (200, id_text(4))
    assert row["request"]["size"] == row["request_size"] == first.request.body.size
    assert row["response"]["size"] == row["response_size"] == first.response.body.size
    assert (row["response"]["pieces"], row["response"]["times_us"]) == ([], [])
