"""What stands before the messages of a talk: YAML, or what rechat writes in its place, as values.

Invariant: a key that means something here has a value of its kind or is named as wrong; every other key is a parameter
of the request. YAML is read by `cassettes/yaml_text`, which builds nothing. Called by `format.py`.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any

import orjson
from attrs import evolve, field, frozen

from proxy_daemon.core.cassettes import yaml_text
from proxy_daemon.core.cassettes.llmproxy.told import COUNTS
from proxy_daemon.core.conversation import Usage
from proxy_daemon.core.headers import HOP_BY_HOP, Pair
from proxy_daemon.core.talk.wrong import Wrong

# The names by which people know them, beside the dialects' own.
ALIASES = {
    "openai": "openai-chat",
    "chat": "openai-chat",
    "responses": "openai-responses",
    "claude": "anthropic",
    "gemini": "google",
}
PARAMETERS = "parameters"
# Members of requests that are spelt much like a key; and fields of answers that people take for keys.
_PARAMETERS_ALIKE = frozenset(("models", "mode", "format", "tools", "user"))
_FIELDS = frozenset(("retry-after", "retry_after", "retry-after-ms", "header"))
_ALIKE = 0.83
_MISSPELT = "no key that means something: '{}' is meant; a parameter of that name stands under 'parameters:'"
_LAST = "last"
_WILD = re.compile(r"([\w .-]+:[ \t]+)(\{\{\*\}\}\S*)[ \t]*\Z")
_KEY = re.compile(r"([A-Za-z_][\w.-]*):[ \t]?(.*)\Z")
_COUNT = re.compile(rf"({'|'.join(COUNTS)}) ([0-9]{{1,18}})\Z", re.ASCII)
_PACE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)[ \t]*(words/s|ms|s)\Z", re.ASCII)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")  # RFC 9110 section 5.6.2
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*\Z")
_OF_THE_BODY = HOP_BY_HOP | {b"content-length", b"content-encoding", b"content-type"}
_LONGEST_REPR = 1_000_000
_STATUSES = range(200, 600)
_SLOWEST = 3600.0  # seconds before a word


@frozen
class Front:
    """``parameters``: members of the request's body. ``pace``: seconds before each word. ``api``: a dialect's name.

    ``tail``, ``last``: `match: last` and `answers: last`. ``answered_by``: the model that the answer names.
    """

    model: str = ""
    api: str = ""
    path: str = ""
    status: int = 0
    headers: tuple[Pair, ...] = ()
    pace: float = 0.0
    tail: bool = False
    last: bool = False
    finish: tuple[str, ...] = ()
    usage: Usage | None = None
    answered_by: str = ""
    error: str = ""
    parameters: dict[str, Any] = field(factory=dict)


def front_of(lines: Sequence[str], line: int, *, dumped: bool = False) -> Front:
    """What the lines say. ``line``: of the `---` before them. ``dumped``: as rechat writes it. Raises `Wrong`."""
    found = _mapping(lines, line, dumped=dumped)
    front, parameters = Front(), {}
    for name, value in found.items():
        read = None if dumped and name != "model" else _READ.get(name)
        if read is None:
            if not dumped and (meant := misspelt(name)):
                raise Wrong(_line_of(lines, line, name), _MISSPELT.format(meant))
            parameters[name] = value
            continue
        try:
            front = read(front, value)
        except ValueError as error:
            raise Wrong(_line_of(lines, line, name), f"{name}: {error}") from None
    return evolve(front, parameters={**parameters, **front.parameters})


def misspelt(name: str) -> str:
    """The key that a person means who writes ``name``; empty: it is a parameter, or one of the keys."""
    if name in KEYS or name in _PARAMETERS_ALIKE:
        return ""
    if name.lower() in _FIELDS:
        return "headers: {retry-after: 2}"
    alike = get_close_matches(name.lower().replace("_", " ").replace("-", " "), KEYS, 1, _ALIKE)
    return f"{alike[0]}:" if alike else ""


def _line_of(lines: Sequence[str], line: int, name: str) -> int:
    return next((line + 1 + at for at, each in enumerate(lines) if each.startswith(f"{name}:")), line)


def _mapping(lines: Sequence[str], line: int, *, dumped: bool) -> dict[str, Any]:
    text = "\n".join(_WILD.sub(r"\1'\2'", each) for each in lines)
    try:
        found = yaml_text.load(text.encode("utf-8", "surrogatepass"), strict=True)
    except yaml_text.NotYaml as error:
        if (written := _python(lines)) is not None:
            return written
        raise Wrong(line + max(error.line, 0), f"front matter that is no YAML: {error.reason}") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Wrong(line, "front matter that is no mapping: it has lines such as 'model: gpt-5'")
    return {name: value for name, value in found.items() if value != "None"} if dumped else found


def _python(lines: Sequence[str]) -> dict[str, Any] | None:
    """As rechat writes it: the `str()` of each value; None where it is not that."""
    found: dict[str, Any] = {}
    for each in lines:
        key = _KEY.match(each)
        if key is None or key[1] in found or key[2][:1] in ("&", "*", "!"):
            return None
        try:
            found[key[1]] = python_value(key[2])
        except ValueError:
            return None
    return {name: value for name, value in found.items() if value is not None}


def python_value(text: str) -> Any:
    """What a Python literal says, as JSON has it; a text that begins like none is itself. Raises ValueError."""
    if text[:1] not in "[{(" and text not in ("None", "True", "False") and not text[:1].isdigit():
        if text[:1] in "\"'":
            raise ValueError("a text in quotes")
        return text
    if len(text) > _LONGEST_REPR:
        raise ValueError("a value that is too long")
    try:
        return orjson.loads(orjson.dumps(ast.literal_eval(text)))
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        if text[:1].isdigit():
            return text
        raise ValueError("no value of Python") from None


# --- the keys that mean something -------------------------------------------------------------------------------------


def _text(value: Any) -> str:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError("a text is wanted")


def _members(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise ValueError("names and values are wanted, such as {retry-after: 2}")


def _api(front: Front, value: Any) -> Front:
    return evolve(front, api=ALIASES.get(_text(value), _text(value)))


def _path(front: Front, value: Any) -> Front:
    if not re.fullmatch(r"/[\x21\x22\x24-\x7e]{0,8000}", _text(value)):
        raise ValueError("a path begins with /, and has no blanks")
    return evolve(front, path=_text(value))


def _status(front: Front, value: Any) -> Front:
    if isinstance(value, bool) or not isinstance(value, int) or value not in _STATUSES:
        raise ValueError("a number from 200 to 599 is wanted")
    return evolve(front, status=value)


def _headers(front: Front, value: Any) -> Front:
    pairs = []
    for name, each in _members(value).items():
        if not _TOKEN.match(name) or not _VALUE.match(_text(each)):
            raise ValueError("what no field of HTTP may hold")
        if name.lower().encode() in _OF_THE_BODY:
            raise ValueError("a field of the framing is made anew, and not written")
        pairs.append((name.encode(), _text(each).strip().encode("latin-1")))
    return evolve(front, headers=tuple(pairs))


def _pace(front: Front, value: Any) -> Front:
    found = _PACE.match(_text(value))
    number = float(found[1]) if found else 0.0
    if not found or not number:
        raise ValueError("no pace such as 20 words/s, 50 ms or 0.2 s")
    pace = 1 / number if found[2] == "words/s" else number / 1000 if found[2] == "ms" else number
    if pace > _SLOWEST or not math.isfinite(pace):
        raise ValueError("slower than a word an hour")
    return evolve(front, pace=pace)


def _last(value: Any) -> bool:
    if value != _LAST:
        raise ValueError("the one word that may stand here is 'last'")
    return True


def _finish(front: Front, value: Any) -> Front:
    return evolve(front, finish=tuple(map(_text, value if isinstance(value, list) else [value])))


def _usage(front: Front, value: Any) -> Front:
    """As `cassettes/llmproxy` writes it."""
    counts = {}
    for each in _text(value).split(", "):
        found = _COUNT.match(each)
        if found is None:
            raise ValueError(f"no numbers such as in 14, out 2; there are {', '.join(COUNTS)}")
        counts[COUNTS[found[1]]] = int(found[2])
    return evolve(front, usage=Usage(**counts))


def _parameters(front: Front, value: Any) -> Front:
    """Also as one text of JSON, for values that YAML cannot say."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise ValueError("no JSON") from None
    return evolve(front, parameters={**front.parameters, **_members(value)})


_READ: dict[str, Callable[[Front, Any], Front]] = {
    "model": lambda front, value: evolve(front, model=_text(value)),
    "api": _api,
    "path": _path,
    "status": _status,
    "headers": _headers,
    "pace": _pace,
    "match": lambda front, value: evolve(front, tail=_last(value)),
    "answers": lambda front, value: evolve(front, last=_last(value)),
    "finish": _finish,
    "usage": _usage,
    "answered by": lambda front, value: evolve(front, answered_by=_text(value)),
    "error": lambda front, value: evolve(front, error=_text(value)),
    PARAMETERS: _parameters,
}
KEYS = frozenset(_READ)
