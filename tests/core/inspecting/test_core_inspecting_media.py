"""Images, sounds and documents: found in each API's bodies, in their order, and shown only under a safe type."""

import base64
import io
import wave as wave_file

import orjson
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from inspected import CHAT, GEMINI, JSON, MESSAGES, PNG, Long, chat, delta, event, read, streamed

from proxy_daemon.core.inspecting.chat import chat_view
from proxy_daemon.core.inspecting.inline import MOST_STRINGS, Strings, inline, media_of
from proxy_daemon.core.inspecting.media import LARGEST, UNKNOWN, media_view, sniffed, wave
from proxy_daemon.core.messages import JSON_LIMIT

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(80))
WAV = b"RIFF\x24\0\0\0WAVEfmt " + bytes(50)
PDF = b"%PDF-1.7 " + bytes(range(70))


def b64(octets):
    return base64.b64encode(octets).decode()


def url(octets, kind="image/png"):
    return f"data:{kind};base64,{b64(octets)}"


def image_url(octets):
    return {"type": "image_url", "image_url": {"url": url(octets)}}


def of(role, *content):
    return {"model": "m", "messages": [{"role": role, "content": list(content)}]}


def claude(kind, octets):
    return {"type": kind, "source": {"type": "base64", "media_type": "x/y", "data": b64(octets)}}


def named(octets):
    return {"source": {"bytes": b64(octets)}}


ASKED = {
    "openai chat": (
        CHAT,
        of(
            "user",
            {"type": "text", "text": "see"},
            image_url(PNG),
            {"type": "input_audio", "input_audio": {"data": b64(WAV), "format": "wav"}},
            {"type": "file", "file": {"file_data": url(PDF, "application/pdf")}},
        ),
        [PNG, WAV, PDF],
    ),
    "openai responses": (
        b"/v1/responses",
        {
            "model": "m",
            "input": [
                {"role": "user", "content": [{"type": "input_image", "image_url": url(JPEG)}]},
                {"role": "user", "content": [{"type": "input_file", "file_data": url(PDF)}]},
            ],
        },
        [JPEG, PDF],
    ),
    "anthropic": (
        MESSAGES,
        of(
            "user",
            claude("image", PNG),
            {"type": "tool_result", "tool_use_id": "1", "content": [claude("image", JPEG)]},
            claude("document", PDF),
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words, not base64"}},
        ),
        [PNG, JPEG, PDF, b"words, not base64"],
    ),
    "google": (
        GEMINI,
        {
            "contents": [
                {"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": b64(PNG)}}]},
                {"role": "user", "parts": [{"inline_data": {"mime_type": "audio/wav", "data": b64(WAV)}}]},
            ]
        },
        [PNG, WAV],
    ),
    "bedrock": (
        b"/model/m/converse",
        of(
            "user",
            {"image": {"format": "png", **named(PNG)}},
            {"document": {"format": "pdf", "name": "d", **named(PDF)}},
        ),
        [PNG, PDF],
    ),
    "ollama": (
        b"/api/chat",
        {"model": "m", "messages": [{"role": "user", "content": "see", "images": [b64(PNG), b64(JPEG)]}]},
        [PNG, JPEG],
    ),
    "cohere": (b"/v2/chat", of("user", image_url(PNG)), [PNG]),
}


@pytest.mark.parametrize("name", ASKED)
def test_inline_media_of_requests(name):
    path, body, octets = ASKED[name]
    found = read(body, chat(), path=path)
    assert media_of(found) == octets
    assert [number for number, each in enumerate(octets) if media_view(found, number)["size"] != len(each)] == []
    assert media_view(found, len(octets)) is None


@pytest.mark.parametrize("name", ASKED)
def test_the_chat_names_where_they_are(name):
    path, body, octets = ASKED[name]
    told = chat_view(read(body, chat(), path=path))
    parts = [part for message in told["messages"] for part in message["parts"]]
    assert [part["href"] for part in parts if "href" in part] == [f"media/{at}" for at in range(len(octets))]


def test_equal_ones_and_those_of_equal_size_are_not_taken_for_each_other():
    other = PNG[:-1] + b"!"
    found = read(of("user", image_url(PNG), image_url(other), image_url(PNG), {"type": "text", "text": url(other)}))
    assert media_of(found) == [PNG, other, PNG]


def test_what_lies_elsewhere_has_no_number():
    found = read(of("user", {"type": "image_url", "image_url": {"url": "https://h.example/a.png"}}, image_url(PNG)))
    assert media_of(found) == [PNG]
    first, second = chat_view(found)["messages"][0]["parts"]
    assert ("href" in first, second["href"]) == (False, "media/0")


def test_those_of_a_form():
    body = b""
    for name, data in ((b"a.png", PNG), (b"b.png", JPEG)):
        head = b'--x\r\nContent-Disposition: form-data; name="image[]"; filename="' + name + b'"\r\n\r\n'
        body += head + data + b"\r\n"
    body += b'--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\ndraw\r\n--x--\r\n'
    sent = ((b"Content-Type", b"multipart/form-data; boundary=x"),)
    found = read(body, {"data": [{"b64_json": b64(WAV)}]}, path=b"/v1/images/edits", sent=sent)
    assert media_of(found) == [PNG, JPEG, WAV]


ANSWERED = {
    "openai images": (
        b"/v1/images/generations",
        {"data": [{"b64_json": b64(PNG)}, {"b64_json": b64(JPEG)}]},
        [PNG, JPEG],
    ),
    "google": (
        GEMINI,
        {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": b64(PNG)}}]}}]},
        [PNG],
    ),
    "openai audio": (CHAT, chat(None, message={"audio": {"id": "1", "data": b64(WAV), "transcript": "hi"}}), [WAV]),
}


@pytest.mark.parametrize("name", ANSWERED)
def test_inline_media_of_answers(name):
    path, body, octets = ANSWERED[name]
    found = read(None, body, path=path)
    assert media_of(found) == octets


def test_numbers_go_on_from_the_messages_to_the_answer():
    path, body, octets = ANSWERED["google"]
    asked = ASKED["google"][1]
    found = read(asked, body, path=path)
    assert media_of(found) == [*ASKED["google"][2], *octets]
    told = chat_view(found)
    assert told["answer"]["choices"][0]["parts"][0]["href"] == "media/2"


def test_a_sound_that_came_in_pieces_is_joined():
    pieces = [PNG[:30], PNG[30:33], PNG[33:]]
    events = [event({"type": "speech.audio.delta", "audio": b64(each)}) for each in pieces]
    body = b"".join(events) + event({"type": "speech.audio.done", "usage": {}})
    found = read(
        {"model": "tts", "input": "hi", "stream_format": "sse"},
        body,
        path=b"/v1/audio/speech",
        got=((b"Content-Type", b"text/event-stream"),),
    )
    assert media_of(found) == [PNG]


def test_a_body_that_is_a_sound():
    found = read({"input": "hi"}, WAV, path=b"/v1/audio/speech", got=((b"Content-Type", b"audio/wav"),))
    assert media_of(found) == [WAV]
    assert media_view(found, 0)["type"] == "audio/wav"


def test_bare_samples_are_given_the_head_that_browsers_need():
    samples = bytes(range(200)) * 4
    found = read(
        {"input": "hi", "response_format": "pcm"},
        samples,
        path=b"/v1/audio/speech",
        got=((b"Content-Type", b"audio/pcm"),),
    )
    one = media_view(found, 0)
    assert one["type"] == "audio/wav"
    with wave_file.open(io.BytesIO(base64.b64decode(one["data"]))) as sound:
        assert (sound.getframerate(), sound.getsampwidth(), sound.getnchannels()) == (24_000, 2, 1)
        assert sound.readframes(10_000) == samples
    assert wave(b"").startswith(b"RIFF")


@pytest.mark.parametrize(
    ("octets", "kind"),
    [
        (PNG, "image/png"),
        (JPEG, "image/jpeg"),
        (b"GIF89a....", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"\0\0\0 ftypavif", "image/avif"),
        (WAV, "audio/wav"),
        (b"ID3\x03", "audio/mpeg"),
        (b"\xff\xfb\x90\x00", "audio/mpeg"),
        (b"OggS\0\x02", "audio/ogg"),
        (b"fLaC\0", "audio/flac"),
        (b"\0\0\0 ftypM4A \0", "audio/mp4"),
        (b"\xff\xf1\x50\x80", "audio/aac"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", UNKNOWN),
        (b"<?xml version='1.0'?><svg/>", UNKNOWN),
        (b"<!doctype html><script>1</script>", UNKNOWN),
        (b"<html>", UNKNOWN),
        (PDF, UNKNOWN),
        (b"", UNKNOWN),
        (b"GIF8", UNKNOWN),
        (b" \x89PNG\r\n\x1a\n", UNKNOWN),
    ],
)
def test_the_type_is_by_the_octets(octets, kind):
    assert sniffed(octets) == kind


def test_the_type_that_is_stated_does_not_count():
    script = b"<script>alert(1)</script>"
    found = read(of("user", {"type": "image_url", "image_url": {"url": url(script, "image/png")}}, image_url(PNG)))
    assert media_view(found, 0)["type"] == UNKNOWN
    assert base64.b64decode(media_view(found, 0)["data"]) == script
    assert media_view(found, 1)["type"] == "image/png"


@pytest.mark.parametrize("text", ["!!!not base64!!!", "====", "A", "\u00e9" * 40])
def test_what_is_no_base64_is_not_there(text):
    found = read(of("user", {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{text}"}}))
    assert media_of(found) == [None]
    assert media_view(found, 0) is None
    assert "href" not in chat_view(found)["messages"][0]["parts"][0]


@pytest.mark.parametrize(
    "spelled",
    [lambda text: text.rstrip("="), lambda text: "\n".join(text[at : at + 8] for at in range(0, len(text), 8))],
)
def test_base64_as_people_write_it(spelled):
    found = read(of("user", {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{spelled(b64(PNG))}"}}))
    assert media_of(found) == [PNG]


def test_base64_for_addresses():
    odd = b"\x89PNG\r\n\x1a\n" + b"\xff\xfe\xfb" * 20
    text = base64.urlsafe_b64encode(odd).decode()
    found = read({"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": text}}]}]}, path=GEMINI)
    assert media_of(found) == [odd]


@pytest.mark.parametrize("number", [-1, "0", None, 1.0, True])
def test_what_is_no_number(number):
    with pytest.raises(ValueError, match="number"):
        media_view(read(), number)


def test_a_4_mb_image():
    image = PNG + bytes(3_000_000)
    one = media_view(read(of("user", image_url(image))), 0)
    assert base64.b64decode(one["data"]) == image


def test_a_sound_that_is_too_large_is_not_held():
    body = Long(WAV.ljust(65536), JSON_LIMIT // 65536 + 1)
    found = read({"input": "hi"}, b"x", path=b"/v1/audio/speech", got=((b"Content-Type", b"audio/wav"),))
    response = evolve(found.recording.response, body=body)
    found = evolve(found, recording=evolve(found.recording, response=response))
    assert body.size > LARGEST
    assert media_view(found, 0) is None


def test_other_strings_are_not_touched():
    strings = Strings(frozenset((4,)))
    value = {"type": "four", "a": ["1234", "12345", 4, None, {"data": "x"}], "b": "data:x,1234"}
    marked = strings.marked(value)
    assert marked["type"] == "four"
    assert marked["a"][1:4] == ["12345", 4, None]
    assert len(marked["a"][0]) > 900
    assert marked["b"].startswith("data:x,AAA")
    assert value["a"][0] == "1234"


def test_deep_and_wide_bodies():
    deep = orjson.loads("[" * 500 + "]" * 500)
    strings = Strings(frozenset((4,)))
    assert strings.marked(deep) == deep
    strings.marked(["1234"] * (MOST_STRINGS + 10))
    assert len(strings.found) == MOST_STRINGS


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=6))
def test_any_octets_come_back(octets):
    found = read(of("user", *(image_url(each) for each in octets)))
    assert media_of(found) == octets


@given(
    st.recursive(
        st.none() | st.text(max_size=30), lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner)
    )
)
def test_any_bodies(value):
    for path in (CHAT, MESSAGES, GEMINI, b"/api/chat"):
        found = read({"messages": value, "contents": value, "input": value}, orjson.dumps(value), path=path)
        assert len(media_of(found)) == sum(1 for each in (found.conversation, found.answer) for _ in inline(each))


def test_a_stream_without_media_is_not_read_again():
    body, pieces = streamed(delta(content="a"))
    assert media_of(read(None, body, got=(JSON,), pieces=pieces)) == []
