"""A cassette in a pull request: a small change is a small difference, and nothing changes by itself."""

import difflib
import json
import re

import pytest
import yaml
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.cassettes.llmproxy import HEADER, written
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import ResponseHead
from tests.core.cassettes.llmproxy.cassette_files import ANSWER, entry, file_of, recording
from tests.core.cassettes.llmproxy.drawn_recordings import octets, recordings

PROMPT = "You are a guide.\nAnswer in one word.\nBe kind.\n"
TOOL = {"type": "function", "function": {"name": "find", "parameters": {"type": "object", "properties": {}}}}


def asking(prompt=PROMPT, **more):
    """A request as SDKs write it."""
    body = {"model": "gpt-4o", "messages": [{"role": "system", "content": prompt}], "temperature": 0.7, **more}
    return recording(json.dumps(body, separators=(",", ":")).encode())


def changes(before, after):
    """The lines that a reviewer sees, but for the seal."""
    pair = [file_of(each).decode().split("\n") for each in (before, after)]
    lines = [
        line for line in difflib.unified_diff(*pair, n=0, lineterm="") if not line.startswith(("---", "+++", "@@"))
    ]
    return [line for line in lines if "... # " not in line]


def test_a_changed_line_of_a_prompt_is_a_changed_line():
    found = changes(asking(), asking(PROMPT.replace("one word", "two words")))
    assert found == ["-        Answer in one word.", "+        Answer in two words."]


def test_a_changed_parameter_is_a_changed_line():
    assert changes(asking(), asking(temperature=1.0)) == ["-    temperature: 0.7", "+    temperature: 1.0"]


def test_a_tool_that_is_added_is_added_lines():
    found = changes(asking(tools=[]), asking(tools=[TOOL]))
    assert found[0] == "-    tools: []"
    assert found[1:] == [
        "+    tools:",
        "+    - type: function",
        "+      function:",
        "+        name: find",
        "+        parameters:",
        "+          type: object",
        "+          properties: {}",
    ]


def test_a_recording_made_again_differs_in_one_line_where_the_server_said_the_same():
    again = evolve(recording(), started=1_800_000_000.5, duration=7, head_time=5)
    found = changes(recording(), again)
    assert [line[:10] for line in found] == ["-recorded:", "+recorded:"]


def test_an_order_of_members_is_kept():
    body = b'{"z":1,"a":{"y":[],"b":null}}'
    assert b"    z: 1\n    a:\n      y: []\n      b: null\n" in written(recording(body)).text


def stream_of(*words):
    chunks = [{"id": "c", "choices": [{"index": 0, "delta": {"content": word}}]} for word in words]
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks).encode() + b"data: [DONE]\n\n"


def test_a_stream_stands_as_its_events():
    one = recording(answer=stream_of("Par", "is."), kind=b"text/event-stream; charset=utf-8")
    text = written(one).text.decode()
    assert "\n  text: |-\n    Paris.\n" in text
    assert (
        '\n  stream: |+\n    data: {"id": "c", "choices": [{"index": 0, "delta": {"content": "Par"}}]}\n\n    data:'
        in text
    )
    assert text.rpartition("stream: |+")[2].count("    data: ") == 3


def test_lines_of_json_are_a_stream_too():
    one = recording(answer=b'{"a":1}\n{"a":2}\n', kind=b"application/x-ndjson", path=b"/x")
    assert b'  stream: |\n    {"a":1}\n    {"a":2}\n...' in written(one).text


def test_json_that_nobody_decodes_is_readable_in_an_answer_too():
    assert (
        b"  style: compact\n  json:\n    data:\n    - id: m\n"
        in written(recording(answer=b'{"data":[{"id":"m"}]}', path=b"/x")).text
    )
    assert b"  text: |-\n    {" in written(recording()).text


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u200f", "\ufeff", "\x1b[2J", "\x9b", "\u2028"])
def test_nothing_that_hides_from_a_reviewer_stands_in_a_file_as_it_is(mark):
    one = recording(
        json.dumps({"a": f"x{mark}y\nz"}, ensure_ascii=False).encode(), ANSWER.replace(b"Paris", mark.encode())
    )
    head = ResponseHead(200, b"OK", Headers([(b"X-Name", b"a" + mark.encode())]))
    one = evolve(one, response=evolve(one.response, head=head), detail=f"a{mark}b")
    assert mark.encode() not in written(one).text
    assert entry(file_of(one)).recording.response == one.response


@given(recordings(octets))
def test_no_line_of_a_file_ends_in_blanks_and_none_but_its_own_begins_in_the_first_column(drawn):
    text = written(drawn).text
    assert not re.search(rb"[ \t\r]\n", text)
    assert text.endswith(b"\n")
    first = [line for line in text.split(b"\n")[1:-2] if line and not line.startswith((b" ", b"- "))]
    assert all(re.match(rb"[a-z]+:", line) for line in first)


@given(st.lists(recordings(octets), min_size=1, max_size=3))
def test_any_reader_of_yaml_reads_the_file(drawn):
    data = file_of(*drawn)
    found = list(yaml.load_all(data, yaml.CSafeLoader))
    assert len(found) == len(drawn)
    assert all(isinstance(each, dict) and "recorded" in each for each in found)


def test_two_runs_with_the_same_traffic_write_the_same_file():
    assert file_of(recording(), asking()) == file_of(recording(), asking())
    assert file_of(recording()).startswith(HEADER + b"---\nrecorded: ")
