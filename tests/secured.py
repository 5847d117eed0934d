"""A real daemon that listens with TLS, and clients of it; an upstream that waits for them."""

import re
import socket
import ssl

from authorities import Authority
from rig import LIMIT, SSE_HEAD, Peer, chunk

HTTPS = re.compile(rb"https://127\.0\.0\.1:(\d+)")
COUNT = 5
DONE = b"data: [DONE]\n\n"


class Secure:
    """A daemon that listens on a plain port and on a TLS one, and clients of the TLS one."""

    def __init__(self, daemon, folder, *options):
        self.authority, self.path, self.peers = Authority(folder), folder / "own.pem", []
        self.renew()
        listen = f"ssl:0:privateKey={self.path}:interface=127.0.0.1"
        self.daemon = daemon("--listen", listen, *options)
        self.port = int(HTTPS.search(b"".join(self.daemon.said))[1])

    def renew(self):
        new = self.authority.write(self.path.with_suffix(".new"), "localhost")
        new.chmod(0o600)
        new.replace(self.path)

    @property
    def url(self):
        return f"https://localhost:{self.port}"

    def context(self):
        """What a client trusts."""
        return ssl.create_default_context(cafile=self.authority.path)

    def connect(self, *protocols):
        """A `rig.Peer` on TLS."""
        context = self.context()
        context.set_alpn_protocols(protocols or ("http/1.1",))
        plain = socket.create_connection(("127.0.0.1", self.port), LIMIT)
        self.peers.append(Peer(context.wrap_socket(plain, server_hostname="localhost")))
        return self.peers[-1]

    def close(self):
        for peer in self.peers:
            peer.close()


def waiting(arrived):
    """A play that sends an event only when the client has the one before."""

    def play(peer):
        peer.request()
        peer.send(SSE_HEAD)
        for number in range(COUNT):
            peer.send(chunk(b"data: %d\n\n" % number))
            assert arrived.get(timeout=LIMIT) == number
        peer.send(chunk(DONE) + chunk(b""))
        peer.rest()

    return play


class H2Peer:
    """One request of HTTP/2 on a real socket."""

    def __init__(self, connection):
        from h2.connection import H2Connection  # noqa: PLC0415  (it may not be there)

        self.socket, self.h2, self.body = connection, H2Connection(), bytearray()
        self.h2.initiate_connection()
        self._flush()

    def open(self, window):
        """Take so many octets more without a word, of all streams and of each."""
        if window:
            self.h2.increment_flow_control_window(window)
            self.h2.update_settings({4: window})

    def ask(self, body=None):
        method = "GET" if body is None else "POST"
        head = {":method": method, ":scheme": "https", ":authority": "localhost", ":path": "/v1/chat/completions"}
        self.h2.send_headers(1, [*head.items(), ("content-type", "application/json")], end_stream=body is None)
        if body is not None:
            self.h2.send_data(1, body, end_stream=True)
        self._flush()

    def until(self, mark):
        while mark not in self.body:
            self._read()

    def take(self, size):
        while len(self.body) < size:
            self._read()
        return bytes(self.body)

    def _read(self):
        data = self.socket.recv(65536)
        assert data, bytes(self.body[-500:])
        for event in self.h2.receive_data(data):
            if taken := getattr(event, "data", None):
                self.body += taken
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        self._flush()

    def _flush(self):
        self.socket.sendall(self.h2.data_to_send())
