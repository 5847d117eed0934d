"""Every recorded cassette of these formats, as others read it. Their counts: ../test_core_corpus_recordings.py."""

import csv
import json
import os
import random
from contextlib import suppress

import pytest

from proxy_daemon.core.cassettes import Skipped, Unreadable
from proxy_daemon.core.cassettes.formats import chosen, read
from proxy_daemon.core.cassettes.packed import unpacked
from proxy_daemon.core.cassettes.wire_octets import true_fields
from proxy_daemon.core.messages import Recording, Unknown
from proxy_daemon.core.upstreams import parse_upstream
from tests import corpus

FORMATS = {  # of the index: the format, its files, its entries
    "vcrpy-yaml": ("vcrpy", 807, 1365),
    "vcrpy-json": ("vcrpy", 1, 1),
    "vcrpy-parallel-lists-yaml.gz": ("parallel-lists", 11, 21),
    "vcr-ruby-yaml": ("vcr-ruby", 199, 384),
    "vcr-r-yaml": ("vcr-r", 23, 77),
    "go-vcr-yaml-v2": ("go-vcr", 137, 205),
}

REFUSED = ("pydantic-websocket-yaml", "pydantic-grpc-yaml")

# The other reader takes (name, [value]) for a field whose value is written as a list.
LISTS_IN_TUPLES = "kevin1024-vcrpy/tests/integration/test_tornado_"


@pytest.fixture(scope="module")
def index():
    why = corpus.missing()
    if why and os.environ.get("LLMPROXY_REQUIRE_ALL"):
        pytest.fail(why)
    if why:
        pytest.skip(why)
    with (corpus.HOME / "INDEX.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def found(index):
    """(file, number in it): what was read."""
    files = [row["file"] for row in index if row["format"] in FORMATS]
    return {(name, at): one for name in files for at, one in enumerate(read(name, (corpus.HOME / name).read_bytes()))}


def test_each_file_is_read_by_its_own_format(index):
    for row in index:
        if row["format"] in FORMATS:
            data = unpacked((corpus.HOME / row["file"]).read_bytes())
            assert chosen(row["file"], data).name == FORMATS[row["format"]][0], row["file"]


def test_another_reader_reads_the_same(found):
    compared = 0
    for other in corpus.interactions():
        one = found.get((other.file, other.index))
        if one is None:
            continue
        compared += 1
        assert one.request.method == other.request.method
        assert Unknown.HOST in one.unknown or one.upstream.url == parse_upstream(other.host).url
        if b"<" not in other.request.target and "<" not in other.host:
            assert one.request.target == other.request.target, other.file
        if Unknown.REQUEST_BODY not in one.unknown:  # the other takes the description of a file for a body
            assert same(one.request.body.data, other.request.body.data, Unknown.REQUEST_OCTETS in one.unknown)
        assert same(one.response.body.data, other.response.body.data, Unknown.RESPONSE_OCTETS in one.unknown), (
            other.file
        )
        assert one.response.head.status == other.response.head.status
        if other.file.startswith(LISTS_IN_TUPLES):
            continue
        assert kept(one.request.headers, other.request.headers), other.file
        assert kept(one.response.head.headers, other.response.head.headers), other.file
    assert compared == sum(entries for _, _, entries in FORMATS.values())


def same(data, other, anew):
    """Octet for octet, or where it was written anew the same JSON."""
    return data == other or (anew and json.loads(data) == json.loads(other))


def kept(headers, other):
    """All fields, in order, but those about framing, and media types that were scrubbed."""
    framing = (b"content-length", b"transfer-encoding", b"content-encoding", b"connection", b"keep-alive")
    other = other.without((b"proxy-connection", b"te", b"trailer", b"upgrade")).without(framing)
    if other.get(b"content-type") == b"**REDACTED**":
        headers, other = headers.without((b"content-type",)), other.without((b"content-type",))
    return headers.without(framing).pairs == tuple((name, value.strip()) for name, value in other.pairs)


def test_what_is_kept_about_a_body_is_true_of_it(found):
    for one in found.values():
        assert isinstance(one, Recording)
        head, data = one.response.head.headers, one.response.body.data
        assert b"transfer-encoding" not in head
        if one.request.method != b"HEAD":
            assert true_fields(head, data, bodiless=False) == (head, True)
        if b"content-encoding" in head and data:
            assert data[:1] not in b"{[", "coded"


def test_damaged_cassettes_are_read_or_refused(index):
    """One file of each kind of each project, cut off, overwritten and stirred: nothing else is raised."""
    chance = random.Random(4)
    seeds = {(row["repo"], row["format"]): row["file"] for row in index if row["format"] in {*FORMATS, *REFUSED}}
    assert len(seeds) > 15
    whole = refused = 0
    for name in seeds.values():
        data = unpacked((corpus.HOME / name).read_bytes())[:60_000]
        for _ in range(12):
            with suppress(Unreadable):
                refused += 1
                assert all(isinstance(one, Recording | Skipped) for one in read(name, damaged(data, chance)))
                whole += 1
                refused -= 1
    assert whole
    assert refused


WORDS = (b"*a ", b"&a ", b"!!binary ", b"{", b"[", b"'", b'"', b"\n", b": ", b"? ", b"\xff", b"~", b"7")


def damaged(data, chance):
    """With a few octets, words or stretches of another place in the wrong place."""
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(data) + 1)
        elsewhere = chance.randrange(len(data) + 1)
        word = chance.choice(WORDS)
        inserted = chance.choice((word, word, data[elsewhere : elsewhere + chance.randrange(200)]))
        data = data[:at] + inserted + data[at + chance.choice((0, 1, 50)) :]
    return data if chance.random() < 0.8 else data[: chance.randrange(len(data))]
