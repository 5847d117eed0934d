"""The labelled edits of our own: which of them `--fuzzy serve` serves, by its rules and at its default threshold."""

from collections import Counter
from random import Random

import pytest
from near_bases import BASES
from near_bases import WIDE as WIDE_BASES
from near_edits import LARGE, SMALL, WIDE
from near_mix import dialect_of, request

from proxy_daemon.core.matching.nearness.servable import servable
from proxy_daemon.core.matching.nearness.similarity import likeness
from proxy_daemon.settings import Settings

TIMES = 3
SERVED_FROM = Settings().fuzzy_threshold
NEVER = ("digit", "negation", "tool", "schema", "model")


def pairs(bases, edits):
    """(base, edit, recorded, incoming) of each that changes something."""
    for base in bases:
        recorded = request(base.path, base.around(base.text))
        for name, edit in edits.items():
            for time in range(TIMES):
                body = edit(base, Random(f"{base.name} {name} {time}"))
                incoming = request(base.path, body) if body is not None else recorded
                if incoming.body.data != recorded.body.data:
                    yield base.name, name, recorded, incoming


@pytest.fixture(scope="module")
def labelled():
    """Name of the edit, whether it may be served, its score: of all pairs."""
    return [
        (name, servable(recorded, incoming, dialect_of(incoming)), likeness(recorded, incoming, dialect_of(incoming)))
        for bases, edits in ((BASES, SMALL | LARGE), (WIDE_BASES, WIDE))
        for _, name, recorded, incoming in pairs(bases, edits)
    ]


def test_there_are_enough_of_them(labelled):
    counts = Counter(name for name, *_ in labelled)
    assert sum(counts.values()) >= 200
    assert set(counts) == set(SMALL | LARGE)
    assert min(counts.values()) >= 10


@pytest.mark.parametrize("name", SMALL)
def test_small_edits_are_served(labelled, name):
    judged = [not reason and alike.score >= SERVED_FROM for edit, reason, alike in labelled if edit == name]
    assert sum(judged) / len(judged) >= 0.8


@pytest.mark.parametrize("name", LARGE)
def test_others_never_are_whatever_the_threshold(labelled, name):
    assert all(reason for edit, reason, _ in labelled if edit == name)


def test_all_that_must_never_be_served_is_there():
    assert set(NEVER) <= set(LARGE)


@pytest.mark.parametrize("name", LARGE)
def test_in_the_other_direction_too(name):
    assert all(servable(new, old, dialect_of(old)) for *_, old, new in pairs(BASES[:8], {name: LARGE[name]}))


@pytest.mark.parametrize("name", SMALL | LARGE)
def test_an_edit_is_not_quite_alike_and_a_small_one_nearly(labelled, name):
    scores = [alike.score for edit, _, alike in labelled if edit == name]
    assert all(0 < score < 1 for score in scores)
    assert name not in SMALL or min(scores) >= SERVED_FROM


@pytest.mark.parametrize("base", [*BASES, *WIDE_BASES], ids=lambda base: base.name)
def test_what_is_equal_is_served(base):
    asked = request(base.path, base.around(base.text))
    assert servable(asked, asked, dialect_of(asked)) == ""
    assert likeness(asked, asked, dialect_of(asked)).score == 1
