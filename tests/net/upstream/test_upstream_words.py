"""What TLS says, for the person who reads the 502: above all, whose certificate is meant."""

import pytest
from OpenSSL import SSL
from twisted.python.failure import Failure

from proxy_daemon.net.upstream.words import handshake_in_words, loss_in_words

OURS = "the certificate that we show it, or do not: --upstream-cert"
ALERTS = [
    ("tlsv13 alert certificate required", True),
    ("ssl/tls alert certificate expired", True),
    ("sslv3 alert bad certificate", True),
    ("tlsv1 alert unknown ca", True),
    ("sslv3 alert handshake failure", False),
    ("unexpected eof while reading", False),
]


@pytest.mark.parametrize(("details", "ours"), ALERTS)
def test_whose_certificate_it_is(details, ours):
    """With TLS 1.3 the client's is looked at when the handshake is done for the client."""
    reason = Failure(SSL.Error([("SSL routines", "", details)]))
    for words in (loss_in_words("lab", reason), handshake_in_words("lab", "lab.test", None, reason)):
        assert words.startswith(f"TLS with upstream lab failed: {details}")
        assert (OURS in words) == ours
