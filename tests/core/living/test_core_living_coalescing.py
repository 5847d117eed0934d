"""Changes between two looks: the newest state of each, bounded."""

import pytest
from listening import exchange

from proxy_daemon.core.living.coalescing import LONGEST_EXPLANATION, MOST_EXPLAINED, MOST_ROWS, Changes


def noted(*events):
    changes = Changes()
    for number, kind in events:
        changes.note(exchange(number), kind)
    return changes


@pytest.mark.parametrize(
    ("events", "states"),
    [
        ([], []),
        ([(1, "begun")], [(1, "begun")]),
        ([(1, "first_byte")], [(1, "streaming")]),
        ([(1, "failed")], [(1, "ended")]),
        ([(1, "begun"), (1, "first_byte"), (1, "ended")], [(1, "ended")]),
        ([(1, "begun"), (2, "begun"), (1, "ended")], [(1, "ended"), (2, "begun")]),
    ],
)
def test_each_exchange_comes_once_with_its_newest_state(events, states):
    found, left_out = noted(*events).taken()
    assert ([(each.id, state) for each, state in found], left_out) == (states, 0)


def test_what_was_taken_does_not_come_again():
    changes = noted((1, "begun"))
    changes.taken()
    assert changes.taken() == ([], 0)
    changes.note(exchange(1), "ended")
    assert [state for _, state in changes.taken()[0]] == ["ended"]


def test_of_too_many_the_newest_come_and_the_others_are_counted():
    found, left_out = noted(*((number, "ended") for number in range(MOST_ROWS + 7))).taken()
    assert left_out == 7
    assert [each.id for each, _ in found] == list(range(7, MOST_ROWS + 7))


def test_explanations_are_bounded_in_number_and_length():
    changes = Changes()
    for number in range(MOST_EXPLAINED + 5):
        changes.explain(number, "x" * (LONGEST_EXPLANATION + 1))
    found = changes.explanations()
    assert [number for number, _ in found] == list(range(MOST_EXPLAINED))
    assert {len(text) for _, text in found} == {LONGEST_EXPLANATION}
    assert changes.explanations() == []


def test_all_is_forgotten():
    changes = noted((1, "begun"))
    changes.explain(1, "x")
    changes.forget()
    assert (changes.taken(), changes.explanations()) == (([], 0), [])
