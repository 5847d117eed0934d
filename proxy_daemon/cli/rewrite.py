"""`llmproxy rewrite`: what rules make of a request or an answer from the standard input, and which rule changes what.

Exit codes: 0 a rule changed something; 1 none did, or something could not be changed; 2 wrong usage, or wrong rules.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence

from attrs import frozen

from proxy_daemon.cli.given import Parser
from proxy_daemon.cli.harmless import one_line
from proxy_daemon.core.dialects import BUILT_IN, GENERIC, recognise
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request, ResponseHead
from proxy_daemon.core.rewriting.explaining import Explained, explain_answer, explain_request, request_of
from proxy_daemon.core.rewriting.ready import READY
from proxy_daemon.core.wire import json_text
from proxy_daemon.settings import SettingsError
from proxy_daemon.settings.rewriting import rules_of

DESCRIPTION = "Apply rules (--rewrite) to a request or an answer from the standard input, without a daemon."
MOST = 64 * 1024 * 1024  # octets of the standard input
_TARGET = re.compile(r"/[\x21-\x7e]*")
_METHOD = re.compile(r"[A-Z][A-Z-]{0,30}")
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e]*)")
_EVENTS = (b"data:", b"event:", b"id:", b":")
_DIALECTS = {dialect.name: dialect for dialect in (*BUILT_IN, GENERIC)}


@frozen
class Asked:
    """One call of the command. ``answer``: its head, where the input is an answer's body."""

    rules: tuple[str, ...]
    explain: bool
    request: Request
    dialect: Dialect
    upstream: str
    answer: ResponseHead | None
    body: bytes


def run(arguments: list[str]) -> int:
    """Read, apply, print. Returns the exit code."""
    try:
        asked = _asked(_parser().parse_args(arguments))
        rules = rules_of(asked.rules).rules
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 2
    except (ValueError, SettingsError) as error:
        sys.stderr.write(f"llmproxy rewrite: {one_line(str(error))}\n")
        return 2
    if asked.answer is None:
        found, request = explain_request(rules, asked.request, asked.dialect, asked.upstream)
        body = request.body.whole() or b""
    else:
        answer = (asked.answer, asked.body)
        found, (_, body) = explain_answer(rules, asked.request, asked.dialect, asked.upstream, answer)
    _print(asked, found, body)
    return 0 if any(each.changes for each in found) and not any(each.problems for each in found) else 1


def _print(asked: Asked, found: Sequence[Explained], body: bytes) -> None:
    if asked.explain:
        sys.stdout.write("".join(f"{one_line(line)}\n" for each in found for line in explained_lines(each)))
    else:
        sys.stdout.buffer.write(body)
        for each in found:
            for problem in each.problems:
                sys.stderr.write(f"llmproxy rewrite: {one_line(problem)}\n")
    sys.stdout.flush()


def explained_lines(each: Explained) -> list[str]:
    """What one rule did, for people."""
    counted = len(each.changes) + each.left_off
    what = each.why or (f"{counted} change{'s' * (counted != 1)}" if counted else "nothing changed")
    lines = [f"{each.rule.name} ({each.rule.place}): {what}"]
    for change in each.changes:
        lines += [f"  {change.where}", f"    - {change.before}", f"    + {change.after}"]
    lines += [f"  and {each.left_off} more"] if each.left_off else []
    return lines + [f"  problem: {problem}" for problem in each.problems]


# --- the command line ------------------------------------------------------------------------------------------------


def _parser() -> Parser:
    parser = Parser("llmproxy rewrite", DESCRIPTION)
    parser.add_argument("rules", metavar="RULES", nargs="+", help=f"a file with rules, or one of {', '.join(READY)}")
    parser.add_argument("--explain", action="store_true", help="say which rule changes what, not what comes out")
    parser.add_argument("--answer", action="store_true", help="the input is the body of an answer, not of a request")
    parser.add_argument("--path", default="/v1/chat/completions", help="the request's path [%(default)s]")
    parser.add_argument("--method", default="POST", help="the request's method [%(default)s]")
    parser.add_argument(
        "--header",
        metavar="FIELD",
        action="append",
        default=[],
        help='a field of the request, "Name: value"; repeatable',
    )
    parser.add_argument("--model", help="with --answer: the model that was asked for")
    parser.add_argument("--stream", action="store_true", help="with --answer: a stream was asked for")
    parser.add_argument("--status", type=int, default=200, help="with --answer: its status [%(default)s]")
    parser.add_argument(
        "--answer-header", metavar="FIELD", action="append", default=[], help="a field of the answer; repeatable"
    )
    parser.add_argument("--dialect", metavar="NAME", help="the API, where its path does not tell")
    parser.add_argument("--upstream", metavar="NAME", default="default", help="the upstream's name [%(default)s]")
    return parser


def _asked(said: argparse.Namespace) -> Asked:
    """Raises ValueError."""
    if _TARGET.fullmatch(said.path) is None or _METHOD.fullmatch(said.method) is None:
        raise ValueError("--path: begins with a slash, without blanks; --method: is in capitals")
    if said.dialect is not None and said.dialect not in _DIALECTS:
        raise ValueError(f"--dialect: {said.dialect!r} is not one of {', '.join(_DIALECTS)}")
    if not 200 <= said.status <= 599:  # noqa: PLR2004  (RFC 9110 section 15)
        raise ValueError("--status: a number from 200 to 599")
    body = _input()
    sent = _for_answer(said) if said.answer else body
    request = request_of(said.method, said.path, [_field(text) for text in said.header], sent)
    dialect = _DIALECTS[said.dialect] if said.dialect else recognise(request, BUILT_IN)
    head = _head(said, body) if said.answer else None
    return Asked(tuple(said.rules), said.explain, request, dialect, said.upstream, head, body)


def _input() -> bytes:
    body = sys.stdin.buffer.read(MOST + 1)
    if len(body) > MOST:
        raise ValueError(f"the standard input has more than {MOST} octets")
    return body


def _for_answer(said: argparse.Namespace) -> bytes:
    """The body of a request that is not at hand."""
    return json_text.write(({"model": said.model} if said.model else {}) | ({"stream": True} if said.stream else {}))


def _field(text: str) -> tuple[str, str]:
    found = _FIELD.fullmatch(text)
    if found is None:
        raise ValueError(f'{text!r} is no header field such as "X-Team: search"')
    return found[1], found[2]


def _head(said: argparse.Namespace, body: bytes) -> ResponseHead:
    pairs = [(name.encode(), value.encode()) for name, value in map(_field, said.answer_header)]
    if b"content-type" not in Headers(pairs):
        is_stream = body.lstrip().startswith(_EVENTS)
        pairs.append((b"Content-Type", b"text/event-stream" if is_stream else b"application/json"))
    return ResponseHead(said.status, b"", Headers(pairs))
