"""`llmproxy verdict`: asks a running daemon what came from recordings, prints it, and says no where CI must fail.

Exit codes: 0 fine, 1 the answer is no, or there is none; 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import re
import sys

from attrs import frozen

from proxy_daemon.cli.asking import Address, NoAnswer, address, ask
from proxy_daemon.cli.given import Parser
from proxy_daemon.cli.harmless import one_line
from proxy_daemon.cli.judgement import WORDS, against, is_verdict, parse_fail_on
from proxy_daemon.cli.verdict_text import lines
from proxy_daemon.settings import SettingsError
from proxy_daemon.settings.secrets import token_in

DESCRIPTION = "Say what of a run came from recordings, what did not and why, and which recordings nobody used."
PAGE = "/_llmproxy/api/verdict"
DEFAULT = ("miss", "refused", "failed")
_SESSION = re.compile(r"[\x20-\x7e]{0,400}")


@frozen
class Question:
    """One call of the command. ``session``: None for all of them."""

    daemon: Address
    session: str | None
    fail_on: tuple[str, ...]
    reset: bool
    as_json: bool


def run(arguments: list[str]) -> int:
    """Ask and print. Returns the exit code."""
    try:
        question = _question(_parser().parse_args(arguments))
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 2
    except (ValueError, SettingsError) as error:
        sys.stderr.write(f"llmproxy verdict: {one_line(str(error))}\n")
        return 2
    try:
        return _answered(question)
    except NoAnswer as error:
        sys.stderr.write(f"llmproxy verdict: {one_line(str(error))}\n")
        return 1


def _answered(question: Question) -> int:
    parameters = {} if question.session is None else {"session": question.session}
    found = ask(question.daemon, "DELETE" if question.reset else "GET", PAGE, parameters)
    if not is_verdict(found):
        raise NoAnswer(f"{question.daemon.url}: the answer is no verdict of an llmproxy of this version")
    sys.stdout.write(json.dumps(found, indent=2) + "\n" if question.as_json else "\n".join([*lines(found), ""]))
    sys.stdout.flush()
    reasons = against(found, question.session, question.fail_on)
    for reason in reasons:
        sys.stderr.write(f"llmproxy verdict: {one_line(reason)}\n")
    return 1 if reasons else 0


# --- the command line ------------------------------------------------------------------------------------------------


def _parser() -> Parser:
    parser = Parser("llmproxy verdict", DESCRIPTION)
    parser.add_argument("--url", default="http://127.0.0.1:8910", help="where llmproxy serve listens [%(default)s]")
    parser.add_argument("--session", metavar="NAME", help="of this session only (X-LLMProxy-Session)")
    parser.add_argument(
        "--fail-on",
        metavar="WORDS",
        default=",".join(DEFAULT),
        help=f"exit code 1 where there is any of these: {', '.join(WORDS)}; or nothing [%(default)s]",
    )
    parser.add_argument("--reset", action="store_true", help="forget it afterwards: the next run begins at zero")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--admin-token-file", metavar="PATH", help="the admin token, for a daemon of another machine")
    return parser


def _question(said: argparse.Namespace) -> Question:
    """Raises ValueError and `SettingsError`."""
    if said.session is not None and _SESSION.fullmatch(said.session) is None:
        raise ValueError("--session: up to 400 printable ASCII characters")
    token = "" if said.admin_token_file is None else token_in(said.admin_token_file)
    return Question(address(said.url, token), said.session, parse_fail_on(said.fail_on), said.reset, said.json)
