"""What events begin with alike is not searched again, and nothing that a rule finds is missed by that."""

from itertools import takewhile

import orjson
import pytest
from edited import CLOSE, HEAD, OPEN, THINK, ask, chunk, editor, event, run
from hypothesis import example, given
from hypothesis import strategies as st

from proxy_daemon.core.rewriting import stream
from proxy_daemon.core.rewriting.beginning import LONGEST, MOST_STEPS, Beginning, common
from proxy_daemon.core.rewriting.looking import looks_of, matters
from proxy_daemon.core.rewriting.rules import Expression, Pair, Replace

REQUEST = ask("/v1/chat/completions")
DONE = b"data: [DONE]\n\n"
IDLE = (*THINK, Replace("never", "a word that nobody says", "x"))
SHORT = (Pair("p", "<a", '"b'), Replace("r", "aa", "x"), Replace("é", "é\U0001f600", "x"), Replace("one", "ü", ""))
PARTS = ["<", "a", "b", '"', ":", " ", "\n", "\\", "u", "0", "3", "c", "C", "é", "\U0001f600", "x"]
PARTS += ["\\u003c", "\\u0061", "\\u0022", "\\u00e9", "\\ud83d", "\\uDE00", '\\"', "\\u00", "ü"]
OCTETS = st.lists(st.sampled_from(PARTS), max_size=10).map("".join).map(str.encode)


def looks(rules=IDLE):
    found = looks_of(rules)
    assert found is not None
    return found


def said(text, time=0, **more):
    """An event as a server writes it that puts a time into each."""
    return event(id="c", choices=[{"index": 0, "delta": {"content": text, **more}}], t=time)


def shared(one, other):
    return bytes(pair[0] for pair in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


# --- what is known ---------------------------------------------------------------------------------------------------


@given(st.binary(max_size=9), st.binary(max_size=9), st.binary(max_size=9))
@example(b"", b"", b"")
@example(b"ab", b"", b"")
@example(b"", b"a", b"b")
def test_what_two_have_in_common(first, one, other):
    assert common(first + one, first + other) == first + shared(one, other)


@given(OCTETS, OCTETS)
@example(b'"a', b'"')
@example(b'"a"', b", 1")
@example(b'"a" ', b", 1")
@example(b'"<"', b":")
@example(b"\\u00", b"3Ca")
@example(b"\\u003", b"ca")
@example(b"\\uD83", b"d")
def test_what_begins_in_octets_and_ends_behind_them_is_told(octets, rest):
    found = looks(SHORT)
    if found.pattern.search(octets) or found.may_go_on(octets):
        return
    later = found.pattern.search(octets + rest)
    assert later is None or later.start() >= len(octets)


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"", False),
        (b"x", False),
        (b"a", True),
        (b"ab", False),
        (b"<", True),
        (b"<b", False),
        (b'"a"', True),
        (b'"a",', False),
        (b"x ", True),
        (rb"\u0", True),
        (rb"\u006", True),
        (rb"\u0061", True),
        (rb"\u0062", False),
        (rb"\u0061b", False),
        ("é".encode(), True),
        ("é".encode()[:1], True),
        (rb"\u00E9\uD83D", True),
        (rb"\u00e9\ud83e", False),
    ],
)
def test_the_end_of_octets(octets, expected):
    assert looks(SHORT).may_go_on(octets) is expected


@given(st.lists(OCTETS, min_size=1, max_size=6), OCTETS)
def test_an_item_that_begins_so_is_known_by_its_rest(items, rest):
    found = looks(SHORT)
    learned = Beginning(found)
    clean = [item for item in items if not matters(found, item)]
    for item in clean:
        learned.learn(item)
    item = learned.octets + rest
    assert all(each.startswith(learned.octets) for each in clean)
    assert (found.pattern.search(item, len(learned.octets)) is not None) is matters(found, item)


def test_less_is_known_with_each_item_that_begins_otherwise():
    learned = Beginning(looks())
    lengths = []
    for item in (
        said("one", 1),
        said("two", 2),
        said("twx"),
        b'data: {"id":"c","x":1}\n\n',
        said("one", 1),
        b"x",
        DONE,
    ):
        learned.learn(item)
        lengths.append(len(learned.octets))
    alike = len(shared(said("one"), said("two")))
    assert lengths[1:3] == [alike, alike]
    assert lengths[4] == lengths[3] < alike
    assert lengths[5:] == [0, 0]


def test_it_is_no_longer_than_its_limits():
    learned = Beginning(looks())
    learned.learn(b"x" * (LONGEST + 9))
    assert len(learned.octets) == LONGEST
    steps = []
    hostile = Beginning(type("Counting", (), {"may_go_on": lambda self, octets: steps.append(1) or True})())
    hostile.learn(b"<" * LONGEST)
    assert (hostile.octets, len(steps)) == (b"", MOST_STEPS)


# --- in a stream -----------------------------------------------------------------------------------------------------


@pytest.fixture
def read(monkeypatch):
    """The pieces that were looked at as a whole."""
    seen = []
    looked_at = stream.StreamEditor._looked_at

    def noting(self, data):
        seen.append(data)
        return looked_at(self, data)

    monkeypatch.setattr(stream.StreamEditor, "_looked_at", noting)
    return seen


def test_once_two_events_have_passed_the_others_are_known_by_their_rests(read):
    edits = editor(IDLE, REQUEST)
    events = [said(f" token{at}", at) for at in range(20)]
    assert [edits.piece(each) for each in events] == events
    assert len(read) == 2


@pytest.mark.parametrize("text", ["a <", "<|channel|>", "so a", "\\u003c"])
def test_an_event_whose_text_may_begin_a_match_is_seen(text):
    edits = editor(IDLE, REQUEST)
    for at in range(9):
        edits.piece(said(" token", at))
    piece = said(text.replace("\\u003c", "<")).replace(b"<", b"\\u003c") if "\\" in text else said(text)
    assert edits.piece(piece) == b""
    assert edits.piece(said("ne", 9)) == piece + said("ne", 9)


def test_events_are_known_again_behind_one_that_waited(read):
    edits = editor(IDLE, REQUEST)
    for text in ("one", "two", "a <", "b", "three", "four", "five"):
        edits.piece(said(text))
    assert [orjson.loads(each[6:])["choices"][0]["delta"]["content"] for each in read] == ["one", "two", "b", "three"]


@pytest.mark.parametrize("piece", [said("one")[:-1], said("one") + b"data: ", said("one")[:30]], ids=[0, 1, 2])
def test_what_is_no_whole_item_goes_to_the_reader(piece):
    edits = editor(IDLE, REQUEST)
    for at in range(4):
        edits.piece(said("one", at))
    rest = said("one") + said(OPEN)
    out = edits.piece(piece) + edits.piece(rest[len(piece) :] if rest.startswith(piece) else said(OPEN)[6:])
    assert out == said("one") + said("<think>")


def test_where_all_may_matter_nothing_is_known(read):
    edits = editor((*IDLE, Expression("e", "[0-9]{9}", "", 9)), REQUEST)
    for at in range(4):
        edits.piece(chunk(f"x{at}"))
    assert len(read) == 4


TEXTS = st.sampled_from(["x", "one", " a", "a", " w", "<", "<|", OPEN, CLOSE, OPEN[:9], OPEN[9:], "a word", ""])
EVENTS = st.one_of(
    st.builds(said, TEXTS, st.integers(0, 30)),
    st.builds(lambda text, time: said(text, time, role="assistant"), TEXTS, st.integers(0, 3)),
    st.builds(chunk, TEXTS, st.integers(0, 1)),
    st.sampled_from([DONE, b": hi\n\n", b"\n\n", b"data: {broken\n\n", said("x")[:-1], b'data: "a\n\n']),
)


@given(st.lists(EVENTS, max_size=14), st.lists(st.integers(0, 900), max_size=4))
def test_the_result_is_that_of_looking_at_each_event(events, cuts):
    octets = b"".join(events)
    ends = [sum(map(len, events[: at + 1])) for at in range(len(events))]
    whole = run(editor(IDLE, REQUEST, HEAD), octets)
    assert run(editor(IDLE, REQUEST, HEAD), octets, ends) == whole
    assert run(editor(IDLE, REQUEST, HEAD), octets, sorted({*ends, *cuts})) == whole


@pytest.mark.parametrize("text", ["x", "so <", "<|", OPEN, "a", "a w", 'b"', "\u2603"])
def test_several_events_in_a_piece_are_seen_each(text):
    edits = editor(IDLE, REQUEST)
    for at in range(4):
        edits.piece(said(" token", at))
    piece = said("one", 5) + said(text, 6) + said("two", 7) + said("three", 8)
    assert edits.piece(piece) + edits.end() == run(editor(IDLE, REQUEST), piece)


def test_several_events_that_cannot_matter_are_not_read(read):
    edits = editor(IDLE, REQUEST)
    pieces = [said("one", 1), said("two", 2), said("three", 3) + said("four", 4) + said("five", 5)]
    assert [edits.piece(each) for each in pieces] == pieces
    assert read == pieces[:2]
