"""What others have recorded, written as talks and read again: each says the same, or what it does not say is told."""

import pytest
from attrs import evolve
from markdown_talks import answer, asked, one, plain, plain_parts, said, unnamed
from recorded import exchanges, needed

from proxy_daemon.core.conversation import Media, Message
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.reading import read_answer
from proxy_daemon.core.talk import writing
from proxy_daemon.core.talk.parts_writing import LARGE_MEDIA
from proxy_daemon.core.talk.quoting import literal_part
from proxy_daemon.core.talk.writing import LOSSES, entry


@pytest.fixture(scope="module")
def corpus_talks():
    """(recording, entry, what is read of it) of each that is a conversation."""
    needed()
    found = [(each, entry(each)) for _, _, each in exchanges()]
    return [(each, written, one(written.text)) for each, written in found if written.text]


def test_the_corpus_is_written(corpus_talks):
    assert len(corpus_talks) > 1500
    assert len({each.request.path for each, _, _ in corpus_talks}) > 100


def test_each_says_the_same(corpus_talks):
    """What is compared with requests: all that was asked."""
    for recording, written, found in corpus_talks:
        theirs, ours = plain(asked(recording)), plain(said(found).messages)
        if LARGE_MEDIA in written.losses:
            theirs, ours = map(_without_media, (theirs, ours))
        assert _meant(ours) == theirs, recording.request.path


def _without_media(given):
    return [Message(each.role, tuple(part for part in each.parts if not isinstance(part, Media))) for each in given]


def _meant(given):
    return [Message(each.role, tuple(map(literal_part, each.parts))) for each in given]


def test_each_asks_for_the_same_model_and_tools(corpus_talks):
    own = 0
    for recording, _, found in corpus_talks:
        dialect, other = (recognise(each.request, BUILT_IN) for each in (recording, found))
        assert dialect.model(recording.request) == found.model == other.model(found.request)
        if dialect.name == other.name:
            own += 1
            theirs, ours = (dialect.conversation(each.request) for each in (recording, found))
            assert theirs.tools == ours.tools
    assert own > 1200


def test_each_answers_the_same(corpus_talks):
    for recording, written, found in corpus_talks:
        dialect = recognise(recording.request, BUILT_IN)
        theirs, _ = read_answer(dialect, recording.request, recording.response)
        ours = answer(found)
        if recording.status >= 400:
            assert (found.status, ours.error) == (recording.status, theirs.error)
            continue
        if not {writing.OWN_TOOLS, writing.MISSING} & set(written.losses):
            assert _unnamed(ours) == _unnamed(theirs), recording.request.path
        if writing.ENDING not in written.losses:
            assert [each.finish for each in ours.choices] == [each.finish for each in theirs.choices]
        if writing.ASKED not in written.losses:
            assert plain(asked(found)) == plain(asked(recording))
        if writing.CARRIED not in written.losses:
            assert ours.usage == theirs.usage


def _unnamed(given):
    """Without what was made for it: ids, and the type of a sound that was not stated."""
    return [
        [evolve(part, media_type="") if isinstance(part, Media) else part for part in unnamed(plain_parts(each.parts))]
        for each in given.choices
    ]


def test_all_losses_are_listed(corpus_talks):
    assert {loss for _, written, _ in corpus_talks for loss in written.losses} <= set(LOSSES)


def test_what_was_read_is_written_as_the_same_octets(corpus_talks):
    for _, _, found in corpus_talks[::7]:
        text = entry(found).text
        assert entry(one(text)).text == text
