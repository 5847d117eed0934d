"""Acts on a store that a test plays: each is done wholly or refused in words, and those who follow are told."""

import pytest
from acting_rig import GONE, JSON, OTHER, OTHER_BODY, File, Notebook, Rig, recording
from attrs import evolve

from proxy_daemon.core.acts import ModeNow, Promoted, Remark
from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.messages import JSON_LIMIT, Ending, Outcome, Request, Response, ResponseHead
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.secret_rules import Rule, Rules
from proxy_daemon.core.shelves import Unavailable
from proxy_daemon.pipeline.promoting import MOST
from proxy_daemon.pipeline.secret_watch import SecretWatch
from proxy_daemon.testing import MemoryStore

# --- edits -----------------------------------------------------------------------------------------------------------


def test_an_edit_makes_a_new_recording_and_tells_of_both():
    rig = Rig()
    number = rig.do("edit", 7, {"text": "Goodbye."})
    ((new, original),) = rig.store.superseded
    assert (new.id, original, new.edits, new.pinned, new.started) == (number, 7, 7, True, 1_800_000_000.0)
    assert number > 7
    (first, second) = rig.told
    assert first == ("changed", {"id": f"{7:016x}", "replayable": False})
    assert (second[0], second[1]["id"], second[1]["edited"]) == ("changed", f"{number:016x}", True)


def test_an_edit_of_an_import_is_as_young_as_any():
    rig = Rig(Notebook(recording(imported=9.0)))
    rig.do("edit", 7, {"text": "Goodbye."})
    new = rig.store.superseded[0][0]
    assert (new.started, new.imported) == (1_800_000_000.0, 1_800_000_000.0)


def hit(number=8, **changes):
    return recording(number, **({"response": None, "served_from": 7, "outcome": Outcome.HIT} | changes))


def test_what_is_done_to_a_hit_is_done_to_what_answered():
    rig = Rig(Notebook(recording(), hit()))
    rig.do("edit", 8, {"text": "Goodbye."})
    assert rig.store.superseded[0][1] == 7
    assert rig.do("section", 8)["id"] == f"{7:016x}"


def test_what_an_editor_gets_holds_no_secret_that_a_rule_of_today_tells():
    said = b'{"choices": [{"index": 0, "message": {"role": "assistant", "content": "I am acme-123456"}}]}'
    rig = Rig(Notebook(recording(body=said)))
    assert "acme-123456" in str(rig.do("section", 7)["answer"])
    rig.acts.redactor = Redactor(Rules((Rule("tenant", "acme-[0-9]{6}"),)))
    found = str(rig.do("section", 7)["answer"])
    assert "acme-123456" not in found
    assert "I am" in found


LARGE = b'{"choices": "' + b"a" * JSON_LIMIT + b'"}'
NOT_EDITED = {
    "not there": (Notebook(), 404, "there is no exchange 0000000000000007"),
    "a store of another kind": (MemoryStore(), 501, "nothing in it can be edited"),
    "no answer": (Notebook(recording(response=None)), 409, "no answer was recorded"),
    "too large": (Notebook(recording(body=LARGE)), 409, "too large"),
    "its recording is gone": (Notebook(hit(7, served_from=3)), 409, "was deleted, or stands in a cassette"),
}


@pytest.mark.parametrize(("store", "status", "words"), NOT_EDITED.values(), ids=NOT_EDITED)
def test_what_cannot_be_edited(store, status, words):
    found = Rig(store).refused("edit", 7, {"text": "x"})
    assert (found[0], words in found[1]) == (status, True), found


def test_what_a_cassette_holds_is_edited_there():
    file = File(recording())
    for rig in (Rig(named={"a": file}), Rig(Notebook(hit(7, served_from=7)), named={"a": file})):
        status, words = rig.refused("edit", 7, {"text": "x"})
        assert (status, words.startswith("this answer stands in a.yaml#0: edit it there")) == (409, True)
        assert rig.do("section", 7)["why_not"] == words
    assert Rig(cassette=File()).refused("edit", 7, {"text": "x"})[0] == 409, "the store does not answer"


def test_one_that_goes_while_it_is_edited():
    rig = Rig()
    rig.store.good, rig.store.meanwhile = False, rig.store.recordings.clear
    assert rig.refused("edit", 7, {"text": "x"}) == (404, "there is no exchange 0000000000000007 in the store")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("edit", (7, {"text": "x"})), ("remark", (7,)), ("delete", (7,))],
    ids=str,
)
def test_a_disk_that_is_full_is_told(name, arguments):
    rig = Rig()
    rig.store.good, rig.store.trouble = False, "a change was not written: database or disk is full"
    status, words = rig.refused(name, *arguments)
    assert (status, "nothing was changed: a change was not written: database or disk is full" in words) == (503, True)
    rig.store.trouble = ""
    assert "the disk is too slow" in rig.refused(name, *arguments)[1]


def test_what_still_looks_like_a_secret_is_refused_where_that_is_asked_for(monkeypatch):
    looked = []

    async def stripped(self, recording):
        looked.append(recording)
        return evolve(recording)

    monkeypatch.setattr(SecretWatch, "looked", stripped)
    rig = Rig()
    assert rig.refused("edit", 7, {"text": "x"})[0] == 400
    assert looked
    assert rig.store.superseded == []


# --- remarks and deleting --------------------------------------------------------------------------------------------


def test_remarks_are_told_as_they_are_kept():
    rig = Rig()
    assert rig.do("remark", 7, mark=" odd ") == Remark("odd")
    assert rig.do("remark", 7, comment="a\r\nb", pinned=True) == Remark("odd", "a\nb", True)
    assert rig.told[-1] == ("changed", {"id": f"{7:016x}", "mark": "odd", "comment": "a\nb", "pinned": True})
    assert rig.acts.remarks([7, 8]) == {7: ("odd", "a\nb")}
    assert Rig(MemoryStore()).acts.remarks([7]) == {}


REMARKS = {
    "a long mark": ({"mark": "x" * 17}, "mark: more than 16"),
    "a long comment": ({"comment": "x" * 10_001}, "comment: more than 10000"),
    "an escape": ({"mark": "\x1b[2J"}, "mark: U+001B"),
}


@pytest.mark.parametrize(("remark", "words"), REMARKS.values(), ids=REMARKS)
def test_hostile_remarks_are_refused(remark, words):
    status, found = Rig().refused("remark", 7, **remark)
    assert (status, words in found) == (400, True)


@pytest.mark.parametrize("name", ["remark", "delete", "section"])
def test_acts_on_what_is_not_there(name):
    assert Rig().refused(name, GONE)[0] == 404


def test_pinned_ones_are_deleted_by_force_only():
    rig = Rig(Notebook(recording(pinned=True), recording(OTHER)))
    assert rig.refused("delete", 7)[0] == 409
    rig.do("delete", 7, force=True)
    rig.do("delete", OTHER)
    assert rig.store.recordings == {}
    assert rig.told == [("changed", {"id": f"{number:016x}", "deleted": True}) for number in (7, OTHER)]


# --- promoting -------------------------------------------------------------------------------------------------------


def test_a_copy_is_one_of_the_cassette():
    file = File()
    rig = Rig(named={"a": file})
    assert rig.do("promote", 7, "a") == Promoted("a.yaml#0")
    (copy,) = file.recordings.values()
    assert copy.id != 7
    assert (copy.session, copy.scope, copy.replayable) == ("", b"", True)
    assert copy.response.body.whole() == recording().response.body.whole()
    assert rig.do("promote", 7, "a") == Promoted("a.yaml#0", before=True)
    assert len(file.recordings) == 1


def test_the_same_answer_of_another_exchange_is_not_doubled():
    file, other = File(), recording(OTHER, started=9.0)
    rig = Rig(Notebook(recording(), other, recording(OTHER + 1, body=OTHER_BODY)), named={"a": file})
    rig.do("promote", 7, "a")
    assert rig.do("promote", OTHER, "a") == Promoted("a.yaml#0", before=True)
    assert rig.do("promote", OTHER + 1, "a") == Promoted("a.yaml#1")


def test_a_hit_is_copied_by_what_answered_also_from_another_cassette():
    files = {"a": File(recording(7)), "b": File()}
    rig = Rig(Notebook(hit()), named=files)
    assert rig.do("promote", 8, "a") == Promoted("a.yaml#0", before=True)
    assert not rig.do("promote", 8, "b").before
    assert len(files["b"].recordings) == 1


def test_the_cassette_of_the_daemon_has_a_name_too():
    file = File()
    assert Rig(cassette=file).do("promote", 7, "a").place == "a.yaml#0"
    assert len(file.recordings) == 1


NOT_COPIED = {
    "it broke off": (recording(ending=Ending.BROKEN_OFF), "it ended by: upstream broke off"),
    "an error": (recording(response=Response(ResponseHead(429, b"", JSON), Bytes(b"{}")), status=429), "status 429"),
    "cut": (recording(cut=True), "the answer's body is not there"),
    "no answer": (recording(response=None), "the answer's body is not there"),
    "a page of our own": (recording(request=Request(b"GET", b"/_llmproxy/health")), "a page of llmproxy itself"),
}


@pytest.mark.parametrize(("each", "words"), NOT_COPIED.values(), ids=NOT_COPIED)
def test_what_is_not_good_is_not_copied(each, words):
    file = File()
    status, found = Rig(Notebook(each), named={"a": file}).refused("promote", 7, "a")
    assert (status, found) == (409, f"exchange 0000000000000007 is not copied: {words}")
    assert file.recordings == {}


def test_a_body_that_is_too_large_is_not_copied():
    class Huge:
        size = MOST + 1

    each = recording(response=Response(ResponseHead(200), Huge()))
    assert Rig(Notebook(each), named={"a": File()}).refused("promote", 7, "a")[0] == 409


def test_a_dialect_that_fails_is_told():
    rig = Rig(named={"a": File()})

    class Broken:
        def adopt(self, recording):
            raise SystemExit

    rig.acts.promoter.adopter = Broken()
    assert "its dialect failed with SystemExit" in rig.refused("promote", 7, "a")[1]


def test_cassettes_that_take_nothing():
    closed = Rig(named={"a": File(records=False)}).refused("promote", 7, "a")
    assert (closed[0], "only read in mode new_episodes" in closed[1]) == (409, True)
    file = File()
    file.good, file.trouble = False, "recording is off: no space"
    assert Rig(named={"a": file}).refused("promote", 7, "a") == (
        503,
        "the cassette a was not written: recording is off: no space",
    )
    assert Rig().refused("promote", 7, "../a")[0] == 400


# --- the mode --------------------------------------------------------------------------------------------------------


def test_the_mode_of_the_store():
    rig = Rig()
    before = rig.shelves.default
    assert rig.acts.mode() == ModeNow("new_episodes", "new_episodes")
    assert rig.do("set_mode", "none") == ModeNow("none", "new_episodes")
    assert (before.mode.name, rig.shelves.default.mode.name) == ("new_episodes", "none"), (
        "what is under way has its own"
    )
    assert (rig.shelves.default.store, before.since) == (rig.store, 0)
    assert rig.shelves.default.since > 0
    assert rig.told == [("mode", {"mode": "none", "configured": "new_episodes"})]


@pytest.mark.parametrize(("name", "words"), [("x" * 500, "there is no mode"), ("once", "belongs to cassettes")])
def test_no_mode(name, words):
    rig = Rig()
    status, found = rig.refused("set_mode", name)
    assert (status, words in found, len(found) < 200) == (400, True, True)
    assert rig.acts.mode().mode == "new_episodes"


def test_the_mode_of_a_cassette_that_is_written_already():
    file = File(recording())
    rig = Rig(cassette=file)
    rig.do("set_mode", "once")
    assert (rig.shelves.default.mode.forwards, rig.shelves.default.store, file.runs) == (False, file, 1)
    rig.do("set_mode", "all")
    assert (rig.shelves.default.mode.name, rig.opened, rig.closed) == ("all", [], [])


def test_a_cassette_that_was_only_read_is_opened_again():
    read, written = File(records=False), File()
    rig = Rig(cassette=read, opens=written)
    rig.do("set_mode", "new_episodes")
    assert [(each.file, each.mode) for each in rig.opened] == [("/tmp/a.yaml", "new_episodes")]
    assert (rig.shelves.default.store, rig.shelves.default.cassette, rig.closed) == (written, "a", [read])
    rig.do("set_mode", "none")
    assert rig.shelves.default.store is written


def test_a_cassette_that_cannot_be_opened_again_stays_as_it_was():
    read = File(records=False)
    rig = Rig(cassette=read, opens=Unavailable(500, "a.yaml is a cassette of another tool: it is only read"))
    before = rig.shelves.default
    assert rig.refused("set_mode", "all") == (409, "a.yaml is a cassette of another tool: it is only read")
    assert rig.shelves.default is before
    rig.do("set_mode", "off")
    assert rig.acts.mode().mode == "off"
