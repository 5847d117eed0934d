"""The quick way to write what nearly all changed events are: one text, written as most servers write it.

The member is looked for by its octets, and the result is read again: it counts only where the text has become what it
should. All else goes the way of `edits.py`, which calls this; it takes ten times as long.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from proxy_daemon.core.rewriting.carriers import Carrier
from proxy_daemon.core.rewriting.channels.spot import Path
from proxy_daemon.core.rewriting.escapes import as_string
from proxy_daemon.core.splice.container import Cut

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"')


def replaced(carrier: Carrier, path: Path, old: str, values: dict[Path, Any]) -> bytes | None:
    """The item with ``values`` in place of the text ``old`` at ``path``; None where that cannot be done so.

    ``values``: by path, what stands there then: at ``path`` itself, and at a member beside it that is not there yet.
    """
    try:
        cut = _cut(carrier.data, path, old, values)
        if cut is None:
            return None
        item = orjson.loads(carrier.data[: cut.start] + cut.text + carrier.data[cut.end :])
        return carrier.write([cut]) if all(_at(item, each) == value for each, value in values.items()) else None
    except (TypeError, LookupError, ValueError):  # half a surrogate pair; an item of another shape
        return None


def _cut(data: bytes, path: Path, old: str, values: dict[Path, Any]) -> Cut | None:
    name = orjson.dumps(path[-1]) + b":"
    start = data.find(name) + len(name)
    start += data.startswith(b" ", start)
    found = _STRING.match(data, start)
    if start < len(name) or found is None or orjson.loads(found[0]) != old:
        return None
    new = values[path]
    text = as_string(new, found[0]) if isinstance(new, str) else orjson.dumps(new)
    for beside, value in values.items():
        if beside != path:
            if (member := orjson.dumps(beside[-1])) in data:
                return None
            text += (
                b"," + member + b":" + (as_string(value, found[0]) if isinstance(value, str) else orjson.dumps(value))
            )
    return Cut(start, found.end(), text, 0)


def _at(item: Any, path: Path) -> Any:
    for step in path:
        item = item[step]
    return item
