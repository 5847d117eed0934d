"""Our own cassettes as a format of exports: read back with what stands beside, and what is lost is told."""

import hashlib

import pytest
from inspected import PNG, chat, recorded

from proxy_daemon.core.bodies import EMPTY
from proxy_daemon.core.cassettes import llmproxy_writing as writing
from proxy_daemon.core.cassettes.foreign_text import DELIVERED
from proxy_daemon.core.cassettes.llmproxy import INLINE, LlmproxyCassette
from proxy_daemon.core.cassettes.llmproxy_writing import LlmproxyWriter
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Delivered, ResponseHead
from proxy_daemon.core.pattern import Pattern

IMAGE = (b"Content-Type", b"image/png")
LARGE = PNG * (INLINE // len(PNG) + 1)


def back(*recordings):
    writer = LlmproxyWriter()
    made = [writer.entry(each) for each in recordings]
    files = {name: octets for entry in made for name, octets in entry.files.items()}
    data = writer.head + b"".join(entry.text for entry in made) + writer.tail
    return list(LlmproxyCassette(lambda _: files.__getitem__).read("c.yaml", data)), files


def test_all_comes_back_also_what_stands_beside():
    given = [recorded(said=chat()), recorded(LARGE, LARGE, sent=(IMAGE,), got=(IMAGE,)), recorded(said=chat("b"))]
    found, files = back(*given)
    assert files == {f"{hashlib.sha256(LARGE).hexdigest()}.png": LARGE}
    for one, copy in zip(given, found, strict=True):
        assert copy.request == one.request or copy.request.body.whole() == one.request.body.whole()
        assert copy.response.body.whole() == one.response.body.whole()
        assert copy.response.head.headers.pairs == one.response.head.headers.pairs
        assert (copy.started, copy.duration, copy.upstream) == (one.started, one.duration, one.upstream)


def test_a_pattern_comes_back():
    pattern = Pattern("POST", "/v1/**", (("a", "b"),), b'{"m":1}', ("*X*",), alone=True, leading=True)
    ((found,), _) = back(recorded(said=chat(), pattern=pattern))
    assert found.pattern == pattern


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, []),
        ({"client": "127.0.0.1"}, [writing.CLIENT]),
        ({"session": "s"}, [writing.CLIENT]),
        ({"rules": ("r",)}, [writing.RULES]),
        ({"served_from": 5}, [writing.SERVED]),
        ({"edits": 5}, [writing.EDITED]),
        ({"delivered": Delivered(ResponseHead(200, b"", Headers()), EMPTY)}, [DELIVERED]),
    ],
    ids=range(7),
)
def test_what_is_lost(changes, told):
    assert list(LlmproxyWriter().entry(recorded(said=chat(), **changes)).losses) == told
    assert {*told} <= {*writing.LOSSES}


def test_an_empty_file_has_nothing():
    assert list(LlmproxyCassette().read("c.yaml", LlmproxyWriter.empty)) == []
