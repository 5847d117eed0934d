"""Streams of blocks in which text moves: odd orders, what is held, what is broken."""

import re

import orjson
import pytest
from edited import CLOSE, HEAD, MOVE, OPEN, asked, edited, editor, event, run
from said_in_blocks import (
    CALLED,
    FRAMES,
    LAST,
    PING,
    STOPPED,
    converse,
    ended,
    mused,
    opened,
    other,
    plain,
    said,
    start,
    stop,
    thinks,
    word,
)

from proxy_daemon.core.rewriting.blocks import block_stage, numbered
from proxy_daemon.core.rewriting.carriers import carrier_of
from proxy_daemon.core.rewriting.channels.shapes import MOVED
from proxy_daemon.core.wire.event_stream import EventStreamReader
from proxy_daemon.core.wire.sse import Event

# (what comes, what goes on), joined; blanks in JSON do not count
TOLD = [
    (
        [start(), said(f"{OPEN}a"), said(f"{CLOSE}b"), stop()],
        [opened(), thinks("a"), stop(), start(1), said("b", 1), stop(1)],
    ),
    ([start(), said(f"{OPEN}a"), stop()], [opened(), thinks("a"), stop()]),
    ([start(), PING, said(OPEN), said("a"), stop()], [opened(), PING, thinks("a"), stop()]),
    ([start(), said(OPEN), said(CLOSE), said("b"), stop()], [start(), said(""), said(""), said("b"), stop()]),
    (
        [start(), said(f"a{OPEN}b{CLOSE}c"), stop(), start(1), said("d", 1), stop(1)],
        [
            start(),
            said("a"),
            stop(),
            opened(1),
            thinks("b", 1),
            stop(1),
            start(2),
            said("c", 2),
            stop(2),
            start(3),
            said("d", 3),
            stop(3),
        ],
    ),
    # two blocks at once: what is new gets a number above both
    (
        [start(), said("a"), start(1), said("b", 1), said(f"{OPEN}x"), said(f"y{CLOSE}z"), stop(), stop(1)],
        [
            start(),
            said("a"),
            start(1),
            said("b", 1),
            stop(),
            opened(2),
            thinks("x", 2),
            thinks("y", 2),
            stop(2),
            start(3),
            said("z", 3),
            stop(3),
            stop(1),
        ],
    ),
    # another piece of a block of words goes to words
    ([start(), said(f"{OPEN}a"), other(), stop()], [opened(), thinks("a"), stop(), start(1), other(1), stop(1)]),
    ([start(), other(), said(f"{OPEN}a"), stop()], [start(), other(), stop(), opened(1), thinks("a", 1), stop(1)]),
    # a block that begins with its words
    (
        [start(text=f"{OPEN}a{CLOSE}b"), said("c"), stop()],
        [opened(), thinks("a"), stop(), start(1), said("b", 1), said("c", 1), stop(1)],
    ),
    (
        [start(text=f"{OPEN}a"), said(f"b{CLOSE}c"), stop()],
        [opened(), thinks("a"), thinks("b"), stop(), start(1), said("c", 1), stop(1)],
    ),
    # a block of another kind behind
    (
        [
            start(),
            said(f"{OPEN}a{CLOSE}b"),
            stop(),
            start(1, "tool_use"),
            event(type="content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": "{}"}),
            stop(1),
            STOPPED,
        ],
        [
            opened(),
            thinks("a"),
            stop(),
            start(1),
            said("b", 1),
            stop(1),
            start(2, "tool_use"),
            event(type="content_block_delta", index=2, delta={"type": "input_json_delta", "partial_json": "{}"}),
            stop(2),
            STOPPED,
        ],
    ),
    # no end, and none of the answer
    ([start(), said(f"{OPEN}a"), STOPPED], [opened(), thinks("a"), STOPPED]),
    ([start()], [start()]),
    ([start(), PING, STOPPED], [start(), PING, STOPPED]),
    ([start(), start(1), said(f"{OPEN}a", 1), stop(1)], [start(), opened(1), thinks("a", 1), stop(1)]),
    # no beginning
    ([said(f"a{OPEN}b")], [said("a"), stop(), opened(1), thinks("b", 1)]),
]


@pytest.mark.parametrize(("came", "meant"), TOLD)
def test_blocks_of_messages(came, meant):
    octets = b"".join(came)
    out = edited(MOVE, asked("anthropic"), HEAD, octets)
    assert plain(out) == plain(b"".join(meant))
    assert out == edited(MOVE, asked("anthropic"), HEAD, octets, range(len(octets)))


def test_ends_of_lines_and_names_of_events_are_as_in_the_stream():
    came = b"".join([start(), said(f"{OPEN}a{CLOSE}b"), stop()])
    named = re.sub(rb'data: (\{"type":"(\w+)")', rb"event: \2\ndata: \1", came).replace(b"\n", b"\r\n")
    out = edited(MOVE, asked("anthropic"), HEAD, named)
    assert out.count(b"\n") == out.count(b"\r\n")
    assert [name.decode() for name in re.findall(rb"event: (\w+)", out)] == [each["type"] for each in plain(out)]


def test_a_beginning_is_not_held_for_long():
    edits = editor(MOVE, asked("anthropic"))
    assert edits.piece(start()) == b""
    out = b"".join(edits.piece(PING) for _ in range(numbered.MOST_HELD + 1))
    assert out.startswith(start() + PING)
    assert edits.piece(PING) == PING


def test_nothing_is_held_behind_the_first_word():
    edits = editor(MOVE, asked("anthropic"))
    edits.piece(start())
    assert edits.piece(said("a")) == start() + said("a")
    for each in (said("b"), PING, said(""), stop()):
        assert edits.piece(each) == each


def test_a_last_event_without_its_blank_line():
    out = edited(MOVE, asked("anthropic"), HEAD, start() + said(f"{OPEN}a{CLOSE}b").rstrip(b"\n"))
    told = "".join(
        each["delta"].get("thinking", "") + each["delta"].get("text", "") for each in plain(out) if "delta" in each
    )
    assert told == "ab"
    assert MOVED.encode() not in out


def test_broken_json_between_passes_in_its_place():
    broken = b'data: {"type":"content_block_delta",\n\n'
    edits = editor(MOVE, asked("anthropic"))
    out = run(edits, b"".join([start(), broken, said(f"{OPEN}a"), broken, stop()]))
    assert out == b"".join([opened(), broken, thinks("a"), broken, stop()])
    assert "no JSON" in edits.problems[0]


def test_too_long_an_event_ends_what_is_numbered(monkeypatch):
    monkeypatch.setattr(block_stage, "LONGEST_ITEM", 300)
    edits = editor(MOVE, asked("anthropic"))
    long = b"data: " + b"x" * 400
    out = run(edits, b"".join([start(), said(f"a{OPEN}b"), long + b"\n\n", stop()]), range(0, 2000, 50))
    assert out.endswith(long + b"\n\n" + stop())
    assert "numbers of blocks are those that came" in edits.problems[-1]


@pytest.mark.parametrize(
    ("octets", "meant"),
    [
        (b'{"index":0,"a":1}', b'{"index":7,"a":1}'),
        (b'{"a": {"index": 0}, "index" : 0}', b'{"a": {"index": 0}, "index" : 7}'),
        (b'{"a":{"index":3},"index":0}', b'{"a":{"index":3},"index":7}'),
        (b'{"index":1,"index":0}', b'{"index":1,"index":7}'),
        (b'{"ind\\u0065x":0}', b'{"ind\\u0065x":7}'),
        (b'{"index":-1}', b'{"index":7}'),
        (b'{"index":7.5}', b'{"index":7}'),
        (b'{"index":7}', b'{"index":7}'),
        (b'{"a":{"index":1},"index":7}', b'{"a":{"index":1},"index":7}'),
        (b'{"a":{"index":1}}', b'{"a":{"index":1}}'),
        (b"[]", b"[]"),
    ],
)
def test_a_number_is_written_where_it_stands(octets, meant):
    item = Event(b"data: %b\n\n" % octets)
    assert numbered.renumbered(carrier_of(item), item, "index", 7) == b"data: %b\n\n" % meant


# --- Bedrock ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("came", "meant"),
    [
        ([word(f"{OPEN}a{CLOSE}b"), ended()], [mused("a"), ended(), word("b", 1), ended(1)]),
        ([word(""), word(f"{OPEN}a"), ended()], [mused("a"), ended()]),
        (
            [word(f"a{OPEN}b{CLOSE}c"), ended()],
            [word("a"), ended(), mused("b", 1), ended(1), word("c", 2), ended(2)],
        ),
        (
            [word(f"{OPEN}a{CLOSE}b"), ended(), CALLED, ended(1), LAST],
            [
                mused("a"),
                ended(),
                word("b", 1),
                ended(1),
                (CALLED[0], CALLED[1] | {"contentBlockIndex": 2}),
                ended(2),
                LAST,
            ],
        ),
        ([mused("a"), ended(), word(f"{OPEN}b", 1), ended(1)], [mused("a"), ended(), mused("b", 1), ended(1)]),
        ([word(""), ended(), LAST], [word(""), ended(), LAST]),
    ],
)
def test_frames_of_bedrock(came, meant):
    out = edited(MOVE, asked("bedrock"), FRAMES, converse(*came))
    told = [(each.name, orjson.loads(each.data)) for each in EventStreamReader().feed(out)]
    assert told == meant
