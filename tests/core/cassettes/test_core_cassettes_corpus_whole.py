"""Every recording of the corpus, written as vcrpy, HAR and mitmproxy write and read again: equal.

What each of the three cannot say stands here, and how often it is so.
"""

from collections import Counter

import pytest
import recorded
from har_schemas import faults
from whole_exchanges import file_of

from proxy_daemon.core.cassettes import foreign_text, vcrpy_writing
from proxy_daemon.core.cassettes.foreign_text import plain_body
from proxy_daemon.core.cassettes.formats import read
from proxy_daemon.core.cassettes.har.writing import CODING
from proxy_daemon.core.cassettes.mitmproxy import writing as mitmproxy_writing
from proxy_daemon.core.cassettes.whole_exchange import NOT_KNOWN, NOT_OWN, PIECES
from proxy_daemon.core.cassettes.writers import writer_named
from proxy_daemon.core.messages import Ending, Recording, Unknown

MOST = 1 << 30
LEFT_OUT = foreign_text.LEFT_OUT
NOT_WHOLE = f"{LEFT_OUT}its answer is not whole"
STREAMS_ALONE = {f"{LEFT_OUT}{NOT_KNOWN}": 55}  # bare streams: files without a request


@pytest.fixture(scope="module", autouse=True)
def corpus():
    recorded.needed()


def written(name):
    """(file, what was recorded, what is read of it) of each that is in a file; and the losses of all, counted."""
    writer, losses, pairs = writer_named(name), Counter(), []
    for file in recorded.files():
        given = [one for one in file.entries if isinstance(one, Recording)]
        made = [writer.entry(one) for one in given]
        losses.update(loss for one in made for loss in one.losses)
        kept = [one for one, entry in zip(given, made, strict=True) if entry.text]
        found = list(read(f"c{writer.suffix}", file_of(writer, *kept))) if kept else []
        pairs += [(file.name, *pair) for pair in zip(kept, found, strict=True)]
    return pairs, losses


def members(one):
    """All that a file tells of a recording."""
    return {
        "method": one.request.method,
        "target": one.request.target,
        "upstream": one.upstream,
        "request fields": one.request.headers.pairs,
        "request body": one.request.body.whole(),
        "status": (one.status, one.response.head.status, one.response.head.reason),
        "fields": one.response.head.headers.pairs,
        "body": one.response.body.whole(),
        "trailers": one.response.trailers.pairs,
        "started": one.started,
        "duration": one.duration,
        "head time": one.head_time,
        "pieces": (list(one.response.pieces.sizes), list(one.response.pieces.times)),
        "ending": (one.ending, one.detail, one.cut),
    }


def differing(pairs):
    """How often each of these is another one."""
    count = Counter()
    for _, one, found in pairs:
        there, here = members(found), members(one)
        count.update(name for name in here if there[name] != here[name])
    return count


def test_vcrpy():
    pairs, losses = written("vcrpy")
    assert losses == Counter(
        {
            **STREAMS_ALONE,
            NOT_WHOLE: 1,
            NOT_OWN: 1002,
            vcrpy_writing.DURATION: 284,
            PIECES: 24,
            vcrpy_writing.NO_BODY: 1,
        }
    )
    assert (len(pairs), differing(pairs)) == (2415, Counter({"duration": 284, "pieces": 32}))  # 8 are of one piece


def test_har():
    pairs, losses = written("har")
    assert losses == Counter({**STREAMS_ALONE, CODING: 395})
    assert (len(pairs), differing(pairs)) == (2416, Counter({"body": 395, "fields": 395, "pieces": 32}))
    for name, one, found in pairs:
        lost = one.unknown ^ found.unknown
        assert plain_body(found.response, MOST) == plain_body(one.response, MOST), name
        assert lost <= {Unknown.RESPONSE_OCTETS}, name
        assert bool(lost) <= (one.response.body.whole() != found.response.body.whole()), name
        assert bool(one.response.pieces.sizes) == bool(found.response.pieces.sizes), name


def test_mitmproxy():
    pairs, losses = written("mitmproxy")
    assert losses == Counter(
        {**STREAMS_ALONE, NOT_OWN: 1003, mitmproxy_writing.DURATION: 205, PIECES: 24, mitmproxy_writing.CUT: 1}
    )
    assert (len(pairs), differing(pairs)) == (2416, Counter({"duration": 205, "pieces": 32, "ending": 1}))
    assert [found.ending for _, one, found in pairs if one.cut] == [Ending.BROKEN_OFF]


def test_the_har_of_a_part_of_the_corpus_is_valid():
    exchanges = [one for _, _, one in recorded.exchanges()][::9]
    data = file_of(writer_named("har"), *exchanges)
    assert faults(data) == []
    assert len(exchanges) > 250


@pytest.mark.parametrize("name", ["vcrpy", "har", "mitmproxy"])
def test_what_was_read_is_written_the_same_again(name):
    """The second way through a format loses nothing."""
    for file in recorded.files()[::5]:
        given = [one for one in file.entries if isinstance(one, Recording) and not one.cut]
        once = file_of(writer_named(name), *given)
        if once != writer_named(name).empty:
            found = list(read(f"c{writer_named(name).suffix}", once))
            twice = list(read(f"c{writer_named(name).suffix}", file_of(writer_named(name), *found)))
            assert [members(one) for one in twice] == [members(one) for one in found], file.name
