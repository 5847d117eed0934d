"""What a run of the benchmarks says: a table at the terminal, the same in Markdown for docs/performance.md.

Both are made from the value that --json writes. Called by bench.py.
"""

import re
from pathlib import Path

from peers import DIRECT, MITMPROXY, NGINX, OURS

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- figures: written by bench.py --markdown -->", "<!-- end of figures -->"
SIDES = (OURS, MITMPROXY, NGINX, DIRECT)
HEADINGS = ("case", "unit", *SIDES, "judged", "reached", "limit", "")


def number(value):
    """A figure as one reads it."""
    if isinstance(value, str):
        return value
    return f"{value:.0f}" if value >= 1000 or value == int(value) else f"{value:.3g}"


def rows_of(name, case):
    """One row for each check; the sides' figures stand in the first."""
    figures = [number(case["sides"][side]["figure"]) if side in case["sides"] else "" for side in SIDES]
    lead = [name, case["unit"], *figures]
    rows = []
    for one in case["checks"]:
        verdict = "ok" if one["met"] else "MISSED"
        reached, limit = (f"{number(one[key])} {one['unit']}".strip() for key in ("figure", "limit"))
        rows.append([*lead, one["what"], reached, limit, verdict])
        lead = [""] * len(lead)
    return rows


def table(run):
    """All rows of a run, without columns in which nothing stands."""
    rows = [list(HEADINGS), *(row for name, case in run["cases"].items() for row in rows_of(name, case))]
    filled = [i for i in range(len(HEADINGS)) if any(row[i] for row in rows[1:])]
    return [[row[i] for i in filled] for row in rows]


def text(run):
    """For the terminal."""
    rows = table(run)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([*lines, "", conditions(run)])


def markdown(run):
    """For the page."""
    head, *rows = ("| " + " | ".join(row) + " |" for row in table(run))
    return "\n".join([head, "|" + "---|" * head.count(" | ") + "---|", *rows, "", conditions(run)])


def conditions(run):
    """One sentence on what ran where."""
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    quick = " A quick run: the figures are rough." if run["quick"] else ""
    return (
        f"{run['date']}; {versions}; Python {run['python']}; {run['processor']}, {run['cores']} cores; "
        f"{run['rounds']} rounds of {run['seconds']:g} s.{quick}"
    )


def missed(run):
    """The checks that were not met, in words."""
    return [
        f"{name}: {one['what']}: {number(one['figure'])} {one['unit']}, limit {one['limit']}"
        for name, case in run["cases"].items()
        for one in case["checks"]
        if not one["met"]
    ]


def write_page(run):
    """Put the figures into the page."""
    page = PAGE.read_text()
    if BEGIN not in page or END not in page:
        raise SystemExit(f"{PAGE} has no place for the figures: {BEGIN} ... {END}")
    figures = f"{BEGIN}\n{markdown(run)}\n{END}"
    PAGE.write_text(re.sub(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: figures, page, flags=re.DOTALL))
