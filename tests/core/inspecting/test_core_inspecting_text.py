"""Octets as text, what a body is made of, and pages of a text."""

import codecs

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspected import PNG

from proxy_daemon.core.inspecting.charsets import REPLACED, Decoded, is_text
from proxy_daemon.core.inspecting.kinds import Kind, kind_of
from proxy_daemon.core.inspecting.paging import MOST, MOST_WRITTEN, USUAL, limit_of, offset_of, page_of


def decoded(octets, content_type=b"", size=3):
    found = Decoded(content_type, octets[:64])
    parts = [octets[at : at + size] for at in range(0, len(octets), size)]
    return "".join(found.parts(parts)), found.problem


@pytest.mark.parametrize(
    ("octets", "content_type", "text"),
    [
        ("é€😀".encode(), b"", "é€😀"),
        ("é€😀".encode(), b"application/json; charset=utf-8", "é€😀"),
        (b"\xe9", b"text/plain; charset=ISO-8859-1", "é"),
        (b"\xe9", b'text/plain; charset="latin1"', "é"),
        ("é".encode("utf-16"), b"", "é"),
        ("é".encode("utf-16-le"), b"text/plain;charset=utf-16le", "é"),
        (codecs.BOM_UTF8 + b"a", b"", "a"),
        ("日本".encode("shift_jis"), b"text/plain; charset=Shift_JIS", "日本"),
        (b"", b"", ""),
    ],
)
def test_charsets(octets, content_type, text):
    assert decoded(octets, content_type) == (text, "")


def test_octets_that_are_none_are_replaced_and_said():
    text, problem = decoded(b"a\xffb\xfe")
    assert text == f"a{REPLACED}b{REPLACED}"
    assert "not all of it is UTF-8" in problem


def test_a_replacement_character_that_was_sent_is_no_problem():
    assert decoded(f"a{REPLACED}b".encode(), size=64) == (f"a{REPLACED}b", "")


def test_a_character_that_is_cut_at_the_end():
    assert decoded("aé".encode()[:-1])[0] == f"a{REPLACED}"


@pytest.mark.parametrize(
    "name", ["x-nobodys", "hex", "zlib", "base64", "idna", "undefined", "unicode_escape", "rot13", "punycode"]
)
def test_charsets_that_are_none_are_read_as_utf_8(name):
    text, problem = decoded(b"a\xc3\xa9", f"text/plain; charset={name}".encode())
    assert text == "aé"
    assert "not known" in problem


@given(st.binary(max_size=300), st.sampled_from([b"", b"a/b; charset=utf-16", b"a/b; charset=gbk", b";charset=big5"]))
def test_any_octets_are_text_of_some_kind(octets, content_type):
    text, _ = decoded(octets, content_type)
    text.encode("utf-8", "strict")


@pytest.mark.parametrize(
    ("octets", "is_it"),
    [
        (b"words", True),
        ("é".encode() * 50, True),
        (b"\x1b[31mred\x1b[0m", True),
        (b"caf\xe9", True),
        (PNG, False),
        (b"a\0b", False),
        (bytes(range(1, 30)), False),
        (b"\xff\xd8\xff\xe0" + bytes(range(128, 255)) * 4, False),
        ("é".encode("utf-16"), True),
        (b'{"a": "\xff\xff\xff"}', True),
    ],
)
def test_text_or_not(octets, is_it):
    assert is_text(octets) is is_it


@pytest.mark.parametrize(
    ("content_type", "octets", "kind"),
    [
        (b"application/json", b'{"a":1}', Kind.JSON),
        (b"text/html", b' {"a":1}', Kind.JSON),
        (b"", b"[1]", Kind.JSON),
        (b"application/json", b"<html>", Kind.TEXT),
        (b"application/json", PNG, Kind.BINARY),
        (b"text/plain", PNG, Kind.BINARY),
        (b"image/png", PNG, Kind.BINARY),
        (b"text/event-stream", b"data: 1\n\n", Kind.SSE),
        (b"application/json", b"data: 1\n\n", Kind.SSE),
        (b"text/event-stream", b'{"error":1}', Kind.JSON),
        (b"application/x-ndjson", b'{"a":1}\n{"a":2}\n', Kind.LINES),
        (b"application/x-www-form-urlencoded", b"a=1&b=2", Kind.FORM),
        (b"application/x-www-form-urlencoded", b'{"a":1}', Kind.JSON),
        (
            b"multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1',
            Kind.MULTIPART,
        ),
        (b"multipart/form-data; boundary=x", b"words", Kind.TEXT),
        (b"text/plain", b"words", Kind.TEXT),
        (b"application/json", b"12", Kind.JSON),
        (b"application/octet-stream", b"words", Kind.TEXT),
        (b"text/plain", b"", Kind.EMPTY),
    ],
)
def test_kinds(content_type, octets, kind):
    assert kind_of(content_type, octets) is kind


@given(st.lists(st.text(max_size=20), max_size=20), st.integers(1, 30))
def test_the_pages_are_the_text(parts, limit):
    text, offset, found = "".join(parts), 0, ""
    while offset is not None:
        page = page_of(iter(parts), offset, limit)
        assert len(page.text) <= limit
        assert page.offset == offset
        assert page.next is None or page.next == offset + len(page.text) > offset
        found, offset = found + page.text, page.next
    assert found == text


@pytest.mark.parametrize(
    ("offset", "limit", "text", "following"), [(4, 3, "45", None), (9, 3, "", None), (2, 2, "23", 4)]
)
def test_pages_at_the_end(offset, limit, text, following):
    page = page_of(["012", "345"][:2] if limit != 3 else ["012345"], offset, limit)
    assert (page.text, page.next) == (text, following)


def test_no_more_is_made_than_the_page_needs():
    def parts():
        yield "a" * 10
        yield "b" * 10
        raise AssertionError("a part too much")

    assert page_of(parts(), 0, 15).text == "a" * 10 + "b" * 5


def test_a_page_of_control_characters_is_shorter_for_its_json_is_long():
    page = page_of(["\x01" * MOST], 0, MOST)
    assert len(orjson.dumps(page.text)) <= MOST_WRITTEN
    assert page.next == len(page.text) > 1000


@pytest.mark.parametrize(("given_limit", "limit"), [(None, USUAL), (1, 1), (MOST, MOST), (10**9, MOST)])
def test_limits(given_limit, limit):
    assert limit_of(given_limit) == limit


@pytest.mark.parametrize("value", [0, -1, "7", 1.5, True, []])
def test_limits_that_are_none(value):
    with pytest.raises(ValueError, match="limit is a whole number"):
        limit_of(value)


@pytest.mark.parametrize("value", [-1, "7", 1.5, True, []])
def test_offsets_that_are_none(value):
    with pytest.raises(ValueError, match="offset is a whole number"):
        offset_of(value)
