"""What went wrong on the way to an upstream, in plain words for the person who reads the 502."""

from __future__ import annotations

from OpenSSL import SSL
from twisted.internet import error
from twisted.python.failure import Failure


def connect_in_words(name: str, reason: Failure) -> str:
    """Why no connection came about."""
    problem = reason.value
    if isinstance(problem, error.DNSLookupError):
        return f"the name of upstream {name} does not resolve; is the host in --upstream right, and is there a network?"
    if isinstance(problem, error.ConnectionRefusedError):
        return f"upstream {name} refuses connections; is it running?"
    if isinstance(problem, error.TimeoutError | error.TCPTimedOutError):
        return f"upstream {name} did not accept a connection in time (--connect-timeout)"
    return f"no connection to upstream {name}: {problem}"


def loss_in_words(name: str, reason: Failure) -> str:
    """Why a connection ended before the answer began."""
    problem = reason.value
    if isinstance(problem, SSL.Error):
        return f"TLS with upstream {name} failed: {_tls(problem)}"
    if type(problem).__name__ in ("VerificationError", "CertificateError"):
        return f"TLS with upstream {name} failed: its certificate is for another host"
    if isinstance(problem, error.ConnectionDone):
        return f"upstream {name} closed the connection without an answer"
    return f"upstream {name} broke the connection without an answer: {problem}"


def _tls(problem: SSL.Error) -> str:
    details = problem.args[0] if problem.args else None
    if isinstance(details, list) and details:
        return ", ".join(str(entry[-1]) for entry in details)
    return "the connection was closed during the handshake"
