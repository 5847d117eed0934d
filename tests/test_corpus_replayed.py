"""The recorded traffic of others, imported into one store and asked for again: each file gets its own answers.

A session per file, mode `none`: the daemon never asks an upstream. What is not served as it was recorded is counted by
its reason; none of these numbers may grow.
"""

import json
import os
from collections import Counter
from contextlib import closing

import pytest
from corpus import HOME, missing
from corpus_clients import Asker, recorded
from rig import Daemons

from proxy_daemon.cli.import_into import IntoStore
from proxy_daemon.cli.import_reader import Importer
from proxy_daemon.core.adopting import Adopter, NotOurs
from proxy_daemon.core.cassettes import Skipped, Unreadable
from proxy_daemon.core.cassettes.formats import BUILT_IN, read
from proxy_daemon.core.matching.anew import Anew
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.messages import Unknown
from proxy_daemon.store.imports import Imports
from proxy_daemon.store.refingerprint import Rules

pytestmark = pytest.mark.skipif(
    bool(missing()) and not os.environ.get("LLMPROXY_REQUIRE_ALL"), reason=missing() or "the corpus is there"
)

# Reasons why recordings do not answer, with how many these are.
EXCEPTIONS = {
    "the answer's status is not known": 55,  # streams of which the file holds the body alone
    "the stream was broken off": 6,
    "the answer is not whole": 4,
    "not decodable as an answer of openai-chat (chat)": 2,  # made up for tests of bad answers
    "the answer's body is not there": 1,
    "the request's body is not known": 1,  # an upload of which the file says the name alone
}
# What llmproxy itself follows, and codings: the body is sent as the file holds it.
NOT_SENT = (b"cache-control", b"content-encoding", b"accept-encoding")


def files():
    """(file's name, its entries) as the importer reads them."""
    for path in sorted(each for each in HOME.rglob("*") if each.is_file()):
        try:
            yield str(path), list(read(str(path), path.read_bytes(), BUILT_IN))
        except Unreadable:
            continue


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """The store with all of it, and what was read, by file."""
    path = str(tmp_path_factory.mktemp("corpus") / "s.db")
    matcher, entries = Matcher(), dict(files())
    adopter = Adopter(record_errors=True, matcher=matcher)
    with closing(Imports(path, Rules(matcher.digest, Anew(matcher)))) as store:
        importer = Importer(BUILT_IN, IntoStore(store, adopter))
        for name in entries:
            importer.file(name)
        for number, group in enumerate(groups()):
            Importer(BUILT_IN, IntoStore(store, adopter), f"group {number}").file(str(HOME / group["file"]))
    return path, entries, adopter


def groups():
    """Requests that one file holds several times."""
    return json.loads((HOME / "repeats.json").read_text())


@pytest.fixture
def asker(imported, tmp_path):
    daemons = Daemons(tmp_path)
    running = daemons.start("--mode", "none", "--fuzzy", "off", "--on-error-response", "record", store=imported[0])
    with closing(Asker(running.port, NOT_SENT)) as made:
        yield made
    daemons.stop()


def asked(asker, request, session):
    """(status, decoded body) of the answer."""
    return asker.ask(request, {"X-LLMProxy-Session": session})[:2]


def judged(adopter, entry):
    """(what is stored, why it is not served again)."""
    if isinstance(entry, Skipped):
        return None, f"skipped: {entry.reason}"
    try:
        return adopter.adopt(entry)
    except NotOurs as error:
        return None, f"not ours: {error}"


def outcome(asker, adopter, name, entry):
    """Empty where the answer is the recorded one, else why not."""
    stored, why = judged(adopter, entry)
    if why:
        return why.partition(":")[0]
    if Unknown.REQUEST in entry.unknown:
        return "the request is not in the file"
    status, body = asked(asker, entry.request, name)
    if (status, body) == recorded(stored.response):
        return ""
    return f"answered {status}" if status != stored.response.head.status else "another answer"


def test_each_file_gets_its_own_answers(imported, asker, capsys):
    _, entries, adopter = imported
    found, where = Counter(), {}
    for name, read_ in entries.items():
        for number, entry in enumerate(read_):
            why = outcome(asker, adopter, name, entry)
            found[why] += 1
            where.setdefault(why, []).append(f"{name.removeprefix(f'{HOME}/')}#{number}")
    with capsys.disabled():
        print(f"\n{found['']} of {found.total()} recordings answer as they did; the others:")
        for why, count in found.most_common():
            if why:
                print(f"  {count:5} {why}: {', '.join(where[why][:3])}")
    grown = {why: count for why, count in found.items() if why and count > EXCEPTIONS.get(why, 0)}
    assert not grown, grown


def equal_ones(adopter, entries, indexes):
    """By number, what our rules take for the request that the group repeats: some hold a little more than the group."""
    stored = {number: judged(adopter, each)[0] for number, each in enumerate(entries)}
    wanted = {stored[number].fingerprint for number in indexes}
    assert len(wanted) == 1, "to our rules it is one request, too"
    return {number: entries[number] for number, each in stored.items() if each and each.fingerprint in wanted}


def test_repeated_requests_are_served_in_recorded_order(imported, asker):
    _, entries, adopter = imported
    wrong = []
    for session, group in enumerate(groups()):
        found = equal_ones(adopter, entries[str(HOME / group["file"])], group["indexes"])
        served = {number: asked(asker, each.request, f"group {session}") for number, each in found.items()}
        expected = {number: recorded(judged(adopter, each)[0].response) for number, each in found.items()}
        statuses = [served[number][0] for number in group["indexes"]]
        if served != expected or statuses != group["statuses"]:
            wrong.append((group["file"], statuses))
    assert len(groups()) == 68
    assert wrong == []
