"""Shelves: cassettes are opened once, whoever waits; what cannot be is refused with the reason."""

import pytest
from twisted.internet.defer import Deferred

from proxy_daemon.core.modes import MODES
from proxy_daemon.core.shelves import Binding, OnlyStore, Shelf, Unavailable
from proxy_daemon.pipeline.shelves import MOST_OPEN, Opened, Shelves


class Disk:
    """Opens cassettes when the test says so."""

    def __init__(self, holds=True):
        self.asked, self.waiting, self.closed, self.holds = [], [], [], holds

    def open(self, binding):
        self.asked.append(binding)
        done = Deferred()
        self.waiting.append(done)
        return done

    def answer(self, number=0):
        name = self.asked[number].file

        async def close():
            self.closed.append(name)

        self.waiting[number].callback(Opened(Store(name), self.holds, close))


class Store:
    def __init__(self, name):
        self.name, self.trouble = name, ""

    def stats(self):
        return {"file": self.name}


def shelves(disk, directory="/there", mode="once"):
    return Shelves(Shelf(Store("main"), MODES["new_episodes"]), directory, mode, disk.open)


def ask(coroutine):
    return Deferred.fromCoroutine(coroutine)


def result(deferred):
    """What it has now; an error as a value."""
    found = []

    def keep(value):
        found.append(getattr(value, "value", value))
        return found[0]

    deferred.addBoth(keep)
    return found[0] if found else None


def test_all_who_ask_while_it_is_opened_get_the_same():
    disk = Disk()
    one = shelves(disk)
    waiting = [ask(one.named("a", may_make=True)) for _ in range(3)]
    assert [result(each) for each in waiting] == [None] * 3
    disk.answer()
    assert len({id(result(each)) for each in waiting}) == 1
    assert result(ask(one.named("a", may_make=False))) is result(waiting[0])
    assert [each.file for each in disk.asked] == ["/there/a.yaml"]


def test_who_leaves_does_not_end_the_opening():
    disk = Disk()
    one = shelves(disk)
    gone, stays = ask(one.named("a", may_make=True)), ask(one.named("a", may_make=True))
    gone.addErrback(lambda failure: None)
    gone.cancel()
    disk.answer()
    assert result(stays).cassette == "a"


@pytest.mark.parametrize(("holds", "forwards"), [(True, False), (False, True)])
def test_once_is_settled_by_what_was_there(holds, forwards):
    disk = Disk(holds)
    one = shelves(disk)
    asked = ask(one.named("a", may_make=True))
    disk.answer()
    assert (result(asked).mode.name, result(asked).mode.forwards) == ("once", forwards)


def test_a_failure_reaches_all_who_wait_and_the_next_one_tries_again():
    disk = Disk()
    one = shelves(disk)
    waiting = [ask(one.named("a", may_make=True)) for _ in range(2)]
    disk.waiting[0].errback(Unavailable(500, "damaged"))
    assert [str(result(each)) for each in waiting] == ["damaged"] * 2
    again = ask(one.named("a", may_make=True))
    disk.answer(1)
    assert result(again).cassette == "a"


def test_one_that_fails_at_once_is_told_too():
    def refuse(binding):
        raise Unavailable(500, "no")

    one = Shelves(Shelf(Store("main"), MODES["none"]), "/there", "none", refuse)
    assert str(result(ask(one.named("a", may_make=True)))) == "no"


@pytest.mark.parametrize(
    ("directory", "may_make", "status", "said"),
    [("", True, 400, "--cassette-dir"), ("/there", False, 403, "only this machine")],
)
def test_what_may_not_be_named(directory, may_make, status, said):
    error = result(ask(shelves(Disk(), directory).named("a", may_make=may_make)))
    assert (error.status, said in str(error)) == (status, True)


def test_a_file_that_is_there_may_be_named_by_anybody(tmp_path):
    (tmp_path / "a.yaml").touch()
    disk = Disk()
    asked = ask(shelves(disk, str(tmp_path)).named("a", may_make=False))
    disk.answer()
    assert result(asked).cassette == "a"


def test_a_bound_file_has_its_own_rules_until_it_is_released():
    disk = Disk()
    one = shelves(disk)
    bound = ask(one.bind("t", Binding("/elsewhere/t.yaml", mode="none", on_error_response="record")))
    disk.answer()
    shelf = result(bound)
    assert (shelf.mode.name, shelf.on_error_response, shelf.store.name) == ("none", "record", "/elsewhere/t.yaml")
    assert result(ask(one.named("t", may_make=False))) is shelf
    assert one.stats() == {"t": {"file": "/elsewhere/t.yaml"}}
    again = result(ask(one.bind("t", Binding("/third.yaml"))))
    assert (again.status, "/elsewhere/t.yaml" in str(again)) == (409, True)
    ask(one.release("t"))
    ask(one.release("t"))
    assert disk.closed == ["/elsewhere/t.yaml"]
    assert result(ask(one.named("t", may_make=False))).status == 403


def test_a_binding_that_fails_leaves_the_name_free():
    disk = Disk()
    one = shelves(disk)
    failed = ask(one.bind("t", Binding("/a.yaml")))
    disk.waiting[0].errback(Unavailable(422, "damaged"))
    assert result(failed).status == 422
    ask(one.bind("t", Binding("/b.yaml")))
    assert disk.asked[1].file == "/b.yaml"


def test_all_are_closed_at_the_end():
    disk = Disk()
    one = shelves(disk)
    for number, name in enumerate("ab"):
        ask(one.named(name, may_make=True))
        disk.answer(number)
    ask(one.close())
    assert disk.closed == ["/there/a.yaml", "/there/b.yaml"]
    assert one.stats() == {}


def test_they_are_not_without_number(monkeypatch):
    monkeypatch.setattr("proxy_daemon.pipeline.shelves.MOST_OPEN", 1)
    disk = Disk()
    one = shelves(disk)
    ask(one.named("a", may_make=True))
    disk.answer()
    assert result(ask(one.named("b", may_make=True))).status == 503
    assert MOST_OPEN >= 100


@pytest.mark.parametrize("call", [lambda one: one.named("a", may_make=True), lambda one: one.bind("a", Binding("/f"))])
def test_without_cassettes_none_can_be_had(call):
    one = OnlyStore(Shelf(Store("main"), MODES["none"]))
    assert result(ask(call(one))).status == 400
    ask(one.release("a"))
    assert one.stats() == {}


@pytest.mark.parametrize("name", ["../a", "/etc/a", "a/b", ".a", "", "a b", "\udc80", "a\n", "(--cassette)"])
def test_a_name_that_is_none_opens_nothing(tmp_path, name):
    disk = Disk()
    refused = result(ask(shelves(disk, str(tmp_path)).named(name, may_make=True)))
    assert (refused.status, "letters" in str(refused), disk.asked) == (400, True, [])


def test_what_is_open_by_its_name_is_not_bound_over():
    disk = Disk()
    one = shelves(disk)
    ask(one.named("a", may_make=True))
    refused = [result(ask(one.bind("a", Binding("/f.yaml"))))]  # it is being opened
    disk.answer()
    refused.append(result(ask(one.bind("a", Binding("/f.yaml")))))
    assert [each.status for each in refused] == [409, 409]
    ask(one.release("a"))
    assert disk.closed == ["/there/a.yaml"]
    ask(one.bind("a", Binding("/f.yaml")))
    assert disk.asked[1].file == "/f.yaml"


def test_the_one_of_all_exchanges_is_not_released():
    disk, closed = Disk(), []
    one = shelves(disk)

    async def close():
        closed.append(True)

    one.adopt(Opened(Store("all"), True, close), "/there/all.yaml")
    for name in one.stats():
        ask(one.release(name))
    assert not closed
    ask(one.close())
    assert closed == [True]


def test_trouble_is_that_of_the_store_and_of_all_that_are_open():
    disk = Disk()
    history = Store("main")
    one = Shelves(Shelf(history, MODES["new_episodes"]), "/there", "once", disk.open)
    assert (one.trouble(), one.open_by("a")) == ("", None)
    for at, name in enumerate("ab"):
        ask(one.named(name, may_make=True))
        disk.answer(at)
    one.open_by("a").store.trouble, one.open_by("b").store.trouble = "a is full", "b is gone"
    history.trouble = "a is full"
    assert one.trouble() == "a is full; b is gone"
    ask(one.release("b"))
    history.trouble = ""
    assert one.trouble() == "a is full"


def test_the_store_alone_has_its_own_trouble():
    one = OnlyStore(Shelf(Store("main"), MODES["none"]))
    assert (one.trouble(), one.open_by("a")) == ("", None)
    one.default.store.trouble = "no disk"
    assert one.trouble() == "no disk"


@pytest.mark.parametrize("end", [lambda one: one.release("t"), lambda one: one.close()], ids=["release", "close"])
def test_one_that_is_released_while_it_is_opened_is_closed_when_it_is_open(end):
    disk = Disk()
    one = shelves(disk)
    bound = ask(one.bind("t", Binding("/elsewhere/t.yaml")))
    ended = ask(end(one))
    assert (ended.called, disk.closed) == (False, [])
    disk.answer()
    assert (ended.called, disk.closed, one.stats()) == (True, ["/elsewhere/t.yaml"], {})
    assert result(bound).cassette == "t"


def test_one_that_is_released_while_it_is_opened_may_fail():
    disk = Disk()
    one = shelves(disk)
    bound, ended = ask(one.bind("t", Binding("/t.yaml"))), ask(one.release("t"))
    disk.waiting[0].errback(Unavailable(500, "damaged"))
    assert (ended.called, result(ended), str(result(bound))) == (True, None, "damaged")
