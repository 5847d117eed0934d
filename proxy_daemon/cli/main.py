"""The `llmproxy` command. `serve` is twistd with our plugin; `demo` shows the main job, `token` lets a client in."""

from __future__ import annotations

import gc
import os
import sys
from functools import partial

from proxy_daemon import __version__
from proxy_daemon.cli.output import guarded

USAGE = f"""llmproxy {__version__}: records, replays and explains the traffic between LLM clients and LLM APIs

usage: llmproxy serve [OPTIONS]    run the proxy in the foreground; llmproxy serve --help lists the options
       llmproxy run -- COMMAND     run a program with a proxy of its own, and say what came from recordings
       llmproxy demo               record, stream, replay with the upstream gone, explain a near miss
       llmproxy token NAME         make a token for a client of another machine
       llmproxy import FILES...    bring recordings of other tools into the store
       llmproxy export [FILTER]    write exchanges in the format of another tool; --help lists formats
       llmproxy list [FILTER]      list the exchanges of the store; llmproxy list --help tells of filters
       llmproxy show FILE[#n]      show what is said in recordings; llmproxy show ID for one of the store
       llmproxy scan FILES...      look for secrets in recordings, and in any other file
       llmproxy lint FILES...      say what is wrong with cassettes; prune takes it out, sort puts them in order
       llmproxy diff A B           how two recordings differ, by what is said in them; also for git diff
       llmproxy edit ID            write another answer for a recorded exchange: that one is replayed
       llmproxy mark ID MARK       mark an exchange; also comment, pin, unpin, delete, and promote into a cassette
       llmproxy mode [MODE]        say or set the mode of the daemon that runs
       llmproxy verdict            say what of a run came from recordings; exit code 1 where CI must fail
       llmproxy rewrite RULES      apply rules to the standard input; --explain says which rule changes what
       llmproxy --version

for example: llmproxy serve --upstream https://api.openai.com/v1
"""


def serve(arguments: list[str]) -> None:
    """`twistd -n --pidfile= llmproxy ARGUMENTS`. Does not return."""
    _name_sockets()
    gc.disable()  # while the daemon's modules are loaded: nothing of that is garbage. `tap.py` enables it again
    from twisted.scripts.twistd import run  # noqa: PLC0415  (its import installs nothing before it is needed)

    sys.argv = ["twistd", "-n", "--pidfile=", "--logger=proxy_daemon.cli.log.to_stderr", "llmproxy", *arguments]
    run()


def _name_sockets() -> None:
    """Sockets that are handed over need no names (sd_listen_fds(3)), but without them Twisted does not see any."""
    count = os.environ.get("LISTEN_FDS", "")
    if count.isdecimal() and len(count) < 5 and not os.environ.get("LISTEN_FDNAMES"):  # noqa: PLR2004  (digits)
        os.environ["LISTEN_FDNAMES"] = ":".join(["unknown"] * int(count))


def demo(arguments: list[str]) -> int:
    """The main job, on the built-in model. Returns the exit code."""
    from proxy_daemon.cli.demo import run  # noqa: PLC0415  (only the demo needs it)

    return run(arguments)


def run_command(arguments: list[str]) -> int:
    """A command with a proxy of its own. Returns the exit code."""
    from proxy_daemon.cli.run import run  # noqa: PLC0415  (as above)

    return run(arguments)


def token(arguments: list[str]) -> int:
    """A token for a client. Returns the exit code."""
    from proxy_daemon.cli.token import run  # noqa: PLC0415  (as above)

    return run(arguments)


def import_files(arguments: list[str]) -> int:
    """Recordings of other tools into the store. Returns the exit code."""
    from proxy_daemon.cli.importing import run  # noqa: PLC0415  (as above)

    return run(arguments)


def export(arguments: list[str]) -> int:
    """Exchanges in the format of another tool. Returns the exit code."""
    from proxy_daemon.cli.exporting import run  # noqa: PLC0415  (as above)

    return run(arguments)


def list_exchanges(arguments: list[str]) -> int:
    """The exchanges of the store. Returns the exit code."""
    from proxy_daemon.cli.listing import run  # noqa: PLC0415  (as above)

    return run(arguments)


def show(arguments: list[str]) -> int:
    """What is said in recordings. Returns the exit code."""
    from proxy_daemon.cli.show import run  # noqa: PLC0415  (as above)

    return run(arguments)


def scan(arguments: list[str]) -> int:
    """Whether files hold secrets. Returns the exit code."""
    from proxy_daemon.cli.scan import run  # noqa: PLC0415  (as above)

    return run(arguments)


def lint(arguments: list[str]) -> int:
    """What is wrong with cassettes. Returns the exit code."""
    from proxy_daemon.cli.lint import run  # noqa: PLC0415  (as above)

    return run(arguments)


def prune(arguments: list[str]) -> int:
    """What is not needed out of cassettes. Returns the exit code."""
    from proxy_daemon.cli.prune import run  # noqa: PLC0415  (as above)

    return run(arguments)


def sort(arguments: list[str]) -> int:
    """Cassettes in order. Returns the exit code."""
    from proxy_daemon.cli.sort import run  # noqa: PLC0415  (as above)

    return run(arguments)


def diff(arguments: list[str]) -> int:
    """How recordings differ. Returns the exit code."""
    from proxy_daemon.cli.diff import run  # noqa: PLC0415  (as above)

    return run(arguments)


def verdict(arguments: list[str]) -> int:
    """What a running daemon says of a run. Returns the exit code."""
    from proxy_daemon.cli.verdict import run  # noqa: PLC0415  (as above)

    return run(arguments)


def rewrite(arguments: list[str]) -> int:
    """What rules make of a request or an answer. Returns the exit code."""
    from proxy_daemon.cli.rewrite import run  # noqa: PLC0415  (as above)

    return run(arguments)


def act(name: str, arguments: list[str]) -> int:
    """What people do to exchanges, or to the running daemon. Returns the exit code."""
    from proxy_daemon.cli.acting import run  # noqa: PLC0415  (as above)

    return run(name, arguments)


ACTS = ("mark", "comment", "pin", "unpin", "delete", "edit", "promote", "mode")
COMMANDS = {
    "run": run_command,
    "demo": demo,
    "token": token,
    "import": import_files,
    "export": export,
    "list": list_exchanges,
    "show": show,
    "scan": scan,
    "lint": lint,
    "prune": prune,
    "sort": sort,
    "diff": diff,
    "verdict": verdict,
    "rewrite": rewrite,
} | {name: partial(act, name) for name in ACTS}


def main() -> int:
    """Exit codes: 0 fine, 1 the answer is no, or cannot be written; 2 wrong usage."""
    name, arguments = (sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else ("", [])
    return guarded(lambda: _called(name, arguments), discards=name == "serve")


def _called(name: str, arguments: list[str]) -> int:
    if name == "serve":
        serve(arguments)
        return 0
    if name in COMMANDS:
        return COMMANDS[name](arguments)
    if name in ("--version", "-V"):
        sys.stdout.write(f"llmproxy {__version__}\n")
        return 0
    asked = name in ("", "--help", "-h", "help")
    (sys.stdout if asked else sys.stderr).write(USAGE if asked else f"llmproxy: unknown command {name!r}\n\n{USAGE}")
    return 0 if asked else 2


if __name__ == "__main__":
    sys.exit(main())
