"""The sections of docs/plugins.md that tell the hooks, made from the code.

Run as a program, it writes them into the page; test_docs_plugins.py holds the page against it.
"""

import inspect
from pathlib import Path

from proxy_daemon import hookspecs

PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"
BEGIN, END = "\n### llmproxy_", "\n## Built-in plugins\n"


def section(name):
    """What the page must say of this hook."""
    function, contract = getattr(hookspecs, name), hookspecs.CONTRACTS[name]
    signature = str(inspect.signature(function)).replace("'", "")
    facts = f"Kind: {contract.kind}. Fault policy: {contract.policy}. Deadline: {contract.deadline:g} s."
    return f"### {name}\n\n```python\ndef {name}{signature}\n```\n\n{facts}\n\n{inspect.getdoc(function)}\n"


def rebuilt(page):
    """The page with all sections made anew."""
    before, rest = page.partition(BEGIN)[0], page.partition(END)[2]
    return before + "\n" + "\n".join(map(section, hookspecs.CONTRACTS)) + END + rest


if __name__ == "__main__":
    PAGE.write_text(rebuilt(PAGE.read_text()))
