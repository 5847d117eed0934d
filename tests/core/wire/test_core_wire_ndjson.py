"""Lines of JSON: in any cut, written, hostile; and those of the corpus."""

import csv
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.wire import Malformed, json_text, ndjson
from proxy_daemon.core.wire.ndjson import Line, LineReader
from tests import corpus
from tests.cut_streams import joined, random_cuts, read, same_for_any_cut, with_cuts

STREAMS = joined(
    b"\n", b"\r", b"\r\n", b'{"a": "\\n"}', b"{}\n", b"1", b" ", b"\t", b"\xc3\xa9", b"\xff", b"\x85", b"\x0b"
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(with_cuts(STREAMS))
def test_any_stream_in_any_cut(stream_and_cuts):
    data, cuts = stream_and_cuts
    items, rest, fault = same_for_any_cut(LineReader, data, cuts)
    assert (rest, fault) == (b"", None)
    lines = data.split(b"\n")
    assert [line.data for line in items] == [line.strip(b" \t\r") for line in (lines if lines[-1] else lines[:-1])]
    assert {line.name for line in items} <= {""}


@pytest.mark.parametrize(
    ("octets", "data"),
    [
        (b"", []),
        (b"\n", [b""]),
        (b"1\n2\n", [b"1", b"2"]),
        (b"1\r\n2", [b"1", b"2"]),
        (b"1\n\n \r\n2\n", [b"1", b"", b"", b"2"]),
        (b" {} \n", [b"{}"]),
        (b"1\r2\n", [b"1\r2"]),
        (b'"\x0b"\n\x0b\n', [b'"\x0b"', b"\x0b"]),
        ("\ufeff1\n".encode(), ["\ufeff1".encode()]),
    ],
)
def test_what_a_line_says(octets, data):
    assert [line.data for line in read(LineReader(), octets)[0]] == data


def test_a_line_comes_as_soon_as_it_ends_and_the_last_one_at_the_end():
    reader = LineReader()
    assert list(reader.feed(b'{"a":')) == []
    assert reader.rest == b'{"a":'
    assert reader.feed(b'1}\n{"b"') == [Line(b'{"a":1}\n', 0)]
    assert reader.feed(b":2}") == ()
    assert reader.end() == [Line(b'{"b":2}', 8)]
    assert (reader.end(), reader.rest) == ((), b"")


def test_a_line_that_never_ends_is_refused():
    reader = LineReader(limit=10)
    assert [line.data for line in reader.feed(b"1\n" + b"2" * 11)] == [b"1"]
    with pytest.raises(Malformed, match="the line is over the limit of 10 octets, at octet 12"):
        reader.end()
    assert reader.rest == b"2" * 11


@given(with_cuts(STREAMS), st.integers(1, 20))
def test_the_limit_holds_in_any_cut(stream_and_cuts, limit):
    data, cuts = stream_and_cuts
    items, _, fault = same_for_any_cut(lambda: LineReader(limit), data, cuts)
    unlimited = read(LineReader(), data)[0]
    assert items == unlimited[: len(items)]
    assert [len(line.raw) > limit for line in unlimited[: len(items) + 1]] == [False] * len(items) + [True] * bool(
        fault
    )


def test_a_long_line_in_small_pieces_and_a_million_empty_ones():
    reader = LineReader()
    for _ in range(2048):
        assert reader.feed(b"x" * 16384) == ()
    (line,) = reader.feed(b"\n")
    assert len(line.data) == 2048 * 16384
    assert len(LineReader().feed(b"\n" * 1_000_000)) == 1_000_000


@given(st.lists(VALUES, max_size=6))
def test_what_is_written_is_read_again(values):
    items, *_ = read(LineReader(), b"".join(map(ndjson.write, values)))
    assert [json_text.parse(line.data) for line in items] == values


@given(VALUES)
def test_json_that_is_laid_out_becomes_one_line(value):
    octets = ndjson.write(json.dumps(value, indent=2).replace("\n", "\r\n").encode())
    assert octets.count(b"\n") == 1
    assert json_text.parse(octets) == value


def test_what_cannot_be_written():
    with pytest.raises(json_text.NotJSON):
        ndjson.write({1, 2})


@pytest.mark.skipif(bool(corpus.missing()) and not os.environ.get("LLMPROXY_REQUIRE_ALL"), reason=corpus.missing())
def test_the_lines_of_the_corpus():
    bodies = [
        (one.file, one.response.body.whole())
        for one in corpus.interactions()
        if b"ndjson" in (one.response.head.headers.get(b"content-type") or b"").lower()
    ]
    with (corpus.HOME / "INDEX.csv").open() as index:
        bare = [row["file"] for row in csv.DictReader(index) if row["format"] == "sse-data-lines-txt"]
    bodies += [(name, (corpus.HOME / name).read_bytes()) for name in bare]
    lines = 0
    for seed, (file, body) in enumerate(bodies):
        items, rest, _ = read(LineReader(), body, random_cuts(body, seed))
        assert (b"".join(line.raw for line in items), rest) == (body, b"")
        said = [json_text.parse(line.data) for line in items if line.data and line.data != b"[DONE]"]
        assert said == [json.loads(line) for line in body.split(b"\n") if line.strip() not in (b"", b"[DONE]")], file
        lines += len(items)
    print(f"{len(bodies)} streams, {lines} lines")
    assert len(bodies) >= len(bare) == 45
