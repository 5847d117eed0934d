"""Certificates for TLS tests: an authority, and servers whose certificates are good or bad in one respect."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

DAY = timedelta(days=1)


class Authority:
    """Signs certificates. ``path``: a file that makes OpenSSL trust it, by way of SSL_CERT_FILE."""

    def __init__(self, folder, name="Test authority", above=None):
        self.folder, self.name, self.key = folder, name, ec.generate_private_key(ec.SECP256R1())
        issuer = above or self
        certificate = _certificate(name, self.key, issuer.name, issuer.key, (), (-1, 1), is_authority=True)
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(certificate.public_bytes(Encoding.PEM))

    def below(self, name):
        """An authority that this one vouches for."""
        return Authority(self.folder, name, self)

    def server(self, *names, days=(-1, 1), own=False):
        """The context of a server for these hosts. ``own``: it has signed its certificate itself."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.write(self.folder / "server.pem", *names, days=days, own=own))
        return context

    def write(self, path, *names, days=(-1, 1), own=False, key=None):
        """A new key and its certificate in one file; the file."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        issuer, issuer_key = ("server", key) if own else (self.name, self.key)
        certificate = _certificate("server", key, issuer, issuer_key, names, days)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(private + certificate.public_bytes(Encoding.PEM))
        return path


def _certificate(subject, key, issuer, issuer_key, names, days, *, is_authority=False):
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(_name(issuer), _name(subject), key.public_key(), x509.random_serial_number())
        .not_valid_before(now + days[0] * DAY)
        .not_valid_after(now + days[1] * DAY)
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_host(name) for name in names]), critical=False)
    return builder.sign(issuer_key, SHA256())


def _name(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _host(text):
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
