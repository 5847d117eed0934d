"""What went wrong on the way to an upstream, in plain words for the person who reads the 502."""

from __future__ import annotations

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet import error
from twisted.python.failure import Failure

from proxy_daemon.net.upstream.certificate import distrust_in_words, other_host_in_words
from proxy_daemon.net.upstream.names import LookupTimeout

NOT_TLS = ("wrong version number", "http request", "packet length too long")  # as OpenSSL says it


def connect_in_words(name: str, reason: Failure) -> str:
    """Why no connection came about."""
    problem = reason.value
    if isinstance(problem, error.DNSLookupError):
        return f"the name of upstream {name} does not resolve; is the host in --upstream right, and is there a network?"
    if isinstance(problem, error.ConnectionRefusedError):
        return f"upstream {name} refuses connections; is it running?"
    if isinstance(problem, LookupTimeout):
        return f"the name of upstream {name} was not resolved in time (--connect-timeout); does the name server answer?"
    if isinstance(problem, error.TimeoutError | error.TCPTimedOutError):
        return f"upstream {name} did not accept a connection in time (--connect-timeout)"
    return f"no connection to upstream {name}: {problem}"


def handshake_in_words(name: str, host: str, connection: SSL.Connection, reason: Failure) -> str:
    """Why TLS did not come about on a connection that did."""
    problem = reason.value
    if isinstance(problem, VerificationError):
        return f"TLS with upstream {name} failed: {other_host_in_words(connection, host)}"
    if not isinstance(problem, SSL.Error):
        return f"upstream {name} closed the connection during the TLS handshake; does it speak TLS on that port?"
    details = _tls(problem)
    if "certificate verify failed" in details:
        return f"TLS with upstream {name} failed: {distrust_in_words(connection)} ({details})"
    if any(words in details for words in NOT_TLS):
        return f"upstream {name} does not speak TLS on that port ({details}); is it http:// rather than https://?"
    return f"TLS with upstream {name} failed: {details}{_whose(details)}"


def loss_in_words(name: str, reason: Failure) -> str:
    """Why a connection ended before the answer began."""
    problem = reason.value
    if isinstance(problem, SSL.Error):
        details = _tls(problem)
        return f"TLS with upstream {name} failed: {details}{_whose(details)}"
    if isinstance(problem, error.ConnectionDone):
        return f"upstream {name} closed the connection without an answer"
    return f"upstream {name} broke the connection without an answer: {problem}"


def once_in_words(stale: Exception, method: bytes) -> str:
    """Why a request is not sent again on another connection."""
    return f"{stale}; the {method.decode('latin-1')} may have reached it, so it is not sent a second time"


def _whose(details: str) -> str:
    """An alert comes from the other side: the certificate that it is about is ours."""
    if "alert" in details and ("certificate" in details or "unknown ca" in details):
        return " (about the certificate that we show it, or do not: --upstream-cert)"
    return ""


def _tls(problem: SSL.Error) -> str:
    details = problem.args[0] if problem.args else None
    if isinstance(details, list) and details:
        return ", ".join(str(entry[-1]) for entry in details)
    return str(problem) or "the connection was closed"
