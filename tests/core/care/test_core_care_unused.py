"""Which documents a verdict calls unused."""

import pytest
from care_documents import asked, documents, with_damage

from proxy_daemon.core.care.unused import NoUse, Unused, moment

PATH = "/v1/chat/completions"


def listed(started, **changes):
    return {"id": "1", "method": "POST", "path": PATH, "model": "gpt-4o", "recorded": moment(started)} | changes


def verdict(*first, count=None, exchanges=1, at_most=False):
    unused = {"count": len(first) if count is None else count, "at_most": at_most, "first": list(first)}
    return {"sessions": [{"session": "", "exchanges": exchanges, "unused": unused}], "beyond": None}


@pytest.mark.parametrize(
    ("first", "found", "elsewhere", "apart"),
    [
        ([], [], 0, 0),
        ([listed(2.0)], [1], 0, 0),
        ([listed(1.0), listed(2.0)], [0, 1], 0, 0),
        ([listed(5.0)], [], 1, 0),
        ([listed(1.0, model="other")], [], 1, 0),
        ([listed(1.0, method="GET")], [], 1, 0),
        ([listed(1.0, path="/v1/x")], [], 1, 0),
        ([listed(3.0)], [], 0, 1),  # two are alike, and one of them was used
        ([listed(3.0), listed(3.0)], [2, 3], 0, 0),
        ([listed(3.0)] * 3, [2, 3], 1, 0),
    ],
)
def test_what_is_among_the_documents(first, found, elsewhere, apart):
    times = (1.0, 2.0, 3.0, 3.0)
    pieces = documents(*(asked(str(at), started=started) for at, started in enumerate(times)))
    unused = Unused.of(verdict(*first))
    assert unused.among(pieces) == found
    assert (unused.elsewhere, unused.apart) == (elsewhere, apart)


def test_each_is_found_once():
    unused = Unused.of(verdict(listed(1.0)))
    pieces = documents(asked(started=1.0))
    assert [unused.among(pieces), unused.among(pieces)] == [[0], []]


def test_to_the_microsecond():
    pieces = documents(asked(started=1_700_000_000.000001), asked(started=1_700_000_000.000002))
    assert Unused.of(verdict(listed(1_700_000_000.000002))).among(pieces) == [1]


def test_what_is_not_served_was_never_to_be_used():
    pieces = with_damage(asked(started=1.0, replayable=False))
    assert Unused.of(verdict(listed(1.0))).among(pieces) == []


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (verdict(listed(1.0), exchanges=0), "nothing was asked"),
        (verdict(listed(1.0), at_most=True), "does not know all"),
        (verdict({"id": "1", "method": "POST", "path": PATH, "model": ""}), "older"),
    ],
)
def test_a_verdict_that_does_not_say_it(given, why):
    with pytest.raises(NoUse, match=why):
        Unused.of(given)


def test_what_is_not_listed_is_counted():
    assert Unused.of(verdict(listed(1.0), count=7)).unlisted == 6
