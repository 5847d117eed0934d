"""The registry: the first that recognises a content reads it; files are unpacked before; each says what it is."""

import gzip

import pytest

from proxy_daemon.core.cassettes import Skipped, Unreadable, formats
from proxy_daemon.core.cassettes.formats import BUILT_IN, chosen, read


class Lines:
    """A third party's format: each line is an entry, and an empty one is an error."""

    name = "lines"

    def __init__(self, first=b"lines", name="lines"):
        self.first, self.name, self.seen = first, name, []

    def recognises(self, file, data):
        self.seen.append((file, data))
        return data.startswith(self.first)

    def read(self, file, data):
        for number, line in enumerate(data.splitlines()[1:]):
            if not line:
                raise Unreadable(file, "an empty line", number)
            yield Skipped(number, line.decode())


def test_the_first_that_recognises_a_file_reads_it():
    never, wide, narrow = Lines(b"x"), Lines(b"li", "wide"), Lines(b"lines", "narrow")
    assert chosen("f", b"lines\na", [never, narrow, wide]).name == "narrow"
    assert chosen("f", b"lines\na", [never, wide, narrow]).name == "wide"
    assert never.seen == [("f", b"lines\na")] * 2


def test_formats_of_others_read_beside_the_built_in_ones():
    assert list(read("f", b"lines\na\nb", [*BUILT_IN, Lines()])) == [Skipped(0, "a"), Skipped(1, "b")]


@pytest.mark.parametrize("packed", [False, True])
def test_a_format_sees_what_is_unpacked(packed):
    data = b"lines\na"
    lines = Lines()
    assert list(read("f", gzip.compress(data) if packed else data, [lines])) == [Skipped(0, "a")]
    assert lines.seen == [("f", data)]


def test_entries_before_an_error_are_given():
    found = read("the.txt", b"lines\na\n\nb", [Lines()])
    assert next(found) == Skipped(0, "a")
    with pytest.raises(Unreadable, match=r"^the\.txt#1: an empty line$") as error:
        next(found)
    assert (error.value.file, error.value.reason, error.value.entry) == ("the.txt", "an empty line", 1)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "an empty file"),
        (b"other", "no recording of a known format"),
        (b"\x1f\x8b", "gzip that is cut off"),
        (b"\x1f\x8bxxxxxxxx", "damaged gzip"),
    ],
)
def test_what_nobody_recognises_is_refused(data, reason):
    with pytest.raises(Unreadable) as error:
        list(read("f", data, [Lines()]))
    assert str(error.value) == f"f: {reason}"
    assert error.value.__cause__ is None


def test_nothing_is_read_until_it_is_asked_for():
    lines = Lines()
    read("f", b"lines", [lines])
    assert not lines.seen


def test_each_format_has_a_name_of_its_own():
    names = [one.name for one in formats.BUILT_IN]
    assert len(set(names)) == len(names)
    assert all(name == name.strip() and name for name in names)


@pytest.mark.parametrize("one", BUILT_IN, ids=lambda one: one.name)
@pytest.mark.parametrize("data", [b"", b"\x00", b"{", b"[", b"\xff" * 99, b"{}", b"[]", b"- ", b"[" * 9000, b"request"])
def test_no_format_takes_a_file_for_its_own_that_says_nothing(one, data):
    assert not one.recognises("file", data)
