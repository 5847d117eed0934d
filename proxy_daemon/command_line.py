"""The command line of `twistd llmproxy` and `llmproxy serve`: options, help, and what is wrong with them in one line.

Every option comes from `settings`. `tap.py` adds what needs the reactor, and is the only one to import this.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable, Sequence

from twisted.python import usage

from proxy_daemon import __version__
from proxy_daemon.settings import OPTIONS, Settings, SettingsError, default_text
from proxy_daemon.settings.sources import load

EXAMPLES = """
Options may also stand in the environment (LLMPROXY_STORE_MAX_BYTES=1GiB) or in a TOML file (store-max-bytes = "1GiB").
The command line rules over the environment, the environment over the file.

  twistd -n llmproxy --upstream https://api.openai.com/v1
  twistd -n llmproxy --upstream demo:                          try it without any key
  twistd -n llmproxy --mode none                               replay only, never touch the network
  twistd -n llmproxy --upstream openai=https://api.openai.com/v1 --upstream local=http://127.0.0.1:11434/v1

Clients set their base URL: OPENAI_BASE_URL=http://127.0.0.1:8910/v1, ANTHROPIC_BASE_URL=http://127.0.0.1:8910
"""


class Options(usage.Options):
    """The command line. Afterwards `settings` holds the settings; an error ends it with one line and code 1."""

    # Defaults are None, so that what was given is told from what was not: other layers come in between.
    optFlags = [[name.replace("_", "-"), None, option.help] for name, (_, option) in OPTIONS.items() if option.flag]
    optParameters = [
        [name.replace("_", "-"), None, None, option.help]
        for name, (_, option) in OPTIONS.items()
        if not option.flag and not option.repeatable
    ]
    settings: Settings

    def __init__(self) -> None:
        self._repeated: dict[str, list[str]] = {}
        super().__init__()

    def opt_help(self) -> None:
        """What this text is."""
        sys.stdout.write(help_text())
        raise SystemExit(0)

    def opt_version(self) -> None:
        """Say the version."""
        sys.stdout.write(f"llmproxy {__version__}\n")
        raise SystemExit(0)

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Read the options and every other layer."""
        try:
            super().parseOptions(options)
            self._handed_over = self.handed_over()
            self.settings = self.read()
            self.check_endpoints(self.settings.listen)
        except usage.UsageError as error:
            raise SystemExit(f"llmproxy: {error}; llmproxy serve --help lists the options") from error
        except SettingsError as error:
            raise SystemExit(f"llmproxy: {error}") from error

    def read(self) -> Settings:
        """All layers of settings, as they are now. Raises `SettingsError`."""
        return load(self._given(), os.environ, self._handed_over)

    def handed_over(self) -> tuple[str, ...]:
        """Endpoints of the sockets that systemd hands over. Raises `SettingsError`."""
        raise NotImplementedError

    def check_endpoints(self, descriptions: Sequence[str]) -> None:
        """Whether these can be listened on. Raises `SettingsError`."""
        raise NotImplementedError

    def _given(self) -> dict[str, list[str]]:
        given = dict(self._repeated)
        for name, (_, option) in OPTIONS.items():
            value = None if option.repeatable else self[name.replace("_", "-")]
            if value is not None and value != 0:
                given[name] = ["yes" if option.flag else value]
        return given


def _collector(name: str) -> Callable[[Options, str], None]:
    def collect(options: Options, value: str) -> None:
        """Repeatable."""
        options._repeated.setdefault(name, []).append(value)  # noqa: SLF001  (a method of it)

    return collect


for _name, (_, _option) in OPTIONS.items():
    if _option.repeatable:
        setattr(Options, f"opt_{_name}", _collector(_name))


def help_text() -> str:
    """`--help`: each option with its meaning, its default and an example."""
    lines = [f"llmproxy {__version__}: a proxy between LLM clients and LLM APIs that records, replays and explains", ""]
    lines.append("usage: twistd -n llmproxy [OPTIONS]   (or: llmproxy serve [OPTIONS])")
    group = ""
    for name, (_, option) in OPTIONS.items():
        if option.group != group:
            group = option.group
            lines += ["", f"{group}:"]
        flag = "--" + name.replace("_", "-")
        lines.append(f"  {flag}" if option.flag else f"  {flag} {option.example}")
        lines += textwrap.wrap(
            f"{option.help} [default: {default_text(name)}]", 100, initial_indent=" " * 8, subsequent_indent=" " * 8
        )
    return "\n".join(lines) + "\n" + EXAMPLES
