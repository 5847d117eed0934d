"""docs/deploy.md: its samples run, its files are well-formed, and its list of what is reloadable is the code's."""

import json
import os
import plistlib
import re
import shutil
from pathlib import Path

import pytest
from page_player import Player, blocks

from proxy_daemon.net.reloading import RELOADABLE
from proxy_daemon.tap import Options

PAGE = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text()
NEEDED = [name for name in ("bash", "curl") if shutil.which(name) is None]


def sample(language):
    """The page's only block in this language."""
    [content] = [content for _, _, each, content in blocks(PAGE) if each == language]
    return content


@pytest.mark.skipif(bool(NEEDED) and not os.environ.get("LLMPROXY_REQUIRE_ALL"), reason=f"needs {', '.join(NEEDED)}")
def test_the_samples_run(daemon, tmp_path):
    assert Player(daemon, tmp_path).play(PAGE) == 5


def test_every_command_of_llmproxy_is_run():
    unmarked = {language for kind, _, language, _ in blocks(PAGE) if not kind}
    assert unmarked == {"console", "dockerfile", "nginx", "caddyfile", "logrotate", "xml"}


def test_what_is_said_to_be_reloadable_is():
    table = PAGE.partition("| setting | |\n")[2].partition("\n\n")[0]
    named = re.findall(r"`([^`]+)`", "\n".join(line.split("|")[1] for line in table.splitlines()))
    assert sorted(name.strip("[]").replace("-", "_") for name in named) == sorted(RELOADABLE)


def test_the_container_starts_it_with_options_that_there_are(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    program, serve, *options = json.loads(sample("dockerfile").partition("ENTRYPOINT ")[2])
    assert (program, serve) == ("llmproxy", "serve")
    parsed = Options()
    parsed.parseOptions(options)
    assert parsed.settings.listen == ("tcp:8910",)


def test_the_file_for_launchd_is_a_property_list():
    assert plistlib.loads(sample("xml").encode())["ProgramArguments"][1:] == ["serve"]
