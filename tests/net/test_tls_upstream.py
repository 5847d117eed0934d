"""The daemon before upstreams that speak TLS, or do not, on real sockets."""

import json
import threading

import pytest
from authorities import Authority
from rig import LIMIT, Peer, json_answer

GOOD = json_answer({"ok": True})


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def proxy(daemon, authority):
    """`proxy(server, *options)` starts a daemon before this server that trusts the authority."""

    def start(server, *options):
        url = f"https://127.0.0.1:{server.port}"
        return daemon("--upstream", url, *options, env={"SSL_CERT_FILE": str(authority.path)})

    return start


def encrypted(context, play):
    """The play, behind a handshake."""

    def handshake_first(peer):
        peer.socket = context.wrap_socket(peer.socket, server_side=True)
        play(peer)

    return handshake_first


def answer(peer):
    peer.request()
    peer.send(GOOD)


def test_a_request_goes_through(proxy, upstream, authority):
    server = upstream(encrypted(authority.server("127.0.0.1"), answer))
    status, _, body = proxy(server).chat()
    assert (status, json.loads(body)) == (200, {"ok": True})


def hang(peer):
    peer.rest()


def plain(peer):
    peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    peer.rest()


def reset(peer):
    peer.socket.recv(1)  # of the handshake: a connection that is reset at once may never come to be
    peer.reset()


FAULTS = [
    ("hangs", hang, 504, "did not finish the TLS handshake in 0.3 s (--connect-timeout)"),
    ("closes", Peer.close, 502, "closed the connection during the TLS handshake"),
    ("resets", reset, 502, "closed the connection during the TLS handshake"),
    ("plain HTTP", plain, 502, "does not speak TLS on that port"),
]


@pytest.mark.parametrize(
    ("play", "status", "words"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS]
)
def test_no_handshake(proxy, upstream, play, status, words):
    front = proxy(upstream(play), "--connect-timeout", "0.3" if status == 504 else "30")
    got, _, body = front.chat()
    message = json.loads(body)["error"]["message"]
    assert (got, words in message) == (status, True), message
    assert [line["ending"] for line in front.exchanges()] == ["timeout" if status == 504 else "failed"]


BAD = [(("localhost",), {}, "for localhost, not for 127.0.0.1"), (("127.0.0.1",), {"own": True}, "self-signed")]


@pytest.mark.parametrize(("names", "more", "words"), BAD, ids=["another name", "self-signed"])
def test_a_bad_certificate_gets_no_request(proxy, upstream, authority, names, more, words):
    server = upstream(encrypted(authority.server(*names, **more), answer))
    status, _, body = proxy(server).chat()
    assert (status, words in json.loads(body)["error"]["message"], server.requests) == (502, True, [])


def test_who_leaves_in_the_midst_takes_the_connection_along(proxy, upstream):
    begun, gone = threading.Event(), threading.Event()

    def play(peer):
        peer.take(5)
        begun.set()
        peer.rest()
        gone.set()

    front = proxy(upstream(play), "--connect-timeout", "1h")
    client = front.connect()
    client.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
    assert begun.wait(LIMIT)
    client.close()
    assert gone.wait(LIMIT)
    assert [line["ending"] for line in front.exchanges()] == ["client gone"]
