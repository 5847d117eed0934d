"""Every recording comes back as it was: octets, fields, pieces, times, ends and marks."""

import json
import re

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.cassettes.llmproxy import INLINE, checked, written
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request, ResponseHead
from tests import corpus
from tests.core.cassettes.llmproxy.cassette_files import QUESTION, entries, entry, file_of, kept, recording
from tests.core.cassettes.llmproxy.drawn_recordings import json_values, octets, recordings

STYLES = ({"separators": (",", ":")}, {}, {"indent": 2}, {"indent": 4}, {"indent": 3}, {"separators": (" ,", ":")})


@st.composite
def bodies(draw):
    """JSON in all styles, texts, octets."""
    if draw(st.booleans()):
        return draw(octets)
    text = json.dumps(draw(json_values), ensure_ascii=draw(st.booleans()), **draw(st.sampled_from(STYLES)))
    if draw(st.booleans()):
        text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return text.encode("utf-8", "replace") + draw(st.sampled_from((b"", b"\n", b" ")))


@settings(max_examples=300)
@given(recordings(bodies()))
def test_a_recording_comes_back(drawn):
    document = written(drawn)
    found = entry(file_of(drawn), document.beside)
    assert kept(found.recording) == kept(drawn)
    assert found.sealed
    assert not found.edited
    assert written(found.recording) == document


@settings(max_examples=100)
@given(st.lists(recordings(octets), max_size=4), st.booleans(), st.booleans())
def test_a_file_comes_back_also_from_a_checkout_with_other_line_ends(drawn, has_bom, has_cr):
    data = file_of(*drawn)
    data = b"\xef\xbb\xbf" * has_bom + (data.replace(b"\n", b"\r\n") if has_cr else data)
    found = entries(data)
    assert [kept(each.recording) for each in found] == [kept(each) for each in drawn]
    assert all(each.sealed for each in found)
    at = [(data[each.start : each.start + 3], data[each.end - 1 : each.end]) for each in found]
    assert at == [(b"---", b"\n")] * len(drawn)
    assert [each.line for each in found] == [data.count(b"\n", 0, each.start) + 1 for each in found]


@pytest.mark.skipif(bool(corpus.missing()), reason=corpus.missing() or "it is there")
def test_the_corpus_comes_back_octet_for_octet():
    count = 0
    for one in corpus.interactions():
        recorded = evolve(recording(), request=one.request, response=one.response, status=one.response.head.status)
        found = entry(file_of(recorded), written(recorded).beside)
        assert kept(found.recording) == recorded, (one.file, one.index)
        for is_sealed in (True, False):
            assert not checked(evolve(found, sealed=is_sealed)), (one.file, one.index)
        count += 1
    assert count > 2000


@pytest.mark.parametrize(
    ("body", "member"),
    [
        (QUESTION, b"style: compact\n  json:\n    model: gpt-4o\n    messages:\n    - role: user\n"),
        (b'{"a": 1}', b"style: spaced\n  json:\n    a: 1\n"),
        (b'{\n  "a": [\n    1\n  ]\n}\n', b"style: indent-2, newline\n  json:\n    a:\n    - 1\n"),
        (b'{"a":"\\u003c\\u00e9"}', b'text: |-\n    {"a":"\\u003c\\u00e9"}\n'),
        (b'{"a":"\\u003cb\\u003e"}', b"style: compact, html\n  json:\n    a: <b>\n"),
        (b'{"a":"\\u00e9"}', b"style: compact, ascii\n  json:\n    a: \xc3\xa9\n"),
        (b'{"a":1,"a":2}', b'text: |-\n    {"a":1,"a":2}\n'),
        (b'{"a":1.50}', b'text: |-\n    {"a":1.50}\n'),
        (b'{"a":123456789012345678901234567890}', b'text: |-\n    {"a":123456789012345678901234567890}\n'),
        (b"words", b"text: |-\n    words\n"),
        (b"a\r\nb", b'text: "a\\r\\n\\\n    b"\n'),
        (b"\x00\x01\x02", b"base64: |-\n    AAEC\n"),
        (b"\xff", b"base64: |-\n    /w==\n"),
    ],
    ids=range(13),
)
def test_a_body_stands_in_the_file_like_this(body, member):
    text = written(recording(body)).text
    assert b"\n  " + member in text
    assert entry(file_of(recording(body))).recording.request.body == Bytes(body)


def test_large_octets_stand_in_a_file_beside_named_by_their_hash():
    data = b"\x89PNG\xff" * INLINE
    document = written(recording(answer=data, kind=b"image/png; x=1"))
    ((name, octets_beside),) = document.beside.items()
    assert octets_beside == data
    assert re.fullmatch(r"[0-9a-f]{64}\.png", name)
    assert f"\n  file: {name}\n".encode() in document.text
    assert len(document.text) < 2000
    found = entry(b"# llmproxy cassette 1\n" + document.text, document.beside)
    assert found.recording.response.body == Bytes(data)


@pytest.mark.parametrize("size", [INLINE - 1, INLINE, INLINE + 1])
def test_smaller_octets_stand_in_the_document(size):
    data = b"\xff" * size
    assert bool(written(recording(answer=data)).beside) is (size > INLINE)


def test_a_large_text_stands_in_the_document():
    assert not written(recording(answer=b"text " * INLINE)).beside


class Short:
    """A body whose octets have gone."""

    size = 10

    def whole(self):
        return None

    def read(self, offset, size):
        return b"" if offset else b"abc"


def test_a_body_whose_octets_are_missing_is_an_error():
    with pytest.raises(OSError, match="7 octets of a body are missing"):
        written(evolve(recording(), request=Request(b"POST", b"/", Headers(), Short())))


@pytest.mark.parametrize(
    "fields",
    [
        [(b"Name", b"value"), (b"name", b""), (b"NAME", b"value: with # all 'of' \"it\"")],
        [(b"a", b" blanks "), (b"b", b"x")],
        [(b"a", b"\xe9")],
        [(b"a b", b"no name of HTTP")],
        [(b"a", "é \u2028".encode())],
        [(b"a", b"tab\tin it")],
        [(b"a", b"\x0b")],
    ],
    ids=range(7),
)
def test_fields_keep_their_order_case_and_octets(fields):
    found = recording()
    head = ResponseHead(200, b"OK", Headers(fields))
    found = evolve(found, response=evolve(found.response, head=head, trailers=Headers(fields)))
    assert entry(file_of(found)).recording.response == found.response


def test_fields_are_lines_that_people_read():
    assert b"  headers: |\n    Content-Type: application/json\n" in written(recording()).text
