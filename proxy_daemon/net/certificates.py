"""The certificate, its chain and its key, as PEM files hold them, for a TLS server.

What `load` gives fits together: the key belongs to the first certificate. Called by `net/serving_tls.py` at the start
and each time a file has changed.
"""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

from attrs import frozen
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509 import Certificate, InvalidVersion, load_pem_x509_certificates
from OpenSSL import SSL, crypto
from twisted.internet.ssl import CertificateOptions

# What comes of a certificate that is damaged inside, or has a key of a kind that is not known.
UNUSABLE = (SSL.Error, crypto.Error, UnsupportedAlgorithm, ValueError)


class CertificateError(Exception):
    """A file that cannot be used. Its text is one line that names the file and the reason."""


@frozen
class Files:
    """The paths. ``certificate`` may hold the chain too, and may be the same file as ``key``."""

    key: Path
    certificate: Path
    chain: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """Each file, once."""
        return tuple(dict.fromkeys(path for path in (self.key, self.certificate, self.chain) if path is not None))

    def marks(self) -> tuple[object, ...]:
        """What changes when a file is replaced or written; a file that is gone has a mark too."""
        return tuple(_mark(path) for path in self.paths)


def load(files: Files) -> tuple[CertificateOptions, Certificate]:
    """What a server offers, and its own certificate.

    TLS 1.2 or later, without compression, by the defaults of `twisted.internet.ssl.CertificateOptions`. What is offered
    by ALPN (RFC 7301) is the site's to say. Raises `CertificateError`.
    """
    own, *chain = _certificates(files.certificate)
    if files.chain is not None:
        chain += _certificates(files.chain)
    key = _key(files.key)
    try:
        options = _options(key, own, chain)
    except UNUSABLE as error:
        raise CertificateError(f"OpenSSL does not take {files.certificate}: {_reason(error)}") from error
    if options is None:
        raise CertificateError(f"the key in {files.key} does not belong to the certificate in {files.certificate}")
    return options, own


def warnings(files: Files, certificate: Certificate, now: datetime | None = None) -> list[str]:
    """What works, but hardly as it is meant. One line each."""
    now = now or datetime.now(UTC)
    found = []
    if _mode(files.key) & stat.S_IROTH:
        found.append(f"every user of this machine can read the private key {files.key}: chmod o= {files.key}")
    if certificate.not_valid_after_utc < now:
        found.append(f"the certificate {files.certificate} has expired on {certificate.not_valid_after_utc:%Y-%m-%d}")
    if certificate.not_valid_before_utc > now:
        found.append(f"the certificate {files.certificate} is not valid before {certificate.not_valid_before_utc}")
    return found


def _options(key: Any, own: Certificate, chain: list[Certificate]) -> CertificateOptions | None:
    """None where the key is another one's. All is asked that is read late: else a client would meet what is wrong."""
    if key.public_key() != own.public_key():
        return None
    _ = own.not_valid_before_utc, own.not_valid_after_utc
    values: dict[str, Any] = {"privateKey": key, "certificate": own, "extraCertChain": chain}
    options = CertificateOptions(**values)  # its types still ask for pyOpenSSL's own, which pyOpenSSL deprecates
    options.getContext()
    return options


def _certificates(path: Path) -> list[Certificate]:
    content = _content(path, "certificate")
    try:
        with catch_warnings():  # of what RFC 5280 forbids and servers have all the same, as a serial number of 0
            simplefilter("ignore", CryptographyDeprecationWarning)
            return load_pem_x509_certificates(content)
    except (ValueError, InvalidVersion) as error:
        raise CertificateError(f"there is no certificate in PEM format in {path}") from error


def _key(path: Path) -> Any:
    content = _content(path, "private key")
    try:
        return load_pem_private_key(content, None)
    except TypeError as error:
        raise CertificateError(f"the private key {path} is protected by a password, which cannot be given") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CertificateError(f"there is no private key in PEM format in {path}") from error


def _content(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CertificateError(f"cannot read the {what} {path}: {error.strerror}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, (SSL.Error, crypto.Error)):
        return "; ".join(reason for *_, reason in error.args[0]) or "it does not say why"
    return str(error)


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return 0  # it has been replaced since it was read


def _mark(path: Path) -> object:
    try:
        found = path.stat()
    except OSError as error:
        return error.errno
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
