"""Small projects in a folder of their own, and pytest run in them as their people do: a process, the plugin loaded."""

import re
import subprocess
import sys
from importlib.metadata import distributions

from rig import LIMIT
from runs import environ

# Installed, it is there by itself; where the environment is older than setup.cfg, it is named.
INSTALLED = any(entry.value == "proxy_daemon.pytest_plugin" for each in distributions() for entry in each.entry_points)
PLUGIN = () if INSTALLED else ("-p", "proxy_daemon.pytest_plugin")
GONE = ("--llmproxy-upstream", "http://127.0.0.1:9")  # nobody listens there
# What tests of small projects ask, by plain HTTP: they need no SDK. `swallowed` is a program that hides its errors.
TALK = """
import json, os, urllib.error, urllib.request

def chat(text, url=None):
    body = json.dumps({"model": "demo-fast", "messages": [{"role": "user", "content": text}]}).encode()
    fields = {"Content-Type": "application/json", "Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}
    asked = urllib.request.Request((url or os.environ["OPENAI_BASE_URL"]) + "/chat/completions", body, fields)
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return json.load(answer)["choices"][0]["message"]["content"]

def swallowed(text):
    try:
        return chat(text)
    except urllib.error.HTTPError:
        return ""
"""
_OUTCOME = re.compile(r"^(?:\[gw\d+\] \[ *\d+%\] )?(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS) (\S+)|^(\S+::\S+) (\w+)")


class Ran:
    """One run of pytest: its exit code, all that it printed, and the outcome of each test by its name."""

    def __init__(self, ran):
        self.code, self.text = ran.returncode, ran.stdout + ran.stderr
        self.outcomes = {}
        for line in ran.stdout.splitlines():
            if found := _OUTCOME.match(line):
                outcome, name = (found[1], found[2]) if found[1] else (found[4], found[3])
                if outcome.isupper():
                    self.outcomes.setdefault(name.partition("::")[2], outcome.lower())

    def counts(self):
        """How many of each outcome."""
        return {each: list(self.outcomes.values()).count(each) for each in set(self.outcomes.values())}


class Project:
    """A folder with tests."""

    def __init__(self, folder):
        self.folder = folder
        self.write("talk.py", TALK)

    def write(self, name, text):
        """A file of it; what it was before goes. Its time is another one than before: no old bytecode is run."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def tests(self, body, name="test_it.py"):
        """A file of tests that may `chat` and be `swallowed`."""
        return self.write(name, f"import pytest\nfrom talk import chat, swallowed\n{body}")

    def pytest(self, *words, env=None, key="sk-own"):
        """`key`: that of OpenAI; empty: there is none."""
        keys = {"OPENAI_API_KEY": key} if key else {}
        own = {"LLMPROXY_UPSTREAM": "demo:", "PYTHONDONTWRITEBYTECODE": "1"} | keys | (env or {})
        command = [sys.executable, "-m", "pytest", "-v", *PLUGIN, "-p", "no:cacheprovider", *words]
        ran = subprocess.run(
            command, cwd=self.folder, env=environ(**own), capture_output=True, text=True, timeout=LIMIT * 4, check=False
        )
        return Ran(ran)

    def cassettes(self):
        """Their paths from the folder, in order."""
        return sorted(str(file.relative_to(self.folder)) for file in self.folder.rglob("*.yaml"))
