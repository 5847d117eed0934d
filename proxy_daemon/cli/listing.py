"""`llmproxy list [FILTER]`: the exchanges of the store, newest first, as a table or as lines of JSON.

It answers without a daemon, and beside one. Exit codes: 0 some were found, 1 none was, or the store cannot be read,
2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from proxy_daemon.cli.given import settings
from proxy_daemon.cli.harmless import one_line
from proxy_daemon.cli.listing_text import line
from proxy_daemon.cli.tending import parser_of
from proxy_daemon.cli.wrong_filter import wrong_filter
from proxy_daemon.core.filtering import help_text
from proxy_daemon.core.messages import id_number
from proxy_daemon.settings import SettingsError
from proxy_daemon.store.access import StoreError
from proxy_daemon.store.catalogue.asking import MOST, USUAL, Asked, Asking, WrongQuestion

DESCRIPTION = "List the exchanges of the store, newest first: all, or those that a filter selects."
EPILOG = """filters:
{}

for example:
  llmproxy list                                 the newest
  llmproxy list '~c >=400 | ~e' --limit 10      what went wrong
  llmproxy list 'invoice ~model gpt ~slow >5'   "invoice" in URL, prompt or answer; of these models; slow
  llmproxy list '~tool get_weather' --json      a line of JSON for each
  llmproxy show $(llmproxy list '~said "hello"' --limit 1 --json | jq -r .id)

The first search in a store reads all of it once, into a file beside it (STORE.text).
"""
LONGEST_NUMBER = 9
CLEARED = "\r\x1b[K"  # the line of a terminal
Row = dict[str, Any]


def run(arguments: list[str]) -> int:
    """List. Returns the exit code."""
    try:
        said = _parser().parse_args(arguments)
        found = settings(said)
    except SystemExit as error:
        return 0 if error.code in (0, None) else 2
    except SettingsError as error:
        return _complain(error, 2)
    if found.store == "off":
        return _complain("there is no store (--store off); name one with --store", 2)
    try:
        with closing(Asking(found.store, rules=found.redact)) as asking:
            return _listed(asking, said)
    except StoreError as error:
        return _complain(error, 1)


def _listed(asking: Asking, said: argparse.Namespace) -> int:
    q = " ".join(said.filter)
    width = None if said.json or not sys.stdout.isatty() else shutil.get_terminal_size().columns
    found = 0
    try:
        for row in _rows(asking, q, said.limit):
            found += 1
            sys.stdout.write(json.dumps(row) + "\n" if said.json else line(row, width) + "\n")
    except WrongQuestion as wrong:
        sys.stderr.write(wrong_filter("list", q, wrong))
        return 2
    if asking.trouble:
        return _complain(f"{asking.trouble}; there may be more than is listed", 1)
    return 0 if found else 1


def _rows(asking: Asking, q: str, limit: int) -> Iterator[Row]:
    """Page by page, until there are as many, or no more. Raises `WrongQuestion`."""
    before: str | None = ""
    while limit > 0 and before is not None:
        value = asking.listing(Asked.of({"limit": min(limit, MOST), "before": before, "q": q}))
        rows = value["exchanges"]
        _tell(asking, rows)
        say_how_far(value)
        yield from rows
        limit, before = limit - len(rows), value["next"]


def _tell(asking: Asking, rows: list[Row]) -> None:
    """What is said in those that are not indexed is read now, without an index of all others."""
    missing = [id_number(row["id"]) for row in rows if row["told"] is None]
    while missing:
        told = asking.told(missing)["told"]
        for row in rows:
            row["told"] = row["told"] or told.get(row["id"])
        left = [id_number(row["id"]) for row in rows if row["told"] is None]
        if len(left) == len(missing):  # they cannot be told
            return
        missing = left


def say_how_far(value: dict[str, Any]) -> None:
    """On a terminal, while the store is read for the first time."""
    indexed = value["indexed"]
    if indexed and sys.stderr.isatty():
        goes_on = value["partial"] and value["next"] is not None and not value["exchanges"]
        text = f"llmproxy: {indexed['done']} of {indexed['total']} exchanges are indexed" if goes_on else ""
        sys.stderr.write(f"{CLEARED}{text}")
        sys.stderr.flush()


def _complain(error: Exception | str, code: int) -> int:
    sys.stderr.write(f"llmproxy list: {one_line(str(error))}\n")
    return code


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > LONGEST_NUMBER or int(text) < 1:
        raise argparse.ArgumentTypeError("it is a number, from 1 on")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    terms = "\n".join(f"  {each}" for each in help_text().splitlines())
    parser = parser_of("list", DESCRIPTION, EPILOG.format(terms))
    parser.add_argument("filter", metavar="FILTER", nargs="*", help="see below; best in quotes")
    parser.add_argument(
        "--limit", metavar="N", type=_number, default=USUAL, help="at most so many, from 1 on [default: %(default)s]"
    )
    parser.add_argument("--json", action="store_true", help="a line of JSON for each")
    return parser
