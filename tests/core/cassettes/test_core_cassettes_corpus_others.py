"""Every recording of the corpus in the formats that are no YAML, as others read them."""

import base64
import collections
import csv
import json
import os
import random
from contextlib import suppress

import corpus
import pytest

from proxy_daemon.core.cassettes import Skipped, Unreadable
from proxy_daemon.core.cassettes.formats import BUILT_IN, chosen, read
from proxy_daemon.core.cassettes.packed import unpacked
from proxy_daemon.core.messages import Recording, Unknown

FORMATS = {  # files, exchanges
    "httprr": (69, 129),
    "har": (69, 79),
    "dd-test-agent-json": (155, 155),
    "raw-sse": (10, 10),
    "sse-data-lines-txt": (45, 45),
}
NEW = {"httprr", "mitmproxy", "har", "dd-test-agent-json", "asgi-replay", "promptecho"}
NEW |= {"refused", "raw-sse", "sse-data-lines-txt"}


@pytest.fixture(scope="module")
def index():
    why = corpus.missing()
    if why and os.environ.get("LLMPROXY_REQUIRE_ALL"):
        pytest.fail(why)
    if why:
        pytest.skip(why)
    with (corpus.HOME / "INDEX.csv").open() as file:
        return list(csv.DictReader(file))


def octets(row):
    return (corpus.HOME / row["file"]).read_bytes()


@pytest.fixture(scope="module")
def found(index):
    """(format, file, number in it): what was read."""
    rows = [row for row in index if row["format"] in FORMATS]
    return {
        (row["format"], row["file"], at): one for row in rows for at, one in enumerate(read(row["file"], octets(row)))
    }


def test_each_file_is_recognised_by_its_own_format_alone(index):
    for row in index:
        data = unpacked(octets(row))
        if row["format"] in FORMATS:
            assert next(one.name for one in BUILT_IN if one.recognises(row["file"], data)) == row["format"]
        else:
            assert chosen(row["file"], data).name not in NEW, row["file"]


def test_no_framing_is_left_and_pieces_make_the_body(found):
    for key, one in found.items():
        head, body = one.response.head.headers, one.response.body
        assert b"transfer-encoding" not in head, key
        if one.request.method != b"HEAD":
            assert head.get(b"content-length", b"%d" % body.size) == b"%d" % body.size, key
        assert sum(one.response.pieces.sizes) == (0 if Unknown.PIECES in one.unknown else body.size), key
        assert (not one.response.pieces.sizes) == (Unknown.PIECES in one.unknown), key


def test_what_is_unknown(found):
    known = collections.defaultdict(collections.Counter)
    for (name, _, _), one in found.items():
        known[name].update(set(Unknown) - one.unknown)
    for name in ("httprr", "dd-test-agent-json", "raw-sse", "sse-data-lines-txt"):
        assert not {Unknown.TIME, Unknown.DURATION, Unknown.PIECES} & known[name].keys()
    assert known["har"][Unknown.TIME] == known["har"][Unknown.DURATION] == 79
    assert known["har"][Unknown.PIECES] == 32
    assert Unknown.REQUEST not in known["raw-sse"].keys() | known["sse-data-lines-txt"].keys()
    assert known["httprr"][Unknown.HOST] == 129


def test_another_reader_reads_the_same(found):
    """`corpus.py` was written apart from the formats; it knows HAR and the test agent's."""
    ours = {(file, at): one for (_, file, at), one in found.items()}
    compared = 0
    for other in corpus.interactions():
        one = ours.get((other.file, other.index))
        if one is not None:
            assert one.request.method == other.request.method
            assert one.request.target == other.request.target
            assert one.request.body.data == other.request.body.data
            assert one.response.body.data == other.response.body.data
            assert one.response.head.status == other.response.head.status
            kept = other.response.head.headers.end_to_end().without((b"content-length", b"content-encoding"))
            assert one.response.head.headers.without((b"content-length", b"content-encoding")) == kept
            compared += 1
    assert compared == 79 + 155


def test_traces_of_httprr_hold_what_their_messages_end_with(found, index):
    """Read again by hand: what stands behind the first empty line of an answer, where it is not in chunks."""
    for row in index:
        if row["format"] == "httprr":
            rest, at = unpacked(octets(row)).partition(b"\n")[2], 0
            while rest:
                sizes, _, rest = rest.partition(b"\n")
                asked, said = map(int, sizes.split())
                message, rest = rest[asked : asked + said], rest[asked + said :]
                head, _, body = message.partition(b"\r\n\r\n")
                if b"chunked" not in head:
                    assert found["httprr", row["file"], at].response.body.data == body
                at += 1


def test_bare_streams_hold_the_same_data(found, index):
    for row in index:
        if row["format"] == "raw-sse":
            assert found["raw-sse", row["file"], 0].response.body.data == octets(row)
        if row["format"] == "sse-data-lines-txt":
            events = found["sse-data-lines-txt", row["file"], 0].response.body.data.split(b"\n\n")[:-1]
            lines = [line for line in octets(row).splitlines() if line.strip()]
            assert [json.loads(event.removeprefix(b"data: ")) for event in events] == [
                json.loads(line) for line in lines
            ]


def test_damage_anywhere_gives_a_reason(index):
    """Cut, and with one octet changed: recordings, what is skipped, or a file that is refused; nothing else."""
    dice, outcomes = random.Random(5), collections.Counter()
    for row in index:
        if row["format"] in FORMATS and int(row["bytes"]) < 100_000:
            data = bytearray(octets(row))
            data[dice.randrange(len(data))] = dice.randrange(256)
            for bad in (bytes(data), bytes(data[: dice.randrange(len(data))])):
                with suppress(Unreadable):
                    outcomes.update(type(one) for one in read(row["file"], bad))
                    outcomes["whole"] += 1
    assert outcomes.keys() <= {Recording, Skipped, "whole"}
    assert outcomes["whole"] > 100
    assert outcomes[Skipped] > 5


def test_base64_of_the_test_agent(found, index):
    coded = 0
    for row in index:
        if row["format"] == "dd-test-agent-json":
            body = json.loads(octets(row))["response"]["body"]
            if body.startswith("base64:"):
                data = base64.b64decode(body[7:], validate=True)
                assert found["dd-test-agent-json", row["file"], 0].response.body.data == data
                coded += 1
    assert coded == 7
