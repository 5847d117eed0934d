"""The commands that do something to recorded exchanges, or to the running daemon: each asks the daemon's API.

`llmproxy mark, comment, pin, unpin, delete, edit, promote, mode`. What deletes is a dry run without `--yes`. Exit
codes: 0 fine, 1 the answer is no, 2 wrong usage. What `edit` does stands in `editing.py`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

from attrs import frozen

from proxy_daemon.cli import editing
from proxy_daemon.cli.asking import Address, NoAnswer, address, ask
from proxy_daemon.cli.given import Parser
from proxy_daemon.cli.harmless import one_line
from proxy_daemon.core.messages import id_number, id_text
from proxy_daemon.core.modes import NAMES
from proxy_daemon.core.noted import noted_comment, noted_mark
from proxy_daemon.settings import SettingsError
from proxy_daemon.settings.secrets import token_in

API = "/_llmproxy/api"
CODES = "exit codes: 0 fine, 1 the answer is no, or there is none, 2 wrong usage"


@frozen
class Act:
    """One command. ``add``: its own arguments; ``do``: asks the daemon, prints, and returns the exit code."""

    description: str
    examples: str
    add: Callable[[Parser], object]
    do: Callable[[Address, argparse.Namespace], int]


def run(name: str, arguments: list[str]) -> int:
    """One of `ACTS`. Returns the exit code."""
    act = ACTS[name]
    try:
        said = _parser(name, act).parse_args(arguments)
        token = "" if said.admin_token_file is None else token_in(said.admin_token_file)
        return act.do(address(said.url, token), said)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 2
    except NoAnswer as error:
        return complain(name, str(error), 1)
    except (ValueError, SettingsError) as error:
        return complain(name, str(error), 2)


def complain(name: str, reason: str, code: int) -> int:
    """Say why on the standard error."""
    sys.stderr.write(f"llmproxy {name}: {one_line(reason)}\n")
    return code


def _say(line: str) -> int:
    sys.stdout.write(one_line(line) + "\n")
    return 0


def _page(exchange: str) -> str:
    """Of one exchange. Raises ValueError."""
    return f"{API}/exchanges/{id_text(id_number(exchange))}"


# --- remarks ---------------------------------------------------------------------------------------------------------


def _mark(daemon: Address, said: argparse.Namespace) -> int:
    found = _remarked(daemon, said.id, {"mark": noted_mark(said.mark)})
    return _say(f"{said.id}: marked {found['mark']}" if found["mark"] else f"{said.id}: not marked any more")


def _comment(daemon: Address, said: argparse.Namespace) -> int:
    text = sys.stdin.read(100_000) if said.text == "-" else said.text
    found = _remarked(daemon, said.id, {"comment": noted_comment(text)})
    return _say(f"{said.id}: commented" if found["comment"] else f"{said.id}: no comment any more")


def _pin(daemon: Address, said: argparse.Namespace) -> int:
    for each in said.id:
        _remarked(daemon, each, {"pinned": True})
        _say(f"{each}: pinned: limits of size and age pass it by")
    return 0


def _unpin(daemon: Address, said: argparse.Namespace) -> int:
    for each in said.id:
        _remarked(daemon, each, {"pinned": False})
        _say(f"{each}: not pinned any more")
    return 0


def _remarked(daemon: Address, exchange: str, remark: dict[str, Any]) -> dict[str, Any]:
    found = ask(daemon, "PUT", f"{_page(exchange)}/remark", {}, remark)
    if not isinstance(found, dict) or not {"mark", "comment", "pinned"} <= found.keys():
        raise NoAnswer(f"{daemon.url}: the answer is none of an llmproxy of this version")
    return found


# --- deleting --------------------------------------------------------------------------------------------------------


def _delete(daemon: Address, said: argparse.Namespace) -> int:
    """Each of them; one that cannot be deleted stops none."""
    pages = [_page(each) for each in said.id]  # all are looked at first: a wrong one must not stop half of it
    code = 0
    for exchange, page in zip(said.id, pages, strict=True):
        try:
            if said.yes:
                ask(daemon, "DELETE", page, {"force": "1"} if said.force else {})
                _say(f"{exchange}: deleted")
            else:
                _say(f"{exchange}: would go: {_told(ask(daemon, 'GET', page, {}))}")
        except NoAnswer as error:
            code = complain("delete", str(error), 1)
    if not said.yes:
        _say("nothing is changed: --yes does it")
    return code


def _told(row: Any) -> str:
    """A line for people of who is about to go."""
    if not isinstance(row, dict):
        return "?"
    started = row.get("started")
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(started)) if isinstance(started, (int, float)) else ""
    words = [str(row.get(name) or "") for name in ("status", "method", "path", "model")]
    notes = [name for name in ("pinned", "edited", "mark", "comment") if row.get(name)]
    return " ".join(filter(None, [when, *words, f"({', '.join(notes)})" if notes else ""]))


# --- cassettes and the mode ------------------------------------------------------------------------------------------


def _promote(daemon: Address, said: argparse.Namespace) -> int:
    found = ask(daemon, "PUT", f"{_page(said.id)}/cassette", {"name": said.into})
    place = found.get("place") if isinstance(found, dict) else None
    if not isinstance(place, str):
        raise NoAnswer(f"{daemon.url}: the answer is none of an llmproxy of this version")
    return _say(f"{place}: it stands there already" if found.get("before") else place)


def _mode(daemon: Address, said: argparse.Namespace) -> int:
    page = f"{API}/mode"
    found = ask(daemon, "GET", page, {}) if said.mode is None else ask(daemon, "PUT", page, {}, {"mode": said.mode})
    if not isinstance(found, dict) or not isinstance(found.get("mode"), str):
        raise NoAnswer(f"{daemon.url}: the answer is none of an llmproxy of this version")
    differs = found.get("configured") not in (None, found["mode"])
    return _say(found["mode"] + (f" (until it starts again: then {found['configured']})" if differs else ""))


def _edit(daemon: Address, said: argparse.Namespace) -> int:
    """The answer's words by --text, by a file, or in an editor."""
    page, answer = _page(said.id), editing.Given(said.text, said.file)
    made = editing.edited(daemon, page, answer)
    return _say(f"{said.id}: nothing is changed" if made is None else f"{made}: is served in the place of {said.id}")


# --- the command lines -----------------------------------------------------------------------------------------------


def _parser(name: str, act: Act) -> Parser:
    parser = Parser(f"llmproxy {name}", act.description)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"for example:\n{act.examples}\n\n{CODES}"
    act.add(parser)
    parser.add_argument("--url", default="http://127.0.0.1:8910", help="where llmproxy serve listens [%(default)s]")
    parser.add_argument("--admin-token-file", metavar="PATH", help="the admin token, for a daemon of another machine")
    return parser


def _with_id(parser: Parser) -> None:
    parser.add_argument("id", metavar="ID", help="of an exchange in the store, as llmproxy list shows it")


def _with_ids(parser: Parser) -> None:
    parser.add_argument("id", metavar="ID", nargs="+", help="of exchanges in the store, as llmproxy list shows them")


def _of_mark(parser: Parser) -> None:
    _with_id(parser)
    parser.add_argument("mark", metavar="MARK", help="up to 16 characters; '' takes it away")


def _of_comment(parser: Parser) -> None:
    _with_id(parser)
    parser.add_argument("text", metavar="TEXT", help="up to 10,000 characters; - is the input, '' takes it away")


def _of_delete(parser: Parser) -> None:
    _with_ids(parser)
    parser.add_argument("--force", action="store_true", help="pinned ones too")
    parser.add_argument("--yes", action="store_true", help="do it")


def _of_edit(parser: Parser) -> None:
    _with_id(parser)
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--text", metavar="TEXT", help="what it says instead; calls of tools go, the rest stays")
    one.add_argument("--file", metavar="FILE", help="the whole answer, as below `answer` in a cassette; - is the input")


def _of_promote(parser: Parser) -> None:
    _with_id(parser)
    parser.add_argument("--into", metavar="NAME", required=True, help="of a cassette; made where missing")


def _of_mode(parser: Parser) -> None:
    parser.add_argument("mode", metavar="MODE", nargs="?", help=f"one of {', '.join(NAMES)}; without: which one holds")


ACTS = {
    "mark": Act(
        "Mark an exchange with a word or a sign, to find it again: llmproxy list '~marked'.",
        "  llmproxy mark 0123456789abcdef wrong\n  llmproxy mark 0123456789abcdef ''      takes the mark away",
        _of_mark,
        _mark,
    ),
    "comment": Act(
        "Write a comment to an exchange; llmproxy list '~comment WORD' finds it.",
        "  llmproxy comment 0123456789abcdef 'the tool is called twice'\n"
        "  git log -1 | llmproxy comment 0123456789abcdef -",
        _of_comment,
        _comment,
    ),
    "pin": Act(
        "Pin exchanges: the store's limits of size and age pass them by, and newer answers do not replace them.",
        "  llmproxy pin 0123456789abcdef",
        _with_ids,
        _pin,
    ),
    "unpin": Act("Take pins off exchanges.", "  llmproxy unpin 0123456789abcdef", _with_ids, _unpin),
    "delete": Act(
        "Delete exchanges from the store. Without --yes nothing is changed: it says what would go. An answer\n"
        "that was edited gives its place back to the recorded one.",
        "  llmproxy delete 0123456789abcdef          what would go\n"
        "  llmproxy delete 0123456789abcdef --yes    it goes",
        _of_delete,
        _delete,
    ),
    "edit": Act(
        "Write another answer for a recorded exchange: that one is replayed from now on, as a document and as a\n"
        "stream. The exchange itself stays as it was; llmproxy delete NEW-ID --yes --force takes the edit back.\n"
        "Without --text and --file the answer comes up in $VISUAL, or $EDITOR.",
        "  llmproxy edit 0123456789abcdef\n"
        "  llmproxy edit 0123456789abcdef --text 'Paris.'\n"
        "  llmproxy edit 0123456789abcdef --file answer.yaml",
        _of_edit,
        _edit,
    ),
    "promote": Act(
        "Copy an exchange into a cassette, to commit it. It is replayed from the cassette's next opening on.",
        "  llmproxy promote 0123456789abcdef --into capital",
        _of_promote,
        _promote,
    ),
    "mode": Act(
        "Say which mode holds, or set another one while the daemon runs. What is under way goes on as it was; a\n"
        "restart brings back the mode of the settings.",
        "  llmproxy mode\n  llmproxy mode none      nothing is forwarded any more",
        _of_mode,
        _mode,
    ),
}
