"""Fixtures of this room's tests."""

import pytest
from plays import Said

from proxy_daemon.net import service as module


@pytest.fixture
def said(monkeypatch):
    """What the daemon's service says to the person who started it."""
    monkeypatch.setattr(module.sys, "__stderr__", said := Said())
    monkeypatch.setattr(module, "_is_detached", lambda: False)
    return said
