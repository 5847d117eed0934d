"""Files that would become far more in memory than they are: refused before anything is built, whatever the format."""

import json

import pytest

from proxy_daemon.core.cassettes import Skipped, Unreadable, formats, json_text, yaml_text
from proxy_daemon.core.cassettes.documents import document
from proxy_daemon.core.cassettes.sniffing import media_type
from proxy_daemon.core.messages import Recording

MANY = b"[" + b"[]," * 200 + b"[]]"
ASGI = b'{"type": "http.response.start", "status": 200, "headers": []}\n'
END = b'{"type": "http.response.body", "body": null}\n'


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(json_text, "MOST_VALUES", 100)


def read(data):
    return list(formats.read("file", data))


def har(text):
    content = {"encoding": "base64", "text": text}
    entry = {"request": {"method": "GET", "url": "http://a/"}, "response": {"status": 200, "content": content}}
    return json.dumps({"log": {"entries": [entry]}}).encode()


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b'{"a": 1}\n{"b": %b}\n' % MANY, "line 2 "),
        (ASGI + b'{"type": "http.response.body", "body": %b}\n' % MANY, "line 2: more than 100 values"),
    ],
)
def test_a_line_of_too_many_values(data, line):
    with pytest.raises(Unreadable, match=line):
        read(data)


def test_lines_are_counted_each_for_itself():
    assert isinstance(read(b'{"a": [1, 2, 3]}\n' * 100)[0], Recording)
    assert isinstance(read(ASGI + END + (ASGI + END) * 50)[0], Recording)


def test_a_line_that_is_no_json_is_told_from_one_that_is_too_large():
    with pytest.raises(Unreadable, match="line 2 is not a JSON object"):
        read(ASGI + b"{")


def test_pieces_of_a_body_that_are_too_many():
    assert read(har(json.dumps(["YQ=="] * 50)))[0].response.body.whole() == b"a" * 50
    assert read(har(json.dumps(["YQ=="] * 200))) == [Skipped(0, "a body whose pieces are more than 100 values")]


def test_a_scrubbed_body_of_too_many_values_is_of_no_type():
    assert media_type(b"[1]") == b"application/json"
    assert media_type(MANY) == b""


@pytest.mark.parametrize("data", [MANY, b'{"interactions": %b}' % MANY])
def test_json_that_is_too_large_is_not_tried_as_yaml(data, monkeypatch):
    monkeypatch.setattr(yaml_text, "load", None)
    with pytest.raises(Unreadable, match="more than 100 values"):
        document("file", data)


def test_what_only_begins_like_json_is():
    assert document("file", b"{a: [b, c]}") == {"a": ["b", "c"]}
