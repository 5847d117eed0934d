"""What TLS with upstreams asks for: authorities besides the system's, our own certificate, or no look at theirs.

Files are read at the start, and a bad one ends it with one line. Used by `net/upstream/way.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL, crypto
from twisted.internet._sslverify import IOpenSSLTrustRoot
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import optionsForClientTLS
from zope.interface import implementer

from proxy_daemon.core.upstreams import Place, Upstream
from proxy_daemon.pipeline.faults import StartError

ALPN = [b"http/1.1"]


@implementer(IOpenSSLTrustRoot)  # Twisted has no public way to add to the system's authorities
@frozen
class Authorities:
    """The system's authorities and ``more``."""

    more: tuple[x509.Certificate, ...] = ()

    def _addCACertsToContext(self, context: SSL.Context) -> None:
        context.set_default_verify_paths()
        store = context.get_cert_store()
        assert store is not None
        for certificate in self.more:
            store.add_cert(crypto.X509.from_cryptography(certificate))


@frozen
class Identity:
    """A certificate of ours with its key, and the certificates between it and its authority."""

    certificate: crypto.X509
    key: crypto.PKey = field(repr=False)
    chain: tuple[crypto.X509, ...] = ()

    def as_options(self) -> dict[str, Any]:
        """What Twisted's `CertificateOptions` calls them."""
        chain = {"extraCertChain": list(self.chain)} if self.chain else {}
        return {"certificate": self.certificate, "privateKey": self.key} | chain


@frozen(slots=False)
class Trust:
    """``identities`` and ``insecure`` (no look at the certificate) go by the places of upstreams."""

    authorities: Authorities = field(factory=Authorities)
    identities: Mapping[Place, Identity] = field(factory=dict)
    insecure: frozenset[Place] = frozenset()

    def is_special(self, upstream: Upstream) -> bool:
        """Whether its connections must not be shared with another upstream on the same host."""
        if not self.insecure and not self.identities:
            return False
        return upstream.place in self.insecure or upstream.place in self.identities

    def options(self, place: Place) -> IOpenSSLClientConnectionCreator:
        """What makes the TLS side of a connection. Raises ValueError or UnicodeError for a host that is none."""
        own = self.identities.get(place)
        verified: IOpenSSLClientConnectionCreator = optionsForClientTLS(
            place[2],
            trustRoot=self.authorities,
            acceptableProtocols=ALPN,
            extraCertificateOptions=own.as_options() if own is not None else {},
        )
        return Unverified(verified) if place in self.insecure else verified


@implementer(IOpenSSLClientConnectionCreator)
@frozen
class Unverified:
    """TLS with whoever answers: server name and certificate of ours as ever, theirs is not looked at."""

    verified: IOpenSSLClientConnectionCreator

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:  # noqa: N803  (the interface's name)
        """As Twisted's, without the check."""
        connection: SSL.Connection = self.verified.clientConnectionForTLS(tlsProtocol)
        # OpenSSL keeps the callback that it has where it is given none: it would still refuse.
        connection.set_verify(SSL.VERIFY_NONE, lambda *_: True)
        return connection


def read_authorities(path: str) -> Authorities:
    """The certificates of a PEM file. Raises `StartError`."""
    try:
        return Authorities(tuple(x509.load_pem_x509_certificates(_read(path, "--upstream-ca"))))
    except ValueError as error:
        raise StartError(f"--upstream-ca: {path} holds no certificates in PEM") from error


def read_identity(name: str, path: str) -> Identity:
    """Certificate and key of a PEM file; further certificates are the chain. Raises `StartError`."""
    place = f"--upstream-cert {name}"
    data = _read(path, place)
    try:
        own, *chain = x509.load_pem_x509_certificates(data)
    except ValueError as error:
        raise StartError(f"{place}: {path} holds no certificate in PEM") from error
    try:
        key: Any = load_pem_private_key(data, None)
    except TypeError as error:
        raise StartError(f"{place}: the key in {path} has a passphrase; store it without one, mode 0600") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise StartError(f"{place}: {path} holds no private key in PEM beside the certificate") from error
    if key.public_key() != own.public_key():
        raise StartError(f"{place}: the key in {path} is not that of its first certificate")
    return Identity(_as_pyopenssl(own), crypto.PKey.from_cryptography_key(key), tuple(map(_as_pyopenssl, chain)))


def _as_pyopenssl(certificate: x509.Certificate) -> crypto.X509:
    return crypto.X509.from_cryptography(certificate)


def _read(path: str, place: str) -> bytes:
    try:
        return Path(path).expanduser().read_bytes()
    except (OSError, RuntimeError) as error:
        why = error.strerror if isinstance(error, OSError) else "its home is that of somebody unknown"
        raise StartError(f"{place}: {path} cannot be read: {why}") from error
