"""README and docs: their samples run, their links lead somewhere, their tables say what the code says."""

import os
import re
import shutil
from pathlib import Path

import pytest
from page_player import Player, blocks, command

from proxy_daemon.core.modes import MODES
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.secret_names import FORM_FIELDS, is_secret_field, plain_name
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.hookspecs import CONTRACTS
from proxy_daemon.settings import OPTIONS, default_text

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
PLAYED = [
    ROOT / "README.md",
    *(ROOT / "docs" / page for page in ("configuration.md", "recording-and-replay.md", "access.md", "way-out.md")),
    ROOT / "docs" / "recordings-of-others.md",
    ROOT / "docs" / "verdict.md",
    ROOT / "docs" / "rewriting.md",
    ROOT / "docs" / "run.md",
    ROOT / "docs" / "testing.md",
    ROOT / "docs" / "inspecting.md",
    ROOT / "docs" / "migrating.md",
    ROOT / "docs" / "exporting.md",
    ROOT / "docs" / "scripting.md",
]
OF_REWRITE = {"explain", "answer", "model", "path", "method", "header", "stream", "dialect", "status"}
# Of llmproxy import, show, verdict, rewrite and run.
OF_COMMANDS = {"as", "json", "raw", "delivered", "url", "session", "fail-on", "reset", "trap", "cassette", *OF_REWRITE}
OF_COMMANDS |= {"all", "limit", "into"}  # of llmproxy diff, list and promote
OF_COMMANDS |= {"format", "output", "from", "dry-run", "skip-refused", "force"}  # of llmproxy export
# Of curl, rechat, mitmproxy and pytest-recording.
OF_OTHERS = {"data-urlencode", "diff", "listen-port", "server-replay", "record-mode", "block-network", "allowed-hosts"}
OF_PYTEST = {"llmproxy-fail-on", "llmproxy-upstream"}
README, CONFIGURATION = (path.read_text() for path in PLAYED[:2])
LINK = re.compile(r"\]\(([^)\s]+)\)")
NEEDED = [name for name in ("bash", "curl") if shutil.which(name) is None]


def page_name(path):
    return path.name


# --- samples ---------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(bool(NEEDED) and not os.environ.get("LLMPROXY_REQUIRE_ALL"), reason=f"needs {', '.join(NEEDED)}")
@pytest.mark.parametrize("path", PLAYED, ids=page_name)
def test_the_samples_run(daemon, tmp_path, path):
    assert Player(daemon, tmp_path).play(path.read_text()) >= 5


@pytest.mark.parametrize("path", PLAYED, ids=page_name)
def test_every_program_on_the_page_is_run(path):
    unmarked = [content for kind, _, language, content in blocks(path.read_text()) if language and not kind]
    assert all(content.startswith("make ") for content in unmarked)


def test_the_targets_of_make_exist():
    targets = re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text())
    named = re.findall(r"(?m)^make ([a-z-]+)", README)
    assert named == ["demo", "test"]
    assert set(named) <= set(targets)


def test_a_command_is_read_with_its_variables():
    assert command("A=1 llmproxy serve --mode none") == ({"A": "1"}, ["--mode", "none"])


@pytest.mark.parametrize(
    ("sample", "fault"),
    [
        ("<!-- run: gone -->\n```sh\necho here\n```", "here"),
        ("<!-- run -->\n```sh\nfalse\n```", "false"),
        ('<!-- run -->\n```sh\necho \'{"a": 1}\'\n```\n<!-- answer -->\n```json\n{"a": 2}\n```', "in truth"),
        ("<!-- run -->\n```sh\necho here\n```\n<!-- shown -->\n```text\nthere\n```", "in truth: here"),
    ],
)
def test_a_wrong_sample_is_found(daemon, tmp_path, sample, fault):
    player = Player(daemon, tmp_path)
    with pytest.raises(AssertionError, match=fault):
        player.play(f"<!-- serve -->\n```sh\nllmproxy serve\n```\n{sample}\n")


# --- links -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES, ids=page_name)
def test_relative_links_lead_to_files(path):
    links = [link for link in LINK.findall(path.read_text()) if "://" not in link]
    wrong = [link for link in links if not (path.parent / link.partition("#")[0]).exists()]
    assert wrong == []


@pytest.mark.parametrize("path", PAGES, ids=page_name)
def test_pictures_are_there_and_say_what_they_show(path):
    named = re.findall(r'(?:src|srcset)="([^"]+)"', path.read_text())
    assert [name for name in named if not (path.parent / name).is_file()] == []
    assert all("alt=" in tag for tag in re.findall(r"<img [^>]*>", path.read_text()))


def test_every_page_can_be_reached_from_the_readme():
    linked = {(ROOT / link).resolve() for link in LINK.findall(README) if "://" not in link}
    assert {path.resolve() for path in PAGES} - {ROOT / "README.md"} <= linked


# --- tables ----------------------------------------------------------------------------------------------------------


def rows(text, header):
    """The cells of each row of the table with this header."""
    table = text.partition(header)[2].partition("\n\n")[0]
    lines = [line for line in table.splitlines()[1:] if not line.startswith("|---")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("name", OPTIONS)
def test_each_option_is_listed_with_its_default_and_meaning(name):
    shown = default_text(name)
    option = f"| `--{name.replace('_', '-')}` |"
    row = next(line for line in CONFIGURATION.splitlines() if line.startswith(option))
    default, meaning = (cell.strip() for cell in row.removeprefix(option).strip("| ").split(" | "))
    assert default.strip("`") == shown
    assert meaning == OPTIONS[name][1].help


def test_no_other_option_is_listed():
    listed = re.findall(r"(?m)^\| `--([a-z-]+)` \|", CONFIGURATION)
    assert listed == [name.replace("_", "-") for name in OPTIONS]


@pytest.mark.parametrize("path", [*PLAYED, ROOT / "docs/plugins.md"], ids=page_name)
def test_every_option_that_is_mentioned_exists(path):  # other pages name options of other programs
    known = {name.replace("_", "-") for name in OPTIONS} | {"reactor", "help"} | OF_COMMANDS | OF_OTHERS | OF_PYTEST
    assert set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", path.read_text())) <= known


def test_the_table_of_base_paths():
    found = [[cell.strip("`") for cell in row] for row in rows(CONFIGURATION, "| upstream | request | is sent to |")]
    assert len(found) == 4
    for url, target, sent in found:
        upstream = parse_upstream(url)
        assert f"{upstream.scheme}://{upstream.authority}{upstream.target(target.encode()).decode()}" == sent


def test_the_table_of_modes():
    found = {row[0].split("`")[1]: row[1:] for row in rows(README, "| `--mode` |")}
    assert set(found) == set(MODES)
    for name, (there, absent, kept) in found.items():
        mode = MODES[name]
        assert there == ("replayed" if mode.looks_up else "forwarded")
        assert absent.startswith("forwarded" if mode.forwards else "refused")
        assert kept.startswith("yes") == mode.keeps


def test_what_is_said_to_be_redacted_is():
    told = README.partition("Replaced by `REDACTED`")[2].partition("\n\nOther content")[0]
    fields, queries, bodies = (
        set(re.findall(r"`([\w-]+)`", part.partition(". ")[0])) for part in told.split("\n- ")[1:4]
    )
    kept = {name for name in fields if not is_secret_field((b"x" if name[0] == "-" else b"") + name.encode())}
    assert kept == {"Idempotency-Key"}
    assert all(b"secret" not in Redactor().target(f"/?{name}=secret".encode()) for name in queries)
    assert {plain_name(name.encode()) for name in bodies} == FORM_FIELDS


def test_the_number_of_hooks():
    assert f"{len(CONTRACTS)} hooks" in (ROOT / "CHANGELOG.md").read_text()
