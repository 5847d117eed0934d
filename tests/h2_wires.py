"""A client of HTTP/2 in memory, in front of `wires.Front`."""

import h2.config
import h2.connection
import h2.events
from tls_wires import TLSClient

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import ResponseHead
from proxy_daemon.net.client import FrontClient
from proxy_daemon.net.negotiating import Negotiating

FIELDS = [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/v1/models")]
POST = [(":method", "POST"), (":scheme", "https"), (":authority", "localhost"), (":path", "/v1/x")]


def gateway(client):
    """Our side of its connection."""
    return client.wire.server.wrappedProtocol.wrappedProtocol


class H2Client:
    """Events of each stream are kept in `events`, its body in `bodies`."""

    def __init__(self, front, certificates, trusted, *, strict=True, peer="127.0.0.1"):
        self.front = front
        site = Negotiating(front.site)
        self.wire = TLSClient(front, certificates, trusted, ("h2",), site, peer).handshake()
        config = h2.config.H2Configuration(
            validate_outbound_headers=strict, normalize_outbound_headers=strict, header_encoding="utf-8"
        )
        self.h2 = h2.connection.H2Connection(config)
        self.h2.initiate_connection()
        self.events, self.bodies, self.acknowledge = [], {}, True
        self.turn()

    def ask(self, fields=FIELDS, *, end=True):
        number = self.h2.get_next_available_stream_id()
        self.h2.send_headers(number, fields, end_stream=end)
        self.turn()
        return number

    def send(self, number, data, *, end=False):
        self.h2.send_data(number, data, end_stream=end)
        self.turn()

    def turn(self, times=4):
        for _ in range(times):
            if data := self.h2.data_to_send():
                self.wire.send(data)
            self._take(self.wire.take())

    def _take(self, data):
        for event in self.h2.receive_data(data) if data else ():
            self.events.append(event)
            if isinstance(event, h2.events.DataReceived):
                self.bodies[event.stream_id] = self.bodies.get(event.stream_id, b"") + event.data
                if self.acknowledge:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)

    def of(self, kind, number=None):
        return [
            event for event in self.events if isinstance(event, kind) and (number is None or event.stream_id == number)
        ]

    def status(self, number):
        return self.head(number).get(":status", "")

    def head(self, number):
        """The fields of the answer; none where there is no answer."""
        return dict(next((event.headers for event in self.of(h2.events.ResponseReceived, number)), ()))

    def ended(self, number):
        return bool(self.of(h2.events.StreamEnded, number))

    def reset(self, number):
        return [event.error_code for event in self.of(h2.events.StreamReset, number)]


class Flow:
    """Stands where an upstream's connection stands."""

    held = False

    def pause(self):
        self.held = True

    def resume(self):
        self.held = False


HEAD = ResponseHead(200, b"OK", Headers(((b"X-One", b"1"), (b"Connection", b"keep-alive"))))


def begun(client, number=-1):
    """The answer to a request, its head sent."""
    answer = FrontClient(client.front.root.requests[number])
    answer.begin(HEAD, b"X-Own: 2\r\n")
    answer.flush()
    client.turn()
    return answer
