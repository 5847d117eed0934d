"""Cassettes in other tools' formats, written: found again, replaced, followed, never half."""

import errno
import importlib

import pytest
import yaml
from cassettes import Wall, answered, chat, recorded, said, text
from recordings import Turn

from proxy_daemon.core.cassettes.formats import read
from proxy_daemon.core.ids import Ids
from proxy_daemon.core.matching.fingerprint import PROMPTECHO as KEYS
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.messages import Ending
from proxy_daemon.store.cassette.cassette import CassetteError, Reading
from proxy_daemon.store.cassette.foreign_cassette import ASGI_REPLAY, PROMPTECHO, ForeignCassette
from proxy_daemon.store.cassette.recognised import Recognised

RECOGNISED = Recognised(matcher=Matcher(keys=KEYS))
SYSTEM = b'{"model":"m-1","messages":[{"role":"system","content":"be brief"},{"role":"user","content":"%b"}]}'


def key(one):
    return RECOGNISED(one, 0).fingerprint


class Played:
    """An open cassette with its turn."""

    def __init__(self, form, path, mode="new_episodes", **options):
        self.turn = Turn()
        reading = Reading(Ids(Wall()), mode, RECOGNISED)
        self.cassette = ForeignCassette.open_as(form, str(path), reading, call_in_reactor=self.turn.call, **options)
        self.notices, self.troubles = [], []
        self.cassette.on_notice, self.cassette.on_trouble = self.notices.append, self.troubles.append

    def put(self, *recordings, **options):
        results = []
        for each in recordings:
            self.cassette.put(each, **options).addCallback(results.append)
        self.turn.run_until(lambda: len(results) == len(recordings))
        return results

    def anew(self, *recordings):
        return [self.put(each, replace=True, run=1 << 61)[0] for each in recordings]

    def answers(self, one=None):
        found = [self.cassette.get(each.id) for each in self.cassette.candidates(key(one or recorded()))]
        return [text(each) for each in found]

    def any_answers(self):
        return [text(self.cassette.get(each.id)) for each in self.cassette.patterns()]


@pytest.fixture
def played(tmp_path):
    opened = []

    def start(form=PROMPTECHO, mode="new_episodes", **options):
        name = "c.yaml" if form == PROMPTECHO else "log.json"
        opened.append(Played(form, options.pop("at", tmp_path / name), mode, **options))
        return opened[-1]

    yield start
    for each in opened:
        each.cassette.close()


@pytest.fixture
def in_file(tmp_path):
    """What a file says, answer by answer."""
    return lambda name="c.yaml": [text(one) for one in read(name, (tmp_path / name).read_bytes())]


# --- promptecho ------------------------------------------------------------------------------------------------------


def test_what_is_put_is_in_the_file_and_found_by_the_next_run(played, in_file):
    one = played()
    asked = recorded(request=chat())
    assert one.put(asked, recorded("other", "ho")) == [True, True]
    assert in_file() == ["hi", "ho"]
    assert one.answers() == []  # not in the run that has recorded it
    one.cassette.begin_run()
    assert one.answers() == ["hi"]
    assert played(mode="none").answers() == ["hi"]


def test_a_request_that_promptecho_normalises_is_found_as_it_is_sent(played):
    asked = recorded(request=chat().__class__(b"POST", b"/v1/chat/completions", chat().headers, body(SYSTEM % b"hi")))
    other = recorded(request=chat().__class__(b"POST", b"/v1/chat/completions", chat().headers, body(SYSTEM % b"ho")))
    played().put(asked)
    again = played(mode="none")
    assert again.answers(asked) == ["hi"]
    assert again.answers(other) == []


def body(data):
    return type(chat().body)(data)


def test_the_rest_of_the_file_stays(played, tmp_path):
    played().put(recorded("a", "1"), recorded("b", "2"))
    path = tmp_path / "c.yaml"
    found = yaml.safe_load(path.read_text())
    found["interactions"][0]["response"]["status"] = 204  # it is served no more, and says nothing
    found["interactions"][1]["request"]["note"] = "by hand"
    path.write_text(yaml.safe_dump(found, sort_keys=False))
    played().put(recorded("c", "3"))
    after = yaml.safe_load(path.read_text())
    assert after["interactions"][:2] == found["interactions"]
    assert len(after["interactions"]) == 3


def test_mode_all_replaces_in_place_and_keeps_what_says_the_same(played, in_file, tmp_path):
    played().put(recorded("a", "1"), recorded("b", "2"), recorded("b", "3"), recorded("c", "4"))
    before = yaml.safe_load((tmp_path / "c.yaml").read_text())["interactions"]
    one = played(mode="all")
    assert one.anew(recorded("b", "zwei"), recorded("c", response=said("4", 99))) == [True, True]
    assert in_file() == ["1", "zwei", "4"]
    after = yaml.safe_load((tmp_path / "c.yaml").read_text())["interactions"]
    assert (after[0], after[2]) == (before[0], before[3])


def test_two_daemons_on_one_file_lose_nothing(played, in_file):
    one, other = played(), played()
    for number in range(3):
        one.put(recorded(f"a{number}", f"a{number}"))
        other.put(recorded(f"b{number}", f"b{number}"))
    assert in_file() == ["a0", "b0", "a1", "b1", "a2", "b2"]
    one.cassette.sweep()
    one.turn.run_until(lambda: one.answers(recorded("b2")) == ["b2"])


def test_what_is_lost_is_told_once_and_counted(played):
    one = played()
    one.put(recorded("a"))
    one.put(recorded("b"))
    (notice,) = one.notices
    assert "c.yaml: promptecho does not tell: the request's header fields" in notice
    assert one.cassette.stats()["losses"]["the request's header fields"] == 2


def test_what_cannot_be_said_is_trouble(played, in_file):
    one = played()
    assert one.put(recorded("a", ending=Ending.BROKEN_OFF), recorded("b", "2")) == [False, True]
    assert in_file() == ["2"]
    assert one.troubles[0] == "an exchange was not recorded: promptecho cannot say it: its answer is not whole"
    assert one.cassette.stats()["failed"] == 1


@pytest.mark.parametrize("mode", ["none", "off"])
def test_modes_that_do_not_record(played, tmp_path, mode):
    assert played(mode=mode).put(recorded()) == [False]
    assert not (tmp_path / "c.yaml").exists()


def test_once_records_only_into_a_new_file(played):
    first = played(mode="once")
    assert first.cassette.records
    first.put(recorded())
    assert not played(mode="once").cassette.records


BAD = [
    (b"version: 1\ninteractions: []\n", "no cassette of promptecho of version 2"),
    (b"# llmproxy cassette 1\n---\n", "c.yaml"),
    (b"interactions:\n- request: {method: GET, uri: 'http://a/'}\n  response: {}\nversion: 1\n", "c.yaml"),
    (b'{"type": "http.response.start", "status": 200}\n{"type": "http.response.body"}\n', "c.yaml"),
    (b"\xff", "c.yaml"),
    (
        b"""version: 2
interactions:
- id: 0
  request: {method: GET, url: 'http://a/', headers: {}, body: ''}
  response: {code: 200, status: 200 OK, duration: 1ms, body: x, headers: {}}
""",
        "a recording in the format go-vcr, not promptecho",
    ),
]


@pytest.mark.parametrize(("data", "why"), BAD)
def test_a_file_of_another_format_is_refused_and_not_touched(played, tmp_path, data, why):
    path = tmp_path / "c.yaml"
    path.write_bytes(data)
    with pytest.raises(CassetteError, match=why):
        played()
    assert path.read_bytes() == data


@pytest.mark.parametrize(
    ("form", "mode", "options", "why"),
    [
        ("har", "all", {}, "no format 'har': there are llmproxy, promptecho, asgi-replay"),
        (PROMPTECHO, "some", {}, "no mode 'some': there are"),
        (PROMPTECHO, "all", {"increment": True}, "only asgi-replay has one file for each exchange"),
    ],
)
def test_options_that_are_none(played, form, mode, options, why):
    with pytest.raises(CassetteError, match=why):
        played(form, mode, **options)


def test_an_empty_file_is_one_to_write_into(played, tmp_path, in_file):
    (tmp_path / "c.yaml").write_bytes(b"")
    played().put(recorded("a", "1"))
    assert in_file() == ["1"]


# --- asgi-replay -----------------------------------------------------------------------------------------------------


def test_an_answer_to_any_request(played, in_file):
    one = played(ASGI_REPLAY)
    one.put(recorded("a", "1"), recorded("b", "2"))
    assert in_file("log.json") == ["1", "2"]
    assert played(ASGI_REPLAY, "none").any_answers() == ["1", "2"]


def test_pieces_survive(played, tmp_path):
    played(ASGI_REPLAY).put(recorded(response=answered(b"data: 1\n\n", ((b"content-type", b"text/event-stream"),))))
    (found,) = read("log.json", (tmp_path / "log.json").read_bytes())
    assert list(found.response.pieces.sizes) == [9]


def test_mode_all_replaces_all_that_was_there(played, in_file):
    played(ASGI_REPLAY).put(recorded("a", "1"), recorded("b", "2"), recorded("c", "3"))
    one = played(ASGI_REPLAY, "all")
    one.anew(recorded("a", "eins"), recorded("b", "zwei"))
    assert in_file("log.json") == ["eins", "zwei"]


# --- one file for each exchange --------------------------------------------------------------------------------------


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_numbers_go_on_from_what_is_there(played, tmp_path, in_file):
    (tmp_path / "log-x.json").write_text("other")
    one = played(ASGI_REPLAY, increment=True)
    one.put(recorded("a", "1"), recorded("b", "2"))
    played(ASGI_REPLAY, increment=True).put(recorded("c", "3"))
    one.put(recorded("d", "4"))
    assert names(tmp_path) == ["log-0.json", "log-1.json", "log-2.json", "log-3.json", "log-x.json"]
    assert [in_file(f"log-{number}.json") for number in range(4)] == [["1"], ["2"], ["3"], ["4"]]
    assert played(ASGI_REPLAY, "none", increment=True).any_answers() == ["1", "2", "3", "4"]


def test_numbers_are_numbers(played, tmp_path):
    one = played(ASGI_REPLAY, increment=True)
    one.put(*(recorded(f"q{number}", f"a{number}") for number in range(11)))
    assert played(ASGI_REPLAY, "none", increment=True).any_answers() == [f"a{number}" for number in range(11)]


def test_files_that_are_not_understood_stay(played, tmp_path):
    (tmp_path / "log-0.json").write_bytes(b"odd")
    (tmp_path / "log-7.json").write_bytes(b"")
    one = played(ASGI_REPLAY, increment=True)
    one.put(recorded("a", "1"))
    assert names(tmp_path) == ["log-0.json", "log-7.json", "log-8.json"]
    assert (tmp_path / "log-0.json").read_bytes() == b"odd"
    assert [left.entry for left in one.cassette.left_out] == [0, 7]


def test_mode_all_writes_into_the_old_files(played, tmp_path, in_file):
    played(ASGI_REPLAY, increment=True).put(recorded("a", "1"), recorded("b", "2"), recorded("c", "3"))
    played(ASGI_REPLAY, "all", increment=True).anew(recorded("a", "eins"), recorded("b", "zwei"))
    assert names(tmp_path) == ["log-0.json", "log-1.json"]
    assert [in_file(f"log-{number}.json") for number in range(2)] == [["eins"], ["zwei"]]


def test_a_folder_is_made(played, tmp_path):
    at = tmp_path / "new" / "log.json"
    assert played(ASGI_REPLAY, increment=True, at=at).put(recorded()) == [True]
    assert names(tmp_path / "new") == ["log-0.json"]


# --- a disk that fails -----------------------------------------------------------------------------------------------


def failing(function, call):
    """It fails when it is called for the so many-th time."""
    numbers = iter(range(1, 1000))

    def wrapped(*arguments):
        if next(numbers) == call:
            raise OSError(errno.ENOSPC, "no space", "disk")
        return function(*arguments)

    return wrapped


@pytest.mark.parametrize(
    ("form", "options", "name"),
    [
        (PROMPTECHO, {}, "foreign_file.whole_file"),
        (ASGI_REPLAY, {}, "foreign_file.whole_file"),
        (ASGI_REPLAY, {"increment": True}, "numbered_files.whole_file"),
        (ASGI_REPLAY, {"increment": True}, "numbered_files._linked"),
    ],
)
@pytest.mark.parametrize("call", [1, 2])
def test_what_could_not_be_written_is_written_later_and_once(played, monkeypatch, form, options, name, call):
    where, _, function = name.partition(".")
    module = importlib.import_module(f"proxy_daemon.store.cassette.{where}")
    monkeypatch.setattr("proxy_daemon.store.cassette.writer.IDLE_SECONDS", 0.01)
    monkeypatch.setattr(module, function, failing(getattr(module, function), call))
    one = played(form, **options)
    one.put(recorded("a", "1"), recorded("b", "2"))
    one.turn.run_until(lambda: one.cassette.stats()["written"] == 2)
    assert all("recording is off: " in each for each in one.troubles[:1])
    assert one.troubles or call == 2  # one call may write both
    assert one.cassette.trouble == ""
    found = played(form, "none", **options).cassette
    assert sorted(text(found.get(row[1])) for row in found.replayable(9)) == ["1", "2"]
