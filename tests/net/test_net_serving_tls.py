"""TLS to clients in memory: which certificate a handshake gets, and how connections end."""

import base64
import ssl

import pytest
from authorities import Authority
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate
from tls_wires import TLSClient
from twisted.logger import LogLevel, globalLogPublisher
from wires import DONE, Front

from proxy_daemon.net.certificates import CertificateError, Files
from proxy_daemon.net.channel import LINGER_SECONDS
from proxy_daemon.net.client import FrontClient
from proxy_daemon.net.crowd import Crowd
from proxy_daemon.net.limits import Limits
from proxy_daemon.net.serving_tls import LOOK_SECONDS, Certificates, TLSEndpoint

REQUEST = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST_REQUEST = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Place:
    """A folder with an authority and the file that the server reads."""

    def __init__(self, folder):
        self.authority = Authority(folder)
        self.path = folder / "own.pem"
        self.front = Front()
        self.renew()
        self.files = Files(self.path, self.path)
        self.certificates = Certificates(self.files, self.front.clock)

    def renew(self, **how):
        """A new key and certificate, in place of the old file."""
        new = self.authority.write(self.path.with_suffix(".new"), "localhost", **how)
        new.chmod(0o600)
        new.replace(self.path)

    def connect(self, *protocols):
        return TLSClient(self.front, self.certificates, self.authority.path, protocols)

    def serial(self):
        return self.connect().handshake().serial()

    def later(self):
        self.front.clock.advance(LOOK_SECONDS)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture
def said():
    """(level, line) of each event of the log."""
    events = []

    def keep(event):
        events.append((event["log_level"], event["log_format"].format(**event)))

    globalLogPublisher.addObserver(keep)
    yield events
    globalLogPublisher.removeObserver(keep)


def damaged(content):
    """A certificate whose key is on no curve: that is found only when the key is asked for."""
    key, _, _ = content.partition(b"-----BEGIN CERT")
    certificate = load_pem_x509_certificate(content)
    point = certificate.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    octets = certificate.public_bytes(Encoding.DER).replace(point, b"\4" + bytes(64))
    return key + b"-----BEGIN CERTIFICATE-----\n%b-----END CERTIFICATE-----\n" % base64.encodebytes(octets)


def troubles(said):
    return [line for level, line in said if level is LogLevel.error]


class TestReadingAgain:
    def test_a_new_handshake_gets_the_new_certificate(self, place):
        before = place.serial()
        place.renew()
        place.later()
        assert place.serial() != before

    def test_connections_under_way_go_on(self, place):
        client = place.connect().handshake()
        place.renew()
        place.later()
        place.serial()
        client.send(REQUEST)
        assert client.take().endswith(b"ok")

    def test_a_client_in_the_middle_of_its_handshake_goes_on(self, place):
        client = place.connect()
        place.renew()
        place.later()
        assert client.handshake().serial() != place.serial()

    def test_the_files_are_looked_at_once_a_second(self, place):
        before = place.serial()
        place.renew()
        place.front.clock.advance(LOOK_SECONDS / 2)
        assert place.serial() == before

    def test_files_that_stay_are_not_read_again(self, place, monkeypatch):
        monkeypatch.setattr("proxy_daemon.net.serving_tls.load", lambda files: pytest.fail("it was read again"))
        place.later()
        place.serial()

    @pytest.mark.parametrize("broken", [b"", b"no certificate", None, "damaged inside"])
    def test_a_broken_file_leaves_the_old_one_and_is_named_once(self, place, said, broken):
        before = place.serial()
        broken = damaged(place.path.read_bytes()) if broken == "damaged inside" else broken
        place.path.unlink() if broken is None else place.path.write_bytes(broken)
        for _ in range(3):
            place.later()
            assert place.serial() == before
        assert len(troubles(said)) == 1
        assert str(place.path) in troubles(said)[0]

    def test_a_file_that_is_whole_again_is_taken(self, place, said):
        before = place.serial()
        place.path.write_bytes(b"half")
        place.later()
        place.serial()
        place.renew()
        place.later()
        assert place.serial() != before
        assert [level for level, _ in said] == [LogLevel.error, LogLevel.info]

    def test_what_is_broken_anew_is_said_anew(self, place, said):
        for _ in range(2):
            place.path.write_bytes(b"half")
            place.later()
            place.serial()
            place.renew()
            place.later()
            place.serial()
        assert len(troubles(said)) == 2

    def test_a_half_that_looks_like_the_whole_is_read_again(self, place, monkeypatch):
        """A file may be written twice in one tick of the file system's clock."""
        before, whole = place.serial(), place.authority.write(place.path.with_suffix(".new"), "localhost").read_bytes()
        monkeypatch.setattr("proxy_daemon.net.certificates._mark", lambda path: "always the same")
        for content in (b"half", whole):
            place.path.write_bytes(content)
            place.later()
            after = place.serial()
        assert after != before

    def test_the_key_follows_its_certificate(self, tmp_path, place, said):
        """Two files, replaced one after the other, with a client between."""
        key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
        key.write_bytes(place.path.read_bytes())
        certificate.write_bytes(place.path.read_bytes())
        place.certificates = Certificates(Files(key, certificate), place.front.clock)
        before = place.serial()
        place.renew()
        certificate.write_bytes(place.path.read_bytes())
        place.later()
        assert place.serial() == before
        assert "does not belong" in troubles(said)[0]
        key.write_bytes(place.path.read_bytes())
        place.later()
        assert place.serial() != before

    def test_a_start_without_a_certificate_fails(self, place):
        place.path.write_bytes(b"")
        with pytest.raises(CertificateError):
            Certificates(place.files, place.front.clock)

    def test_what_is_unwise_is_said(self, place, said):
        place.path.chmod(0o604)
        place.certificates.warn()
        assert [level for level, _ in said] == [LogLevel.warn]


class Listening:
    """Stands where the endpoint of TCP stands."""

    def listen(self, factory):
        self.factory = factory


class TestNegotiation:
    @pytest.mark.parametrize("installed", [True, False])
    def test_http_2_is_offered_where_the_extra_is_installed(self, place, monkeypatch, installed):
        if installed:
            pytest.importorskip("h2")
        else:
            monkeypatch.setattr("proxy_daemon.net.serving_tls.find_spec", lambda name: None)
        plain = Listening()
        TLSEndpoint(plain, place.certificates, place.front.clock).listen(place.front.site)
        site = plain.factory.wrappedFactory
        client = TLSClient(place.front, place.certificates, place.authority.path, ("h2", "http/1.1"), site).handshake()
        assert client.tls.selected_alpn_protocol() == ("h2" if installed else "http/1.1")

    def test_no_session_is_kept(self, place):
        client = place.connect()
        client.limit(ssl.TLSVersion.TLSv1_2)
        client.handshake()
        client.send(REQUEST)
        client.take()
        assert not client.tls.session.has_ticket

    @pytest.mark.parametrize(
        ("offered", "chosen"), [((), None), (("http/1.1",), "http/1.1"), (("h2", "http/1.1"), "http/1.1")]
    )
    def test_http_1_1_is_spoken(self, place, monkeypatch, offered, chosen):
        monkeypatch.setattr("twisted.web.http.H2_ENABLED", True)
        client = place.connect(*offered).handshake()
        assert client.tls.selected_alpn_protocol() == chosen
        client.send(REQUEST)
        assert client.take().startswith(b"HTTP/1.1 200 ")

    @pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
    def test_versions_that_are_safe(self, place, version):
        client = place.connect()
        client.limit(ssl.TLSVersion[version])
        assert client.handshake().tls.version() == version.replace("_", ".")
        assert client.tls.compression() is None

    @pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
    def test_an_old_version_is_refused(self, place):
        client = place.connect()
        client.limit(ssl.TLSVersion.TLSv1_1)
        with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
            client.handshake()

    def test_a_client_that_trusts_another_authority_does_not_connect(self, tmp_path, place):
        other = Authority(tmp_path, "Other authority")
        with pytest.raises(ssl.SSLCertVerificationError):
            TLSClient(place.front, place.certificates, other.path).handshake()

    def test_one_that_does_not_speak_tls_is_closed(self, place):
        client = place.connect()
        client.server.dataReceived(REQUEST)
        assert client.wire.closed


class Flow:
    """Stands where an upstream's connection stands."""

    def __init__(self):
        self.calls = []

    def pause(self):
        self.calls.append("pause")

    def resume(self):
        self.calls.append("resume")


class TestBackPressure:
    @pytest.fixture
    def client(self, place):
        place.front.root.at_once = False
        client = place.connect().handshake()
        client.send(REQUEST)
        return client

    def test_a_socket_that_is_full_holds_the_flow_up(self, place, client):
        flow = Flow()
        FrontClient(place.front.root.requests[0]).feed_from(flow)
        client.wire.producer.pauseProducing()
        assert flow.calls == ["pause"]
        client.wire.producer.resumeProducing()
        assert flow.calls == ["pause", "resume"]

    def test_a_flow_that_begins_while_it_is_full_is_held_up(self, place, client):
        flow = Flow()
        client.wire.producer.pauseProducing()
        FrontClient(place.front.root.requests[0]).feed_from(flow)
        assert flow.calls == ["pause"]

    def test_a_client_that_is_gone_is_noticed(self, place, client):
        client.server.connectionLost(DONE)
        assert place.front.root.requests[0].gone


class TestTheEnd:
    def test_the_last_answer_comes_whole_and_then_the_connection_is_closed(self, place):
        """Whether the client confirms the end or not."""
        client = place.connect().handshake()
        client.send(LAST_REQUEST)
        assert client.take().endswith(b"ok")
        assert client.ended
        assert client.wire.closed

    def test_an_idle_connection_is_closed_at_once_when_the_daemon_stops(self, place):
        client = place.connect().handshake()
        client.server.wrappedProtocol.loseConnection()
        client.take()
        assert client.ended
        assert client.wire.closed

    def test_an_early_refusal_arrives_before_the_connection_is_closed(self, place):
        client = self.refused(place)
        assert client.take().startswith(b"HTTP/1.1 413 ")
        assert client.ended
        assert not client.wire.closed
        assert not client.wire.half_closed  # TLS would end without a word

    def test_what_the_client_still_sends_is_passed_over(self, place):
        client = self.refused(place)
        client.send(b"x" * 5000)
        client.take()
        assert not client.wire.closed
        client.end()
        assert client.wire.closed

    def test_a_client_that_sends_for_ever_is_cut_off(self, place):
        client = self.refused(place)
        client.take()
        place.front.clock.advance(LINGER_SECONDS)
        assert client.wire.disconnected

    def test_a_client_that_ends_tls_is_gone(self, place):
        """TLS is not half-closed by clients: the end of TLS is the end, as with a socket."""
        client = place.connect().handshake()
        client.end()
        assert client.wire.closed

    def test_a_client_for_whom_there_is_no_room_can_read_that(self, place):
        place.front.site._crowd = Crowd(Limits(max_connections=0))
        client = place.connect().handshake()
        assert client.take().startswith(b"HTTP/1.1 503 ")
        assert client.ended

    @staticmethod
    def refused(place):
        client = place.connect().handshake()
        client.send(b"POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
        return client
