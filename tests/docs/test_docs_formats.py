"""docs/formats.md lists the formats that there are, and what can be done with each."""

import pytest
from formats_page import PAGE, rows

from proxy_daemon.core.cassettes.formats import BUILT_IN
from proxy_daemon.core.cassettes.writers import WRITERS

READERS = {form.name: form for form in BUILT_IN if form.name != "refused"}  # that one names what is not read


def listed():
    return {row["format"]: row for row in rows("formats")}


def test_all_formats_are_listed_once():
    assert set(listed()) == {*READERS, *WRITERS}
    assert len(rows("formats")) == len(listed())


@pytest.mark.parametrize("name", sorted({*READERS, *WRITERS}))
def test_what_can_be_done_with_it(name):
    row, reader = listed()[name], READERS.get(name)
    streamed = reader is not None and hasattr(reader, "stream")
    assert [row[what] == "yes" for what in ("read", "written", "streamed")] == [
        reader is not None,
        name in WRITERS,
        streamed,
    ]
    assert {row[what] for what in ("read", "written", "streamed")} <= {"yes", "no"}


def test_what_is_written_tells_what_it_cannot_say():
    assert {row["format"] for row in rows("losses")} == set(WRITERS)


@pytest.mark.parametrize("page", ["cassettes.md", "recordings-of-others.md", "scripting.md"])
def test_pages_that_it_points_to_are_there(page):
    assert f"({page})" in PAGE.read_text()
    assert (PAGE.parent / page).is_file()
