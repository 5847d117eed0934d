"""Images, sounds and vectors as each API writes them: what is read again is the answer, and the octets are those given.

What an answer does not hold is not made up: it is `CannotRender`.
"""

import base64

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_saying import items
from others_saying import COUNTS, NAMES, WORDS, again, answers, ask, form, vectors

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.conversation import Answer, Choice, Finish, Media, Other, Text, ToolCall, Usage, Vector
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.dialect import CannotRender
from proxy_daemon.core.dialects.media import in_base64, octets_of, only, subtype_of
from proxy_daemon.core.dialects.openai.audio import OpenAIAudio
from proxy_daemon.core.dialects.openai.images import OpenAIImages
from proxy_daemon.core.dialects.reading import read_answer
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Response, ResponseHead

IMAGES, AUDIO = OpenAIImages(), OpenAIAudio()
MADE, EDITED, SPOKEN, HEARD = (
    "/v1/images/generations",
    "/v1/images/edits",
    "/v1/audio/speech",
    "/v1/audio/transcriptions",
)
OCTETS = st.binary(min_size=1, max_size=200)
USED = st.none() | st.builds(Usage, input=COUNTS, output=COUNTS, total=COUNTS)


def picture(octets, kind="image/png"):
    return Media("image", kind, size=len(base64.b64encode(octets)), data=octets)


def by(request):
    return recognise(request, BUILT_IN)


def drawn(octets, kind, *parts):
    return Choice((picture(octets, kind), *parts), Finish.STOP)


@st.composite
def galleries(draw, words=True):
    """Images of one format; some with the prompt as it was changed."""
    kind = draw(st.sampled_from(["", "image/png", "image/svg+xml"]))
    texts = st.lists(WORDS.map(Text), max_size=1) if words else st.just([])
    found = draw(st.lists(st.tuples(OCTETS, texts), min_size=1, max_size=3))
    return tuple(drawn(octets, kind, *said) for octets, said in found)


# --- OpenAI's images -------------------------------------------------------------------------------------------------


@given(answers(galleries(), id=st.just("") | NAMES, model=st.just("") | NAMES, created=COUNTS, usage=USED))
def test_images_in_base64_come_back(answer):
    request = ask(MADE, {"prompt": "x"})
    assert again(IMAGES, answer, request) == answer
    data = orjson.loads(IMAGES.render(answer, request).body)["data"]
    assert [base64.b64decode(each["b64_json"]) for each in data] == [each.parts[0].data for each in answer.choices]


@pytest.mark.parametrize(("target", "kind"), [(MADE, "image_generation"), (EDITED, "image_edit")])
@given(answers(galleries(words=False), created=COUNTS, usage=USED))
def test_a_stream_of_images_comes_back(target, kind, answer):
    request = ask(target, {"prompt": "x", "stream": True})
    assert again(IMAGES, answer, request) == answer
    rendered = IMAGES.render(answer, request)
    assert IMAGES.ends_with_terminal(rendered.body)
    told = [data for name, data in items(rendered.body) if name == data["type"] == f"{kind}.completed"]
    assert [base64.b64decode(each["b64_json"]) for each in told] == [each.parts[0].data for each in answer.choices]


def test_a_form_asks_for_a_stream():
    request = form(EDITED, ("image", b"PNG", "a.png", "image/png"), ("stream", b"true"))
    answer = Answer((drawn(b"xyz", ""),), created=0)
    assert again(IMAGES, answer, request) == answer


def test_an_image_with_octets_and_a_url_has_both():
    image = Media("image", "", "https://x/y.png", 4, b"xyz")
    (told,) = orjson.loads(IMAGES.render(Answer((Choice((image,)),)), ask(MADE, {})).body)["data"]
    assert told == {"b64_json": "eHl6", "url": "https://x/y.png"}


# --- OpenAI's sounds -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form_", "stated", "kind"),
    [
        (None, "", "audio/mpeg"),
        ("mp3", "", "audio/mpeg"),
        ("wav", "", "audio/wav"),
        ("pcm", "", "audio/pcm"),
        ("x\r\ny", "", "audio/mpeg"),
        ("mp3", "audio/opus", "audio/opus"),
    ],
)
@given(OCTETS.map(b"ID3".__add__))  # what begins like zstd or gzip is taken for that by whoever reads recordings
def test_speech_is_octets(form_, stated, kind, octets):
    request = ask(SPOKEN, {"input": "x", "response_format": form_})
    rendered = AUDIO.render(Answer((Choice((Media("audio", stated, data=octets),)),)), request)
    assert (rendered.content_type, rendered.body) == (kind.encode(), octets)
    head = ResponseHead(200, b"", Headers([(b"Content-Type", rendered.content_type)]))
    found, problem = read_answer(AUDIO, request, Response(head, Bytes(rendered.body)))
    assert (found, problem) == (Answer((Choice((Media("audio", kind, size=len(octets)),)),)), "")


@pytest.mark.parametrize("size", [1, 2, 3, 24_575, 24_576, 24_577, 60_000])
@given(OCTETS, USED)
def test_speech_as_events_comes_back(size, octets, usage):
    octets = (octets * size)[:size]
    sound = Media("audio", size=len(base64.b64encode(octets)), data=octets)
    answer = Answer((Choice((sound,), Finish.STOP),), usage=usage)
    request = ask(SPOKEN, {"input": "x", "stream_format": "sse"})
    assert again(AUDIO, answer, request) == answer
    rendered = AUDIO.render(answer, request)
    assert AUDIO.ends_with_terminal(rendered.body)
    deltas = [data for _, data in items(rendered.body) if data["type"] == "speech.audio.delta"]
    assert base64.b64decode("".join(each["audio"] for each in deltas)) == octets
    assert all(base64.b64decode(each["audio"]) for each in deltas)


@pytest.mark.parametrize(
    ("target", "kind", "more"),
    [
        (HEARD, "verbose_json", {"task": "transcribe", "language": "", "duration": 0.0, "segments": []}),
        (
            "/v1/audio/translations",
            "verbose_json",
            {"task": "translate", "language": "", "duration": 0, "segments": []},
        ),
        (HEARD, "diarized_json", {"task": "transcribe", "duration": 0.0, "segments": []}),
        (HEARD, "json", {}),
        (HEARD, "", {}),
    ],
)
def test_forms_of_a_transcript(target, kind, more):
    answer = Answer((Choice((Text("Hello"),), Finish.STOP),), usage=Usage(1, 2, 3))
    request = form(target, ("response_format", kind.encode()))
    assert again(AUDIO, answer, request) == answer
    told = orjson.loads(AUDIO.render(answer, request).body)
    used = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    assert told == {"text": "Hello", "usage": used, **more}


# --- all APIs --------------------------------------------------------------------------------------------------------

IMAGEN = "/v1/projects/p/locations/l/publishers/google/models/imagen-3:predict"
GEMINI = "/v1beta/models/m:"
CANVAS = "/model/amazon.nova-canvas-v1:0/invoke"


@given(OCTETS, st.sampled_from(["image/png", "audio/wav", "video/mp4", "application/pdf"]), WORDS)
def test_gemini_writes_media_inline_and_by_uri(octets, kind, text):
    main = kind.partition("/")[0]
    of = main if main != "application" else "file"
    inline = Media(of, kind, size=len(base64.b64encode(octets)), data=octets)
    linked = Media(of, kind, "https://x/y")
    answer = Answer((Choice((Text(text), inline, linked), Finish.STOP, "STOP"),), model="m")
    for verb in ("generateContent", "streamGenerateContent", "streamGenerateContent?alt=sse"):
        request = ask(GEMINI + verb, {})
        assert again(by(request), answer, request) == answer
        assert base64.b64encode(octets) in by(request).render(answer, request).body


@given(st.lists(OCTETS, max_size=3))
def test_imagens_images_come_back(found):
    answer = Answer(tuple(Choice((picture(octets),)) for octets in found))
    request = ask(IMAGEN, {})
    assert again(by(request), answer, request) == answer


@given(st.lists(OCTETS, min_size=1, max_size=3))
def test_bedrocks_images_come_back(found):
    answer = Answer(tuple(Choice((picture(octets, ""),)) for octets in found))
    request = ask(CANVAS, {})
    assert again(by(request), answer, request) == answer


VECTORS = [
    ("/v1/embeddings", Finish.STOP),
    ("/openai/deployments/d/embeddings", Finish.STOP),
    ("/api/v1/embeddings", Finish.STOP),
    (GEMINI + "batchEmbedContents", Finish.UNKNOWN),
    ("/v1/projects/p/locations/l/publishers/google/models/text-embedding-5:predict", Finish.UNKNOWN),
    ("/model/cohere.embed-english-v3/invoke", Finish.UNKNOWN),
    ("/api/embed", Finish.STOP),
    ("/v2/embed", Finish.STOP),
    ("/embed", Finish.STOP),
    ("/api/v1/services/embeddings/text-embedding/text-embedding", Finish.STOP),
]


@pytest.mark.parametrize(("target", "finish"), VECTORS)
@given(data=st.data())
def test_vectors_come_back(target, finish, data):
    answer = Answer(data.draw(vectors(finish)))
    request = ask(target, {"inputs": "x"})
    assert again(by(request), answer, request).choices == answer.choices


@pytest.mark.parametrize(("target", "finish"), VECTORS)
@pytest.mark.parametrize(
    "parts",
    [(), (Text("x"),), (Vector((1.0,)), Text("x")), (Vector((1.0,)),) * 2, (Vector((float("nan"),)),)],
    ids=["nothing", "text", "both", "two", "nan"],
)
def test_an_embedding_is_one_vector_of_numbers(target, finish, parts):
    request = ask(target, {"inputs": "x"})
    with pytest.raises(CannotRender):
        by(request).render(Answer((Choice((Vector((1.0,)),), finish), Choice(parts, finish))), request)


AZURE = "/openai/deployments/d"


@pytest.mark.parametrize(
    ("target", "body", "choice"),
    [
        ("/images/generations", {}, drawn(b"xyz", "image/png")),
        ("/images/generations", {}, Choice((Media("image", source="https://x/y"),), Finish.STOP)),
        ("/images/generations", {"stream": True}, drawn(b"xyz", "image/png")),
        ("/audio/transcriptions", {}, Choice((Text("Hello"),), Finish.STOP)),
        ("/audio/transcriptions", {"stream": True}, Choice((Text("Hello"),), Finish.STOP)),
        ("/audio/transcriptions", {"response_format": "text"}, Choice((Text("Hello"),), Finish.STOP)),
        ("/audio/speech", {"stream_format": "sse"}, Choice((Media("audio", "", "", 4, b"xyz"),), Finish.STOP)),
        ("/moderations", {}, Choice((Other("violence"),), Finish.STOP, "flagged")),
        ("/moderations", {}, Choice((), Finish.STOP, "clear")),
    ],
)
def test_a_family_reads_what_its_members_write(target, body, choice):
    request = ask(AZURE + target, body)
    assert by(request).name == "azure"
    assert again(by(request), Answer((choice,)), request).choices == (choice,)


IMAGE, SOUND = picture(b"xyz"), Media("audio", data=b"xyz")


@pytest.mark.parametrize(
    ("target", "body", "choices"),
    [
        (MADE, {}, [(IMAGE, IMAGE)]),
        (MADE, {}, [(IMAGE, ToolCall("", "f", ""))]),
        (MADE, {}, [(SOUND,)]),
        (MADE, {}, [()]),
        (MADE, {}, [(IMAGE,), (picture(b"xyz", "image/webp"),)]),
        (MADE, {}, [(picture(b"xyz", "application/pdf"),)]),
        (MADE, {"stream": True}, []),
        (MADE, {"stream": True}, [(IMAGE, Text("x"))]),
        (MADE, {"stream": True}, [(Media("image", source="https://x/y"),)]),
        (SPOKEN, {}, [(Media("audio", size=4),)]),
        (SPOKEN, {}, [(Media("audio", "audio/x\r\ny", data=b"xyz"),)]),
        (SPOKEN, {}, [(SOUND, Text("x"))]),
        (SPOKEN, {}, [(SOUND,), (SOUND,)]),
        (SPOKEN, {}, []),
        (SPOKEN, {"stream_format": "sse"}, [(IMAGE,)]),
        (HEARD, {}, [(SOUND,)]),
        (GEMINI + "generateContent", {}, [(Media("image", "image/png", size=4),)]),
        (GEMINI + "generateContent", {}, [(Media("image", "text/plain", "https://x/y"),)]),
        (GEMINI + "countMe", {}, [(Text("x"),)]),
        (IMAGEN, {}, [(IMAGE, Text("x"))]),
        (IMAGEN, {}, [(Text("x"),)]),
        (CANVAS, {}, [(Text("x"),)]),
        (CANVAS, {}, []),
        (CANVAS, {}, [(IMAGE, IMAGE)]),
        ("/model/amazon.titan-embed-text-v2:0/invoke", {}, [(Text("x"),)]),
        ("/v1/chat/completions", {"model": "m", "messages": []}, [(IMAGE,)]),
        ("/v1/responses", {"model": "m"}, [(IMAGE,)]),
        ("/v1/messages", {}, [(IMAGE,)]),
        ("/api/chat", {"messages": []}, [(IMAGE,)]),
        ("/v2/chat", {"messages": []}, [(IMAGE,)]),
    ],
)
def test_what_no_medium_can_be_written_for(target, body, choices):
    request = ask(target, body)
    with pytest.raises(CannotRender):
        by(request).render(Answer(tuple(Choice(parts, Finish.STOP) for parts in choices)), request)


def test_an_answer_that_was_read_holds_no_octets():
    request = ask(MADE, {})
    read = again(IMAGES, Answer((drawn(b"xyz", ""),), created=0), request)
    assert read.choices[0].parts[0].data == b""
    with pytest.raises(CannotRender, match="does not hold them"):
        IMAGES.render(read, request)


@pytest.mark.parametrize(
    "stated", ["image", "image/", "image/a b", "audio/wav", "image/a;b=c", "/png", "image/" + "a" * 128]
)
def test_media_types_that_are_none(stated):
    with pytest.raises(CannotRender):
        subtype_of(Media("image", stated))


def test_the_parts_of_media():
    assert only(Choice((Text("x"), IMAGE)), "image") is IMAGE
    assert (octets_of(IMAGE), in_base64(IMAGE), subtype_of(IMAGE)) == (b"xyz", "eHl6", "png")
    assert "xyz" not in repr(IMAGE)


@pytest.mark.parametrize("target", [HEARD, AZURE + "/audio/transcriptions"])
@pytest.mark.parametrize(("status", "error", "words"), [(502, "upstream is away", []), (200, "", ["upstream is away"])])
def test_the_words_of_an_error_are_no_transcript(target, status, error, words):
    request = ask(target, {"response_format": "text"})
    head = ResponseHead(status, b"", Headers([(b"Content-Type", b"text/plain")]))
    found, _ = read_answer(by(request), request, Response(head, Bytes(b"upstream is away\n")))
    assert (found.error, [choice.text for choice in found.choices]) == (error, words)
