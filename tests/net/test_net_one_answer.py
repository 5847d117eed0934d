"""What a hostile client gets from the front: one answer at most to each request, and little of its memory and time."""

import pytest
from octets import GET, head
from wires import Front, seen

from proxy_daemon.net.chunks import StrictChunks

LOCAL, FOREIGN = (b"Host", b"localhost"), (b"Host", b"evil.example")
CODED = (b"Transfer-Encoding", b"chunked")
LARGE = b"3e9\r\n" + b"x" * 1001 + b"\r\n"  # one octet more than the front takes


def post(host, chunks):
    return head(b"POST /v1/x HTTP/1.1", fields=(host, CODED)) + chunks


@pytest.mark.parametrize("behind", [b"zz\r\n", b"0\r\nno colon\r\n\r\n", b"0\r\n\r\n" + GET, b"5\nhello"])
@pytest.mark.parametrize(("begun", "status"), [(post(FOREIGN, b""), b"403"), (post(LOCAL, LARGE), b"4")])
def test_who_is_refused_early_gets_no_second_answer(begun, status, behind):
    """In the same read stands something else that is wrong, or a request."""
    front = Front()
    channel, wire = front.connect()
    channel.dataReceived(begun + behind)
    channel.dataReceived(GET)
    assert wire.value().startswith(b"HTTP/1.1 " + status)
    assert wire.value().count(b"HTTP/1.1 ") == 1
    assert (len(front.root.turned_away), front.root.requests, wire.half_closed) == (1, [], True)


@pytest.mark.parametrize("method", [b"HEAD", b"GET"])
@pytest.mark.parametrize("target", [b"/v1/../x", b"/v1/x#"])
def test_a_refused_head_has_no_body(method, target):
    """RFC 9110 section 9.3.2: its client would read the body as another answer."""
    channel, wire = Front().connect()
    channel.dataReceived(head(method + b" " + target + b" HTTP/1.1"))
    begun, _, body = wire.value().partition(b"\r\n\r\n")
    assert begun.startswith(b"HTTP/1.1 400 ")
    assert bool(body) == (method == b"GET")


def test_a_head_behind_an_empty_line_does_not_become_known():
    """It would be known behind two of them, which are refused."""
    front = Front()
    for _ in range(2):
        front.connect()[0].dataReceived(b"\r\n" + GET)
    channel, wire = front.connect()
    for part in (b"\r\n", b"\r\n" + GET):
        channel.dataReceived(part)
    assert wire.value().startswith(b"HTTP/1.1 400 ")
    assert len(front.root.requests) == 2


def test_what_waits_behind_a_request_is_in_one_piece():
    """Twisted adds up the sizes of all pieces at each octet."""
    front = Front(at_once=False)
    channel, _ = front.connect()
    channel.dataReceived(GET)
    for octet in GET * 2:
        channel.dataReceived(bytes([octet]))
    assert channel._dataBuffer == [GET * 2]


def test_cookies_are_nobodys():
    """To cut a large head of them into pairs would take a tenth of a second."""
    front = Front()
    front.connect()[0].dataReceived(head(b"GET /v1/x HTTP/1.1", (b"Cookie", b"a=b;" * 3)))
    (request,) = front.root.requests
    assert request.received_cookies == {}
    assert (b"Cookie", b"a=b;" * 3) in seen(request)[2]


@pytest.mark.parametrize("rest", [b"", b"GET"])
def test_the_chunks_of_one_read_are_one_piece(rest):
    """A piece costs some sixty octets of memory, however small it is."""
    handed = []
    decoder = StrictChunks(handed.append, lambda behind: handed.append(("end", behind)))
    decoder.dataReceived(b"1\r\na\r\n2\r\nbc\r\n3\r\nd")
    assert handed == [b"abcd"]
    decoder.dataReceived(b"ef\r\n0\r\n\r\n" + rest)
    assert handed == [b"abcd", b"ef", ("end", rest)]


@pytest.mark.parametrize(
    ("line", "stays"),
    [
        (b"keep-alive", True),
        (b"te", True),
        (b"close", False),
        (b"te,Close", False),
        (b"te\r\nConnection: close", False),
    ],
)
@pytest.mark.parametrize("cut", [1, 40])
def test_a_connection_stays_or_not_by_all_that_its_lines_say(line, stays, cut):
    front = Front()
    channel, wire = front.connect()
    octets = head(b"GET /v1/x HTTP/1.1", (b"Connection", line))
    for part in (octets[:cut], octets[cut:], GET):
        channel.dataReceived(part)
    assert len(front.root.requests) == 1 + stays
    assert wire.disconnecting is not stays
