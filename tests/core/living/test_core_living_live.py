"""The place where events come in: what followers get of them, and that nobody pays while there are none."""

import pytest
from listening import SSE, Page, exchange, live, words

from proxy_daemon.core.living.coalescing import MOST_ROWS
from proxy_daemon.core.living.live import MOST_LISTENERS, NOT_KEPT, STAYS, Live


def followed():
    """(a `Live`, its clock, a page that follows)."""
    one, clock = live()
    page = Page()
    one.follow(page)
    page.read()
    return one, clock, page


def states(told):
    return [[(int(row["id"], 16), row["state"]) for row in value["rows"]] for _, value in told]


def test_it_sleeps_until_somebody_follows():
    one, _ = live()
    assert (one.active, one.runs) == (False, True)
    one.follow(Page())
    assert one.active


def test_one_that_was_never_begun_does_not_run():
    assert not Live().runs


def test_rows_come_at_the_tick():
    one, _, page = followed()
    one.note(exchange(1), "begun")
    one.note(exchange(2), "begun")
    one.note(exchange(1), "ended")
    assert page.data == b""
    one.tick()
    told = page.read()
    assert states(told) == [[(1, "ended"), (2, "begun")]]
    assert told[0][1]["left_out"] == 0


def test_who_comes_later_is_told_what_is_under_way():
    one, _, page = followed()
    for number, kind in ((1, "begun"), (2, "begun"), (2, "ended"), (3, "first_byte")):
        one.note(exchange(number), kind)
    one.tick()
    page.read()
    one._under_way[3].status = 200
    one.follow(later := Page())
    later.read()
    one.tick()
    assert states(later.read()) == [[(1, "begun"), (3, "streaming")]]
    place = one._ring.place(one._ring.newest)
    one.follow(back := Page(), place)
    back.read()
    one.tick()
    assert back.read() == []


def test_a_tick_in_which_nothing_happened_writes_nothing():
    one, _, page = followed()
    one.tick()
    one.tick()
    assert page.data == b""


def test_too_many_rows_are_counted():
    one, _, page = followed()
    for number in range(MOST_ROWS + 3):
        one.note(exchange(number), "ended")
    one.tick()
    [(kind, value)] = page.read()
    assert (kind, len(value["rows"]), value["left_out"]) == ("exchanges", MOST_ROWS, 3)


def test_explanations():
    one, _, page = followed()
    one.explain(exchange(26), "model differs")
    one.explain(exchange(27, no_store=True), "quotes the prompt")
    one.tick()
    assert page.read() == [("explained", {"id": "000000000000001a", "text": "model differs"})]


def test_what_others_publish_comes_at_once():
    one, _, page = followed()
    one.publish("mode", {"mode": "none"})
    assert page.read() == [("mode", {"mode": "none"})]


def test_nothing_is_published_while_nobody_follows():
    one, _ = live()
    one.publish("mode", {"mode": "none"})
    page = Page()
    one.follow(page, "ab-0")
    assert page.read() == []


@pytest.mark.parametrize(("away", "told"), [(STAYS - 1, ["exchanges", "mode"]), (STAYS, ["reset"])])
def test_a_page_that_comes_back_in_time_has_missed_nothing(away, told):
    one, clock, page = followed()
    one.publish("mode", {"mode": "off"})
    place = page.events[-1][2]
    one.leave(page)
    one.note(exchange(1), "begun")
    one.tick()
    one.publish("mode", {"mode": "none"})
    clock.now += away
    one.tick()
    back = Page()
    one.follow(back, place)
    assert [kind for kind, _ in back.read()] == told


def test_it_goes_to_sleep_and_forgets_all():
    one, clock, page = followed()
    one.note(exchange(1), "begun")
    one.keep(exchange(1), SSE)
    kept = one.kept(exchange(1))
    kept.piece(b"octets")
    one.watch(viewer := Page(), 1)
    one.leave(viewer)
    one.leave(page)
    clock.now += STAYS
    one.tick()
    assert not one.active
    assert kept.room.taken == 0
    assert kept.problem
    assert not one.is_under_way(1)
    assert one.kept(exchange(1)) is None
    kept.piece(b"more")  # its observer goes on
    assert kept.room.taken == 0


def test_a_viewer_keeps_it_awake_too():
    one, clock, page = followed()
    one.note(exchange(1), "begun")
    one.watch(Page(), 1)
    one.leave(page)
    clock.now += STAYS
    one.tick()
    assert one.active


def test_an_answer_that_is_watched_from_its_beginning():
    one, _, page = followed()
    chat, viewer = exchange(1), Page()
    one.note(chat, "begun")
    assert one.is_under_way(1)
    one.watch(viewer, 1)
    one.tick()
    assert viewer.read() == [("answer", {"answer": None, "problem": ""})]
    one.keep(chat, SSE)
    for piece in words("One ", "two "):
        one.kept(chat).piece(piece)
    one.tick()
    assert [kind for kind, _ in viewer.read()] == ["answer"]
    one.note(chat, "ended")
    assert not one.is_under_way(1)
    one.tick()
    assert [kind for kind, _ in viewer.read()][-1] == "ended"
    assert viewer.closed
    assert not page.closed


def test_an_answer_that_is_opened_in_its_middle():
    one, _, _ = followed()
    chat, viewer = exchange(1), Page()
    one.note(chat, "first_byte")  # it had begun before anybody followed
    one.keep(chat, SSE)
    one.kept(chat).piece(words("One ")[0])
    one.watch(viewer, 1)
    one.watch(other := Page(), 1)
    one.tick()
    assert viewer.read() == other.read() != []


def test_one_that_ends_unwatched_gives_its_octets_back():
    one, _, _ = followed()
    chat = exchange(1)
    one.note(chat, "begun")
    one.keep(chat, SSE)
    kept = one.kept(chat)
    kept.piece(b"octets")
    one.note(chat, "failed")
    assert kept.room.taken == 0
    assert one.kept(chat) is None


def test_one_that_must_not_be_kept_shows_no_content():
    one, _, _ = followed()
    one.note(exchange(1, no_store=True), "begun")
    one.watch(viewer := Page(), 1)
    one.tick()
    assert viewer.read() == [("answer", {"answer": None, "problem": NOT_KEPT})]


def test_a_viewer_that_leaves_does_not_end_the_others():
    one, _, _ = followed()
    one.note(exchange(1), "begun")
    one.watch(first := Page(), 1)
    one.watch(second := Page(), 1)
    one.leave(first)
    first.closed = True
    one.note(exchange(1), "ended")
    one.tick()
    assert second.closed
    one.leave(second)
    one.leave(Page())  # nobody knows it


def test_there_are_never_more_listeners_than_are_allowed():
    one, _ = live()
    one.follow(first := Page())
    one.note(exchange(1), "begun")
    one.watch(Page(), 1)
    for _ in range(MOST_LISTENERS - 2):
        assert not one.is_full
        one.follow(Page())
    assert one.is_full
    one.leave(first)
    assert not one.is_full


def test_the_daemon_drains():
    one, _, page = followed()
    one.note(exchange(1), "begun")
    one.watch(viewer := Page(), 1)
    one.close()
    assert page.closed
    assert viewer.closed


def test_a_page_that_reads_again_gets_the_rest_at_once():
    one, _, page = followed()
    page.room = 0
    one.publish("mode", {"mode": "none"})
    assert page.read() == []
    page.room = None
    one.resume(page)
    one.resume(Page())  # of a viewer: it gets the rest at its next look
    assert page.read() == [("mode", {"mode": "none"})]


def test_a_page_that_leaves_while_it_is_written_to():
    one, _, page = followed()

    class Leaving(Page):
        def write(self, data):
            super().write(data)
            if b"mode" in data:
                one.leave(self)

    one.follow(Leaving())
    one.follow(last := Page())
    last.read()
    one.publish("mode", {"mode": "none"})
    assert page.read() == last.read() == [("mode", {"mode": "none"})]
