"""What rules give for a text in pieces, and the same by the simplest means: for the tests of this folder."""

from itertools import pairwise

from hypothesis import strategies as st

from proxy_daemon.core.rewriting.scanner import scanner


def cut(text, *places):
    """The text in pieces: at each place."""
    ends = [0, *sorted(places), len(text)]
    return [text[start:end] for start, end in pairwise(ends)]


def kinds(pieces):
    """The joined text of what stays, and of what is moved."""
    return tuple("".join(piece.text for piece in pieces if piece.moved is kind) for kind in (False, True))


def scanned(rules, pieces, field=None):
    """What comes out of a scanner, by kind."""
    used = scanner(rules, field)
    out = [said for piece in pieces for said in used.feed(piece)]
    return kinds(out + used.end())


def splits(texts):
    """Texts in pieces, some of them empty."""
    return texts.flatmap(
        lambda text: st.lists(st.integers(0, len(text)), max_size=8).map(lambda places: cut(text, *places))
    )


def begins_at_end(text, find):
    """How much of the end of a text is a beginning of ``find``, but not all of it."""
    return next((size for size in range(len(find) - 1, 0, -1) if text.endswith(find[:size])), 0)


def paired(rule, text):
    """`Pair` by `str.find`: what stays, what is moved, what is looked for now, the text behind the last find."""
    out, is_open = ["", ""], False
    while True:
        find, by = (rule.close, rule.close_by) if is_open else (rule.open, rule.open_by)
        place = text.find(find)
        if place < 0:
            out[is_open and rule.moves] += text
            return (*out, find, text)
        out[is_open and rule.moves] += text[:place] + by
        text, is_open = text[place + len(find) :], not is_open
