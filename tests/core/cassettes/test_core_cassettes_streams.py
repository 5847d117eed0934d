"""Files read as a stream give what they give when they are read whole: each format, each shape, each fault."""

import gzip
import io
import json
import os
import tracemalloc

import corpus
import orjson
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.cassettes import MOST, Skipped, Streaming, Unreadable, formats
from proxy_daemon.core.cassettes.formats import BUILT_IN, chosen, read, read_stream
from proxy_daemon.core.cassettes.packed import NotUnpacked, unpacked
from proxy_daemon.core.cassettes.streaming import blocks, yaml_items
from proxy_daemon.core.cassettes.streaming.source import NotStreamed, opened


def collected(entries):
    """All, and how it ended."""
    found = []
    try:
        for each in entries:
            found.append(each)  # noqa: PERF402  (what comes before an error counts)
    except Unreadable as error:
        found.append(f"unreadable: {error.reason}")
    return found


def streamed(data, name="f", whole=None):
    """``whole``: a longer file is read as a stream; None: as many octets as it has, without the last."""
    if whole is None:
        whole = max(1, len(opened(io.BytesIO(data)).read()) - 1) if is_well_packed(data) else len(data) // 2
    return collected(read_stream(name, io.BytesIO(data), whole=whole))


def is_well_packed(data):
    try:
        return bool(unpacked(data))
    except NotUnpacked:
        return False


def entry(number=0, **more):
    request = {"method": "POST", "uri": f"https://a.example/{number}", "headers": {"A": ["b"]}, "body": "question"}
    answer = {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "answer\n- more\n"}}
    return {"request": request, "response": answer} | more


def vcr(entries, **more):
    return yaml.safe_dump({"interactions": list(entries)} | more).encode()


# --- the corpus ------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(
    bool(corpus.missing()) and not os.environ.get("LLMPROXY_REQUIRE_ALL"), reason=corpus.missing() or "it is there"
)
def test_each_file_of_the_corpus_is_read_the_same_both_ways():
    count = dict.fromkeys((one.name for one in BUILT_IN), 0)
    for path in sorted(corpus.HOME.rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes()
        name = by_itself(path.name, data)
        count[name] = count.get(name, 0) + 1
        if name:
            assert streamed(data, path.name) == collected(read(path.name, data)), path
    assert min(count[name] for name in ("vcrpy", "vcr-ruby", "vcr-r", "go-vcr", "httprr")) > 20
    assert not count["har"], "Polly's have an order of their own"


def by_itself(name, data):
    """The format that read it as a stream, to its end; any other where none did."""
    try:
        plain = unpacked(data)
        one = chosen(name, plain)
        if isinstance(one, Streaming):
            found = list(one.stream(name, opened(io.BytesIO(data))))
            assert found == list(one.read(name, plain))
            return one.name
    except (NotStreamed, NotUnpacked, Unreadable):
        pass
    return ""


# --- each format -----------------------------------------------------------------------------------------------------


def har(entries):
    return orjson.dumps({"log": {"version": "1.2", "pages": [{"id": "entries"}], "entries": entries}})


def har_entry(number, **more):
    request = {"method": "GET", "url": f"https://a.example/{number}", "headers": []}
    answer = {"status": 200, "statusText": "OK", "headers": [], "content": {"text": "x", "size": 1}}
    return {"request": request, "response": answer, "time": 1} | more


def promptecho(version=2, first=True):
    request = {"method": "POST", "url": "https://a.example/v1", "match_key": "k"}
    answer = {"status": 200, "headers": {}}
    made = [{"request": request | {"body": {"a": n}}, "response": answer | {"body": {"b": n}}} for n in range(3)]
    listed = yaml.safe_dump({"interactions": json.loads(json.dumps(made))})
    line = f"version: {version}\n"
    return (line + listed if first else listed + line).encode()


def cassette():
    made = b"# llmproxy cassette 1\n# about\n"
    for number in range(3):
        made += b"---\nrequest:\n  method: GET\n  target: /%d\nresponse:\n  status: 200 OK\n...\n" % number
    return made


ASGI = b"".join(
    b'{"type": "http.response.start", "status": 200, "headers": []}\n'
    b'{"type": "http.response.body", "body": {"$base64": "eA=="}, "more_body": %b}\n' % more
    for more in (b"false", b"true")
)


def go_entry():
    request = {"body": "", "url": "https://a.example", "method": "GET"}
    return {"request": request, "response": {"body": "x", "code": 200}}


ALIASES = b"interactions:\n- &a {request: {method: GET, uri: 'https://a.example/'}, response: {}}\n- *a\n"
FILES = {
    "vcrpy": vcr(map(entry, range(4)), version=1),
    "vcrpy with frames": vcr([entry(), {"kind": "ws"}, entry(2), 7]),
    "vcrpy in JSON": orjson.dumps({"interactions": [entry(), {"kind": "ws"}], "version": 1}),
    "vcrpy with aliases": ALIASES,
    "a list alone": yaml.safe_dump([entry(), entry(1)]).encode(),
    "go-vcr": yaml.safe_dump({"version": 1, "interactions": [go_entry(), go_entry()]}).encode(),
    "ruby": yaml.safe_dump({"http_interactions": [entry(), entry(1)], "recorded_with": "VCR 6.0"}).encode(),
    "R": yaml.safe_dump({"http_interactions": [entry(), entry(1)], "recorded_with": "vcr/1.2, webmockr/1"}).encode(),
    "promptecho": promptecho(),
    "promptecho, version last": promptecho(first=False),
    "promptecho, version 3": promptecho(3),
    "har": har([har_entry(0), 7, har_entry(1)]),
    "Polly": har([har_entry(n, _id="i", _order=order) for n, order in enumerate((2, 0, 1))]),
    "mitmproxy": b"9:4:type;0:~}" * 2 + b"12",
    "mitmproxy, no flow": b"9:4:type;0:~}" + b"x",
    "httprr": b"httprr trace v1\n" + b"27 38\nGET http://a.example/ HTTP/1\n" * 2,
    "asgi": ASGI,
    "asgi, then else": ASGI + b"[]\n",
    "ours": cassette(),
    "ours, damaged": cassette().replace(b"/1", b'"').replace(b"...\n---", b"...\nx\n---", 1),
    "ours, merged badly": cassette() + b"<<<<<<< a\n---\n",
    "spans": b'{"traceId": 1, "spanId": 2}',
    "nothing": b"",
    "text": b"hello",
    "cut gzip": gzip.compress(vcr(map(entry, range(9))))[:-9],
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_says_the_same_both_ways(name, pack):
    data = pack(FILES[name])
    assert streamed(data) == collected(read("f", data))


def test_what_stands_before_a_fault_is_given():
    """A document that is read whole gives nothing then."""
    data = vcr(map(entry, range(4)))[:-30] + b"'"
    found = streamed(data)
    assert found[:-1] == list(read("f", vcr(map(entry, range(3)))))
    assert found[-1:] == collected(read("f", data))
    assert found[-1].startswith("unreadable: ")


@pytest.mark.parametrize("name", ["vcrpy", "vcrpy in JSON", "go-vcr", "ruby", "R", "promptecho", "har", "asgi", "ours"])
def test_these_are_never_read_whole(name, monkeypatch):
    monkeypatch.setattr(formats, "_read_whole", None)
    monkeypatch.setattr(formats, "MOST", 1)
    assert streamed(FILES[name]) == collected(read("f", FILES[name]))


def test_a_value_that_is_longer_than_the_beginning_does_not_hide_the_format(monkeypatch):
    monkeypatch.setattr(formats, "_read_whole", None)
    request = {"body": "x" * 5000, "method": "GET", "url": "https://a.example/"}
    data = yaml.safe_dump({"interactions": [{"request": request, "response": {"code": 201, "body": ""}}]}).encode()
    found = streamed(data, whole=1000)
    assert [each.status for each in found] == [201]


def test_what_cannot_be_read_in_parts_has_a_limit(monkeypatch):
    monkeypatch.setattr(formats, "MOST", 50)
    *_, found = streamed(ALIASES)
    why = "an alias of nothing, or of what it stands in (line 3)"
    assert found == f"unreadable: larger than 50 octets, and cannot be read in parts: {why}"
    assert MOST == 256 << 20


def test_an_entry_that_is_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(blocks, "LONGEST", 3000)
    monkeypatch.setattr(blocks, "_STEP", 500)
    monkeypatch.setattr(yaml_items, "_HEAD", 500)
    monkeypatch.setattr(formats, "MOST", 6000)
    data = vcr([entry(0), entry(1, request=entry()["request"] | {"body": "x" * 9000})])
    found = streamed(data, whole=100)
    assert found[:-1] == list(read("f", vcr([entry()])))
    assert found[-1].startswith(
        "unreadable: larger than 6000 octets, and cannot be read in parts: an entry of more than"
    )


def test_of_what_is_too_large_nothing_is_held(monkeypatch):
    monkeypatch.setattr(blocks, "LONGEST", 1 << 20)
    monkeypatch.setattr(formats, "MOST", 40 << 20)
    bomb = gzip.compress(b"interactions:\n- request:\n    body: '" + bytes([97]) * (60 << 20), 1)
    tracemalloc.start()
    try:
        (found,) = streamed(bomb, whole=1000)
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()
    assert found.startswith("unreadable: larger than 41943040 octets, and cannot be read in parts: an entry of")


def test_memory_is_bounded():
    """Of 40 MB, far less is in memory at any time."""
    one = yaml.safe_dump([entry(0, request=entry()["request"] | {"body": "x" * 20_000})]).encode()

    class Endless(io.BytesIO):
        """The file, made while it is read."""

        def seek(self, at, whence=0):
            self.left = b"interactions:\n"
            self.written = at
            return at

        def read(self, size=-1):
            while len(self.left) < size and self.written < 40 << 20:
                self.left += one
                self.written += len(one)
            data, self.left = self.left[:size], self.left[size:]
            return data

    tracemalloc.start()
    try:
        count = sum(1 for _ in read_stream("f", Endless(b"")))
        assert count > 1800
        assert tracemalloc.get_traced_memory()[1] < 34 << 20, "the beginning, and a little more"
    finally:
        tracemalloc.stop()


def test_skipped_entries_keep_their_numbers():
    found = streamed(FILES["vcrpy with frames"])
    assert [each.entry for each in found if isinstance(each, Skipped)] == [1, 3]


@given(st.binary(max_size=200), st.sampled_from(list(FILES)))
def test_what_is_damaged_is_told_alike(noise, name):
    data = FILES[name]
    at = len(data) // 2
    damaged = data[:at] + noise + data[at:]
    found = streamed(damaged)
    assert all(not isinstance(each, str) or each.startswith("unreadable: ") for each in found)
