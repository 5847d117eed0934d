"""OpenAI's embeddings, images, sounds and moderations: forms, base64, subtitles, events, and answers that come back."""

import base64
import struct

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from others_saying import NAMES, WORDS, again, answers, ask, form, heard, vectors

from proxy_daemon.core.conversation import (
    Answer,
    Choice,
    Finish,
    Media,
    Message,
    Operation,
    Other,
    Text,
    ToolCall,
    Usage,
    Vector,
)
from proxy_daemon.core.dialects import BUILT_IN, forms, recognise
from proxy_daemon.core.dialects.dialect import CannotRender
from proxy_daemon.core.dialects.openai.audio import OpenAIAudio
from proxy_daemon.core.dialects.openai.embeddings import OpenAIEmbeddings
from proxy_daemon.core.dialects.openai.images import OpenAIImages
from proxy_daemon.core.dialects.openai.moderations import CATEGORIES, OpenAIModerations
from proxy_daemon.core.dialects.openai.subtitles import as_srt, as_vtt, spoken_in

EMBEDDINGS, IMAGES, AUDIO, MODERATIONS = OpenAIEmbeddings(), OpenAIImages(), OpenAIAudio(), OpenAIModerations()
SOUND = ("file", b"RIFF....", "a.wav", "audio/wav")
HEARD = "/v1/audio/transcriptions"


@pytest.mark.parametrize(
    ("target", "name", "operation"),
    [
        ("/v1/embeddings", "openai-embeddings", Operation.EMBEDDINGS),
        ("/v1/images/generations", "openai-images", Operation.IMAGE),
        ("/v1/images/edits/", "openai-images", Operation.IMAGE),
        ("/v1/audio/speech", "openai-audio", Operation.SPEECH),
        (HEARD, "openai-audio", Operation.TRANSCRIPTION),
        ("/v1/audio/translations", "openai-audio", Operation.TRANSCRIPTION),
        ("/v1/moderations", "openai-moderations", Operation.MODERATION),
        ("/v1/organization/usage/images", "openai-state", Operation.STATE),
        ("/v1/organization/usage/moderations", "openai-state", Operation.STATE),
        ("/v1/audio/voices", "openai-state", Operation.STATE),
    ],
)
def test_a_request(target, name, operation):
    request = ask(target, {"model": "m"})
    found = recognise(request, BUILT_IN)
    assert (found.name, found.operation(request), found.model(request)) == (name, operation, "m")
    assert found.generates(request) is (name != "openai-state")
    assert not found.generates(ask(target, {}, b"GET"))
    assert not found.streams(request)


def test_a_form_is_read():
    fields = [("model", b"whisper-1"), ("prompt", b"Names: Ann"), SOUND, ("stream", b"true"), ("model", b"later")]
    request = form(HEARD, *fields)
    assert (AUDIO.model(request), AUDIO.streams(request)) == ("whisper-1", True)
    assert AUDIO.conversation(request).messages == (
        Message("system", (Text("Names: Ann"),)),
        Message("user", (Media("audio", "audio/wav", size=8),)),
    )
    assert IMAGES.conversation(form("/v1/images/edits", ("image", b"PNG", "a.png", "image/png"))).messages == (
        Message("user", (Media("image", "image/png", size=3),)),
    )


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (b"multipart/form-data", b"--x\r\n"),
        (b"multipart/form-data; boundary=x", b"no delimiter"),
        (b"multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="stream"\r\n\r\ntr'),
        (b"multipart/form-data; boundary=" + b"x" * 999, b"--x\r\n"),
        (b"multipart/form-data; boundary=x", b"\r\n--x" * 10_000),
    ],
)
def test_a_broken_form_has_no_fields(kind, body):
    request = ask(HEARD, body, headers=[(b"Content-Type", kind)])
    assert (AUDIO.model(request), AUDIO.streams(request)) == ("", False)
    assert AUDIO.conversation(request).messages == ()


@pytest.mark.parametrize(("text", "found"), [(b"true", True), (b"False", False), (b"1", True), (b"maybe", None)])
def test_yes_and_no(text, found):
    assert forms.flag(form(HEARD, ("stream", text)), "stream") is found


@given(st.binary(max_size=200))
def test_any_form_is_read(body):
    request = ask(HEARD, body, headers=[(b"Content-Type", b"multipart/form-data; boundary=x")])
    assert isinstance(AUDIO.model(request), str)
    assert AUDIO.streams(request) in (True, False)
    assert AUDIO.conversation(request) is not None


# --- embeddings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "texts"),
    [("a", ["a"]), (["a", "b"], ["a", "b"]), ([1, 2], []), ([[1], [2]], []), (None, []), ({"a": 1}, [])],
)
def test_inputs(given, texts):
    found = EMBEDDINGS.conversation(ask("/v1/embeddings", {"input": given}))
    assert [message.text for message in found.messages] == texts


@pytest.mark.parametrize(
    ("embedding", "values"),
    [
        ([0.5, 1], (0.5, 1)),
        (base64.b64encode(struct.pack("<2f", 0.5, -2.0)).decode(), (0.5, -2.0)),
        (base64.b64encode(struct.pack("<f", 0.5) + b"xyz").decode(), (0.5,)),
        ("not base64!", ()),
        ("\u00fc", ()),
        (None, ()),
        ([True, "x", None], ()),
    ],
)
def test_vectors(embedding, values):
    document = {"object": "list", "data": [{"embedding": embedding}], "model": "m", "usage": {"prompt_tokens": 2}}
    expected = Answer((Choice((Vector(values),), Finish.STOP),), model="m", usage=Usage(input=2))
    assert EMBEDDINGS.whole(document) == expected


USED = st.none() | st.builds(Usage, input=st.integers(0, 99), total=st.integers(0, 99))


@pytest.mark.parametrize("encoding", ["float", "base64", None])
@given(answers(vectors(Finish.STOP), model=NAMES, usage=USED))
def test_embeddings_come_back(encoding, answer):
    request = ask("/v1/embeddings", {"input": "x", "encoding_format": encoding})
    assert again(EMBEDDINGS, answer, request) == answer
    is_text = isinstance(orjson.loads(EMBEDDINGS.render(answer, request).body)["data"][0]["embedding"], str)
    assert is_text is (encoding == "base64")


def test_a_number_that_does_not_fit():
    answer = Answer((Choice((Vector((1e300,)),)),))
    assert EMBEDDINGS.render(answer, ask("/v1/embeddings", {}))
    with pytest.raises(CannotRender):
        EMBEDDINGS.render(answer, ask("/v1/embeddings", {"encoding_format": "base64"}))


# --- images ----------------------------------------------------------------------------------------------------------


def test_images_in_a_document():
    data = [{"b64_json": "aGk=", "revised_prompt": "A cat."}, {"url": "https://x/y.png"}]
    used = {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}
    found = IMAGES.whole({"created": 3, "data": data, "output_format": "png", "usage": used})
    assert found.choices[0].parts == (Media("image", "image/png", size=4), Text("A cat."))
    assert found.choices[1].parts == (Media("image", "image/png", "https://x/y.png"),)
    assert (found.created, found.usage) == (3, Usage(5, 7, 12))


def test_images_that_a_request_names():
    body = {
        "prompt": "Red",
        "images": [{"image_url": "https://x/y.png"}, {"file_id": "f"}],
        "input_references": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}],
    }
    found = IMAGES.conversation(ask("/v1/images/edits", body)).messages[0].parts
    assert found == (
        Text("Red"),
        Media("image", source="https://x/y.png"),
        Media("image", source="f"),
        Media("image", "image/png", size=4),
    )


@pytest.mark.parametrize("kind", ["image_generation", "image_edit"])
def test_a_stream_with_drafts(kind):
    draft = {"type": f"{kind}.partial_image", "b64_json": "aGk=", "partial_image_index": 0}
    last = {"type": f"{kind}.completed", "b64_json": "aGk=aGk=", "output_format": "png", "created_at": 4}
    expected = Answer((Choice((Media("image", "image/png", size=8),), Finish.STOP),), created=4)
    assert heard(IMAGES, [(draft["type"], draft), (last["type"], last)]) == expected
    assert heard(IMAGES, [(draft["type"], draft)]) == Answer(complete=False)
    found = heard(IMAGES, [(draft["type"], draft), ("error", {"type": "error", "error": {"message": "no"}})])
    assert (found.error, found.complete) == ("no", False)
    assert IMAGES.ends_with_terminal(b"event: %b.completed\ndata: {}\n\n" % kind.encode())


LINKS = st.builds(
    lambda url, text: Choice((Media("image", source=url), *([Text(text)] if text else [])), Finish.STOP),
    st.sampled_from(["https://x/y.png", "https://x/\u00fc"]),
    st.none() | WORDS,
)


@given(answers(st.lists(LINKS, min_size=1, max_size=3).map(tuple), created=st.integers(0, 2**40), usage=USED))
def test_images_come_back(answer):
    assert again(IMAGES, answer, ask("/v1/images/generations", {"prompt": "x"})) == answer


# --- sounds ----------------------------------------------------------------------------------------------------------


def test_events_of_sounds():
    done = {"type": "speech.audio.done", "usage": {"input_tokens": 3, "output_tokens": 9, "total_tokens": 12}}
    deltas = [("", {"type": "speech.audio.delta", "audio": "aGk="})] * 2
    expected = Answer((Choice((Media("audio", size=8),), Finish.STOP),), usage=Usage(3, 9, 12))
    assert heard(AUDIO, [*deltas, ("", done)]) == expected
    assert not heard(AUDIO, deltas).complete
    found = heard(AUDIO, [("", {"type": "transcript.text.delta", "delta": "Hel"})])
    assert (found.text, found.complete, found.choices[0].finish) == ("Hel", False, Finish.UNKNOWN)


def test_speech_in_a_document():
    assert AUDIO.whole({"audio_data": "aGk="}).choices[0].parts == (Media("audio", size=4),)


def test_speech_is_asked_for():
    request = ask("/v1/audio/speech", {"input": "Hi", "instructions": "Slowly", "stream_format": "sse"})
    assert AUDIO.streams(request)
    said = [(message.role, message.text) for message in AUDIO.conversation(request).messages]
    assert said == [("system", "Slowly"), ("user", "Hi")]


ONE_TEXT = WORDS.map(lambda text: (Choice((Text(text),), Finish.STOP),))


@pytest.mark.parametrize("fields", [(), [("response_format", b"verbose_json")], [("stream", b"true")]])
@given(answers(ONE_TEXT, usage=USED))
def test_a_transcript_comes_back(fields, answer):
    request = form(HEARD, SOUND, *fields)
    assert again(AUDIO, answer, request) == answer


@pytest.mark.parametrize("kind", ["text", "srt", "vtt"])
@given(WORDS)
def test_a_transcript_in_words_comes_back(kind, text):
    answer = Answer((Choice((Text(text),), Finish.STOP),))
    request = form(HEARD, SOUND, ("response_format", kind.encode()))
    try:
        written = AUDIO.render(answer, request)
    except CannotRender:
        assert kind != "text" or spoken_in(text) != text
        return
    assert written.content_type.startswith(b"text/plain")
    assert AUDIO.whole(written.body.decode()).text == text


SRT = "1\n00:00:00,000 --> 00:00:01,500\nHello\n\n2\n00:00:01,500 --> 00:00:02,000\nthere,\nyou\n\n"
VTT = "WEBVTT\n\nNOTE made by hand\n\n00:00.000 --> 00:01.500\nHello\n\n2\n00:01.500 --> 00:02.000 align:start\nthere\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SRT, "Hello there,\nyou"),
        (SRT.replace("\n", "\r\n"), "Hello there,\nyou"),
        (VTT, "Hello there\n".strip()),
        ("Just words.\n", "Just words."),
        ("1\nnot a cue", "1\nnot a cue"),
        ("WEBVTT", ""),
        ("", ""),
    ],
)
def test_subtitles(text, words):
    assert spoken_in(text) == words


@pytest.mark.parametrize("write", [as_srt, as_vtt])
@pytest.mark.parametrize("text", ["a\n\nb", "a --> b", "a\r\nb", "\n"])
def test_what_no_subtitle_holds(write, text):
    with pytest.raises(CannotRender):
        write(text)


def test_words_that_look_like_subtitles():
    answer = Answer((Choice((Text("WEBVTT is a format"),), Finish.STOP),))
    with pytest.raises(CannotRender):
        AUDIO.render(answer, form(HEARD, SOUND, ("response_format", b"text")))


# --- moderations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("a", ["a"]),
        (["a", "b"], ["a", "b"]),
        ([{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "u"}}], ["a"]),
        (5, []),
    ],
)
def test_what_is_moderated(given, said):
    found = MODERATIONS.conversation(ask("/v1/moderations", {"input": given}))
    assert [message.text for message in found.messages] == said


def test_results():
    results = [{"flagged": True, "categories": {"hate": True, "violence": False}}, {"flagged": False}]
    found = MODERATIONS.whole({"id": "i", "model": "m", "results": results})
    flagged = Choice((Other("hate"),), Finish.STOP, "flagged")
    assert found == Answer((flagged, Choice((), Finish.STOP, "clear")), id="i", model="m")


FLAGS = st.lists(st.sampled_from(CATEGORIES), unique=True).map(
    lambda names: Choice(tuple(map(Other, names)), Finish.STOP, "flagged" if names else "clear")
)


@given(answers(st.lists(FLAGS, max_size=3).map(tuple), id=NAMES, model=NAMES))
def test_moderations_come_back(answer):
    assert again(MODERATIONS, answer, ask("/v1/moderations", {"input": "x"})) == answer


@pytest.mark.parametrize(
    ("dialect", "request_", "answer"),
    [
        (EMBEDDINGS, ask("/v1/embeddings", {}), Answer((Choice((Text("x"),)),))),
        (IMAGES, ask("/v1/images/generations", {}), Answer((Choice((Media("image", size=4),)),))),
        (IMAGES, ask("/v1/images/generations", {"stream": True}), Answer()),
        (AUDIO, ask("/v1/audio/speech", {}), Answer((Choice((Text("x"),)),))),
        (AUDIO, form(HEARD), Answer((Choice((ToolCall("", "f", ""),)),))),
        (AUDIO, form(HEARD), Answer()),
        (MODERATIONS, ask("/v1/moderations", {}), Answer((Choice((Text("x"),)),))),
        (MODERATIONS, ask("/v1/moderations", {}), Answer((), error="no")),
    ],
)
def test_what_there_are_no_words_for(dialect, request_, answer):
    with pytest.raises(CannotRender):
        dialect.render(answer, request_)
