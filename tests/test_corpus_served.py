"""Each file of the corpus as a cassette of a running daemon, in mode `none`: what it holds is answered, in order.

What comes is compared with what `corpus_whole.py` reads in the files; the counts are those that docs/formats.md tells.
"""

import json
import os
import re
from collections import Counter
from contextlib import closing

import corpus
import corpus_whole
import pytest
from corpus_clients import Asker, Binder, at_once, recorded
from formats_page import table
from rig import Daemons

from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.redacted_response import redacted_response

pytestmark = pytest.mark.skipif(
    bool(corpus.missing()) and not os.environ.get("LLMPROXY_REQUIRE_ALL"), reason=corpus.missing() or "it is there"
)

CLIENTS = 4  # at once, each with a file of its own
OPTIONS = ("--mode", "none", "--upstream", "http://127.0.0.1:9")  # nobody is there to be asked
NOT_SERVED = re.compile(r" (/\S.*): its entry (\d+) is not served: (.*)")
REFUSED = re.compile(r": ([^:,]*), no exchanges of HTTP")
SERVED, REPLACED = "served", "served with a secret replaced"


@pytest.fixture(scope="module")
def files():
    return list(corpus_whole.files())


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    """One for all of them."""
    daemons = Daemons(tmp_path_factory.mktemp("served"))
    yield daemons.start(*OPTIONS)
    daemons.stop()


@pytest.fixture(scope="module")
def outcomes(files, daemon):
    """(format, what became of it) of each interaction, with how many; those that are wrong by their place."""
    binder = Binder(daemon)
    found = at_once(CLIENTS, enumerate(files), lambda task: asked(binder, daemon.port, f"file-{task[0]}", task[1]))
    reasons = {(path, int(entry)): why for path, entry, why in told(daemon)}
    wrong, counts = [], Counter()
    for file, answers in found:
        for number, what in answers:
            why = what or reasons.get((str(file.path), number), "")
            counts[file.format, why] += file.count if number < 0 else 1
            wrong += [] if why else [f"{file.name}#{number}"]
    return counts, wrong


def told(daemon):
    """(path, entry, why) of what the daemon says that it does not serve, once it has ended."""
    daemon.stop()
    daemon.reader.join()
    return [found.groups() for found in map(NOT_SERVED.search, b"".join(daemon.said).decode().splitlines()) if found]


def asked(binder, port, name, file):
    """(file, [(number, what became of it), ...]): empty where it is not as in the file; -1: all of it is refused."""
    if why := binder.bind(name, file.path):
        return file, [(-1, REFUSED.search(why)[1])]
    with closing(Asker(port)) as asker:
        fields = {"X-LLMProxy-Cassette": name}
        answers = [(one.index, outcome(one, *asker.ask(one.request, fields)[:2])) for one in file.interactions]
    binder.release(name)
    return file, answers or [(number, "") for number in range(file.count)]


def outcome(one, status, body):
    """What became of an interaction; empty where it is none of what may be."""
    if same(one, one.response, status, body):
        return SERVED
    return REPLACED if same(one, redacted_response(Redactor(), one.response), status, body) else ""


def same(one, response, status, body):
    """To the octet, where the file has the octets."""
    wanted = recorded(response)
    if not one.parsed or (status, body) == wanted:
        return (status, body) == wanted
    return status == wanted[0] and json.loads(body) == json.loads(wanted[1])


def test_every_interaction_is_served_or_it_is_said_why_not(outcomes, files):
    """And so many as the page tells."""
    counts, wrong = outcomes
    assert wrong == []
    assert sum(counts.values()) == 2501
    assert table("corpus") == {form: row(files, form, counts) for form in {file.format for file in files}}
    page = {key: cells["interactions"] for key, cells in table("not served", keys=2).items()}
    assert page == {key: count for key, count in counts.items() if key[1] not in (SERVED, REPLACED)}


def row(files, form, counts):
    """What the page tells of a format."""
    found = [file for file in files if file.format == form]
    return {
        "files": len(found),
        "interactions": sum(file.count for file in found),
        "served": counts[form, SERVED] + counts[form, REPLACED],
        "of these with a secret replaced": counts[form, REPLACED],
    }


@pytest.fixture
def alone(tmp_path):
    """A daemon with this file as its only cassette."""
    daemons = Daemons(tmp_path)
    yield lambda file: daemons.start(*OPTIONS, "--cassette", str(file.path))
    daemons.stop()


def chosen(files, form):
    """Of a format: the two files with the most interactions."""
    return sorted((file for file in files if file.format == form), key=lambda file: -file.count)[:2]


SPOKEN = ["vcrpy-yaml", "vcrpy-json", "vcrpy-parallel-lists-yaml.gz", "vcr-ruby-yaml", "vcr-r-yaml", "go-vcr-yaml-v2"]
SPOKEN += ["httprr", "har", "dd-test-agent-json", "raw-sse", "sse-data-lines-txt"]


@pytest.mark.parametrize("form", SPOKEN)
def test_with_a_daemon_of_its_own(files, form, alone):
    for file in chosen(files, form):
        daemon = alone(file)
        with closing(Asker(daemon.port)) as asker:
            answers = [(one, *asker.ask(one.request, {})) for one in file.interactions]
        assert len(answers) == file.count
        equal = [one.index for one, status, body, _ in answers if outcome(one, status, body)]
        hits = [one.index for one, *_, fields in answers if fields["Cache-Status"].startswith("llmproxy; hit")]
        not_served = {int(entry) for _, entry, _ in told(daemon)}
        assert equal == hits == [number for number in range(file.count) if number not in not_served]
        assert len(not_served) <= 1


@pytest.mark.parametrize("form", corpus_whole.NO_HTTP)
def test_what_is_no_http_stops_the_start(files, form, alone):
    with pytest.raises(AssertionError, match="no exchanges of HTTP"):
        alone(chosen(files, form)[0])
