"""The filter language: `~c 200 & (~model gpt | ~d anthropic) !~e "some words"`, as mitmproxy's, with terms of ours.

>>> tree = parse("~c 429 | ~slow >5")
>>> explain(tree)
'~c 429 | ~slow >5'

A text is read into a tree of values (`tree.py`) whose terms stand in one table (`terms.py`); `holds` asks a tree of one
exchange (`subject.py`). Used by the list of exchanges, by its index, and by the command line. docs/filters.md.
"""

from __future__ import annotations

from proxy_daemon.core.filtering.asking import holds, is_light
from proxy_daemon.core.filtering.explaining import explain, help_text
from proxy_daemon.core.filtering.parsing import parse
from proxy_daemon.core.filtering.subject import Subject
from proxy_daemon.core.filtering.terms import TERMS, Spec, Wants
from proxy_daemon.core.filtering.tree import And, Comparison, Filter, FilterError, Kind, Not, Or, Pattern, Term

__all__ = [
    "TERMS",
    "And",
    "Comparison",
    "Filter",
    "FilterError",
    "Kind",
    "Not",
    "Or",
    "Pattern",
    "Spec",
    "Subject",
    "Term",
    "Wants",
    "explain",
    "help_text",
    "holds",
    "is_light",
    "parse",
]
