"""Every recording of the corpus is read as its index counts it; what is refused or lacks its body is listed here."""

from collections import Counter

import pytest
import recorded

from proxy_daemon.core.cassettes import Skipped
from proxy_daemon.core.messages import Recording, Unknown

FILES, INTERACTIONS = 1550, 2501
REFUSED = {"pydantic-websocket-yaml": ("a WebSocket session", 16), "pydantic-grpc-yaml": ("calls of gRPC", 8)}
# Of the answer nothing but its head was recorded.
WITHOUT_BODY = [
    "alexrudall-ruby-openai/spec/fixtures/cassettes/mocks/gpt-3_5-turbo_streamed_chat_with_error_response.yml"
]


@pytest.fixture(scope="module")
def files():
    recorded.needed()
    found = recorded.files()
    assert len(found) == FILES
    return found


def test_every_file_is_read_with_the_interactions_of_the_index_or_refused(files, capsys):
    counts = Counter()
    for file in files:
        kind = file.row["format"]
        expected = 0 if kind in REFUSED else int(file.row["n_interactions"])
        assert len(file.entries) == expected, (file.name, file.refusal)
        assert bool(file.refusal) is (kind in REFUSED), (file.name, file.refusal)
        counts[kind, "files"] += 1
        counts[kind, "interactions"] += len(file.entries)
    kinds = sorted({kind for kind, _ in counts})
    with capsys.disabled():
        for kind in kinds:
            print(f"\n{kind:30} {counts[kind, 'files']:5} files {counts[kind, 'interactions']:5} interactions", end=" ")
    read = sum(counts[kind, "interactions"] for kind in kinds)
    assert read == INTERACTIONS - sum(int(file.row["n_interactions"]) for file in files if file.refusal)


def test_only_sessions_of_websocket_and_calls_of_grpc_are_refused_each_by_its_name(files):
    refused = Counter()
    for file in files:
        if file.refusal:
            reason, _ = REFUSED[file.row["format"]]
            assert file.refusal.startswith(file.name + ": ")
            assert reason in file.refusal
            refused[file.row["format"]] += 1
    assert refused == {kind: count for kind, (_, count) in REFUSED.items()}


def test_no_entry_is_skipped_and_those_without_a_body_are_known(files):
    skipped = [(file.name, one) for file in files for one in file.entries if isinstance(one, Skipped)]
    assert skipped == []
    assert [file.name for file, _, one in recorded.exchanges() if one.cut] == WITHOUT_BODY


def test_statuses_are_those_of_the_index(files):
    told = 0
    for file in files:
        stated = set(map(int, file.row["statuses"].split()))
        found = {one.status for one in file.entries if isinstance(one, Recording) and Unknown.STATUS not in one.unknown}
        assert found == stated or file.refusal, file.name
        told += bool(stated)
    assert told > 1400


def test_hosts_are_those_of_the_index(files):
    told = 0
    for file in files:
        known = [one for one in file.entries if isinstance(one, Recording) and Unknown.HOST not in one.unknown]
        assert {one.upstream.host for one in known} <= recorded.hosts(file), file.name
        told += bool(known)
    assert told > 1300
