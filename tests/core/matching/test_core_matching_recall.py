"""The nearest by features is the nearest by likeness: over stores as agents, services and people fill them."""

from random import Random

import pytest
from near_mix import SHORTLIST, Index, dialect_of, mix, near, request

from proxy_daemon.core.matching.features import features_of
from proxy_daemon.core.matching.similarity import likeness_of
from proxy_daemon.core.matching.subject import subject

WANTED = 0.95


def recall(size, asked):
    """The share of questions whose best of the shortlist is as good as the best of all."""
    subjects = [subject(each, dialect_of(each)) for each in mix(size)]
    index = Index([features_of(each) for each in subjects])
    random, found = Random(1), 0
    store = mix(size)
    for _ in range(asked):
        parts = subject(incoming := near(random.choice(store), random), dialect_of(incoming))
        best = max(likeness_of(each, parts).score for each in subjects)
        short = index.shortlist(features_of(parts))
        assert len(short) <= SHORTLIST
        found += max(likeness_of(subjects[number], parts).score for number in short) >= best
    return found / asked


def test_the_nearest_is_in_the_shortlist():
    assert recall(2_000, 10) >= WANTED


@pytest.mark.more
def test_the_nearest_of_ten_thousand_is_in_the_shortlist():
    assert recall(10_000, 40) >= WANTED


def test_a_store_is_the_same_in_each_process():
    assert [each.body.data for each in mix(20)] == [each.body.data for each in mix(20)]
    assert len({each.body.data for each in mix(50)}) > 40


def test_near_ones_differ():
    random = Random(2)
    assert all(near(each, random).body.data != each.body.data for each in mix(100, seed=3))


def test_an_index_knows_what_it_was_given():
    index = Index([(1, 2, 3), (3, 4), (5,)])
    assert index.shortlist((3, 4)) == [1, 0]
    assert index.shortlist((3, 4), size=1) == [1]
    assert index.shortlist((9,)) == []


def test_a_request_of_ours_is_recognised():
    assert dialect_of(request(b"/v1/messages", {"max_tokens": 1})).name == "anthropic"
