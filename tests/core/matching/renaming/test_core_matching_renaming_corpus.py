"""Over all recorded traffic: the ids in each answer are renamed, in every framing and coding, and nothing else is.

No recorded answer repeats an id of its request as a whole string, but some have its id "0" as a word. So each answer
gets a request that brings the answer's own ids back. The judge is a plain replacing of quoted ids in the decoded body.
"""

import json
import os
import re
from functools import lru_cache

import corpus
import pytest
from attrs import evolve
from renaming_shapes import CHAT, asking, body_of, recorded

from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.matching.counting.ids import ids_in
from proxy_daemon.core.matching.renaming.renaming import renamed
from proxy_daemon.core.messages import Request
from proxy_daemon.core.wire.coding import CodingError
from proxy_daemon.core.wire.event_stream import EventStreamReader, begins_event_stream
from proxy_daemon.core.wire.uncoding import Uncoder

LEAST = {"requests with ids": 300, "answers": 1000, "streams": 200, "coded": 50}
MOST_IDS = 40
_ID = re.compile(rb'"(?:[a-z_]*_)?(?:id|Id)"\s*:\s*"([A-Za-z0-9_.-]{8,60})"')

pytestmark = pytest.mark.skipif(
    bool(corpus.missing()) and not os.environ.get("LLMPROXY_REQUIRE_ALL"), reason="no corpus"
)


@lru_cache(maxsize=1)
def interactions():
    return list(corpus.interactions())


def plain(response):
    """The decoded body; None where it is damaged."""
    uncoder = Uncoder(b",".join(response.head.headers.all(b"content-encoding")), 0)
    try:
        return uncoder.piece(response.body.whole()) + uncoder.end()
    except CodingError:
        return None


def replaced(octets, ids, other):
    for old, new in zip(ids, other, strict=True):
        octets = octets.replace(json.dumps(old).encode(), json.dumps(new).encode())
    return octets


def texts(octets):
    """What is judged: payloads of frames, whose checksums are others."""
    if not begins_event_stream(octets):
        return [octets]
    reader = EventStreamReader()
    frames = [frame.data for frame in reader.feed(octets)]
    reader.end()
    return frames


def test_recorded_words_are_not_taken_for_ids():
    count = 0
    for each in interactions():
        dialect = recognise(each.request, BUILT_IN)
        ids = ids_in(each.request.json, dialect)
        if not ids:
            continue
        count += 1
        recording = evolve(recorded(b""), request=asking(*ids), response=each.response)
        live = asking(*[f"live_{number:09d}" for number in range(len(ids))])
        assert renamed(recording, live, CHAT) is recording, (each.file, each.index)
    assert count >= LEAST["requests with ids"]


def test_each_answer():
    counts = dict.fromkeys(LEAST, 0)
    for each in interactions():
        old = plain(each.response)
        ids = [one.decode() for one in dict.fromkeys(_ID.findall(old or b""))][:MOST_IDS]
        if old is None or not ids or (begins_event_stream(old) and b'"bytes"' in old):
            continue
        if old.startswith(b" data:"):  # two recordings begin so: no field of an event, so no client reads that line
            continue
        other = [f"live_{number:09d}" for number in range(len(ids))]
        streams = recognise(each.request, BUILT_IN).streams(each.request)
        request, live = asking(*ids, stream=streams), asking(*other, stream=streams)
        recording = evolve(recorded(b""), request=request, response=each.response)
        there = renamed(recording, live, CHAT)
        assert texts(body_of(there)) == [replaced(one, ids, other) for one in texts(old)], (each.file, each.index)
        back = renamed(evolve(there, request=live), request, CHAT)
        assert body_of(back) == old, (each.file, each.index)
        counts["answers"] += 1
        counts["streams"] += streams
        counts["coded"] += b"content-encoding" in each.response.head.headers
    print(counts)
    assert all(counts[name] >= least for name, least in LEAST.items() if name != "requests with ids")


def test_the_request_is_what_brings_ids():
    """Not the answer: without a request's ids nothing is ever renamed."""
    for each in interactions():
        recording = evolve(recorded(b""), request=Request(b"POST", b"/"), response=each.response)
        assert renamed(recording, asking("live_1"), CHAT) is recording
