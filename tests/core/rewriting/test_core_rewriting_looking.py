"""Answers that no rule changes are remembered, within bounds, and never one that a rule does change."""

import pytest

from proxy_daemon.core.rewriting.looking import LONGEST_CLEAR, MOST_CLEAR, looks_of
from proxy_daemon.core.rewriting.rules import Replace


def looks(find="seldom"):
    """For a rule that finds this. Each test has its own: looks of equal rules are shared."""
    return looks_of((Replace("r", find, "often"),))


@pytest.mark.parametrize(
    ("answer", "alone"),
    [
        (b'{"content": "nothing of it"}', True),
        (b'{"content": "once, seldom"}', False),
        (b'{"content": "\\u0073eldom"}', False),
        (b'{"content": "ends in sel"}', False),
        (b"", True),
    ],
)
def test_it_says_the_same_however_often_it_is_asked(answer, alone):
    found = looks()
    assert [found.leave_alone(answer) for _ in range(3)] == [alone] * 3


def test_it_remembers_few_and_short_ones_only():
    found = looks("rarely it is")
    for number in range(3 * MOST_CLEAR):
        assert found.leave_alone(b'{"content": "%d"}' % number)
        assert len(found._clear) <= MOST_CLEAR
    assert found.leave_alone(b'{"content": "%b"}' % (b"-" * LONGEST_CLEAR))
    assert max(map(len, found._clear)) <= LONGEST_CLEAR


def test_one_set_of_rules_knows_nothing_of_another():
    answer = b'{"content": "now and then"}'
    assert looks("zebra").leave_alone(answer)
    assert not looks("now and").leave_alone(answer)
