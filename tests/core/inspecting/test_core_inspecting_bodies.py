"""Bodies for people: pretty, raw and in hexadecimal, in pages; bodies that lie about their type, and broken ones."""

import base64
import gzip
import json

import orjson
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from inspected import EVENTS, JSON, PNG, USER, Long, chat, delta, event, read, streamed

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.inspecting import pretty
from proxy_daemon.core.inspecting.bodies import FORMS, body_view, hex_line, side_of
from proxy_daemon.core.messages import Delivered, ResponseHead
from proxy_daemon.core.wire import event_stream

MEMBERS = {"form", "text", "offset", "next", "size", "coded", "media_type", "kind", "problem"}


def shown(octets, content_type="application/json", form="pretty", *, coding="", **more):
    fields = [(b"Content-Type", content_type.encode())]
    fields += [(b"Content-Encoding", coding.encode())] if coding else []
    found = read(said=octets, got=fields)
    return body_view(side_of(found, "response"), form, **more)


def all_pages(octets, content_type, form, limit):
    text, offset = "", 0
    while offset is not None:
        page = shown(octets, content_type, form, offset=offset, limit=limit)
        text, offset = text + page["text"], page["next"]
    return text


def test_it_has_the_members_of_the_contract():
    found = shown(b'{"a":1}')
    assert set(found) == MEMBERS
    assert found == {
        "form": "pretty",
        "text": '{\n  "a": 1\n}',
        "offset": 0,
        "next": None,
        "size": 7,
        "coded": "",
        "media_type": "application/json",
        "kind": "json",
        "problem": "",
    }


@pytest.mark.parametrize("form", FORMS)
def test_an_empty_body(form):
    found = shown(b"", form=form)
    assert (found["text"], found["kind"], found["size"], found["next"]) == ("", "empty", 0, None)


def test_a_coded_body_is_decoded_but_for_hexadecimal():
    octets = gzip.compress(b'{"a":1}', mtime=0)
    assert shown(octets, coding="gzip", form="raw")["text"] == '{"a":1}'
    found = shown(octets, coding="gzip")
    assert (found["text"], found["coded"], found["size"]) == ('{\n  "a": 1\n}', "gzip", 7)
    assert shown(octets, coding="gzip", form="hex")["text"].startswith("00000000  1f 8b 08")


def test_events_are_pretty_one_by_one():
    body = b": hello\n\n" + event({"a": 1}, "start") + event(b"[DONE]") + b'data: {"last":1}'
    found = shown(body, "text/event-stream")
    assert found["kind"] == "sse"
    assert found["text"] == ': hello\n\nevent: start\n{\n  "a": 1\n}\n\n[DONE]\n\n{\n  "last": 1\n}\n\n'
    assert found["problem"] == ""


def test_an_event_that_is_no_json_is_shown_as_it_is():
    assert '{"a": 1,' in shown(event(b'{"a": 1,'), "text/event-stream")["text"]


def test_lines_of_json():
    found = shown(b'{"a":1}\n{"a":2}\n', "application/x-ndjson")
    assert (found["kind"], found["text"]) == ("lines", '{\n  "a": 1\n}\n{\n  "a": 2\n}\n')


def test_frames_of_an_event_stream():
    packed = orjson.dumps({"bytes": base64.b64encode(b'{"type":"x"}').decode()})
    body = event_stream.event("chunk", packed) + event_stream.event("messageStop", b'{"stop":1}')
    found = shown(body, "application/vnd.amazon.eventstream")
    assert found["kind"] == "frames"
    assert found["text"] == 'event: chunk\n{\n  "type": "x"\n}\n\nevent: messageStop\n{\n  "stop": 1\n}\n\n'
    broken = shown(body[:-4], "application/vnd.amazon.eventstream")
    assert broken["text"].startswith("event: chunk\n")
    assert "framing" in broken["problem"]


def test_a_form():
    found = shown(b"a=1&b=%C3%A9+x&b=&c", "application/x-www-form-urlencoded")
    assert (found["kind"], found["text"]) == ("form", "a = 1\nb = é x\nb = \nc = \n")


def test_a_form_of_too_many_fields_is_shown_as_it_is():
    octets = b"a=1&" * (pretty.MOST_FIELDS + 1)
    found = shown(octets, "application/x-www-form-urlencoded", limit=100)
    assert found["text"] == octets[:100].decode()
    assert "fields" in found["problem"]


def test_a_form_in_parts():
    body = (
        b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper\r\n'
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + PNG + b"\r\n--x--\r\n"
    )
    found = shown(body, "multipart/form-data; boundary=x")
    assert found["kind"] == "multipart"
    assert "whisper" in found["text"]
    assert f"({len(PNG)} octets)" in found["text"]
    assert found["problem"] == ""
    cut = shown(body[:-20], "multipart/form-data; boundary=x")
    assert "whisper" in cut["text"]
    assert "framing" in cut["problem"]


@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream", "text/plain", ""])
def test_octets_that_are_no_text_are_hexadecimal_whatever_their_type(content_type):
    found = shown(PNG, content_type)
    assert (found["form"], found["kind"]) == ("hex", "binary")
    assert found["text"].startswith("00000000  89 50 4e 47 0d 0a 1a 0a")


@pytest.mark.parametrize(
    ("octets", "content_type", "kind"),
    [
        (b'{"error":"x"}', "text/event-stream", "json"),
        (b"<html>busy</html>", "application/json", "text"),
        (b'data: {"a":1}\n\n', "application/json", "sse"),
        (b'{"a":1}', "text/html", "json"),
    ],
)
def test_bodies_that_lie_about_their_type(octets, content_type, kind):
    assert shown(octets, content_type)["kind"] == kind


def test_broken_json_is_shown_as_far_as_it_goes_and_then_as_it_is():
    found = shown(b'{"a":1,"b":[1,2,}, "rest": 7}')
    assert found["text"].startswith('{\n  "a": 1,\n  "b": [\n    1,\n    2,')
    assert found["text"].endswith('}, "rest": 7}')
    assert "no JSON from character 16 on" in found["problem"]


def test_invalid_utf_8_is_replaced_and_said():
    found = shown(b'{"a":"caf\xe9"}', form="raw")
    assert found["text"] == '{"a":"caf�"}'
    assert "UTF-8" in found["problem"]
    assert '"caf�"' in shown(b'{"a":"caf\xe9"}')["text"]


@pytest.mark.parametrize("form", ["pretty", "raw"])
def test_escape_sequences_go_through_json_as_what_they_are(form):
    found = shown(b"\x1b[31mred\x1b]0;title\x07", "text/plain", form)
    assert found["kind"] == "text"
    assert b"\x1b" not in orjson.dumps(found)


def test_a_secret_is_redacted_in_every_form():
    key = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH"
    body = orjson.dumps(chat(f"it is {key}"))
    for form in FORMS:
        found = shown(body, form=form)
        assert key not in found["text"].replace("\n", "")
        assert b"abcdefghijkl".hex(" ") not in found["text"]


def test_a_4_mb_image_in_base64():
    image = base64.b64encode(PNG + bytes(3_000_000)).decode()
    found = read({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": image}}]}]})
    page = body_view(side_of(found, "request"))
    assert len(page["text"]) == page["next"] == 256 * 1024
    last = body_view(side_of(found, "request"), "pretty", 4_000_000, None)
    assert last["text"].endswith("}")
    assert last["next"] is None


@pytest.mark.parametrize("form", ["pretty", "raw"])
@given(st.binary(max_size=120), st.integers(1, 50), st.sampled_from(["application/json", "text/event-stream", "a/b"]))
def test_the_pages_are_the_whole(form, octets, limit, content_type):
    whole = shown(octets, content_type, form)
    if whole["form"] != "hex":
        assert all_pages(octets, content_type, form, limit) == whole["text"]
    assert whole["size"] == len(octets) or whole["coded"]


@given(st.binary(max_size=300), st.integers(1, 500))
def test_hexadecimal_gives_all_octets_back(octets, limit):
    lines = all_pages(octets, "a/b", "hex", limit).splitlines()
    assert b"".join(bytes.fromhex(line[10:57]) for line in lines) == octets
    assert [int(line[:8], 16) for line in lines] == list(range(0, len(octets), 16))


def test_a_line_in_hexadecimal():
    assert hex_line(16, b"Az\x00\x7f\xff") == "00000010  41 7a 00 7f ff                                   Az...\n"


def test_an_offset_in_hexadecimal_is_that_of_its_line():
    assert shown(bytes(100), form="hex", offset=37, limit=1)["offset"] == 32


LARGE = Long(orjson.dumps({"a": ["x" * 90] * 700}).ljust(65536), 1024)  # 64 MiB


@pytest.mark.parametrize(
    ("form", "offset"), [("pretty", 0), ("raw", 0), ("raw", 64 * 2**20 - 100), ("hex", 64 * 2**20 - 32)]
)
def test_64_mib_are_read_in_parts(form, offset):
    side = evolve(side_of(read(said=b"x"), "response"), body=LARGE)
    LARGE.most_read = 0
    found = body_view(side, form, offset, None)
    assert found["size"] == LARGE.size
    assert len(found["text"]) > 60
    assert LARGE.most_read <= 2**20
    if form == "pretty":
        assert "shown as it is" in found["problem"]


def test_a_body_that_the_store_has_lost_in_part():
    side = evolve(side_of(read(said=b"x"), "response"), body=Long(b"word " * 1000, 100, gone=100_000))
    for form in FORMS:
        assert "lost" in body_view(side, form, 0, 1_000_000)["problem"]


def test_the_request_and_what_was_delivered():
    found = read({"messages": [USER]}, chat("upstream's"))
    assert "hi" in body_view(side_of(found, "request"))["text"]
    assert side_of(found, "delivered") is None
    other = Delivered(ResponseHead(200, b"", Headers([JSON])), Bytes(b'{"b":2}'))
    changed = evolve(found, recording=evolve(found.recording, delivered=other))
    assert body_view(side_of(changed, "delivered"))["text"] == '{\n  "b": 2\n}'
    same = evolve(found, recording=evolve(found.recording, delivered=evolve(other, body=None)))
    assert "upstream's" in body_view(side_of(same, "delivered"))["text"]


def test_an_exchange_without_an_answer():
    assert side_of(read(), "response") is None
    assert side_of(read(), "delivered") is None


def test_what_is_asked_wrongly():
    found = side_of(read(said=b"{}"), "response")
    for words, given_ in (("form is one of", ("plain", 0, 1)), ("limit", ("raw", 0, "1")), ("offset", ("raw", -1, 1))):
        with pytest.raises(ValueError, match=words):
            body_view(found, *given_)
    with pytest.raises(ValueError, match="the side is"):
        side_of(read(), "both")


def test_a_stream_of_a_real_shape_is_all_there():
    body, _ = streamed(*(delta(content=f"w{at} ") for at in range(300)))
    text = shown(body, EVENTS[1].decode(), limit=10**9)["text"]
    assert [json.loads(one)["choices"][0]["delta"]["content"] for one in text.split("\n\n") if one] == [
        f"w{at} " for at in range(300)
    ]
