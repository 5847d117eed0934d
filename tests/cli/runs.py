"""What the tests of `llmproxy run` share: the command as a process, in an environment that knows of no API."""

import os
import subprocess
import sys

from rig import LIMIT

from proxy_daemon.cli.providers import PROVIDERS

RUN = (sys.executable, "-P", "-m", "proxy_daemon.cli.main", "run")
DEMO = ("--upstream", "demo:")
_KNOWN = {each.name for provider in PROVIDERS for each in provider.variables}
_KEYS = {name for provider in PROVIDERS for group in provider.keys for name in group}
_MORE = {"CI", "AWS_REGION", "AWS_DEFAULT_REGION", "NODE_USE_ENV_PROXY"}
# One chat by plain HTTP, printed as the SDKs' users would; {0}: the variable of its base URL.
CHAT = """
import json, os, sys, urllib.request
body = json.dumps({"model": "demo-fast", "messages": [{"role": "user", "content": sys.argv[1]}]}).encode()
fields = {"Content-Type": "application/json", "Authorization": "Bearer " + os.environ.get("OPENAI_API_KEY", "sk-own")}
asked = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", body, fields)
try:
    print(json.load(urllib.request.urlopen(asked))["choices"][0]["message"]["content"])
except urllib.error.HTTPError as error:
    print("status", error.code)
"""


def environ(**more):
    """Ours without what would change a run."""
    left_out = _KNOWN | _KEYS | _MORE
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in left_out and not name.startswith("LLMPROXY_") and not name.lower().endswith("_proxy")
    }
    return kept | more


def llmproxy_run(*words, env=None, given=None, cwd=None):
    """The finished process."""
    return subprocess.run(
        [*RUN, *words],
        env=environ(**(env or {})),
        capture_output=True,
        text=True,
        timeout=LIMIT * 2,
        input=given,
        check=False,
        cwd=cwd,
    )


def python(text, *arguments):
    """A command that runs this program."""
    return ("--", sys.executable, "-c", text, *arguments)
