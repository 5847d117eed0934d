"""What the readers of text framings share: spans as values, faults behind what was good, nothing lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.wire import Malformed
from proxy_daemon.core.wire.delimited import ends_of
from proxy_daemon.core.wire.json_array import Element, JSONArrayReader
from proxy_daemon.core.wire.ndjson import Line, LineReader
from proxy_daemon.core.wire.sse import Event, SSEReader

READERS = {SSEReader: b"data: x\n\n", LineReader: b"{}\n", JSONArrayReader: b"[[]"}


def test_spans_are_values_of_their_kind():
    assert Line(b"a", 1) == Line(b"a", 1)
    assert len({Line(b"a", 1), Line(b"a", 1), Line(b"a", 2), Line(b"b", 1)}) == 3
    assert Line(b"a", 1) != Element(b"a", 1)
    assert Element(b"a", 1) != Event(b"a", 1)
    assert repr(Line(b"secret", 1)) == "<Line at 1, 6 octets>"


@given(st.lists(st.sampled_from([b"\n", b"\n\n", b"a"])).map(b"".join), st.sampled_from([b"\n", b"\n\n", b"a\n"]))
def test_ends_of_marks(window, mark):
    ends = ends_of(mark, window)
    assert len(ends) == window.count(mark)
    assert all(window[:end].endswith(mark) for end in ends)


@pytest.mark.parametrize(("make", "item"), READERS.items())
def test_a_fault_comes_behind_what_was_good_and_again_on_every_call(make, item):
    reader = make(limit=20)
    assert [found.raw for found in reader.feed(item + b',"' + b"x" * 30)] == [item]
    for call in (lambda: reader.feed(b"more"), lambda: reader.feed(b""), reader.end, reader.end):
        with pytest.raises(Malformed):
            call()
    assert reader.rest.endswith(b"xmore")


@pytest.mark.parametrize(("make", "item"), READERS.items())
def test_nothing_is_asked_of_an_empty_piece(make, item):
    reader = make()
    found = [items for octet in item for items in (reader.feed(b""), reader.feed(bytes([octet])), reader.feed(b""))]
    assert [span.raw for items in found for span in items] == [item]
    assert reader.rest == b""


def test_of_two_faults_the_first_one_counts():
    for octets, reason, at in (
        (b"[1;" + b"x" * 40, "neither a comma", 2),
        (b'["' + b"x" * 40 + b'";', "the limit", 20),
    ):
        whole = JSONArrayReader(limit=20)
        with pytest.raises(Malformed, match=reason) as caught:
            whole.feed(octets) and whole.feed(b"")
        assert caught.value.at == at
