"""What vcrpy, HAR and mitmproxy share: URLs, fields that are true of their body, and what only llmproxy knows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whole_exchanges import JSON, Slow, exchange

from proxy_daemon.core.cassettes import whole_exchange
from proxy_daemon.core.cassettes.addresses import NOWHERE, address
from proxy_daemon.core.cassettes.foreign_text import DELIVERED, PATTERN, CannotSay
from proxy_daemon.core.cassettes.har.writing import HarWriter
from proxy_daemon.core.cassettes.mitmproxy.writing import MitmproxyWriter
from proxy_daemon.core.cassettes.vcrpy_writing import VcrpyWriter
from proxy_daemon.core.cassettes.whole_exchange import (
    BASE_PATH,
    NO_ADDRESS,
    NOT_KNOWN,
    ODD_FIELDS,
    ODD_REQUEST,
    PLACE,
    TARGET,
    WRITTEN,
)
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Delivered, ResponseHead, Unknown
from proxy_daemon.core.pattern import Pattern
from proxy_daemon.core.upstreams import parse_upstream

WRITERS = [VcrpyWriter(), HarWriter(), MitmproxyWriter()]
OPENROUTER = parse_upstream("https://openrouter.ai/api/v1")

ADDRESSES = [
    ({}, "https://api.example/v1/chat?x=1", ()),
    ({"upstream": OPENROUTER}, "https://openrouter.ai/api/v1/chat?x=1", (BASE_PATH,)),
    ({"upstream": OPENROUTER, "target": b"/api/v1/x"}, "https://openrouter.ai/api/v1/x", ()),
    ({"upstream": parse_upstream("http://[::1]:81")}, "http://[::1]:81/v1/chat?x=1", ()),
    ({"upstream": parse_upstream("demo:")}, "/v1/chat?x=1", (NO_ADDRESS,)),
    ({"upstream": NOWHERE, "unknown": frozenset((Unknown.HOST,))}, "/v1/chat?x=1", ()),
    ({"target": b"/a b\xff#c\"'%20?d=\xc3\xa9"}, "https://api.example/a%20b%FF%23c\"'%20?d=%C3%A9", (TARGET,)),
    ({"target": b"//x//y"}, "https://api.example//x//y", ()),
]


@pytest.mark.parametrize(("changes", "url", "losses"), ADDRESSES)
def test_addresses(changes, url, losses):
    found = whole_exchange.address(exchange(**changes))
    assert (found.url, found.losses) == (url, losses)


@given(target=st.binary(max_size=60))
def test_readers_find_the_target_of_any(target):
    one = whole_exchange.address(exchange(target=b"/" + target))
    assert address(one.url).target == one.target
    assert address(one.target.decode()).target == one.target


LENGTH = (b"Content-Length", b"5")
FIELDS = [
    ([JSON, LENGTH], 5, False, [JSON, LENGTH], False),
    ([JSON, LENGTH], 6, False, [JSON], False),
    ([LENGTH], 0, True, [LENGTH], False),
    ([(b"Content-Length", b"5"), (b"content-length", b"6")], 5, False, [], False),
    ([(b"Connection", b"close, x"), (b"X", b"1"), (b"Keep-Alive", b"1"), JSON], 1, False, [JSON], False),
    ([(b"A", b"1\r\nB: 2\0")], 1, False, [(b"A", b"1 B: 2")], True),
    (
        [(b"A b", b"1"), (b"", b"1"), (b":a", b"1"), (b"\xff", b"1"), (b"a\n", b"1"), (b"a", b"\xff")],
        1,
        False,
        None,
        True,
    ),
    ([(b"a", b" 1\t")], 1, False, [(b"a", b"1")], True),
]


@pytest.mark.parametrize(("given_", "size", "bodiless", "kept", "changed"), FIELDS)
def test_fields(given_, size, bodiless, kept, changed):
    found = whole_exchange.fields(Headers(given_), size, bodiless=bodiless)
    assert found.pairs == tuple([(b"a", b"\xff")] if kept is None else kept)
    assert found.losses == ((ODD_FIELDS,) if changed else ())


REFUSED = [
    ({"method": b""}, ODD_REQUEST),
    ({"method": b"A B"}, ODD_REQUEST),
    ({"method": b"M" * 65}, ODD_REQUEST),
    ({"target": b"*"}, ODD_REQUEST),
    ({"target": b"http://other/"}, ODD_REQUEST),
    ({"target": b""}, ODD_REQUEST),
    ({"unknown": frozenset((Unknown.REQUEST,))}, NOT_KNOWN),
    ({"unknown": frozenset((Unknown.STATUS,))}, whole_exchange.NO_STATUS),
]


@pytest.mark.parametrize(("changes", "why"), REFUSED)
@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)
def test_what_no_such_file_holds(writer, changes, why):
    made = writer.entry(exchange(**changes))
    assert (made.text, made.left_out) == (b"", why)
    with pytest.raises(CannotSay, match=why):
        whole_exchange.check(exchange(**changes))


OURS = [
    ({"pattern": Pattern()}, PATTERN),
    ({"delivered": Delivered(ResponseHead(200))}, DELIVERED),
    ({"written": True}, WRITTEN),
    ({"pace": 0.5}, WRITTEN),
    ({"client": "127.0.0.1"}, PLACE),
    ({"session": "s"}, PLACE),
    ({"pinned": True}, PLACE),
    ({"rules": ("r",)}, PLACE),
    ({"scope": b"s"}, PLACE),
    ({"edits": 4}, PLACE),
    ({"asked": [(b"a b", b"1")]}, ODD_FIELDS),
    ({"said": [(b"a b", b"1")]}, ODD_FIELDS),
    ({"upstream": OPENROUTER}, BASE_PATH),
    ({"upstream": parse_upstream("demo:")}, NO_ADDRESS),
    ({"target": b"/\xff"}, TARGET),
]


@pytest.mark.parametrize(("changes", "loss"), OURS)
@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)
def test_each_writer_tells_what_only_we_know(writer, changes, loss):
    usual = {*writer.entry(exchange()).losses}
    assert {*writer.entry(exchange(**changes)).losses} - usual == {loss}
    assert loss in whole_exchange.SHARED


def test_octets_and_texts():
    assert whole_exchange.octets(Slow(b"abc")) == b"abc"
    assert (whole_exchange.text_of("é".encode()), whole_exchange.text_of(b"\xff")) == ("é", None)
    assert whole_exchange.clean("a\ud800") == "a?"


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)
def test_losses_hold_nothing_of_the_recording(writer):
    odd = exchange(
        target=b"/SECRET\xff",
        asked=[(b"SECRET x", b"SECRET")],
        said=[(b"SECRET x", b"SECRET"), (b"Content-Encoding", b"SECRET")],
        client="SECRET",
        detail="SECRET",
        reason=b"SECRET\xff",
        trailers=[(b"SECRET", b"SECRET")],
    )
    assert "SECRET" not in "".join(writer.entry(odd).losses)
