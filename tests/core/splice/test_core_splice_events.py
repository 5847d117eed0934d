"""Edits within the `data` of a server-sent event: its other lines and the line ends stay."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core import splice
from proxy_daemon.core.splice import Add, NotJSON, Remove, Replace

MODEL = [Replace(("model",), "new")]
# (event, edits, what comes of it)
EVENTS = [
    (b'data: {"model":"x"}\n\n', MODEL, b'data: {"model":"new"}\n\n'),
    (b'data:{"model":"x"}\r\n\r\n', MODEL, b'data:{"model":"new"}\r\n\r\n'),
    (b'data:  {"model":"x"} \r\r', MODEL, b'data:  {"model":"new"} \r\r'),
    (b'event: a\ndata: {"model":"x"}\nid: 7\n\n', MODEL, b'event: a\ndata: {"model":"new"}\nid: 7\n\n'),
    (b': {"model":1}\ndata: {"model":"x"}\n\n', MODEL, b': {"model":1}\ndata: {"model":"new"}\n\n'),
    (b'\xef\xbb\xbfdata: {"model":"x"}\n\n', MODEL, b'\xef\xbb\xbfdata: {"model":"new"}\n\n'),
    (b'data: {"model":"x"}', MODEL, b'data: {"model":"new"}'),
    (b'data: {\ndata: "model":\ndata:  "x"\ndata:}\n\n', MODEL, b'data: {\ndata: "model":\ndata:  "new"\ndata:}\n\n'),
    (
        b'data: {"a":\r\nid: 1\r\ndata\r\ndata: 1,"model":[\r\n: c\r\ndata: 2]}\r\n\r\n',
        MODEL,
        b'data: {"a":\r\nid: 1\r\ndata\r\ndata: 1,"model":"new"}\r\n\r\n',
    ),
    (b"data: [1,\ndata: 2,\ndata: 3]\n\n", [Remove((1,))], b"data: [1,\ndata: 3]\n\n"),
    (b"data: [1,\ndata: 2]\n\n", [Add(("-",), 3)], b"data: [1,\ndata: 2,3]\n\n"),
    (b"data: [1]\n\n", [Replace((0,), b'{\n "a": 1}')], b'data: [{\ndata:  "a": 1}]\n\n'),
    (b"data:[1]\r\n\r\n", [Replace((0,), b"[\r\n2,\r3]")], b"data:[[\r\ndata:2,\r\ndata:3]]\r\n\r\n"),
    (b"database: 1\ndata: [1]\n\n", [Replace((0,), 2)], b"database: 1\ndata: [2]\n\n"),
    (b" data: 7\ndata: [1]\n\n", [Replace((0,), 2)], b" data: 7\ndata: [2]\n\n"),
    (b'data: {"b":1}\n\n', MODEL, None),
]
NOT_JSON = [
    b"data: [DONE]\n\n",
    b": comment\n\n",
    b"",
    b"data\n\n",
    b"event: x\n\n",
    b"data: {}\n\ndata: {}\n\n",
    b'data: {"model":"a\ndata: b"}\n\n',
    b'{"model":"x"}',
]


@pytest.mark.parametrize(("event", "edits", "result"), EVENTS)
def test_the_data_is_edited_and_no_other_line(event, edits, result):
    assert splice.edited_event(event, edits) == result


@pytest.mark.parametrize("event", NOT_JSON)
def test_events_without_json_are_refused(event):
    with pytest.raises(NotJSON):
        splice.edited_event(event, MODEL)


def data_of(event):
    """By the letter of the specification, a line at a time."""
    lines = re.split(rb"\r\n|\r|\n", event.removeprefix(b"\xef\xbb\xbf"))
    fields = [line.partition(b":") for line in lines]
    return b"\n".join(value.removeprefix(b" ") for name, _, value in fields if name == b"data")


OTHERS = [b"", b": note", b"id: 1", b"event: x", b"dat: {}", b"datax: 1"]
VALUES = st.recursive(
    st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab\u00e9"), inner, max_size=3),
    max_leaves=12,
)


@st.composite
def events(draw):
    """One event whose data lines hold a text in several lines, with other lines between them."""
    text = json.dumps({"m": draw(VALUES), "n": draw(VALUES)}, indent=draw(st.none() | st.integers(0, 2)))
    lines = []
    for line in text.encode().split(b"\n"):
        lines += draw(st.lists(st.sampled_from(OTHERS[1:]), max_size=2))
        lines.append(draw(st.sampled_from([b"data:", b"data: "])) + (line if line[:1] != b" " else b" " + line))
    end = draw(st.sampled_from([b"\n", b"\r", b"\r\n"]))
    return draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + end.join(lines) + end + end


@given(events(), VALUES, st.none() | st.integers(0, 3), st.sampled_from(["m", "n"]))
def test_the_data_of_the_result_is_the_edited_data(event, value, indent, name):
    new = json.dumps(value, indent=indent).encode()
    result = splice.edited_event(event, [Replace((name,), new)])
    assert json.loads(data_of(result)) == json.loads(data_of(event)) | {name: value}
    kept = [line for line in re.split(rb"[\r\n]+", event.removeprefix(b"\xef\xbb\xbf")) if line in OTHERS]
    if indent is None and b"\n" not in data_of(event):
        assert [line for line in re.split(rb"[\r\n]+", result.removeprefix(b"\xef\xbb\xbf")) if line in OTHERS] == kept
    span = splice.find(data_of(event), (name,))
    if b"\n" not in data_of(event):
        at = event.index(data_of(event))
        assert result.startswith(event[: at + span.start])
        assert result.endswith(event[at + span.end :])
