"""Edits of a text that leave what it asks for as it was: blanks, its last full stop, typos, the date of a stamp.

All else is refused with its reason; in doubt it is refused. One `SmallEdits` goes through all texts of a request.
Called by `servable`.
"""

from __future__ import annotations

import re

from rapidfuzz.distance import OSA

from proxy_daemon.core.matching.nearness.dates import without_stamps
from proxy_daemon.core.matching.nearness.telling_words import are_both_words, are_opposites, is_negation, is_number
from proxy_daemon.core.matching.nearness.text_likeness import UNSPACED

MOST_TYPOS = 3  # in all texts of a request together
SHORTEST = 5  # letters of a word that may have a typo
_BLANKS_BESIDE = re.compile(rf"(?<={UNSPACED.pattern})[ \t]+|[ \t]+(?={UNSPACED.pattern})")
# Code, and what is quoted.
_VERBATIM = re.compile(
    r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]*`|\"[^\"]*\"|\u201c[^\u201c\u201d]*\u201d|«[^«»]*»", re.DOTALL
)
# Where a text is about letters, a typo may be what it is about.
_ABOUT_LETTERS = re.compile(
    r"(?<!\w)(?:spell|typo|misspel|proof-?read|gramma|letters?(?!\w)|characters?(?!\w)|anagram|rhym|palindrom|verbatim"
    r"|regex|rechtschreib|orthogra|ortogra)",
    re.IGNORECASE,
)
_AROUND = "(),.;:!?*_…"  # signs around a word; quotes are none of them: what is quoted counts letter by letter
_INDENT = re.compile(r"^[ \t]+(?=\S)", re.MULTILINE)
_LISTED = re.compile(r"^[^\w\s(\"'¿¡]|^\d|[|,;{}]\s*$", re.MULTILINE)
# Latin, Greek, Cyrillic: scripts in which a word of five letters with one wrong is still the word.
_LETTERS = re.compile(r"[A-Za-z\u00c0-\u024f\u0370-\u03ff\u0400-\u052f]+")
_ENDS_SENTENCE = frozenset(".!?:…\u2026")


class SmallEdits:
    """Judges texts one by one; counts the typos of all."""

    def __init__(self) -> None:
        self._typos = 0

    def refused(self, old: str, new: str, *, system: bool) -> str:
        """Why the recorded text ``old`` does not mean what ``new`` does; empty where it does.

        ``system``: the text is an instruction, in which a date behind "as of" is a stamp.
        """
        if old == new:
            return ""
        if _VERBATIM.findall(old) != _VERBATIM.findall(new):
            return "code or a quotation differs"
        if _shape(old) != _shape(new):
            return "its lines differ"
        one, other = (without_stamps(_spaced(text), system=system).split() for text in (old, new))
        if len(one) != len(other):
            return _counted(one, other)
        return self._words(one, other, about_letters=_ABOUT_LETTERS.search(old) is not None)

    def _words(self, one: list[str], other: list[str], *, about_letters: bool) -> str:
        elsewhere = _common(one, other)
        for at, (was, is_now) in enumerate(zip(one, other, strict=True)):
            if was != is_now and (at < len(one) - 1 or _without_stop(was) != _without_stop(is_now)):
                starts = at == 0 or one[at - 1][-1] in _ENDS_SENTENCE
                if reason := self._word(was, is_now, starts=starts, about_letters=about_letters):
                    return reason
                if not elsewhere.isdisjoint((_bare(was).lower(), _bare(is_now).lower())):
                    return "a word differs"
        return ""

    def _word(self, old: str, new: str, *, starts: bool, about_letters: bool) -> str:
        reason = _not_a_typo(old, new, starts=starts)
        self._typos += 1
        if not reason and about_letters:
            return "a typo in a text that is about letters"
        return reason or (f"more than {MOST_TYPOS} typos" if self._typos > MOST_TYPOS else "")


def _common(one: list[str], other: list[str]) -> frozenset[str]:
    """The words that stand unchanged in both, small: one that is used elsewhere is a word, and its like another one."""
    return frozenset(_bare(was).lower() for was, is_now in zip(one, other, strict=True) if was == is_now)


def _spaced(text: str) -> str:
    """With one blank between words, and none beside signs of scripts that have none."""
    return _BLANKS_BESIDE.sub("", " ".join(text.split()))


def _without_stop(word: str) -> str:
    return word if word.endswith("..") else word.removesuffix(".").removesuffix("\u3002")


def _shape(text: str) -> object:
    """Where blanks mean something: indentation, and how many words stand in each line of lists, tables and code."""
    text = text.strip()
    indents = _INDENT.findall(text)
    if not indents and "\t" not in text and _LISTED.search(text) is None:
        return None
    return indents, [(len(line.split()), line.strip().count("\t")) for line in text.splitlines() if line.strip()]


def _counted(one: list[str], other: list[str]) -> str:
    """Words were put in, taken out, or joined."""
    old, new = map(_bare, one), map(_bare, other)
    changed = sorted(set(old) ^ set(new))
    if any(map(is_negation, changed)):
        return "a negation differs"
    if any(map(is_number, changed)):
        return "a number differs"
    return "words were added or left out"


def _bare(word: str) -> str:
    return word.strip(_AROUND)


def _not_a_typo(one: str, other: str, *, starts: bool) -> str:
    """Why two words in the same place are not the same word; empty where they are. ``starts``: a sentence does."""
    old, new = _bare(one), _bare(other)
    if one.replace(old, "", 1) != other.replace(new, "", 1) or old == new:
        return "punctuation differs"
    if is_negation(old) or is_negation(new):
        return "a negation differs"
    if is_number(old) or is_number(new):
        return "a number differs"
    if old.lower() == new.lower():
        return "capital letters differ"
    if not starts and (old[:1].isupper() or new[:1].isupper()):
        return "a name may differ"
    return "" if _is_typo(old, new) else "a word differs"


def _is_typo(old: str, new: str) -> bool:
    """One letter wrong, missing, too many, or two in each other's place, and not the first."""
    return (
        min(len(old), len(new)) >= SHORTEST
        and old[0] == new[0]
        and _LETTERS.fullmatch(old) is not None
        and _LETTERS.fullmatch(new) is not None
        and old[1:].islower() == new[1:].islower()
        and OSA.distance(old, new, score_cutoff=1) == 1
        and not are_opposites(old, new)
        and not are_both_words(old, new)
    )
