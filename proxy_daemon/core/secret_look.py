"""The quick look: whether a text may hold a secret at all, by name, by shape, or by a rule of somebody's own.

One automaton for everything, one pass, no copy: what most bodies cost. It may say yes where nothing is, never no where
`core/secret_spans.py` or `core/secret_shapes.py` finds something. Called by these and by `core/redact.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import re2

from proxy_daemon.core.secret_names import MEMBERS, unescaped
from proxy_daemon.core.secret_shapes import BEFORE, KEYS, WORDS, options

Look = Callable[[bytes], bool]

_MARK = rb"[-_.]*"  # what names are compared without
# ASCII that is written so hides a name or a key; Go and Google write `<` and `&` so, and pay for a careful look.
_ESCAPED = rb"\\u00[0-7]"
_SHAPES = BEFORE + b"(?:" + b"|".join([shape.begins for shape in KEYS]) + b")|" + b"|".join([w.begins for w in WORDS])
_ADDRESS = rb"[?#@]"


def member(name: bytes) -> bytes:
    """The pattern of a plain name (`secret_names.plain_name`) before the quote that ends it, however it is spelt."""
    letters = [re2.escape(name[at : at + 1]) for at in range(len(name))]
    return b"(?i:" + _MARK.join(letters) + b")" + _MARK + b'"'


_NAMES = b"|".join([member(name) for name in sorted(MEMBERS)])


def _search(*patterns: bytes) -> Look:
    """Without the module's wrapper, which makes a generator for a match that is never looked at: twice its cost."""
    expression = re2.compile(b"|".join(patterns), options=options())
    match, anywhere = expression._regexp.Match, re2._Anchor.UNANCHORED  # noqa: SLF001
    return lambda data: bool(match(anywhere, data, 0, len(data))[0][0] >= 0)


def looking(names: Iterable[bytes] = (), patterns: Iterable[bytes] = ()) -> tuple[Look, Look]:
    """How bodies and how header values are looked at, with plain names and RE2 patterns of one's own."""
    own = [b"(?:" + pattern + b")" for pattern in patterns]
    marks = [member(name) for name in sorted(names)]
    return _search(_NAMES, _SHAPES, _ESCAPED, *marks, *own), _search(_SHAPES, _ADDRESS, *own)


in_body, in_values = looking()
in_names, in_names_or_hidden = _search(_NAMES), _search(_NAMES, _ESCAPED)


def names_member(data: bytes) -> bool:
    """Whether a part of a JSON body that cannot be read whole names a secret anywhere."""
    return in_names(unescaped(data))


def may_hold_member(data: bytes) -> bool:
    """Whether a careful look at the members of JSON is worth its time."""
    return in_names_or_hidden(data)
