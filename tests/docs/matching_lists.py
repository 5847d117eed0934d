"""The lists of docs/matching.md, made by asking the dialects: `python tests/docs/matching_lists.py` renews them."""

import re
from pathlib import Path

from proxy_daemon.core.dialects import BUILT_IN

PAGE = Path(__file__).parents[2] / "docs" / "matching.md"
LISTS = {
    "volatile": lambda dialect: dialect.volatile,
    "opaque": lambda dialect: dialect.opaque,
    "ids": lambda dialect: (*dialect.ids, *dialect.own_ids),
    "fields": lambda dialect: [name.decode() for name in dialect.deciding_fields],
}


def rows(of):
    """Dialects that have the same stand in one row."""
    by_paths = {}
    for dialect in BUILT_IN:
        if paths := tuple(dict.fromkeys(of(dialect))):
            by_paths.setdefault(paths, []).append(dialect.name)
    for paths, names in by_paths.items():
        yield f"| {', '.join(names)} | {', '.join(f'`{path}`' for path in paths)} |"


def table(name):
    return "\n".join(["| dialect | |", "|---|---|", *rows(LISTS[name])])


def rebuilt(page):
    """The page with its lists made anew."""
    for name in LISTS:
        mark = f"<!-- {name} -->\n"
        before, _, rest = page.partition(mark)
        rest = re.sub(r"\A\n(?:\|[^\n]*\n)+", "", rest)
        page = f"{before}{mark}\n{table(name)}\n{rest}"
    return page


if __name__ == "__main__":
    PAGE.write_text(rebuilt(PAGE.read_text()))
