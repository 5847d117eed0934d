"""What is wrong with an upstream's certificate, and the second look at the name in it.

A certificate is whatever a stranger sent: what cannot be read is passed over, never raised.
Used by `net/upstream/handshake.py`.
"""

from __future__ import annotations

from datetime import UTC, datetime

from cryptography import x509
from OpenSSL import SSL
from service_identity import CertificateError, VerificationError
from service_identity.pyopenssl import verify_hostname, verify_ip_address
from twisted.internet.abstract import isIPAddress, isIPv6Address

MOST_NAMES = 3  # of a certificate that is for others


def name_in_words(connection: SSL.Connection, host: str) -> str:
    """Why the certificate is not one for ``host``; empty where it is.

    Twisted looks too, but lets a certificate pass in which it finds no name that it can read.
    """
    verify = verify_ip_address if isIPAddress(host) or isIPv6Address(host) else verify_hostname
    try:
        verify(connection, host)
    except VerificationError:
        return other_host_in_words(connection, host)
    except CertificateError:
        return "its certificate names no host (it has no subjectAltName)"
    except Exception as error:  # noqa: BLE001  (what cannot be checked is not trusted)
        return f"the host in its certificate cannot be read: {error}"
    return ""


def other_host_in_words(connection: SSL.Connection, host: str) -> str:
    """The certificate is for somebody else: for whom."""
    names = _names(connection)
    if not names:
        return f"its certificate is for another host, not for {host}"
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"its certificate is for {', '.join(names[:MOST_NAMES])}{more}, not for {host}"


def distrust_in_words(connection: SSL.Connection) -> str:
    """Why the certificate is not believed, where the certificate itself tells it."""
    try:
        leaf = _leaf(connection)
        if leaf is None:
            return "its certificate cannot be verified"
        now = datetime.now(UTC)
        if leaf.not_valid_after_utc < now:
            return f"its certificate has expired on {leaf.not_valid_after_utc:%Y-%m-%d}"
        if leaf.not_valid_before_utc > now:
            return f"its certificate is not valid before {leaf.not_valid_before_utc:%Y-%m-%d}; is the clock right?"
        if leaf.issuer == leaf.subject:
            return "its certificate is self-signed"
        issuer = leaf.issuer.rfc4514_string()[:100]
    except Exception:  # noqa: BLE001  (the reader raises many things on a malformed certificate)
        return "its certificate cannot be read"
    return (
        f"its certificate, issued by {issuer!r}, is not trusted on this machine (--upstream-ca adds to those that are)"
    )


def _leaf(connection: SSL.Connection) -> x509.Certificate | None:
    """The certificate of the server itself. A handshake that failed still knows it."""
    chain = connection.get_peer_cert_chain()
    return chain[0].to_cryptography() if chain else None


def _names(connection: SSL.Connection) -> list[str]:
    """The hosts and addresses of the certificate."""
    try:
        leaf = _leaf(connection)
        if leaf is None:
            return []
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        hosts = names.get_values_for_type(x509.DNSName)
        return [ascii(host)[1:-1] for host in hosts] + [str(ip) for ip in names.get_values_for_type(x509.IPAddress)]
    except Exception:  # noqa: BLE001  (the reader raises many things on a malformed certificate)
        return []
