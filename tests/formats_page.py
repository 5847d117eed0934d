"""The tables of docs/formats.md, as values: tests hold them to the code and to the corpus."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "formats.md"


def table(name, keys=1):
    """As `rows`: {first columns: {head of another column: its cell}}."""
    head, cells = _cells(name)
    return {
        row[0] if keys == 1 else tuple(row[:keys]): dict(zip(head[keys:], map(_value, row[keys:]), strict=True))
        for row in cells
    }


def rows(name):
    """The table behind `<!-- table: NAME -->`: [{head of a column: its cell}]; numbers are numbers."""
    head, cells = _cells(name)
    return [dict(zip(head, map(_value, row), strict=True)) for row in cells]


def _cells(name):
    text = PAGE.read_text().partition(f"<!-- table: {name} -->\n")[2]
    lines = text.strip("\n").partition("\n\n")[0].splitlines()
    head, _, *found = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    return head, [[re.sub(r"\A`(.*)`\Z", r"\1", cell) for cell in row] for row in found]


def _value(cell):
    return int(cell.replace(",", "")) if re.fullmatch(r"[\d,]+", cell) else cell
