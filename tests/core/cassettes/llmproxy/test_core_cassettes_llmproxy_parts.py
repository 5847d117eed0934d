"""The small parts of a document: moments, pieces, heads, styles of JSON, what is told of an answer, the format."""

import json
from array import array
from contextlib import suppress

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.cassettes import Skipped, Unreadable, formats
from proxy_daemon.core.cassettes.llmproxy import HEADER, INLINE, LlmproxyCassette, json_style, times, written
from proxy_daemon.core.cassettes.llmproxy.told import MOST_CHOICES, told
from proxy_daemon.core.cassettes.llmproxy.wrong import Wrong
from proxy_daemon.core.conversation import (
    Answer,
    Choice,
    Declined,
    Finish,
    Media,
    Other,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Usage,
    Vector,
)
from proxy_daemon.core.messages import Pieces
from tests.core.cassettes.llmproxy.cassette_files import file_of, recording
from tests.core.cassettes.llmproxy.drawn_recordings import json_values


@pytest.mark.parametrize(
    ("given_times", "line"),
    [
        ((1_700_000_000.25, 0, 0), "2023-11-14T22:13:20.250000Z"),
        ((1_700_000_000, 1_500_000, 0), "2023-11-14T22:13:20Z, head after 1.5 s"),
        ((0, 1, 10_000_000), "1970-01-01T00:00:00Z, head after 0.000001 s, end after 10 s"),
        ((1e300, 0, 7), "1e+300, end after 0.000007 s"),
        ((float("inf"), 0, 0), "inf"),
    ],
    ids=range(5),
)
def test_a_moment_comes_back(given_times, line):
    assert times.recorded(*given_times) == line
    assert times.read_recorded(line) == given_times


@pytest.mark.parametrize("line", ["2026-11-21", "2026-11-21T10:00:00", "2026-11-21T11:00:00+01:00"])
def test_a_moment_that_a_person_wrote_is_read(line):
    assert times.read_recorded(line)[0] % 3600 == 0


@pytest.mark.parametrize(
    "line", ["", "x", "2026-13-01", "2026-01-01, head after s", "2026-01-01, end after 1.1234567 s"]
)
def test_what_is_no_moment_is_wrong(line):
    with pytest.raises(Wrong):
        times.read_recorded(line)


@given(st.lists(st.tuples(st.integers(0, 2**63), st.integers(0, 2**60))), st.booleans())
def test_pieces_come_back(drawn, is_timed):
    sizes, moments = (array("Q", [pair[side] for pair in drawn]) for side in (0, 1))
    pieces = Pieces(sizes, moments if is_timed else array("Q"))
    assert times.read_pieces(times.pieces(pieces)) == pieces


@given(st.text(alphabet="0123456789@. ", max_size=30))
def test_any_line_is_pieces_or_wrong(line):
    with suppress(Wrong):
        assert sum(times.read_pieces(line).sizes) >= 0


@given(json_values, st.sampled_from(("compact", "spaced", "indent-2", "indent-4")), st.booleans(), st.booleans())
def test_a_style_that_is_found_gives_the_octets(value, base, is_ascii, has_newline):
    style = base + ", ascii" * is_ascii + ", newline" * has_newline
    try:
        data = json_style.octets({"a": value}, style)
    except json_style.NoStyle:
        return
    found = json_style.style_of(data)
    assert found is None or json_style.octets(*found) == data


@pytest.mark.parametrize("style", ["compact", "spaced", "compact, ascii", "spaced, ascii", "indent-4, newline"])
def test_the_usual_styles_are_found(style):
    value = {"messages": [{"role": "user", "content": "é < 1"}], "n": 1, "t": 0.7, "none": None}
    assert json_style.style_of(json_style.octets(value, style)) == (value, style)


def test_large_json_stands_as_its_text():
    assert json_style.style_of(json.dumps({"a": "x" * 2_000_000}).encode()) is None


TOLD = [
    (Answer(), {}),
    (
        Answer((Choice((Text("a"),), Finish.STOP, "end_turn", "x"),)),
        {"text": "a", "finish": "end_turn", "stopped_by": "x"},
    ),
    (Answer((Choice((Text("\ud800"),)),)), {"text": "?"}),
    (Answer(error="no", complete=False), {"error": "no", "complete": False}),
    (Answer((Choice(),)), {"parts": []}),
    (
        Answer((Choice((Reasoning("why", "sig"), Text("a"))),), model="m", usage=Usage(1, 2, reasoning=3)),
        {
            "model": "m",
            "parts": [{"reasoning": "why", "opaque": "3 characters"}, {"text": "a"}],
            "usage": "in 1, out 2, thoughts 3",
        },
    ),
    (Answer((Choice((ToolCall("", "f", "{}"),)),)), {"parts": [{"call": "f", "arguments": "{}"}]}),
    (
        Answer((Choice((ToolResult("i", "t", "n", failed=True), Declined("d"))),)),
        {"parts": [{"result": "t", "id": "i", "name": "n", "failed": True}, {"declined": "d"}]},
    ),
    (
        Answer((Choice((Media("image", "image/png", size=5), Other("k"))),)),
        {"parts": [{"media": "image, image/png, 5 octets"}, {"other": "k"}]},
    ),
    (
        Answer((Choice((Vector((1.0, 2.0)),)), Choice((Text("b"),)))),
        {"choices": [{"parts": [{"vector": "2 numbers"}]}, {"text": "b"}]},
    ),
    (Answer((Choice(),) * (MOST_CHOICES + 1)), {"choices": "101 of them"}),
]


@pytest.mark.parametrize(("answer", "section"), TOLD, ids=range(len(TOLD)))
def test_an_answer_is_told(answer, section):
    assert told(answer) == section


def test_the_answer_may_be_given_by_who_has_read_it():
    text = written(recording(), answer=Answer((Choice((Text("given"),)),))).text
    assert b"answer:\n  text: |-\n    given\nresponse:" in text


def test_the_format_reads_all_and_says_what_it_does_not():
    data = file_of(recording(), recording()) + b"---\nrequest: 1\n...\n"
    found = list(formats.read("c.yaml", data))
    assert [each.request for each in found[:2]] == [recording().request] * 2
    line = data[: data.index(b"request: 1")].count(b"\n") + 1
    assert found[2] == Skipped(2, f"line {line}: request: no mapping")
    assert formats.chosen("c.yaml", data).name == "llmproxy"


def test_the_format_says_that_a_file_is_newer_or_that_one_beside_is_missing():
    with pytest.raises(Unreadable, match="newer"):
        list(formats.read("c.yaml", b"# llmproxy cassette 7\n---\n"))
    large = written(recording(answer=b"\xff" * (INLINE + 1)))
    (found,) = formats.read("c.yaml", HEADER + large.text)
    assert isinstance(found, Skipped)
    assert "only c.yaml itself was read" in found.reason
    (good,) = LlmproxyCassette(lambda file: large.beside.__getitem__).read("c.yaml", HEADER + large.text)
    assert good.response == recording(answer=b"\xff" * (INLINE + 1)).response


def test_what_belongs_to_a_run_is_not_in_the_file():
    one = evolve(recording(), id=7, client="127.0.0.1", fingerprint=b"f", session="s", scope=b"k", served_from=3)
    assert file_of(one) == file_of(recording())
