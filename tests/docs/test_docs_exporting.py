"""docs/exporting.md and the help of `llmproxy export` name each format, and their examples are commands."""

import re
import shlex
from pathlib import Path

import pytest

from proxy_daemon.cli.export_options import EPILOG, FORMATS, parser
from proxy_daemon.core.cassettes.writers import WRITERS

PAGE = (Path(__file__).parents[2] / "docs" / "exporting.md").read_text()
EXAMPLES = re.findall(r"(?m)^  llmproxy export (.+?)(?:  .*)?$", EPILOG)


def test_the_page_has_each_format_and_no_other():
    table = PAGE.partition("| `--format` | what it is for |")[2].partition("\n\n")[0]
    assert tuple(re.findall(r"(?m)^\| `([a-z-]+)` \|", table)) == WRITERS


def test_the_help_has_each_format_and_no_other():
    assert tuple(FORMATS) == WRITERS


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_of_the_help_can_be_called(example):
    said = parser().parse_args(shlex.split(example))
    assert said.format in WRITERS


def test_there_are_examples():
    assert len(EXAMPLES) == 7
