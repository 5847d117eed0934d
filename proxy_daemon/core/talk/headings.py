"""Headings of a talk: `### role`, and what a person most likely meant as one.

Invariant: a line is a heading, plain words, or named as misspelt; how a role is capitalised, a colon behind it and
closing signs make no difference where nothing else stands there. Called by `documents.py`.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from attrs import frozen

ANYTHING = "any other question"
ROLES = ("user", "assistant", "system", "developer", "tool", "function", "model", "message", ANYTHING)

_ANY_ROLE = "|".join(ROLES)
_EXACT = re.compile(rf"### ({_ANY_ROLE})(?:[ \t]+(\S.*))?[ \t]*\Z")
_LOOSE = re.compile(rf"###[ \t]+({_ANY_ROLE}):?(?:[ \t]+#+)?[ \t]*\Z", re.IGNORECASE)
_TITLE = re.compile(r"[ \t]{0,3}(#{1,6})([ \t]*)([A-Za-z][A-Za-z_ \t]{0,30}?)[ \t]*:?[ \t]*#*[ \t]*\Z")
# Of what is shorter, or is a word of its own with another letter, only these.
_MEANT = {
    **dict.fromkeys(("human", "usr", "uesr", "usre"), "user"),
    **dict.fromkeys(("bot", "chatbot", "ai", "assistent", "assitant", "asistant"), "assistant"),
    **dict.fromkeys(("sytem", "sysem", "systm", "sysytem"), "system"),
    **dict.fromkeys(("tool_result", "tool result"), "tool"),
    **dict.fromkeys(("any question", "any other", "other question"), ANYTHING),
}
_LONG = ("assistant", "developer", ANYTHING)
_ALIKE = 0.85


@frozen
class Heading:
    """``words``: what stands behind the role."""

    role: str
    words: str = ""


def heading(line: str) -> Heading | None:
    """None: it is none."""
    if not line.startswith("###"):
        return None
    if loose := _LOOSE.match(line):
        return Heading(loose[1].lower())
    exact = _EXACT.match(line)
    return None if exact is None else Heading(exact[1], exact[2] or "")


def misspelt(line: str) -> str:
    """How the heading is written that a line is meant as, which is none; empty: it is nothing but words."""
    found = _TITLE.match(line) if "#" in line[:4] else None
    if found is None:
        return ""
    level, name = len(found[1]), " ".join(found[3].lower().split())
    if name in ("user", "assistant") or (level == 3 and name in ROLES):  # noqa: PLR2004  (`###`)
        return f"### {name}"
    meant = _meant(name) if level == 3 else ""  # noqa: PLR2004  (as above)
    return meant and f"### {meant}"


def _meant(name: str) -> str:
    """The role that is spelt so; what stands in the plural is a title."""
    if name in _MEANT:
        return _MEANT[name]
    if name.removesuffix("s") in ROLES:
        return ANYTHING if name.startswith(ANYTHING) else ""
    return next((each for each in _LONG if _alike(each, name)), "")


def _alike(role: str, name: str) -> bool:
    """The cheap questions first: a file may hold a million titles."""
    found = SequenceMatcher(None, role, name)
    asked = (found.real_quick_ratio, found.quick_ratio, found.ratio)
    return role[0] == name[0] and all(each() >= _ALIKE for each in asked)
