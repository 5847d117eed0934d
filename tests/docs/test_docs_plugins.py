"""docs/plugins.md against the code: each hook as it is, each sample as its file, and the samples do what they say."""

import re
import subprocess
import sys
from pathlib import Path

import format_plugin
import hello_plugin
import kit_sample
import pytest
import slow_plugin
from hook_sections import rebuilt, section

from proxy_daemon import hookspecs
from proxy_daemon.core.cassettes.formats import read
from proxy_daemon.core.cassettes.writers import writer_named
from proxy_daemon.plugins import built_in
from proxy_daemon.testing import Kit

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "plugins.md").read_text()
SAMPLES = dict(re.findall(r"<!-- sample: (\S+) -->\n```python\n(.*?)```\n", PAGE, re.DOTALL))
FILES = {f"tests/docs/{name}.py" for name in ("hello_plugin", "slow_plugin", "kit_sample", "format_plugin")}
QUESTION = {"model": "demo-1", "messages": [{"role": "user", "content": "hi"}]}


def sections():
    """{name: text} of the page's sections on hooks, in its order."""
    hooks = PAGE.partition("\n## The hooks\n")[2].partition("\n## ")[0]
    parts = re.split(r"^(?=### )", hooks, flags=re.MULTILINE)[1:]
    return {part.split()[1]: part for part in parts}


@pytest.mark.parametrize("name", hookspecs.CONTRACTS)
def test_a_hook_is_documented_as_it_is(name):
    assert sections()[name].rstrip("\n") == section(name).rstrip("\n"), "python tests/docs/hook_sections.py renews it"


def test_the_page_is_as_it_would_be_made_anew():
    assert rebuilt(PAGE) == PAGE


def test_the_page_has_every_hook_once_in_order():
    specified = [name for name, value in vars(hookspecs).items() if hasattr(value, f"{hookspecs.PROJECT}_spec")]
    assert list(sections()) == specified == list(hookspecs.CONTRACTS)
    assert PAGE.count("\n### llmproxy_") == len(specified)


def test_the_built_in_plugins_are_named():
    told = PAGE.partition("\n## Built-in plugins\n")[2].partition("\n## ")[0]
    names = [name for name, _ in built_in()] + ["pages"]
    assert re.findall(r"`([a-z-]+)`", told) == names


def test_the_samples_are_those_that_are_run_here():
    assert set(SAMPLES) == FILES


@pytest.mark.parametrize("path", sorted(FILES))
def test_a_sample_is_its_file(path):
    assert SAMPLES[path] == (ROOT / path).read_text()


TESTS = [function for name, function in vars(kit_sample).items() if name.startswith("test_")]


@pytest.mark.parametrize("function", TESTS, ids=lambda function: function.__name__)
def test_of_the_kit_sample(function):
    function()


def test_the_kit_sample_has_tests():
    assert len(TESTS) == 2


def test_hello_plugin_in_a_daemon(daemon):
    proxy = daemon("--upstream", "demo:", "--plugin", str(ROOT / "tests/docs/hello_plugin.py"))
    live, replayed = proxy.chat(), proxy.chat()
    assert "fwd=miss" in live[1]["Cache-Status"]
    assert "hit" in replayed[1]["Cache-Status"]
    assert [answer[1]["X-Team"] for answer in (live, replayed)] == ["search", "search"]


def test_slow_plugin_misses_its_own_deadline_and_is_named():
    kit = Kit(slow_plugin)
    exchange, client, running = kit.begin("/v1/chat/completions", QUESTION)
    kit.clock.advance(1.9)
    assert not running.called
    kit.clock.advance(0.2)
    assert running.called
    assert client.head.status == 502
    assert "slow_plugin" in exchange.detail
    assert kit.sent == []


def test_the_samples_are_plugins():
    for module in (hello_plugin, slow_plugin, format_plugin):
        assert any(hasattr(value, f"{hookspecs.PROJECT}_impl") for value in vars(module).values())


def test_a_format_of_ones_own_is_read_and_written():
    added = format_plugin.llmproxy_formats()
    text = b"Q: Who?\nA: I.\nQ: When?\nA: Now.\n"
    found = list(read("faq.qa", text, added))
    made = [writer_named("qa", added).entry(one) for one in found]
    assert b"".join(entry.text for entry in made) == text
    assert {loss for entry in made for loss in entry.losses} == {"all but the last question"}


def test_a_format_of_ones_own_in_the_commands(tmp_path):
    text = "Q: hi\nA: Hello from a file.\n"
    (tmp_path / "faq.qa").write_text(text)
    more = ["--store", str(tmp_path / "s.db"), "--plugin", str(ROOT / "tests/docs/format_plugin.py")]
    for words, wanted in ((["import", "faq.qa"], "imported 1"), (["export", "--format", "qa"], text)):
        line = [sys.executable, "-m", "proxy_daemon.cli.main", *words, *more]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert wanted in done.stdout
