"""The corpus as `core/cassettes` reads it, and what its index says of each file: the judge of what was read.

`tests/corpus.py` is another reader, written apart from the formats. Called by the tests of issue 4's points.
"""

import csv
import os
from functools import lru_cache

import corpus
import pytest
from attrs import frozen

from proxy_daemon.core.cassettes import Unreadable
from proxy_daemon.core.cassettes.formats import read
from proxy_daemon.core.messages import Recording, Unknown

MADE_FOR_STREAMS = "response-only fixture"  # what the index calls a stream without its request


@frozen
class File:
    """One file: its row of INDEX.csv, its entries, and why it was refused, if it was."""

    row: dict
    entries: list
    refusal: str

    @property
    def name(self):
        return self.row["file"]

    @property
    def endpoints(self):
        """As "POST /v1/messages" each."""
        return self.row["endpoints"].split("; ")


def needed():
    """Skips where there is no corpus; fails where there must be one."""
    why = corpus.missing()
    if why and os.environ.get("LLMPROXY_REQUIRE_ALL"):
        pytest.fail(why)
    if why:
        pytest.skip(why)


@lru_cache(maxsize=1)
def files():
    """All of them, read. Whatever a reader raises but `Unreadable` comes through."""
    with (corpus.HOME / "INDEX.csv").open() as index:
        return [_file(row) for row in csv.DictReader(index)]


def _file(row):
    entries = []
    try:
        entries.extend(read(row["file"], (corpus.HOME / row["file"]).read_bytes()))
    except Unreadable as error:
        return File(row, entries, str(error))
    return File(row, entries, "")


def hosts(file):
    """Those that the index has of it, without ports."""
    return {host.partition(":")[0] for host in file.row["hosts"].split()}


def exchanges():
    """(file, number in it, recording) of each entry that is one."""
    for file in files():
        for at, one in enumerate(file.entries):
            if isinstance(one, Recording):
                yield file, at, one


@lru_cache(maxsize=1)
def llm_hosts():
    """Those that the index has in files where all belongs to LLMs."""
    return {host for file in files() if "other" not in file.row["providers"].split() for host in hosts(file)}


def asked_of_llms():
    """As `exchanges`, those whose endpoint the index gives to an LLM: by their host, where a file has others too."""
    for file, at, one in exchanges():
        is_mixed = "other" in file.row["providers"].split()
        if Unknown.REQUEST not in one.unknown and (not is_mixed or one.upstream.host in llm_hosts()):
            yield file, at, one
