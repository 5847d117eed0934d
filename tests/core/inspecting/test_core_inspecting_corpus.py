"""The traffic of others in every view: no exception, no error, and the chat's text is the assembled text."""

from array import array
from itertools import groupby, pairwise

import corpus
import orjson
import pytest
from attrs import evolve
from recorded import needed

from proxy_daemon.core.conversation import Text
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.reading import read_answer
from proxy_daemon.core.inspecting.differences import difference
from proxy_daemon.core.inspecting.inline import inline, media_of
from proxy_daemon.core.inspecting.media import media_view
from proxy_daemon.core.inspecting.opened import opened
from proxy_daemon.core.inspecting.summary import summary
from proxy_daemon.core.inspecting.told import told_of
from proxy_daemon.core.inspecting.views import view
from proxy_daemon.core.messages import Ending, Outcome, Pieces, Recording
from proxy_daemon.core.upstreams import parse_upstream

VIEWS = (
    ("chat", {}),
    ("stream", {}),
    ("copy", {"as": "curl"}),
    ("copy", {"as": "python"}),
    ("copy", {"as": "javascript"}),
    *((side, {"form": form}) for side in ("request", "response") for form in ("pretty", "raw", "hex")),
)


@pytest.fixture(scope="module")
def found():
    """(interaction, its recording, what was read of it), each once."""
    needed()
    return [(one, recording, opened(recording)) for one, recording in map(_recorded, corpus.interactions())]


def _recorded(one):
    size = one.response.body.size
    pieces = Pieces(array("Q", [size // 2, size - size // 2]), array("Q", [10, 20]))
    return one, Recording(
        one.index + 1,
        one.request,
        evolve(one.response, pieces=pieces),
        parse_upstream(one.host),
        Ending.COMPLETE,
        Outcome.LIVE,
        1.0,
        status=one.response.head.status,
    )


def test_every_interaction_opens_in_every_view(found):
    assert len(found) > 2000
    for one, recording, read in found:
        for name, given in VIEWS:
            told = view(read, name, given)
            assert told is not None, (one.file, one.index, name)
            orjson.dumps(told)
        orjson.dumps(summary(recording, told=told_of(read)))


def test_the_text_of_the_chat_is_the_assembled_text(found):
    words = 0
    for one, recording, read in found:
        dialect = recognise(recording.request, BUILT_IN)
        answer, _ = read_answer(dialect, read.recording.request, read.recording.response)
        told = view(read, "chat", {})["answer"]
        texts = [
            "".join(part["text"] for part in choice["parts"] if part["type"] == "Text") for choice in told["choices"]
        ]
        assert texts == [choice.text for choice in answer.choices], (one.file, one.index)
        assert [len(choice["parts"]) for choice in told["choices"]] == [len(each.parts) for each in answer.choices]
        words += sum(map(len, texts))
    assert words > 100_000


def test_the_words_of_a_stream_are_the_text_of_its_answer(found):
    """But for APIs of which it is not known where their words stand, and runs whose tools' code comes first."""
    equal = others = 0
    for one, _, read in found:
        told = view(read, "stream", {"limit": 2000})
        parts = read.answer.choices[0].parts if len(read.answer.choices) == 1 else ()
        if not told["framing"] or told["next"] is not None or not all(type(part) is Text for part in parts):
            continue
        words = "".join(each["words"] for each in told["events"])
        if not parts or not words or read.dialect.name == "openai-state":
            others += bool(parts)
            continue
        equal += 1
        assert words == read.answer.text, (one.file, one.index, read.dialect.name)
    assert equal > 200
    assert others < 10


def test_every_inline_medium_is_found(found):
    media = 0
    for one, _, read in found:
        wanted = [*inline(read.conversation), *inline(read.answer)]
        octets = media_of(read)
        assert len(octets) == len(wanted)
        for number, (part, data) in enumerate(zip(wanted, octets, strict=True)):
            assert data, (one.file, one.index, part)
            assert media_view(read, number) is not None
            media += 1
    assert media > 100


def test_what_is_pretty_says_the_same(found):
    for one, _, read in found:
        told = view(read, "request", {"form": "pretty", "limit": 1024 * 1024})
        if told["kind"] != "json" or told["next"] is not None or told["problem"]:
            continue
        assert orjson.loads(told["text"]) == orjson.loads(read.recording.request.body.whole()), (one.file, one.index)


def test_each_differs_from_the_next_of_its_file_in_some_way_that_can_be_told(found):
    for _, group in groupby(found, key=lambda each: each[0].file):
        reads = [read for *_, read in group][:3]
        for old, new in pairwise(reads):
            told = difference(old, new)
            assert told["problem"] == ""
            orjson.dumps(told)
