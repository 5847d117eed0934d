"""The command line of `llmproxy run`: what is its own, what goes on to the daemon as it stands, and the command.

What the daemon would find elsewhere, in the environment or in the file of `--config`, is looked up there too. Called by
`run.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from attrs import frozen

from proxy_daemon.cli.judgement import WORDS, parse_fail_on

DEFAULT = ("refused", "failed")  # a miss in mode none is refused; one in a mode that records is what it is for
_FLAGS = ("--trap", "--quiet")
_FILE = "--config"

HELP = f"""usage: llmproxy run [OPTIONS] -- COMMAND [ARGUMENTS]

Run COMMAND with a proxy of its own between its LLM clients and their APIs. The clients are told by their own
environment variables (OPENAI_BASE_URL, ANTHROPIC_BASE_URL, OLLAMA_HOST ...), so nothing is changed in the program. At
the end stands what came from recordings and what did not. The exit code is that of COMMAND, or 1 where it is 0 and the
verdict is a no.

  llmproxy run --cassette tests/llm.yaml -- pytest        record what is not recorded, replay what is
  llmproxy run --cassette tests/llm.yaml --mode none -- pytest       replay only: no key, no network
  llmproxy run --cassette tests/llm.yaml --mode all -- pytest        record anew
  llmproxy run --trap -- node app.js                      refuse all that goes past the proxy
  llmproxy run --upstream demo: -- python app.py          try it on the built-in model, without a key

  --cassette FILE       record to and replay from this file; --cassette-dir FOLDER: one file per name.
                        Without either, a store is kept for this run only; --store FILE keeps one
  --mode MODE           none where CI is set; else once with a cassette, new_episodes without
  --upstream URL        send everything there; NAME=URL: only what is meant for that API, e.g. ollama=http://gpu:11434.
                        Without it each API is asked where it lives, or where its variable says that it does
  --trap                be the HTTP proxy of COMMAND too, and refuse all: a client with an address of its own is
                        counted as refused, and does not go live
  --fail-on WORDS       exit code 1 where there is any of these: {", ".join(WORDS)}; or nothing
                        [{",".join(DEFAULT)}]
  --quiet               say nothing where all is well
  --help                this text

All other options are those of llmproxy serve, as its --help lists them; --listen is chosen here. Programs that set a
base URL by themselves find the proxy in LLMPROXY_URL, and the API called NAME behind $LLMPROXY_URL/_llmproxy/to/NAME/.
In mode none a client without a key gets a placeholder. Which variables are set, and who reads them: docs/run.md
"""


class WrongUsage(ValueError):
    """One line that says what to do."""


@frozen
class Asked:
    """One call of the command. ``options``: the daemon's; ``upstreams``: as they were given, wherever that was."""

    options: tuple[str, ...]
    upstreams: tuple[str, ...]
    mode: str
    own_store: bool  # the daemon has no place to record to yet
    trap: bool
    quiet: bool
    fail_on: tuple[str, ...]
    command: tuple[str, ...]


def wants_help(arguments: Sequence[str]) -> bool:
    """Whether it is asked for before the command."""
    before = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return not arguments or "--help" in before or "-h" in before


def parse(arguments: Sequence[str], environ: Mapping[str, str]) -> Asked:
    """Raises `WrongUsage`."""
    options, command = _split(arguments)
    flags = {word for word in options if word in _FLAGS}
    passed, fail_on = _without_own(options)
    said = Said.of(passed, environ)
    if _values(passed, "--listen"):
        raise WrongUsage("--listen: the daemon of llmproxy run listens on a free port; leave it out")
    cassette = bool(said("cassette") or said("cassette-dir"))
    modes = said("mode")
    mode = modes[-1] if modes else default_mode(environ, cassette)
    more = ([] if modes else ["--mode", mode]) + ([] if said("log") else ["--log", "off"])
    own_store = not cassette and not said("store")
    if cassette and not said("store"):  # the history of a run is its verdict: nothing goes into the user's own store
        more += ["--store", "off"]
    upstreams = tuple(said("upstream"))
    return Asked((*passed, *more), upstreams, mode, own_store, "--trap" in flags, "--quiet" in flags, fail_on, command)


def _split(arguments: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    if "--" not in arguments:
        raise WrongUsage("put -- before the command, such as: llmproxy run -- pytest")
    at = arguments.index("--")
    command = tuple(arguments[at + 1 :])
    if not command:
        raise WrongUsage("no command stands behind the --, such as: llmproxy run -- pytest")
    return list(arguments[:at]), command


def _without_own(options: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """What is the daemon's, and what to fail on."""
    passed: list[str] = []
    words, left = list(DEFAULT), iter(options)
    for word in left:
        name, separator, value = word.partition("=")
        if name == "--fail-on":
            words = list(_fail_on(value if separator else next(left, "")))
        elif word not in _FLAGS:
            passed.append(word)
    return passed, tuple(words)


def _fail_on(text: str) -> tuple[str, ...]:
    try:
        return parse_fail_on(text)
    except ValueError as error:
        raise WrongUsage(str(error)) from None


def default_mode(environ: Mapping[str, str], cassette: bool) -> str:
    """Where nobody has named one. The pytest plugin has the same."""
    if environ.get("CI", "").strip().lower() not in ("", "0", "false"):
        return "none"
    return "once" if cassette else "new_episodes"


# --- what is said, and where -----------------------------------------------------------------------------------------


@frozen
class Said:
    """The layers of settings that may say something: the first that does rules, as for the daemon (`settings`)."""

    options: Sequence[str]
    environ: Mapping[str, str]
    table: Mapping[str, Any]

    @classmethod
    def of(cls, options: Sequence[str], environ: Mapping[str, str]) -> Said:
        """With the file that `--config` or `$LLMPROXY_CONFIG` names."""
        files = [*_values(options, _FILE), environ.get("LLMPROXY_CONFIG", "")]
        named = [file for file in files if file.strip()]
        return cls(options, environ, _table(named[0]) if named else {})

    def __call__(self, name: str) -> list[str]:
        """The values of an option; empty where nobody says any."""
        variable = "LLMPROXY_" + name.upper().replace("-", "_")
        found = self.table.get(name, self.table.get(name.replace("-", "_"), []))
        in_file = [str(each) for each in found] if isinstance(found, list) else [str(found)]
        return _values(self.options, f"--{name}") or self.environ.get(variable, "").split() or in_file


def _values(options: Sequence[str], name: str) -> list[str]:
    """Of an option in words that nobody has read: what follows it, behind `=` or as the next word."""
    return [
        word.partition("=")[2] if word.startswith(f"{name}=") else after
        for word, after in pairwise((*options, ""))
        if word == name or word.startswith(f"{name}=")
    ]


def _table(file: str) -> Mapping[str, Any]:
    """Of a TOML file; empty where it cannot be read: the daemon will say so."""
    import tomllib  # noqa: PLC0415  (few have such a file)
    from pathlib import Path  # noqa: PLC0415  (as above)

    try:
        with Path(file).expanduser().open("rb") as opened:
            return tomllib.load(opened)
    except (OSError, RuntimeError, ValueError, RecursionError):
        return {}
