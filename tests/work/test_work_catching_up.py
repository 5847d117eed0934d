"""Catching up with the store: everything comes in, the new first, late ones too, within a bounded duty."""

from contextlib import closing

import pytest
from stores import STEP, recording

from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.store.made_anew import TEMPORARY
from proxy_daemon.work import catching_up as module
from proxy_daemon.work.catching_up import BATCH, BUSY_DUTY, BUSY_RATE, IDLE_DUTY, LOOK_SECONDS, CatchingUp
from proxy_daemon.work.index import opened
from proxy_daemon.work.recorded import Recorded

OPENAI = recognise(recording(1).request, BUILT_IN)


@pytest.fixture
def catching(store, ticks):
    with closing(Recorded(store.path)) as reader, closing(opened(TEMPORARY, reader.key, 1)) as index:
        yield CatchingUp(reader, index, ticks)


def taken(catching):
    return [each for _, each in catching.index.some(0, 10_000)]


def put(store, *numbers):
    store.put(*(recording(number, f"text {number}") for number in numbers))


def test_all_that_is_there_is_taken_in_the_newest_first(store, catching):
    put(store, *range(1, 41))
    assert not catching.take(1.0)
    assert sorted(taken(catching)) == [number * STEP for number in range(1, 41)]
    assert taken(catching)[0] == 40 * STEP
    assert not catching.left


def test_what_comes_later_is_taken_in_before_the_rest(store, catching, ticks):
    put(store, *range(1, 101))
    ticks.step = 1.0
    assert catching.take(0.5)  # one batch
    assert len(taken(catching)) == BATCH
    put(store, 200)
    assert catching.take(0.5)
    assert taken(catching)[BATCH] == 200 * STEP
    assert len(catching.left) == 100 - BATCH


def test_a_budget_is_kept(store, catching, ticks):
    put(store, *range(1, 101))
    ticks.step = 0.01
    assert catching.take(0.015)
    assert len(taken(catching)) <= 2 * BATCH


def test_nothing_new_costs_one_look(store, catching, monkeypatch):
    put(store, 1, 2)
    catching.take(1.0)
    monkeypatch.setattr(catching.store, "after", lambda *_: pytest.fail("it was read again"))
    assert not catching.take(1.0)


def test_what_began_earlier_and_came_later_is_found_below_the_highest(store, catching):
    put(store, 10_000)
    catching.take(1.0)
    put(store, 9_000)  # a second earlier
    catching.take(1.0)
    assert set(taken(catching)) == {10_000 * STEP, 9_000 * STEP}


def test_what_came_much_later_is_found_by_comparing_all(store, catching, ticks):
    put(store, 100_000)
    catching.step()
    put(store, 10)
    catching.step()
    assert taken(catching) == [100_000 * STEP]
    ticks.now += 1000
    catching.step()
    assert 10 * STEP in taken(catching)


def test_the_daemon_may_name_what_is_late(store, catching):
    put(store, 100_000)
    catching.take(1.0)
    put(store, 10)
    catching.add([10 * STEP, 11 * STEP, 100_000 * STEP])
    assert set(taken(catching)) == {100_000 * STEP, 10 * STEP, 11 * STEP}


@pytest.mark.parametrize(
    "changes",
    [{"scope": b"somebody"}, {"response": None}],
    ids=["somebody's own", "without an answer"],
)
def test_what_must_not_be_shown_is_not_found(store, catching, monkeypatch, changes):
    hidden = recording(1, "secret words", **changes)
    put(store, 1)
    monkeypatch.setattr(catching.store, "get", lambda _: hidden)
    catching.take(1.0)
    assert catching.index.count == 1
    asked = recording(1, "secret words").request
    assert catching.index.nearest(module.sketch(module.subject(asked, OPENAI), module.kind_of(asked, OPENAI)), 5) == []


def test_a_recording_that_breaks_the_child_keeps_no_others_out(store, catching, monkeypatch):
    put(store, 1, 2, 3)
    real = module.sketch

    def fail(parts, kind):
        if b"text 2" in parts.messages[0].octets:
            raise MemoryError
        return real(parts, kind)

    monkeypatch.setattr(module, "sketch", fail)
    assert not catching.take(1.0)
    assert (len(taken(catching)), catching.broken) == (3, 1)


def test_a_row_that_cannot_be_read_holds_up_nothing(store, catching):
    put(store, 1, 2, 3)
    store.connection.execute("UPDATE exchange SET facts = x'00' WHERE id = ?", (2 * STEP,))
    assert not catching.take(1.0)
    assert len(taken(catching)) == 3


def test_what_the_store_has_dropped_is_dropped_when_there_is_time(store, catching, ticks):
    put(store, *range(1, 11))
    catching.step()
    store.drop(*(number * STEP for number in range(1, 6)))
    for _ in range(3):
        ticks.now += LOOK_SECONDS
        catching.step()
    assert sorted(taken(catching)) == [number * STEP for number in range(6, 11)]


def test_an_idle_store_is_not_searched_for_what_is_gone(store, catching, ticks, monkeypatch):
    put(store, 1, 2)
    for _ in range(3):
        catching.step()
    monkeypatch.setattr(catching.index, "some", lambda *_: pytest.fail("it was searched again"))
    ticks.now += LOOK_SECONDS
    assert catching.step() == LOOK_SECONDS


def test_in_turns_all_are_looked_for(store, catching, ticks, monkeypatch):
    monkeypatch.setattr(module, "MOST_CHECKED", 4)
    put(store, *range(1, 11))
    catching.step()
    store.drop(STEP, 10 * STEP)
    for _ in range(4):
        ticks.now += LOOK_SECONDS
        catching.step()
    assert sorted(taken(catching)) == [number * STEP for number in range(2, 10)]


@pytest.mark.parametrize(("came", "busy"), [(BUSY_RATE, True), (BUSY_RATE - 1, False)])
def test_many_new_ones_make_it_rest_longer(store, catching, ticks, came, busy):
    put(store, 1)
    catching.step()
    ticks.now += LOOK_SECONDS
    put(store, *range(1000, 1000 + came))
    catching._look(ticks.now)
    assert catching.busy is busy
    ticks.now += 1
    catching._look(ticks.now)
    assert not catching.busy  # nothing came since


def test_it_is_busy_as_soon_as_many_have_come_and_until_few_come_for_a_while(store, catching, ticks):
    put(store, 1)
    ticks.now += LOOK_SECONDS
    catching.step()
    before = len(taken(catching))
    put(store, *range(1000, 1000 + BUSY_RATE))
    ticks.step = 0.001
    rest = catching.step()  # well before the next look
    assert catching.busy
    assert len(taken(catching)) - before < BATCH
    assert rest > LOOK_SECONDS / 2
    ticks.now += LOOK_SECONDS / 2
    catching.step()
    assert catching.busy
    ticks.now += LOOK_SECONDS
    catching.step()
    assert not catching.busy


def test_few_that_come_now_and_then_do_not_add_up(store, catching, ticks):
    put(store, 1)
    catching.step()
    for each in range(5):
        put(store, *range(1000 * each + 1000, 1000 * each + 1000 + BUSY_RATE - 1))
        ticks.now += LOOK_SECONDS
        catching.step()
        assert not catching.busy


@pytest.mark.parametrize(("busy", "duty"), [(True, BUSY_DUTY), (False, IDLE_DUTY)])
def test_the_rest_is_as_long_as_the_duty_says(store, catching, ticks, busy, duty):
    put(store, *range(1, 200))
    catching._sweep()
    catching.busy, catching._looked = busy, ticks.now
    began, ticks.step = ticks.now, 0.02
    rest = catching.step()
    worked = ticks.now - began - ticks.step
    assert worked / (worked + rest) == pytest.approx(duty, rel=0.1)


def test_comparing_all_ids_is_done_rarely_where_it_takes_long(store, catching, ticks):
    put(store, 1)
    ticks.step = 5.0
    catching._sweep()
    assert catching._sweep_at - ticks.now >= 5.0 / module.SWEEP_DUTY * 0.9
