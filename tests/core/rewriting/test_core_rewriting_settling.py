"""What a scanner gives is shared out among the pieces: in order, all of it, to each its own where nothing changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scanned import kinds

from proxy_daemon.core.rewriting.rules import Expression, Pair, Replace
from proxy_daemon.core.rewriting.scanner import scanner
from proxy_daemon.core.rewriting.settling import Channel

CAT = Replace("cat", "cat", "dog")
RULES = [
    [CAT],
    [Replace("gone", "cat", "")],
    [Replace("grows", "a", "bbbb"), Replace("then", "bbc", "")],
    [Pair("pair", "<<", ">>", "(", ")")],
    [Pair("moves", "<<", ">>", moves=True)],
    [Expression("digits", "[0-9]{2,4}", "N", 4)],
    [CAT, Expression("o", "o+", "0", 5), Pair("moves", "<<", ">>", moves=True)],
]


def shared(rules, pieces):
    """What each piece gets."""
    channel = Channel(scanner(rules))
    shares = [None] * len(pieces)
    for at, piece in enumerate(pieces):
        channel.feed(piece, lambda share, at=at: put(shares, at, share))
    channel.end()
    assert not channel.waits
    return shares


def put(shares, at, share):
    assert shares[at] is None, "each is told once"
    assert all(each is not None for each in shares[:at]), "in their order"
    shares[at] = share


@pytest.mark.parametrize(
    ("rules", "pieces", "meant"),
    [
        ([CAT], ["a c", "at b", "c"], ["a dog", " b", "c"]),
        ([CAT], ["c", "at"], ["dog", ""]),
        ([CAT], ["c", "at b c", "ow"], ["dog", " b c", "ow"]),
        ([CAT], ["c", "up cat x"], ["c", "up dog x"]),
        ([CAT], ["c", "", "a", "", "t"], ["dog", "", "", "", ""]),
        ([CAT], ["c", "", "a", "", "p"], ["c", "", "a", "", "p"]),
        ([Replace("cow", "cat", "cow")], ["c", "at b"], ["c", "ow b"]),
        ([Expression("digits", "[0-9]{3}", "N", 3)], ["ab1", "2x9", "98.", "56a"], ["ab1", "2xN", ".", "56a"]),
        ([CAT], ["ca", "ca", "cat", "ca"], ["ca", "ca", "dog", "ca"]),
        ([Replace("gone", "<a|>", "")], ["|><", "a|>"], ["|>", ""]),  # what is left ends as the next one does
    ],
)
def test_a_match_goes_to_its_first_piece_and_the_rest_stays(rules, pieces, meant):
    assert ["".join(each.text for each in share) for share in shared(rules, pieces)] == meant


def test_moved_text_is_shared_out_as_moved():
    shares = shared([Pair("p", "<<", ">>", moves=True)], ["a<", "<b", "c>", ">d"])
    assert [[tuple(said) for said in share] for share in shares] == [
        [("a", False)],
        [("b", True)],
        [("c", True)],
        [("d", False)],
    ]


@given(st.sampled_from(RULES), st.lists(st.text("cat<>o1b", max_size=6), max_size=12))
def test_the_shares_are_all_that_was_given(rules, pieces):
    given_back = kinds([said for share in shared(rules, pieces) for said in share])
    assert given_back == kinds([said for share in shared(rules, ["".join(pieces)]) for said in share])


@given(st.sampled_from(RULES), st.lists(st.text("c<>1xyé", max_size=6), max_size=12))
def test_where_nothing_fires_each_has_its_own(rules, pieces):
    used = scanner(rules)
    [*used.feed("".join(pieces)), *used.end()]
    if not used.fired:
        assert ["".join(said.text for said in share) for share in shared(rules, pieces)] == pieces


def test_a_text_so_far_grows():
    channel, seen = Channel(scanner([CAT])), []
    for text in ("a", "a ca", "a ca", "a cat", "a cat!"):
        assert channel.grow(text, lambda said: seen.append("".join(each.text for each in said)))
    channel.end()
    assert seen == ["a", "a dog", "a dog", "a dog", "a dog!"]
    assert not channel.grow("b", seen.append)
