"""A request as promptecho writes it into a file: the body in the shape that it gives all providers, and its key.

Invariant: a request has the key under which promptecho 0.1.3 looks for it: of the decoded path, as httpx has it. What
the shape is: `core/matching/counting/promptecho.py`. Called by `promptecho/writing.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

from proxy_daemon.core.matching.counting.promptecho import DEFAULT, RAW, canonical, normalised

DEPTH = 150  # levels of a body: `yaml_text.load` reads 200 of a file
_KEY = 16  # hexadecimal digits

Members = dict[str, Any]


class NotNormal(ValueError):
    """Why promptecho has no key for a request. The sentence holds nothing of it."""


def normal(host: str, data: bytes) -> Members:
    """The body of a request as promptecho writes it. ``host``: empty where it is not known. Raises `NotNormal`."""
    try:
        body = json.loads(data) if data else {}  # as promptecho reads it: UTF-16 too
    except RecursionError:
        raise NotNormal(f"its body is nested deeper than {DEPTH} levels") from None
    except ValueError:
        body = None
    if not isinstance(body, dict):
        body = {RAW: sha256(data).hexdigest()}
    if not is_flat(body):
        raise NotNormal(f"its body is nested deeper than {DEPTH} levels")
    return normalised(body, host.lower())


def match_key(method: str, path: str, body: Members, match_on: Iterable[str] = DEFAULT) -> str:
    """The key of a request whose body is `normal`. ``path``: as in the URL."""
    picked = {name: body[name] for name in (*match_on, RAW) if name in body}
    told = {"method": method.upper(), "path": unquote(path), "fields": picked}
    return sha256(canonical(told)).hexdigest()[:_KEY]


def is_flat(value: Any, depth: int = DEPTH) -> bool:
    """Whether no value of this JSON stands deeper. Takes as long as there are values, however deep."""
    level = [value]
    for _ in range(depth + 1):
        level = [inner for one in level if isinstance(one, dict | list) for inner in _inner(one)]
        if not level:
            return True
    return False


def _inner(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value
