"""Octets of answers under way: bounded for each and for all, and given back."""

from hypothesis import given
from hypothesis import strategies as st
from listening import SSE, exchange

from proxy_daemon.core.living.kept import GONE, MOST_OF_ALL, MOST_OF_ONE, OF_A_PIECE, STEP, TOO_MUCH, Kept, Room


def kept(room=None):
    return Kept(exchange(), SSE, room or Room())


def test_pieces_are_taken_whole_and_once():
    one = kept()
    for data in (b"aa", b"bb", b"cc"):
        one.piece(data)
    assert one.take(3) == b"aabb"
    assert (one.size, one.room.taken) == (2 + OF_A_PIECE, STEP)
    assert [one.take(3), one.take(3)] == [b"cc", b""]
    assert one.room.taken == one.size == 0


def test_one_that_is_too_long_keeps_nothing_and_says_so():
    one = kept()
    one.piece(b"a" * MOST_OF_ONE)
    assert (one.problem, one.pieces, one.size, one.room.taken) == (TOO_MUCH, [], 0, 0)
    one.piece(b"more")
    assert one.pieces == []


def test_many_tiny_pieces_count_as_what_they_take():
    one = kept()
    while not one.problem:
        one.piece(b"a")
        assert len(one.pieces) * OF_A_PIECE <= MOST_OF_ONE


def test_all_together_are_bounded():
    room, many = Room(), []
    while not many or not many[-1].problem:
        many.append(kept(room))
        many[-1].piece(b"a" * (MOST_OF_ONE // 2))
        assert room.taken <= MOST_OF_ALL
    assert len(many) > 30
    many[0].close()
    another = kept(room)
    another.piece(b"a" * 100)
    assert not another.problem


def test_a_thousand_short_ones_have_room():
    room = Room()
    many = [kept(room) for _ in range(1000)]
    for one in many * 10:
        one.piece(b"a" * 200)
    assert not any(one.problem for one in many)


def test_one_that_is_closed_takes_no_more():
    one = kept()
    one.piece(b"a")
    one.close()
    one.piece(b"b")
    one.end()
    assert (one.problem, one.pieces, one.room.taken) == (GONE, [], 0)
    one.close("why")
    assert one.problem == "why"


@given(st.lists(st.tuples(st.sampled_from(["piece", "take", "close"]), st.integers(0, 900_000)), max_size=40))
def test_what_is_taken_together_is_what_each_has(steps):
    room = Room()
    many = [kept(room) for _ in range(3)]
    for number, (step, size) in enumerate(steps):
        one = many[number % 3]
        if step == "piece":
            one.piece(b"a" * size)
        elif step == "take":
            one.take(size)
        else:
            one.close()
        assert room.taken == sum(each.reserved for each in many)
        assert all(each.size <= each.reserved <= MOST_OF_ONE + STEP for each in many)
        assert all(bool(each.size) == bool(each.reserved) for each in many)
        assert [each.size for each in many] == [sum(len(p) + OF_A_PIECE for p in each.pieces) for each in many]
