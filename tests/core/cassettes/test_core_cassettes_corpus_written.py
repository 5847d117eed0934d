"""Every recording of the corpus, written as promptecho and asgi-replay write and read again: the same answer.

What a format cannot say is left out with its reason; how many are is known.
"""

import json
from collections import Counter

import pytest
import recorded

from proxy_daemon.core.cassettes.asgi_replay_writing import AsgiReplayText
from proxy_daemon.core.cassettes.foreign_text import plain_body, text
from proxy_daemon.core.cassettes.formats import read
from proxy_daemon.core.cassettes.json_text import NotJson, load
from proxy_daemon.core.cassettes.promptecho.normal import NotNormal, normal
from proxy_daemon.core.cassettes.promptecho.writing import PromptechoText
from proxy_daemon.core.matching.counting.promptecho import RAW
from proxy_daemon.core.messages import Recording
from proxy_daemon.core.wire.coding import CodingError

MOST = 1 << 30
NEITHER = ["left out: its status is none of an answer"] * 55 + ["left out: its answer is not whole"]


@pytest.fixture(scope="module", autouse=True)
def corpus():
    recorded.needed()


def written(form, name):
    """(what was recorded, what is read of it) of each that is in the file; then those that are not, by their reason."""
    for file in recorded.files():
        given = [one for one in file.entries if isinstance(one, Recording)]
        made = text(form, given)
        losses = {loss.entry: loss.what for loss in made.losses if loss.what.startswith("left out: ")}
        kept = [one for number, one in enumerate(given) if number not in losses]
        found = list(read(name, made.text)) if kept else []
        assert len(found) == len(kept), file.name
        yield file.name, list(zip(kept, found, strict=True)), Counter(losses.values())


def decoded(recording):
    try:
        return plain_body(recording.response, MOST)
    except CodingError:
        return None


def same(one, other):
    if one == other:
        return True
    try:
        return load(one) == load(other)
    except NotJson:
        return False


def test_promptecho():
    count, left_out = 0, Counter()
    for name, pairs, losses in written(PromptechoText(), "c.yaml"):
        left_out += losses
        for one, found in pairs:
            assert found.status == one.response.head.status, name
            assert one.request.method == b"HEAD" or same(decoded(found), decoded(one)), name
            assert (found.request.method, found.request.target) == (one.request.method, one.request.target), name
            assert same_request(one, found), name
            count += 1
    assert (count, left_out) == (2414, Counter([*NEITHER, "left out: its request is not known"]))


def same_request(one, found):
    """By the shape that promptecho gives it; a hash tells nothing."""
    try:
        body = normal(one.upstream.host, one.request.body.whole())
    except NotNormal:
        return False
    if not body or RAW in body:
        return not found.request.body.size
    return same(found.request.body.whole(), json.dumps(body).encode())


def test_asgi_replay():
    count, left_out = 0, Counter()
    for name, pairs, losses in written(AsgiReplayText(), "log.json"):
        left_out += losses
        for one, found in pairs:
            assert found.status == one.response.head.status, name
            assert found.response.body.whole() == one.response.body.whole(), name
            count += 1
    assert (count, left_out) == (2415, Counter(NEITHER))
