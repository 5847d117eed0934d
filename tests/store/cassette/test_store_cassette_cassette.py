"""A cassette as a store: what is served, when, and what stands in the file."""

from array import array

import pytest
from cassettes import HEADER, JSON, RECOGNISED, answered, answers_in, chat, key, octets, recorded, said

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Pieces, Request, Response, ResponseHead
from proxy_daemon.core.pattern import Pattern
from proxy_daemon.core.upstreams import parse_upstream


def test_what_is_recorded_is_in_the_file_and_served_to_the_next_run(played, path):
    assert played().put(recorded("a", "one"), recorded("b", "two")) == [True, True]
    assert (answers_in(path, "a"), answers_in(path, "b"), answers_in(path, "c")) == (["one"], ["two"], [])


def test_what_is_read_is_what_was_put(played, path):
    response = Response(
        ResponseHead(200, b"OK", Headers(((b"Content-Type", b"text/event-stream"), (b"X-A", b"\xff")))),
        Bytes(b"data: a\n\ndata: \xff\r\n\n"),
        Pieces(array("Q", [9, 10]), array("Q", [5, 70])),
        Headers(((b"X-End", b"1"),)),
    )
    played().put(recorded("a", response=response, duration=80, head_time=4))
    cassette = played("none").cassette
    found = cassette.get(cassette.candidates(key("a"))[0].id)
    assert found.request == recorded("a").request
    assert found.response == response
    assert (found.started, found.head_time, found.duration) == (1_800_000_000.0, 4, 80)
    assert (found.fingerprint, found.model, found.replayable, found.scope) == (key("a"), "m-1", True, b"")


def test_the_host_and_the_scope_do_not_count(played, path):
    one = played()
    one.put(recorded("a", upstream=parse_upstream("other=http://localhost:1234"), scope=b"somebody"))
    assert answers_in(path, "a") == ["hi"]


@pytest.mark.parametrize("mode", ["new_episodes", "once"])
def test_what_this_run_has_recorded_is_not_served_to_it(played, path, mode):
    one = played(mode)
    for number in range(3):
        assert one.answers("a") == []
        one.put(recorded("a", f"answer {number}"))
    assert answers_in(path, "a") == ["answer 0", "answer 1", "answer 2"]


def test_what_was_there_is_served_in_the_order_of_the_file_and_new_ones_are_not(played):
    played().put(recorded("a", "one"), recorded("a", "two"))
    two = played()
    two.put(recorded("a", "three"))
    assert two.answers("a") == ["one", "two"]


def test_a_new_run_begins_where_it_is_told(played):
    one = played()
    one.put(recorded("a", "one"))
    one.cassette.begin_run()
    assert one.answers("a") == ["one"]
    one.put(recorded("a", "two"))
    assert one.answers("a") == ["one"]


@pytest.mark.parametrize(
    ("mode", "there", "records"),
    [
        ("off", False, False),
        ("none", False, False),
        ("none", True, False),
        ("once", False, True),
        ("once", True, False),
        ("new_episodes", False, True),
        ("new_episodes", True, True),
        ("all", True, True),
    ],
)
def test_which_modes_record(played, path, mode, there, records):
    if there:
        played().put(recorded("a"))
    before = path.read_bytes() if there else None
    one = played(mode)
    assert (one.cassette.records, one.cassette.empty_at_start) == (records, not there)
    assert one.put(recorded("b")) == [records]
    assert (path.read_bytes() if path.exists() else None) != before or not records
    assert answers_in(path, "b") == (["hi"] if records else [])


def test_once_records_into_a_file_that_holds_nothing_yet(played, path):
    path.write_bytes(HEADER)
    one = played("once")
    assert one.put(recorded("a"), recorded("a", "again")) == [True, True]
    assert answers_in(path, "a") == ["hi", "again"]


@pytest.mark.parametrize("changes", [{"replayable": False}, {"response": None}, {"replayable": False, "status": 500}])
def test_what_cannot_be_served_is_not_written(played, path, changes):
    one = played()
    assert one.put(recorded("a", **changes)) == [False]
    one.cassette.note(recorded("a"))
    assert not path.exists()
    assert one.cassette.stats()["left_out"] == 2


def test_what_is_known_later_of_a_recording_changes_nothing(played, path):
    one, first = played(), recorded("a")
    one.put(first)
    before = path.read_bytes()
    one.cassette.amend(first)
    one.cassette.close()
    assert path.read_bytes() == before


def test_each_recording_has_its_id_in_its_run_and_the_ids_read_grow_with_the_file(played):
    one, first = played(), recorded("a")
    one.put(first)
    assert one.cassette.get(first.id).request == first.request
    one.put(recorded("b"), recorded("a"))
    listed = played("none").cassette.page(10)
    assert [each.request for each in reversed(listed)] == [
        Request(b"POST", b"/v1/chat/completions", Headers(JSON)) for _ in range(3)
    ]
    numbers = [each.id for each in reversed(listed)]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) == 3


def test_pages_have_no_bodies_and_go_back(played):
    played().put(*(recorded(str(number)) for number in range(5)))
    cassette = played("none").cassette
    newest = cassette.page(2)
    rest = cassette.page(10, newest[-1].id)
    assert (len(newest), len(rest), cassette.page(10, rest[-1].id)) == (2, 3, [])
    assert all(each.request.body.size == each.response.body.size == 0 for each in newest)
    assert cassette.page(0) == []


def test_similar_ones_are_of_the_path_those_of_the_model_first(played):
    paths = [(b"/v1/chat/completions", "m-1"), (b"/v1/chat/completions", "m-2"), (b"/v1/embeddings", "m-1")]
    played().put(
        *(recorded(f"{number}", request=chat(str(number), path=p, model=m)) for number in range(2) for p, m in paths)
    )
    one = played()
    one.put(recorded("5"))  # of this run
    found = one.cassette.similar(b"/v1/chat/completions", "m-1", 3)
    assert [(each.model, b'content":"1"' in each.request.body.whole()) for each in found] == [
        ("m-1", True),
        ("m-1", False),
        ("m-2", True),
    ]
    assert one.cassette.similar(b"/v1/chat/completions", "m-1", 1) == found[:1]
    assert one.cassette.similar(b"/nowhere", "m-1", 3) == []


def test_patterns_are_one_list_while_they_are_the_same(played):
    played().put(recorded("a", pattern=Pattern()), recorded("b"))
    one = played()
    found = one.cassette.patterns()
    assert [(each.pattern, each.response.body.size) for each in found] == [(Pattern(), 0)]
    one.put(recorded("c"), recorded("d", pattern=Pattern()))
    assert one.cassette.patterns() is found
    one.cassette.begin_run()
    assert len(one.cassette.patterns()) == 2


def test_all_that_is_served_is_listed_by_slices(played):
    played().put(*(recorded(str(number % 3)) for number in range(7)))
    one = played()
    one.put(recorded("9"))
    listed, behind = [], (b"", 0)
    while rows := one.cassette.replayable(2, behind):
        listed += rows
        behind = rows[-1][:2]
    assert listed == sorted(listed)
    assert [fingerprint for fingerprint, _, _ in listed] == sorted(key(str(number % 3)) for number in range(7))
    assert one.cassette.replayable(0) == []


def test_large_bodies_stand_beside_the_file_and_are_read_from_there(played, path):
    audio = bytes(range(256)) * 400
    played().put(recorded("a", response=answered(audio, ((b"Content-Type", b"audio/mpeg"),))))
    beside = [each for each in path.parent.iterdir() if each != path]
    assert [each.read_bytes() for each in beside] == [audio]
    cassette = played("none").cassette
    body = cassette.get(cassette.candidates(key("a"))[0].id).response.body
    assert (body.whole(), octets(body)) == (None, audio)


def test_a_body_that_lies_on_the_disk_is_in_the_file_afterwards(played, path):
    class Spooled:
        size = 100_000

        def whole(self):
            return None

        def read(self, offset, size):
            return (b"data: x\n\n" * 20_000)[: self.size][offset : offset + size]

    spooled, number = Spooled(), recorded().id
    one = played()
    head = ResponseHead(200, b"OK", Headers(((b"Content-Type", b"text/event-stream"),)))
    pieces = Pieces(array("Q", [spooled.size]), array("Q", [1]))
    one.put(recorded("a", id=number, response=Response(head, spooled, pieces)))
    held = one.cassette.get(number).response.body
    assert held is not spooled
    assert octets(held) == octets(spooled)
    cassette = played("none").cassette
    assert octets(cassette.get(cassette.candidates(key("a"))[0].id).response.body) == octets(spooled)


def test_stats_count(played):
    one = played()
    one.put(recorded("a"))
    stats = one.cassette.stats()
    assert {name: stats[name] for name in ("written", "failed", "waiting", "recordings", "records")} == {
        "written": 1,
        "failed": 0,
        "waiting": 0,
        "recordings": 1,
        "records": True,
    }
    assert stats["octets"] == one.path.stat().st_size


def test_the_fingerprint_is_that_of_the_request_as_it_comes_again(played):
    live = recorded("a", request=chat("a"))
    assert RECOGNISED(live, 7).fingerprint == key("a")
    assert RECOGNISED(live, 7).id == 7
    assert key("a") != key("b")
    assert said("x").body.whole()  # the kit answers


def test_an_append_reads_nothing_of_what_is_there(played, monkeypatch):
    """So it costs the same at 10 and at 10,000 recordings."""
    one = played()
    one.put(*(recorded(str(number)) for number in range(20)))

    def fail(*_):
        raise OSError(5, "the file was read")

    monkeypatch.setattr("proxy_daemon.store.cassette.disk.os.pread", fail)
    assert one.put(recorded("a"), recorded("b"), recorded("a")) == [True] * 3


def test_more_than_a_batch_at_once(played, path, monkeypatch):
    monkeypatch.setattr("proxy_daemon.store.cassette.writer.MAX_BATCH", 3)
    assert played().put(*(recorded("a", str(number)) for number in range(20))) == [True] * 20
    assert answers_in(path, "a") == [str(number) for number in range(20)]


def test_an_answer_is_checked_before_it_is_served_for_the_first_time(played, path, monkeypatch):
    """A sealed document is not checked at open: that a seal fits says only that nobody forgot to make it anew."""
    played().put(recorded("a", "one"), recorded("b", "two"))
    asked = []

    def checked(entry, dialects):
        asked.append(entry.line)
        return "the decoded answer is not what was recorded" if entry.line == 2 else ""

    monkeypatch.setattr("proxy_daemon.store.cassette.cassette.checked", checked)
    one = played("none")
    assert asked == []
    assert one.cassette.get(one.cassette.candidates(key("a"))[0].id) is None
    assert one.cassette.trouble == f"{path}:2: the decoded answer is not what was recorded"
    assert (one.answers("b"), one.answers("b")) == (["two"], ["two"])
    assert len(asked) == 2
