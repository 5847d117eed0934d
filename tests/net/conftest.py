"""Fixtures of this room's tests."""

import pytest
from authorities import Authority
from plays import Said
from secured import Secure
from wires import Front

from proxy_daemon.net import service as module
from proxy_daemon.net.certificates import Files
from proxy_daemon.net.serving_tls import Certificates


@pytest.fixture
def said(monkeypatch):
    """What the daemon's service says to the person who started it."""
    monkeypatch.setattr(module.sys, "__stderr__", said := Said())
    monkeypatch.setattr(module, "_is_detached", lambda: False)
    return said


@pytest.fixture
def connect_h2(tmp_path):
    """`connect_h2(front, **how)` gives an `h2_wires.H2Client` of a front in memory."""
    from h2_wires import H2Client  # noqa: PLC0415  (h2 may not be there)

    authority = Authority(tmp_path)
    path = authority.write(tmp_path / "own.pem", "localhost")

    def start(front=None, **how):
        front = front or Front(at_once=False)
        return H2Client(front, Certificates(Files(path, path), front.clock), authority.path, **how)

    return start


@pytest.fixture
def secure(daemon, tmp_path):
    """`secure(*options)` starts a `Secure`."""
    made = []

    def start(*options):
        made.append(Secure(daemon, tmp_path, *options))
        return made[-1]

    yield start
    for one in made:
        one.close()
