"""A response as it may be written: no secret in head, trailers or body, coded or not; all else as it was."""

import gzip
import zlib
from array import array
from itertools import pairwise

import brotli
import orjson
import pytest
import zstandard
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import JSON_LIMIT, Pieces, Request, Response, ResponseHead
from proxy_daemon.core.redact import REDACTED, Redactor
from proxy_daemon.core.redacted_response import is_coded, redacted_response, withholds_request

SECRET = b"s3kr1t-V4lue"
TOKENS = b'{"token_type":"bearer","access_token":"%b","expires_in":3600}' % SECRET
CLEAN = b'{"usage":{"prompt_tokens":1},"text":"access_token"}'
JSON = b"application/json"
ENCODERS = {
    b"gzip": gzip.compress,
    b"deflate": zlib.compress,
    b"br": brotli.compress,
    b"zstd": zstandard.ZstdCompressor().compress,
    b"gzip, br": lambda data: brotli.compress(gzip.compress(data)),
}


@frozen
class Spooled:
    """A body that does not lie in memory."""

    data: bytes

    @property
    def size(self):
        return len(self.data)

    def whole(self):
        return None

    def read(self, offset, size):
        return self.data[offset : offset + size]


def response(data, *fields, sizes=None, body=Bytes, kind=JSON, trailers=()):
    head = ResponseHead(200, b"OK", Headers([(b"Content-Type", kind), *fields]))
    sizes = [len(data)] if sizes is None else sizes
    pieces = Pieces(array("Q", sizes), array("Q", range(10, 10 + len(sizes))))
    return Response(head, body(data), pieces, Headers(trailers))


def coded(coding, data, **more):
    return response(data, (b"Content-Encoding", coding), **more)


def redacted(given):
    return redacted_response(Redactor(), given)


def withheld(given):
    safe = redacted(given)
    return safe.body.size == 0 and not safe.pieces.sizes and not safe.pieces.times


def cut_at(data, offsets):
    cuts = [0, *sorted(offset % (len(data) + 1) for offset in offsets), len(data)]
    return [end - start for start, end in pairwise(cuts)]


@pytest.mark.parametrize("body", [Bytes, Spooled])
@pytest.mark.parametrize("data", [b"", CLEAN[:20], b"\xff" * 100, b"data: {}\n\n" * 50])
def test_a_response_without_secrets_is_the_same_object(data, body):
    plain = response(data, (b"Server", b"x"), body=body, trailers=[(b"Server-Timing", b"a;dur=1")])
    assert redacted(plain) is plain


@pytest.mark.parametrize("coding", ENCODERS)
@pytest.mark.parametrize("body", [Bytes, Spooled])
def test_a_coded_response_without_secrets_is_the_same_object(coding, body):
    plain = coded(coding, ENCODERS[coding](CLEAN), body=body)
    assert redacted(plain) is plain


def test_a_secret_in_the_head_leaves_the_body_alone():
    given = response(CLEAN, (b"Set-Cookie", b"a=" + SECRET), (b"openai-organization", SECRET), (b"Via", b"1.1 x"))
    safe = redacted(given)
    assert safe.head.headers.pairs[1:] == (
        (b"Set-Cookie", REDACTED),
        (b"openai-organization", REDACTED),
        (b"Via", b"1.1 x"),
    )
    assert safe.body is given.body
    assert safe.pieces is given.pieces


def test_a_secret_beside_the_status_is_gone():
    said = response(b"{}")
    key = b"sk-proj-" + b"a1B2c3D4" * 6
    given = evolve(said, head=ResponseHead(401, b"No such key: " + key, said.head.headers))
    assert redacted(given).head.reason == b"No such key: " + REDACTED
    assert redacted(given).head.status == 401
    assert redacted(given).body is given.body


def test_a_secret_in_the_trailers_is_gone():
    trailers = redacted(response(CLEAN, trailers=[(b"Set-Cookie", SECRET), (b"Digest", b"x")])).trailers
    assert trailers.pairs == ((b"Set-Cookie", REDACTED), (b"Digest", b"x"))


def test_a_token_body_keeps_all_but_its_tokens():
    safe = redacted(response(TOKENS))
    assert safe.body.whole() == TOKENS.replace(SECRET, REDACTED)
    assert list(safe.pieces.sizes) == [safe.body.size]
    assert list(safe.pieces.times) == [10]


def test_a_form_of_tokens():
    kind = b"application/x-www-form-urlencoded; charset=utf-8"
    safe = redacted(response(b"access_token=%b&scope=repo" % SECRET, kind=kind))
    assert safe.body.whole() == b"access_token=REDACTED&scope=repo"


@pytest.mark.parametrize("coding", ENCODERS)
def test_a_coded_token_body_is_written_decoded(coding):
    packed = ENCODERS[coding](TOKENS)
    safe = redacted(coded(coding, packed, sizes=[5, len(packed) - 5]))
    assert safe.body.whole() == TOKENS.replace(SECRET, REDACTED)
    assert b"content-encoding" not in safe.head.headers
    assert list(safe.pieces.sizes) == [safe.body.size]
    assert list(safe.pieces.times) == [11]


def test_codings_over_several_fields_are_one_list():
    packed = brotli.compress(gzip.compress(TOKENS))
    given = response(packed, (b"Content-Encoding", b"gzip"), (b"content-encoding", b"br"))
    assert redacted(given).body.whole() == TOKENS.replace(SECRET, REDACTED)


@pytest.mark.parametrize("coding", ENCODERS)
def test_a_cut_body_with_a_legible_secret_is_withheld(coding):
    pad = bytes(range(256)) * 400  # past a block of each coding: the secret can be read before the cut
    packed = ENCODERS[coding](TOKENS[:-1] + b',"pad":"' + pad)
    assert withheld(coded(coding, packed[:-10]))


DAMAGED = [
    (b"gzip", gzip.compress(TOKENS)[:-8] + b"\0" * 8),
    (b"gzip", gzip.compress(TOKENS)[:-8]),
    (b"gzip", gzip.compress(TOKENS)[:-9]),
    (b"gzip", gzip.compress(TOKENS) + b"rest"),
    (b"gzip", gzip.compress(b"") + gzip.compress(TOKENS) + b"\0"),
    (b"deflate", zlib.compress(TOKENS)[:-4] + b"\0" * 4),
    (b"deflate", zlib.compress(TOKENS) + b"rest"),
    (b"br", brotli.compress(TOKENS) + b"rest"),
    (b"zstd", zstandard.ZstdCompressor().compress(TOKENS) + b"rest"),
    (b"gzip", TOKENS),
    (b"br", TOKENS),
    (b"compress", TOKENS),
    (b"aws-chunked", TOKENS),
    (b"gzip, compress", TOKENS),
    (b"gzip," * 6, TOKENS),
]


@pytest.mark.parametrize("body", [Bytes, Spooled])
@pytest.mark.parametrize(("coding", "data"), DAMAGED)
def test_a_damaged_body_with_a_legible_secret_is_withheld(coding, data, body):
    assert withheld(coded(coding, data, body=body))


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        (b"gzip", gzip.compress(CLEAN)[:-3]),
        (b"gzip", gzip.compress(CLEAN) + b"rest"),
        (b"br", brotli.compress(CLEAN)[:-3]),
        (b"gzip", CLEAN),
        (b"compress", CLEAN),
        (b"gzip", b""),
    ],
)
def test_a_damaged_body_without_a_secret_stays(coding, data):
    plain = coded(coding, data)
    assert redacted(plain) is plain


def test_a_cut_event_stream_in_zstd_stays():
    plain = coded(b"zstd", ENCODERS[b"zstd"](b"data: {}\n\n" * 50)[:-3], kind=b"text/event-stream; charset=utf-8")
    assert redacted(plain) is plain


@pytest.mark.parametrize("coding", ENCODERS)
def test_a_bomb_is_withheld(coding):
    assert withheld(coded(coding, ENCODERS[coding](b"\0" * (JSON_LIMIT + 1))))


def test_the_largest_body_that_is_looked_through():
    data = TOKENS[:-1] + b',"pad":"' + b"a" * (JSON_LIMIT - len(TOKENS) - 9) + b'"}'
    assert len(data) == JSON_LIMIT
    assert redacted(coded(b"gzip", gzip.compress(data))).body.whole() == data.replace(SECRET, REDACTED)


@pytest.mark.parametrize(("data", "gone"), [(TOKENS, True), (b"a" * 70_000 + TOKENS, True), (b"a" * 140_000, False)])
def test_a_body_too_large_to_rewrite_is_withheld_where_it_names_a_secret(data, gone):
    given = response(data, body=Spooled)
    assert withheld(given) is gone
    assert gone or redacted(given) is given


@pytest.mark.parametrize("size", [1, 3, 10])
def test_no_piece_shows_a_part_of_a_secret(size):
    """Each old cut stands where it stood; those inside the value stand behind it."""
    sizes = [size] * (len(TOKENS) // size) + ([len(TOKENS) % size] if len(TOKENS) % size else [])
    safe = redacted(response(TOKENS, sizes=sizes))
    assert sum(safe.pieces.sizes) == safe.body.size
    assert len(safe.pieces.sizes) == len(safe.pieces.times) == len(sizes)
    start = TOKENS.index(SECRET)
    before = sum(1 for number in range(1, len(sizes) + 1) if number * size <= start)
    assert list(safe.pieces.sizes)[:before] == sizes[:before]


@given(st.lists(st.text(max_size=30), max_size=4), st.lists(st.integers(0, 10**6), max_size=12))
def test_pieces_cover_the_body_whatever_the_cuts(secrets, offsets):
    members = [{"n": number, "refresh_token": secret} for number, secret in enumerate(secrets)]
    data = orjson.dumps([*members, "end"])
    given = response(data, sizes=cut_at(data, offsets))
    safe = redacted(given)
    assert sum(safe.pieces.sizes) == safe.body.size
    assert safe.pieces.times == given.pieces.times
    assert [member["refresh_token"] for member in orjson.loads(safe.body.whole())[:-1]] == ["REDACTED"] * len(secrets)


@given(st.binary(max_size=100), st.sampled_from([*ENCODERS, b"", b"identity", b"x", b"gzip,,zstd"]))
def test_any_octets_under_any_coding(data, coding):
    given = coded(coding, data)
    assert redacted(given) is given or (b"zstd" in coding and withheld(given))


@pytest.mark.parametrize(
    ("kind", "body", "withheld"),
    [
        (b"application/x-www-form-urlencoded", b"grant_type=x&client_secret=hush", True),
        (b"application/json", b'{"refresh_token":"hush"}', True),
        (b"application/json", b'{"prompt":"the client_secret is safe"}', False),
    ],
)
@pytest.mark.parametrize("coding", [b"gzip", b""])
def test_a_coded_request_body_with_a_secret_is_not_stored(kind, body, withheld, coding):
    headers = Headers(((b"Content-Type", kind), *([(b"Content-Encoding", coding)] if coding else [])))
    request = Request(b"POST", b"/token", headers, Bytes(gzip.compress(body) if coding else body))
    assert withholds_request(Redactor(), request) is withheld


def test_a_request_body_whose_coding_is_only_said_is_looked_into():
    headers = Headers(((b"Content-Type", b"application/json"), (b"Content-Encoding", b"gzip")))
    assert withholds_request(Redactor(), Request(b"POST", b"/", headers, Bytes(b'{"access_token":"hush"}')))
    assert not withholds_request(Redactor(), Request(b"POST", b"/", headers, Bytes(b'{"x":"y"}')))


UNSAID = [b"gzip", b"deflate", b"zstd"]  # br has no mark by which it is known


@pytest.mark.parametrize("body", [Bytes, Spooled])
@pytest.mark.parametrize("kind", [JSON, b"", b"application/gzip"])
@pytest.mark.parametrize("coding", UNSAID)
def test_a_coding_that_no_head_tells_of_is_looked_into(coding, kind, body):
    assert withheld(response(ENCODERS[coding](TOKENS), kind=kind, body=body))
    assert withheld(response(ENCODERS[coding](b"access_token=" + SECRET), kind=kind, body=body))
    plain = response(ENCODERS[coding](CLEAN), kind=kind, body=body)
    assert redacted(plain) is plain


@pytest.mark.parametrize("coding", UNSAID)
def test_what_is_coded_twice_and_once_so_called_is_looked_into(coding):
    assert withheld(coded(b"br", brotli.compress(ENCODERS[coding](TOKENS))))
    assert withheld(response(gzip.compress(ENCODERS[coding](TOKENS))))
    plain = coded(b"gzip", gzip.compress(ENCODERS[coding](CLEAN)))
    assert redacted(plain) is plain


def test_a_bomb_that_no_head_tells_of_is_withheld():
    bomb = gzip.compress(b"\0" * (JSON_LIMIT + 1))
    assert withheld(response(bomb))
    assert withheld(coded(b"gzip", gzip.compress(bomb)))


@pytest.mark.parametrize("data", [b"\x1f\x8b", b"\x1f\x8b\x08no", b"x\x9c\xff" * 9, gzip.compress(CLEAN)[:-3]])
def test_what_only_looks_coded_stays(data):
    plain = response(data)
    assert redacted(plain) is plain


def test_a_secret_behind_the_mark_of_a_coding_is_withheld():
    assert withheld(response(b"\x1f\x8b" + TOKENS))


@pytest.mark.parametrize("coding", UNSAID)
def test_a_request_body_whose_coding_is_not_said_is_looked_into(coding):
    def asked(data):
        return Request(b"POST", b"/", Headers(), Bytes(ENCODERS[coding](data)))

    assert withholds_request(Redactor(), asked(b"a=1&client_secret=hush"))
    assert not withholds_request(Redactor(), asked(CLEAN))


@pytest.mark.parametrize(
    ("fields", "data", "is_so"),
    [
        ([], gzip.compress(CLEAN), True),
        ([(b"Content-Encoding", b"br")], b"x", True),
        ([(b"Content-Encoding", b"br")], b"", False),
        ([], CLEAN, False),
        ([], b"", False),
    ],
)
def test_whether_a_body_is_coded(fields, data, is_so):
    assert is_coded(Headers(fields), Bytes(data)) is is_so
