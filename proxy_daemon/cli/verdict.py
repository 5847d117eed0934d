"""`llmproxy verdict`: asks a running daemon what came from recordings, prints it, and says no where CI must fail.

Exit codes: 0 fine, 1 the answer is no, or there is none; 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from typing import Any

from attrs import frozen

from proxy_daemon.cli.asking import Address, NoAnswer, address, ask
from proxy_daemon.cli.given import Parser
from proxy_daemon.cli.harmless import one_line
from proxy_daemon.cli.verdict_text import COLUMNS, lines
from proxy_daemon.settings import SettingsError
from proxy_daemon.settings.secrets import token_in

DESCRIPTION = "Say what of a run came from recordings, what did not and why, and which recordings nobody used."
PAGE = "/_llmproxy/api/verdict"
# What to fail on, and what it is called in the daemon's answer.
WORDS = {
    "miss": "misses",
    "unused": "unused",
    "live": "live",
    "refused": "refused",
    "failed": "failed",
    "near": "near",
}
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


def against(found: dict[str, Any], session: str | None, fail_on: tuple[str, ...]) -> list[str]:
    """Why the answer is no, a line each; none where all is fine."""
    reasons = [
        f"{_called(each['session'])} has {', '.join(counted)}"
        for each in found["sessions"]
        if (counted := [f"{word}: {count}" for word in fail_on if (count := _count(each, word))])
    ]
    if found["beyond"] is not None and fail_on:
        reasons.append("there were more sessions than are told apart: llmproxy verdict --reset, before each run")
    if session and not any(each["exchanges"] for each in found["sessions"]) and fail_on:
        reasons.append(f"nothing was asked in {_called(session)}: do its clients send X-LLMProxy-Session?")
    return reasons


def is_verdict(found: Any) -> bool:
    """Whether an answer has the shape that is printed and judged here."""
    if not isinstance(found, dict) or not {"sessions", "beyond"} <= found.keys():
        return False
    sessions, beyond = found["sessions"], found["beyond"]
    if not isinstance(sessions, list) or not sessions:
        return False
    return all(map(_is_session, sessions)) and (beyond is None or _has_counts(beyond))


def _is_session(each: Any) -> bool:
    if not _has_counts(each) or not isinstance(each.get("session"), str):
        return False
    unused, reports = each.get("unused"), each.get("reports")
    if (
        not isinstance(unused, dict)
        or not _is_number(unused.get("count"))
        or not _is_number(each.get("reports_left_off"))
    ):
        return False
    return all(isinstance(listed, list) and all(map(_is_texts, listed)) for listed in (unused.get("first"), reports))


def _has_counts(each: Any) -> bool:
    return isinstance(each, dict) and all(_is_number(each.get(name)) for name in ("exchanges", *COLUMNS))


def _is_texts(each: Any) -> bool:
    return isinstance(each, dict) and all(isinstance(value, str) for value in each.values())


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _count(each: dict[str, Any], word: str) -> int:
    count: int = each["unused"]["count"] if word == "unused" else each[WORDS[word]]
    return count


def _called(session: str) -> str:
    return f"session {session!r}" if session else "the session without a name"


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
    return Question(address(said.url, token), said.session, _fail_on(said.fail_on), said.reset, said.json)


def _fail_on(text: str) -> tuple[str, ...]:
    if text.strip() == "nothing":
        return ()
    words = [word.strip() for word in text.split(",")]
    for word in words:
        if word not in WORDS:
            raise ValueError(f"--fail-on: {word!r} is not one of {', '.join(WORDS)}, nor nothing")
    return tuple(dict.fromkeys(words))
