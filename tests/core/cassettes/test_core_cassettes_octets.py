"""What a stored body proves: its coding, its media type, its framing; and times from texts; and gzip around a file."""

import gzip
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.cassettes import packed
from proxy_daemon.core.cassettes.moments import microseconds, moment
from proxy_daemon.core.cassettes.packed import NotUnpacked, beginning, unpacked
from proxy_daemon.core.cassettes.sniffing import media_type, with_content_type
from proxy_daemon.core.cassettes.wire_octets import is_coded, true_fields
from proxy_daemon.core.headers import Headers

TEXT = b'{"object": "chat.completion", "choices": []}' * 20
RAW_DEFLATE = zlib.compressobj(wbits=-15)
CODED = [
    (b"gzip", gzip.compress(TEXT)),
    (b"x-gzip", gzip.compress(TEXT)),
    (b"deflate", zlib.compress(TEXT)),
    (b"deflate", RAW_DEFLATE.compress(TEXT) + RAW_DEFLATE.flush()),
    (b"br", brotli.compress(TEXT)),
    (b"br", brotli.compress(bytes(range(256)) * 4000, quality=1)),
    (b"br", brotli.compress(b"\0" * 10_000_000)),
    (b"zstd", zstandard.compress(TEXT)),
    (b"unheard-of", b"\x00\x01\x02"),
    (b"identity", TEXT),
    (b"", TEXT),
]


@pytest.mark.parametrize(("coding", "data"), CODED)
def test_a_coded_body_is_known(coding, data):
    assert is_coded([coding], data)
    assert is_coded([b"identity", coding], data)


@pytest.mark.parametrize("coding", [b"gzip", b"x-gzip", b"deflate", b"br", b"zstd", b"unheard-of"])
@pytest.mark.parametrize("data", [TEXT, "ä€😀".encode() * 5000, b"data: 1\n\n", b"{", b"\xef\xbb\xbf{}"])
def test_a_decoded_body_is_known(coding, data):
    assert not is_coded([coding], data)


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd"])
def test_a_decoded_picture_is_known(coding):
    assert not is_coded([coding], b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\xff\xfe\x00" * 200)


def framed(data, bodiless=False, **given):
    pairs = [(name.replace("_", "-").encode(), value) for name, value in given.items()]
    kept, same = true_fields(Headers(pairs), data, bodiless=bodiless)
    return dict(kept.pairs), same


def test_fields_about_the_body_are_true_of_it():
    assert framed(TEXT, content_length=b"%d" % len(TEXT)) == ({b"content-length": b"%d" % len(TEXT)}, True)
    assert framed(TEXT, content_length=b"7") == ({}, False)
    assert framed(TEXT, content_length=b"**REDACTED**") == ({}, True)
    assert framed(TEXT, transfer_encoding=b"chunked", connection=b"close", x=b"1") == ({b"x": b"1"}, True)
    assert framed(TEXT, content_encoding=b"gzip") == ({}, False)
    assert framed(gzip.compress(TEXT), content_encoding=b"gzip") == ({b"content-encoding": b"gzip"}, True)
    assert framed(b"", content_encoding=b"gzip") == ({b"content-encoding": b"gzip"}, True)
    assert framed(b"", bodiless=True, content_length=b"7") == ({b"content-length": b"7"}, True)


def test_no_length_is_kept_beside_a_false_one():
    pairs = [(b"Content-Length", b"2"), (b"content-length", b"3")]
    assert true_fields(Headers(pairs), b"{}", bodiless=False) == (Headers(), False)


AWS = (16).to_bytes(4) + (0).to_bytes(4)
AWS += zlib.crc32(AWS).to_bytes(4) + b"\0\0\0\0"
TYPES = [
    (b'{"a": 1}', b"application/json"),
    (b" [1] ", b"application/json"),
    (b"data: 1\n\n", b"text/event-stream"),
    (b"event: a\r\ndata: b\r\n\r\n", b"text/event-stream"),
    (b": ping\n\n", b"text/event-stream"),
    (b"\xef\xbb\xbfid: 1\rdata\r", b"text/event-stream"),
    (AWS, b"application/vnd.amazon.eventstream"),
    (AWS[:11] + b"\xff" + AWS[12:], b""),
    (b"data of a kind", b""),
    (b"\x89PNG", b""),
    (b"", b""),
    (b"[" * 100_000, b""),
]


@pytest.mark.parametrize(("data", "found"), TYPES, ids=range(len(TYPES)))
def test_a_media_type_is_proved_by_the_body(data, found):
    assert media_type(data) == found


@pytest.mark.parametrize("scrubbed", [b"**REDACTED**", b"REDACTED", b"<TYPE>", b"[x]", b"redacted"])
def test_only_a_scrubbed_type_is_replaced(scrubbed):
    headers = Headers([(b"A", b"1"), (b"Content-Type", scrubbed), (b"B", b"2")])
    found = Headers([(b"A", b"1"), (b"Content-Type", b"application/json"), (b"B", b"2")])
    assert with_content_type(headers, b"{}") == (found, True)
    assert with_content_type(headers, b"\x00") == (Headers([(b"A", b"1"), (b"B", b"2")]), True)


@pytest.mark.parametrize("value", [b"text/plain", b"text/event-stream; x=REDACTED", b"json", b""])
def test_any_other_type_stays(value):
    headers = Headers([(b"content-type", value)])
    assert with_content_type(headers, b"{}") == (headers, False)
    assert with_content_type(Headers(), b"{}") == (Headers(), False)


MOMENTS = [
    ("Tue, 14 Nov 2023 21:48:25 GMT", 1699998505.0),
    ("2023-11-14 21:48:25", 1699998505.0),
    ("2023-11-14 21:48:25 GMT", 1699998505.0),
    ("2023-11-14T21:48:25Z", 1699998505.0),
    ("2023-11-14T22:48:25.5+01:00", 1699998505.5),
    ("Tue, 14 Nov 2023 22:48:25 +0100", 1699998505.0),
    ("now", None),
    ("", None),
    ("9" * 100, None),
    (None, None),
    (1699998505, None),
    ("99999-01-01", None),
    ("Tue, 99 Nov 2023 21:48:25 GMT", None),
]


@pytest.mark.parametrize(("text", "seconds"), MOMENTS)
def test_a_moment_is_read_or_unknown(text, seconds):
    assert moment(text) == seconds


DURATIONS = [
    ("2.397934s", 2397934),
    ("138ms", 138000),
    ("1m2.5s", 62500000),
    ("1h0m0s", 3600000000),
    ("1.5µs", 2),
    ("1500ns", 2),
    ("7us", 7),
    ("0s", 0),
    (138000000, 138000),
    (0, 0),
    ("", None),
    ("12", None),
    ("1s x", None),
    ("-1s", None),
    ("1s" * 100, None),
    ("999999999999h", None),
    (-1, None),
    (2**70, None),
    (True, None),
    (1.5, None),
    (None, None),
]


@pytest.mark.parametrize(("duration", "found"), DURATIONS)
def test_a_duration_is_read_or_unknown(duration, found):
    assert microseconds(duration) == found


@given(st.text(max_size=70) | st.text("0123456789 :-+.TZGMTueJanhmsuµn,", max_size=40))
def test_no_text_of_a_time_is_an_error(text):
    assert moment(text) is None or isinstance(moment(text), float)
    assert microseconds(text) is None or 0 <= microseconds(text) < 2**63


def test_a_packed_file_is_unpacked():
    assert unpacked(TEXT) == TEXT
    assert unpacked(b"") == b""
    assert unpacked(gzip.compress(TEXT)) == TEXT
    assert unpacked(gzip.compress(TEXT) + gzip.compress(b"more") + b"\0\0") == TEXT + b"more"
    assert beginning(gzip.compress(TEXT), 8) == beginning(TEXT, 8) == TEXT[:8]
    assert beginning(gzip.compress(TEXT)[:40], 8) == TEXT[:8]
    assert beginning(b"\x1f\x8bnonsense", 8) == b""


PACKED_BADLY = [
    (gzip.compress(TEXT)[:-1], "cut off"),
    (gzip.compress(TEXT)[:30], "cut off"),
    (b"\x1f\x8b", "cut off"),
    (gzip.compress(TEXT)[:-8] + b"\0" * 8, "damaged"),
    (b"\x1f\x8bnonsense", "damaged"),
    (gzip.compress(b"") * 1002, "more than 1000 members that hold nothing"),
]


@pytest.mark.parametrize(("data", "reason"), PACKED_BADLY)
def test_a_badly_packed_file_is_refused(data, reason):
    with pytest.raises(NotUnpacked, match=reason):
        unpacked(data)


def test_a_bomb_is_refused_before_it_is_unpacked(monkeypatch):
    monkeypatch.setattr(packed, "MOST", 1000)
    assert len(unpacked(gzip.compress(b"x" * 1000))) == 1000
    for bomb in (gzip.compress(b"x" * 1001), gzip.compress(b"x" * 600) * 2, b"x" * 1001):
        with pytest.raises(NotUnpacked, match="larger than 1000 octets"):
            unpacked(bomb)


FIELDS = st.lists(
    st.tuples(
        st.sampled_from([b"Content-Length", b"content-encoding", b"Transfer-Encoding", b"Connection", b"X"]),
        st.sampled_from(
            [b"0", b"3", b"gzip", b"br", b"deflate, zstd", b"chunked", b"x", b"**REDACTED**", b"\xff", b""]
        ),
    ),
    max_size=6,
)
DATA = st.binary(max_size=50) | st.sampled_from([data[:5000] for _, data in CODED])


@given(FIELDS, DATA)
def test_whatever_is_said_what_is_kept_is_true(pairs, data):
    kept, _ = true_fields(Headers(pairs), data, bodiless=False)
    assert true_fields(kept, data, bodiless=False) == (kept, True)
    assert all(int(length) == len(data) for length in kept.all(b"content-length"))
    assert b"transfer-encoding" not in kept
    assert [pair for pair in pairs if pair in kept.pairs] == list(kept.pairs) or len(set(pairs)) < len(pairs)


@given(FIELDS, DATA)
def test_a_media_type_is_replaced_only_where_it_was_scrubbed(pairs, data):
    headers = Headers([*pairs, (b"Content-Type", b"text/plain")])
    assert with_content_type(headers, data) == (headers, False)
    scrubbed = Headers([*pairs, (b"Content-Type", b"<SCRUBBED>")])
    found, was_scrubbed = with_content_type(scrubbed, data)
    assert was_scrubbed
    assert found.without((b"content-type",)) == Headers(pairs)
    assert found.get(b"content-type") == media_type(data)


@given(st.binary(max_size=200))
def test_whatever_looks_packed_is_unpacked_or_refused(data):
    assert unpacked(gzip.compress(data)) == data
    assert beginning(gzip.compress(data), 9) == data[:9]
    with pytest.raises(NotUnpacked):
        unpacked(gzip.compress(data)[:-1])
