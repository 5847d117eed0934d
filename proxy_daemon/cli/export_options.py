"""The words of `llmproxy export`: its options, its help, and how a format is named. Called by `exporting.py`."""

from __future__ import annotations

import argparse
from difflib import get_close_matches

from proxy_daemon.cli.extensions import Extensions, PluginError
from proxy_daemon.cli.given import Parser
from proxy_daemon.cli.tending import parser_of
from proxy_daemon.core.cassettes.writers import WRITERS, NoWriter, Writer, writer_named
from proxy_daemon.core.secret_leftovers import POLICIES

DESCRIPTION = "Write exchanges of the store, oldest first, or entries of files, in the format of another tool."
FORMATS = {
    "llmproxy": "a cassette of ours: llmproxy serve --cassette, pytest, git",
    "markdown": "a talk to read, edit, and serve again: llmproxy serve --cassette talk.md",
    "promptecho": "a cassette of promptecho 0.1.3, version 2",
    "vcrpy": "a cassette in YAML for vcrpy and pytest-recording",
    "har": "HAR 1.2: the network panel of a browser, and most tools that look at HTTP",
    "mitmproxy": "flows for mitmproxy, mitmweb and mitmdump",
    "asgi-replay": "a log of asgi-replay",
    "jsonl": "messages and answer, a line for each: data sets, fine-tuning",
    "curl": "one request as a command",
    "python": "one request as a program that needs nothing but Python",
}
EPILOG = """formats:
{}

for example:
  llmproxy export --format har --output all.har             all exchanges, in one file
  llmproxy export '~model gpt !~e' --format jsonl -o d.jsonl
                                                            what a filter selects; llmproxy list --help tells of filters
  llmproxy export --format markdown --output talks/         a file for each exchange; the folder is made
  llmproxy export 0d1f0a8bd6400007 --format curl            one exchange, by its id, to standard output
  llmproxy export --format vcrpy -o c.yaml --from old.har   from files of any tool that llmproxy import reads
  llmproxy export '~c 200' --format har -o x.har --from c.yaml#3 old/
                                                            an entry of a file, and all files of a folder
  llmproxy export '!~outcome hit' --format llmproxy -o tests.yaml --dry-run
                                                            what would be left out or lost; nothing is written

What is left out, and what the format cannot say, is told at the end. Secrets are replaced by the rules of today.
Exit codes: 0 all is written; 1 something was left out (not with --skip-refused), or nothing was there; 2 wrong usage.
"""


def parser() -> Parser:
    """Of the command."""
    known = "\n".join(f"  {name:12} {FORMATS.get(name, '')}".rstrip() for name in WRITERS)
    made = parser_of("export", DESCRIPTION, EPILOG.format(known))
    made.add_argument("filter", metavar="FILTER", nargs="*", help="which exchanges: best in quotes; or their ids")
    made.add_argument("--format", "-f", metavar="F", required=True, help="see below, or one of a plugin")
    made.add_argument(
        "--output",
        "-o",
        metavar="PATH",
        help="a file; or a folder, which is there or ends in /, for a file of each [default: standard output]",
    )
    made.add_argument(
        "--from",
        dest="from_",
        metavar="FILE",
        nargs="+",
        action="extend",
        help="files in the place of the store: FILE, FILE#n for its entry n (from 0 on), FOLDER/ for all below it",
    )
    _add_ways(made)
    return made


def _add_ways(made: argparse.ArgumentParser) -> None:
    made.add_argument("--dry-run", action="store_true", help="say what would be written, left out and lost")
    made.add_argument("--skip-refused", action="store_true", help="exit code 0 although something was left out")
    made.add_argument("--force", action="store_true", help="replace files that are there")
    made.add_argument(
        "--on-secret",
        choices=POLICIES,
        help="what looks like a key and cannot be altered: redact and record write it and say so, refuse leaves the "
        "exchange out; record leaves keys in texts, too [as of llmproxy serve]",
    )


def writer_of(name: str, extensions: Extensions) -> Writer:
    """The format of this name. Raises `NoWriter`, with a word that it may have been meant, and `PluginError`."""
    added = extensions.writers()
    try:
        return _sound(writer_named(name, added, extensions.dialects()))
    except NoWriter as error:
        known = [*WRITERS, *(each.name for each in added)]
        near = get_close_matches(name.lower(), known, 1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise NoWriter(f"--format {name}: {error}{meant}") from None


def _sound(writer: Writer) -> Writer:
    """The same. Raises `PluginError` where its parts are of other types than they must be."""
    octets = (writer.head, writer.between, writer.tail, writer.empty)
    if not isinstance(writer.suffix, str) or not all(isinstance(each, bytes) for each in octets):
        raise PluginError(f"the format {writer.name} is none: its suffix must be a text, what stands around it octets")
    return writer
