"""`llmproxy sort FILES...`: puts a cassette's recordings in order, so that two people's recordings merge.

Exit codes: 0 fine, 1 a file could not be read or written, or with --check is not in order, 2 wrong usage.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from proxy_daemon.cli.extensions import PluginError
from proxy_daemon.cli.given import Parser
from proxy_daemon.cli.harmless import one_line
from proxy_daemon.cli.tending import Tending, parser_of
from proxy_daemon.core.care.order import in_order
from proxy_daemon.settings import SettingsError
from proxy_daemon.store.cassette.care import Document, looked_through, rewritten
from proxy_daemon.store.cassette.values import CassetteError

DESCRIPTION = (
    "Put a cassette's recordings in order: by path, model and fingerprint. What answers equal requests in turn keeps "
    "its order, so that what is served stays the same."
)
EXAMPLES = """for example:
  llmproxy sort tests/cassettes/*.yaml
  llmproxy sort --check tests/cassettes/*.yaml      exit code 1 where one is not in order; nothing is changed

recordings with a pattern, and those that a person wrote, stand at the end, in the order that they had
exit codes: 0 fine, 1 a file could not be read or written, or is not in order, 2 wrong usage"""


def run(arguments: list[str]) -> int:
    """Sort. Returns the exit code."""
    try:
        said = _parser().parse_args(arguments)
        tending = Tending.of(said)
    except SystemExit as error:
        return 0 if error.code in (0, None) else 2
    except (SettingsError, PluginError) as error:
        sys.stderr.write(f"llmproxy sort: {one_line(str(error))}\n")
        return 2
    code = 0
    for name in said.files:
        try:
            moved = _check(name, tending) if said.check else _sort(name, tending)
        except CassetteError as error:
            sys.stderr.write(f"llmproxy sort: {one_line(str(error))}\n")
            code = 1
        else:
            code = 1 if said.check and moved else code
            state = "in order" if not moved else "not in order" if said.check else f"{moved} recordings have moved"
            sys.stdout.write(one_line(f"{name}: {state}") + "\n")
    return code


def _check(name: str, tending: Tending) -> int:
    looked = looked_through(name, tending.reading)
    damaged = [*looked.stray, *(each.damaged for each in looked.documents if each.damaged is not None)]
    if damaged:
        raise CassetteError(f"{name}:{damaged[0].line}: {damaged[0].reason}; llmproxy lint tells all")
    return _moved(looked.documents, in_order(looked.documents))


def _sort(name: str, tending: Tending) -> int:
    """A damaged file is refused."""
    moved = 0

    def choose(documents: Sequence[Document]) -> Sequence[Document]:
        nonlocal moved
        chosen = in_order(documents)
        moved = _moved(documents, chosen)
        return chosen

    rewritten(name, tending.reading, choose)
    return moved


def _moved(before: Sequence[Document], behind: Sequence[Document]) -> int:
    """How many stand elsewhere."""
    return sum(one is not other for one, other in zip(before, behind, strict=True))


def _parser() -> Parser:
    parser = parser_of("sort", DESCRIPTION, EXAMPLES)
    parser.add_argument("files", metavar="FILE", nargs="+", help="a cassette")
    parser.add_argument("--check", action="store_true", help="change nothing, say whether it is in order")
    return parser
