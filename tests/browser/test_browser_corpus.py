"""The corpus, imported: one exchange of each dialect in every tab, one of each of its operations in the first."""

import csv
import subprocess
import sys

import pytest
import recorded
from browsing import awake, expect
from corpus import HOME
from rig import LIMIT, Daemons

pytestmark = pytest.mark.more
LARGEST = 60_000  # octets of a file: enough for each dialect
TABS = ("chat", "request", "response", "stream", "timing", "diff", "rules")


def chosen():
    """The smallest file of each set of endpoints, with and without streams."""
    found = {}
    with (HOME / "INDEX.csv").open() as index:
        for row in csv.DictReader(index):
            key = row["providers"], row["endpoints"], row["streaming"]
            if int(row["bytes"]) <= min(LARGEST, found.get(key, ("", LARGEST))[1]):
                found[key] = row["file"], int(row["bytes"])
    return [str(HOME / name) for name, _ in found.values()]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    recorded.needed()
    folder = tmp_path_factory.mktemp("corpus")
    store = str(folder / "store.db")
    command = [sys.executable, "-m", "proxy_daemon.cli.main", "import", *chosen(), "--store", store]
    subprocess.run(command, capture_output=True, timeout=10 * LIMIT, check=False)
    daemons = Daemons(folder)
    yield daemons.start("--mode", "none", store=store)
    daemons.stop()


def kinds(daemon):
    """{(dialect, operation): id of one}."""
    awake(daemon)
    found, before = {}, ""
    while before is not None:
        page = daemon.get(f"/_llmproxy/api/exchanges?limit=50{before}")
        ids = [row["id"] for row in page["exchanges"]]
        told = daemon.get(f"/_llmproxy/api/told?ids={','.join(ids)}")["told"]
        for exchange_id, value in told.items():
            if value:
                found.setdefault((value["dialect"], value["operation"], bool(value["streams"])), exchange_id)
        before = f"&before={page['next']}" if page["next"] else None
    return found


def test_one_of_each_dialect_in_every_tab(daemon, tab):
    found = kinds(daemon)
    assert len({dialect for dialect, _, _ in found}) >= 14, sorted(found)
    tab.open(daemon)
    seen = set()
    for kind, exchange_id in sorted(found.items(), key=lambda one: one[0][1] != "chat"):
        for each in TABS[:1] if kind[0] in seen else TABS:
            panel = tab.show(daemon, exchange_id, each)
            expect(panel).not_to_be_empty()
            assert tab.at("fault").count() == 0, (kind, each, panel.inner_text()[:300])
        seen.add(kind[0])
