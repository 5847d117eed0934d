"""Runs the samples of a page in order, against daemons on the built-in model. Used by test_docs_pages.py.

A comment before a fenced block says what it is:
  serve       a command that starts the daemon for the samples that follow, in place of the one before
  run: TEXT   a program; TEXT must be in what it prints
  file: NAME  a file that later commands name
  answer      JSON that the program before has printed, but for the ids of exchanges
  shown       text that the program before has printed, but for times, and for ids of exchanges: those that stand on
              the page are put in the place of the real ones from there on
"""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from rig import LIMIT

BLOCK = re.compile(
    r"(?:^<!-- (serve|run|file|answer|shown)(?:: (.*?))? -->\n)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
ADDRESS = "http://127.0.0.1:8910"
MAKERS = "https://api.openai.com/v1"
EXCHANGE = re.compile(r"\b[0-9a-f]{16}\b")
VARIES = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d|[+]\d\d:\d\d\b|\d+(?:\.\d)? (?:ms|s|min)\b")


def blocks(text):
    """(kind, argument, language, content) of each fenced block; the kind of an unmarked one is empty."""
    return BLOCK.findall(text)


class Player:
    """Plays one page in a folder of its own. ``start`` is the fixture `daemon`."""

    def __init__(self, start, folder):
        self.start, self.folder = start, folder
        self.proxy, self.printed, self.settles = None, "", False
        self.ids = {}  # the real one of each id on the page

    def play(self, text):
        """All marked blocks. Returns how many there were."""
        marked = [block for block in blocks(text) if block[0]]
        self.settles = any(block[0] == "shown" for block in marked)
        for kind, argument, language, content in marked:
            getattr(self, kind)(argument, language, content)
        return len(marked)

    def file(self, name, language, content):
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(content)

    def serve(self, _, language, content):
        """Start it as the page says, but on a free port, on the built-in model, and with its files here."""
        variables, options = command(content)
        if self.proxy is not None:
            self.proxy.stop()
        if not {"--upstream", "--config"} & set(options) and "LLMPROXY_UPSTREAM" not in variables:
            options += ["--upstream", "demo:"]
        self.proxy = self.start(*map(self._option, options), env=variables)

    def _option(self, word):
        if word.startswith("./") or (self.folder / word).exists():
            return str(self.folder / word)
        return re.sub(r"tcp:\d+:", "tcp:0:", word.replace(MAKERS, "demo:"))

    def run(self, expected, language, content):
        program = {"python": [sys.executable, "-c"], "sh": ["bash", "-euo", "pipefail", "-c"]}[language]
        if self.settles and self.proxy:
            self.proxy.settle()
        text = self._real(content.replace(ADDRESS, self.proxy.url if self.proxy else ADDRESS))
        places = {"env": self._environment(), "cwd": self.folder}
        ran = subprocess.run([*program, text], **places, capture_output=True, text=True, timeout=LIMIT, check=False)
        assert ran.returncode == 0, f"{content}\n{ran.stdout}{ran.stderr}"
        assert self._real(expected) in ran.stdout, f"{content}\n{ran.stdout}{ran.stderr}"
        self.printed = ran.stdout

    def _real(self, text):
        return EXCHANGE.sub(lambda found: self.ids.get(found[0], found[0]), text)

    @staticmethod
    def _environment():
        keys = {"OPENAI_API_KEY": "sk-sample", "ANTHROPIC_API_KEY": "sk-sample", "NO_PROXY": "127.0.0.1"}
        here = {name: value for name, value in os.environ.items() if name != "CI"}  # `llmproxy run` heeds it
        return here | keys | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def answer(self, _, language, content):
        assert without_ids(self.printed) == without_ids(content), f"in truth: {self.printed}"

    def shown(self, _, language, content):
        assert steady(self.printed) == steady(content), f"in truth: {self.printed}"
        told = dict(zip(EXCHANGE.findall(content), EXCHANGE.findall(self.printed), strict=True))
        assert all(self.ids.get(name, real) == real for name, real in told.items()), f"{told}, and before {self.ids}"
        self.ids |= told


def command(content):
    """(variables, options) of a line `NAME=VALUE llmproxy serve --option value`."""
    words = shlex.split(content)
    at = words.index("llmproxy")
    assert words[at + 1] == "serve"
    return dict(word.split("=", 1) for word in words[:at]), words[at + 2 :]


def without_ids(text):
    return json.loads(EXCHANGE.sub("ID", text))


def steady(text):
    """The lines without what is another each time: times, ids, how wide columns are, the daemon's port."""
    text = re.sub(r"127\.0\.0\.1:\d+", "HERE", EXCHANGE.sub("ID", VARIES.sub("TIME", text)))
    return [re.sub(r"(?<=\S) +", " ", line.rstrip()) for line in text.strip("\n").splitlines()]
