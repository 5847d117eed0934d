"""Fixtures of the whole suite: a daemon of its own process, and an upstream whose every octet a test decides."""

import gzip
from functools import partial

import pytest
from hypothesis import settings
from rig import Daemons, RawUpstream

# How long an example takes says nothing about whether it is right.
settings.register_profile("llmproxy", deadline=None)
settings.load_profile("llmproxy")

# The octets that parametrize are part of a test's name, and each process of `-n auto` must find the same names:
# gzip writes the time into its head.
gzip.compress = partial(gzip.compress, mtime=0)


@pytest.fixture
def daemon(tmp_path):
    """`daemon(*options)` starts one on a free port and gives a `rig.Daemon`; all are ended afterwards."""
    daemons = Daemons(tmp_path)
    yield daemons.start
    daemons.stop()


@pytest.fixture
def upstream():
    """`upstream(play)` serves each connection by `play(connection)`; gives a `rig.RawUpstream`."""
    servers = []

    def start(play):
        servers.append(RawUpstream(play))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
