"""The pattern that looks ahead: where a match is certain, and where text is missing. And what takes a match's place."""

import pytest
import re2

from proxy_daemon.core.rewriting.lookahead import END, asserts, looking_ahead, without_groups
from proxy_daemon.core.rewriting.templates import Template, template

# (pattern, text, where what is found begins, where it ends; None: text is missing)
FOUND = [
    ("abc", "xab", 1, None),
    ("abc", "xabc", 1, 4),
    ("abc", "xabd", 4, None),
    ("a+", "xaa", 1, None),
    ("a+?", "xaa", 1, 2),
    ("(a)(?:b|c)", "ac", 0, 2),
    ("(?P<n>a)(?<m>b)c", "ab", 0, None),
    ("a|ab", "a", 0, 1),
    ("ab|a", "a", 0, None),
    (r"a\b", "a", 0, None),
    (r"a\b", "a ", 0, 1),
    ("a$", "a", 0, None),
    ("(?i)AB", "xa", 1, None),
    ("a(?i)b|C", "xc", 1, 2),
    ("[]a-c]+x", "]]", 0, None),
    ("[^]a]x", "a]b", 2, None),
    ("[[:alpha:]]1", "x", 0, None),
    (r"[\]]1", "]", 0, None),
    (r"\pL1", "é", 0, None),
    (r"\p{Greek}1", "aλ", 1, None),
    (r"\x{3bb}\x411", "λA", 0, None),
    (r"\Qa+(\E+", "a+((", 0, None),
    (r"\Q[\E]", "[", 0, None),
    (r"\Qa", "a", 0, 1),
    (r"\.\+\\1", ".+", 0, None),
    (r"\101\0601", "A0", 0, None),
    ("a{2}b", "aa", 0, None),
    ("a{,2}b", "a{", 0, None),
    ("a{b", "a{", 0, None),
    ("a#b c", "a#b ", 0, None),
    ("a\0b", "xa\0", 1, None),
    ("a.", "xa\0", 1, 3),
]


@pytest.mark.parametrize(("pattern", "text", "start", "end"), FOUND)
def test_what_comes_first_is_found_or_said_to_be_missing(pattern, text, start, end):
    octets = text.encode()
    match = re2.compile(looking_ahead(pattern).encode()).search(octets + END)
    assert len(octets[: match.start()].decode()) == start
    assert (None if match.end() > len(octets) else match.end()) == end


@pytest.mark.parametrize("pattern", sorted({pattern for pattern, *_ in FOUND}))
def test_a_pattern_without_groups_finds_the_same(pattern):
    bare = re2.compile(without_groups(pattern).encode())
    assert bare.groups == 0
    for _, text, *_ in FOUND:
        bare_match, match = (each.search(text.encode()) for each in (bare, re2.compile(pattern.encode())))
        assert (bare_match and bare_match.span()) == (match and match.span())


@pytest.mark.parametrize("pattern", ["a$", "^a", r"a\b", r"a\B", r"\Aa", r"a\z", "(?:a|b$)"])
def test_conditions_are_known(pattern):
    assert asserts(pattern)


@pytest.mark.parametrize("pattern", ["a", "[$^]", r"\$", r"\^", r"\\b", r"\Q$\E", "(?i)a", "[^a]"])
def test_what_only_looks_like_a_condition_is_none(pattern):
    assert not asserts(pattern)


def test_what_cuts_characters_is_refused():
    with pytest.raises(ValueError, match="a part of a character"):
        looking_ahead(r"a\C")


# (by, parts)
TEMPLATES = [
    ("", ("",)),
    ("é", ("é",)),
    (r"\1", ("", 1, "")),
    (r"a\2b\0", ("a", 2, "b", 0, "")),
    (r"\g<who>\g<2>", ("", 1, "", 2, "")),
    (r"\12", ("", 1, "2")),
    (r"\\1", ("", "\\", "1")),
]


@pytest.mark.parametrize(("by", "parts"), TEMPLATES)
def test_a_template_is_read(by, parts):
    assert template(by, {"who": 1}, 2) == Template(parts, any(isinstance(part, int) for part in parts))


@pytest.mark.parametrize(
    "by", [r"\3", r"\g<x>", r"\g<3>", r"\g<>", r"\g", r"\n", "\\", "\\\n", r"\é", r"\g<²>", "\\g<" + "9" * 5000 + ">"]
)
def test_a_template_that_means_nothing_is_refused(by):
    with pytest.raises(ValueError, match=r"by: |digits"):
        template(by, {"who": 1}, 2)
