"""Where documents begin and end, as `core/cassettes/llmproxy` splits them; and which are known again."""

import re
from collections import deque

import hypothesis.strategies as st
import pytest
from cassettes import HEADER, RECOGNISED, Wall, recorded
from hypothesis import given

from proxy_daemon.core.cassettes.llmproxy import written
from proxy_daemon.core.cassettes.llmproxy.splitting import parts
from proxy_daemon.core.ids import Ids
from proxy_daemon.store.cassette.beside import Beside
from proxy_daemon.store.cassette.scanning import Numbers, Scanner, beginning, digest_of, starts

LINES = st.sampled_from(
    [
        *rb"---|--- x|---x|----|...|... # 12|...x|a: b|# a||-|--|  ---|=====|<<<<<<< a|=======|>>>>>>> b".split(b"|"),
        b"---\r",
        b"...\r",
    ]
)
_BEGIN = re.compile(rb"---(?:[ \t\r\n]|\Z)")
FILES = st.builds(
    lambda lines, end: b"\n".join(lines) + end, st.lists(LINES, max_size=12), st.sampled_from([b"", b"\n"])
)


def scanner(recognised=RECOGNISED):
    numbers = iter(range(1, 1000))
    return Scanner("x.yaml", recognised, lambda: next(numbers), Beside("/nowhere"))


def document(question):
    return written(recorded(question)).text


@given(FILES)
def test_documents_begin_where_the_reader_says(data):
    whole = HEADER + data
    found = {each.start for each in parts("x", whole) if _BEGIN.match(whole, each.start)}
    cut = [len(whole) - len(left) for left in (b"-", b"--") if whole.endswith(b"\n" + left)]
    assert starts(whole) == sorted([*found, *cut])
    assert beginning(whole) == min([*starts(whole), len(whole)])


@given(FILES)
def test_whatever_stands_there_each_octet_belongs_to_one_place(data):
    begin = beginning(data)
    slots = list(scanner().slots(data[begin:], begin, 1, {}, 0))
    assert [slot.start for slot in slots] == ([begin, *(slot.end for slot in slots[:-1])] if slots else [])
    assert (slots[-1].end if slots else begin) == len(data)
    assert all((slot.held is None) != (slot.damaged is None) for slot in slots)
    assert not any(slot.cut for slot in slots[:-1])


@given(
    st.lists(st.sampled_from([document("a"), document("b"), b"---\nwrong: [\n...\n"]), max_size=6), st.integers(1, 90)
)
def test_lines_and_places_are_those_of_the_file(documents, at):
    slots = list(scanner().slots(b"".join(documents), at, 7, {}, 3))
    place, line = at, 7
    for slot, text in zip(slots, documents, strict=True):
        assert (slot.start, slot.end) == (place, place + len(text))
        if slot.held is not None:
            assert (slot.held.entry.start, slot.held.entry.end, slot.held.entry.line) == (
                place,
                place + len(text),
                line,
            )
            assert (slot.held.run, slot.held.own, slot.held.entry.sealed) == (3, False, True)
        else:
            assert line <= slot.damaged.line <= line + text.count(b"\n")
        place, line = place + len(text), line + text.count(b"\n")


def test_what_is_known_is_not_read_again_and_taken_once_each():
    text = document("a")
    first, second = scanner().slots(text + text, 0, 1, {}, 0)
    known = {first.digest: deque([first.held, second.held])}
    again = list(scanner().slots(text + text + text, 0, 1, known, 5))
    assert [slot.held for slot in again[:2]] == [first.held, second.held]
    assert (again[2].held.run, again[2].held in (first.held, second.held)) == (5, False)


@pytest.mark.parametrize("behind", [b"", b"\n", b"# a comment\n", b"\n# a\n\n", b"   # b"])
def test_comments_behind_a_document_do_not_make_it_another_one(behind):
    text = document("a")
    (slot,) = scanner().slots(text + behind, 0, 1, {}, 0)
    assert slot.digest == digest_of(text)
    assert (slot.start, slot.end, slot.damaged) == (0, len(text + behind), None)


@pytest.mark.parametrize("behind", [b"x\n", b"# a\nx: y\n", b"=======\n", b"...\n\nx"])
def test_what_stands_behind_a_document_and_is_none_is_damage_of_its_own(behind):
    text = document("a")
    one, stray, other = scanner().slots(text + behind + b"\n" + document("b"), 0, 1, {}, 0)
    assert one.held is not None
    assert other.held is not None
    assert (stray.start, stray.end) == (len(text), len(text) + len(behind) + 1)
    assert stray.damaged.line > text.count(b"\n")


def test_ids_grow_whatever_the_clock_says():
    class Back(Wall):
        now = 1_800_000_000.0

        def wall(self):
            self.now -= 1
            return self.now

    numbers = Numbers(Ids(Back()))
    found = [numbers.next() for _ in range(50)]
    assert found == sorted(set(found))
