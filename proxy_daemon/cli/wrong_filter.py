"""A filter that cannot be read, with a mark below what is wrong in it. Called by `list` and `export`."""

from __future__ import annotations

from rich.cells import cell_len

from proxy_daemon.cli.harmless import one_line
from proxy_daemon.core.filtering import FilterError
from proxy_daemon.store.catalogue.asking import WrongQuestion


def wrong_filter(command: str, q: str, wrong: FilterError | WrongQuestion) -> str:
    """Three lines for standard error."""
    begin, part = one_line(q[: wrong.at]), one_line(q[wrong.at : wrong.at + wrong.length])
    mark = f"  {' ' * cell_len(begin)}{'^' * max(1, cell_len(part))}"
    return f"llmproxy {command}: {one_line(str(wrong))}\n  {one_line(q)}\n{mark}\n"
