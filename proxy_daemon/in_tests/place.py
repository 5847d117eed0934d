"""Where the cassette of a test lies: `<folder of the test file>/cassettes/<its stem>/<test>.yaml`.

<test> is the names of classes and function with dots between, and, behind a `-`, the name of the parameters. What is no
ASCII letter, digit, `.`, `_` or `-` becomes `_`; where that happened, or where the name is too long, eight digits of a
hash of the whole name follow, so that two tests never share a file. A file that pytest-recording has left there under
its own name answers where there is none of ours.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

FOLDER = "cassettes"
SUFFIX = ".yaml"
LONGEST = 120  # characters, of the 255 octets that a file system allows: hashes and side files need some
DIGITS = 8
_ODD = re.compile(r"[^A-Za-z0-9._-]")
_NO_FILE = re.compile(r"""[<>?%*:|"'/\\]""")


def file_of_test(test_file: Path, names: Sequence[str], parameters: str = "") -> Path:
    """``names``: of the classes, outermost first, and of the function; ``parameters``: what pytest shows in `[]`."""
    name = ".".join(names) + (f"-{parameters}" if parameters else "")
    return test_file.parent / FOLDER / safe(test_file.stem) / f"{safe(name)}{SUFFIX}"


def file_of_pytest_recording(test_file: Path, names: Sequence[str], parameters: str = "") -> Path:
    """Where it has the cassette of the same test: of classes only the innermost counts (its `plugin.py`, 0.14)."""
    name = ".".join(names[-2:]) + (f"[{parameters}]" if parameters else "")
    return test_file.parent / FOLDER / test_file.stem / f"{_NO_FILE.sub('-', name)}{SUFFIX}"


def safe(name: str) -> str:
    """As one part of a path; the same for the same, another for another."""
    kept = _ODD.sub("_", name)
    if kept == name and len(kept) <= LONGEST and not name.startswith("."):
        return name
    digits = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]
    return f"{kept.lstrip('.')[:LONGEST]}-{digits}"
