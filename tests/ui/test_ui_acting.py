"""What changes something by the API: bodies and parameters that are not understood change nothing."""

import pytest
from ui_parts import asked, services

from proxy_daemon.core.acts import ModeNow, Promoted, Refused, Remark
from proxy_daemon.core.messages import id_text
from proxy_daemon.hookspecs import JsonPage
from proxy_daemon.ui.acting import Acting
from proxy_daemon.ui.parameters import answering

ONE = "api/exchanges/{id}"
ID = id_text(5)


class FakeActs:
    """Notes what it is asked."""

    def __init__(self, refused=None):
        self.asked, self.refused = [], refused

    def _note(self, *given):
        self.asked.append(given)
        if self.refused:
            raise self.refused

    async def edit(self, exchange_id, section):
        self._note("edit", exchange_id, section)
        return 7

    async def remark(self, exchange_id, **given):
        self._note("remark", exchange_id, given)
        return Remark("star", "why", True)

    async def delete(self, exchange_id, *, force=False):
        self._note("delete", exchange_id, force)

    async def promote(self, exchange_id, name):
        self._note("promote", exchange_id, name)
        return Promoted("c/x.yaml#1")

    def mode(self):
        return ModeNow("none", "once")

    async def set_mode(self, name):
        self._note("mode", name)
        return ModeNow(name, "once")


def act(acts, path, method="PUT", body=None, text=ID, **parameters):
    acting = Acting(services(acts=acts))
    pages = {**acting.pages(), ONE: JsonPage({"DELETE": answering(acting.delete)})}
    return asked(pages[path], method, body=body, segments={"id": text} if "{id}" in path else {}, **parameters)


DONE = {
    "edit": ((f"{ONE}/answer", "PUT", {"text": "x"}), {}, {"id": id_text(7)}, ("edit", 5, {"text": "x"})),
    "remark": (
        (f"{ONE}/remark", "PUT", {"mark": "star", "comment": "", "pinned": True}),
        {},
        {"mark": "star", "comment": "why", "pinned": True},
        ("remark", 5, {"mark": "star", "comment": "", "pinned": True}),
    ),
    "nothing to remark": (
        (f"{ONE}/remark", "PUT", {}),
        {},
        {"mark": "star", "comment": "why", "pinned": True},
        ("remark", 5, {}),
    ),
    "delete": ((ONE, "DELETE"), {}, {}, ("delete", 5, False)),
    "delete by force": ((ONE, "DELETE"), {"force": 1}, {}, ("delete", 5, True)),
    "promote": (
        (f"{ONE}/cassette", "PUT"),
        {"name": "x"},
        {"place": "c/x.yaml#1", "before": False},
        ("promote", 5, "x"),
    ),
    "mode": (("api/mode", "PUT", {"mode": "all"}), {}, {"mode": "all", "configured": "once"}, ("mode", "all")),
}


@pytest.mark.parametrize(("call", "parameters", "value", "noted"), DONE.values(), ids=DONE)
def test_what_is_done(call, parameters, value, noted):
    acts = FakeActs()
    assert act(acts, *call, **parameters) == (200, value)
    assert acts.asked == [noted]


def test_the_mode_is_told():
    assert act(FakeActs(), "api/mode", "GET") == (200, {"mode": "none", "configured": "once"})


@pytest.mark.parametrize("status", [400, 404, 409, 501, 503])
@pytest.mark.parametrize("name", DONE)
def test_what_is_refused_is_told(name, status):
    call, parameters, _, _ = DONE[name]
    acts = FakeActs(Refused(status, "because"))
    assert act(acts, *call, **parameters) == (status, {"error": "because"})


@pytest.mark.parametrize("name", DONE)
def test_where_nothing_can_be_done(name):
    call, parameters, _, _ = DONE[name]
    status, value = act(None, *call, **parameters)
    assert (status, value["error"]) == (501, "nothing can be done to what this llmproxy keeps")


REMARK, MODE = f"{ONE}/remark", "api/mode"
WRONG = {
    **{f"a remark {body!r}": ((REMARK, "PUT", body), {}, "the body is an object") for body in ([], "x", 7, None)},
    "a member": ((REMARK, "PUT", {"marks": "x"}), {}, "there is no member 'marks'; there are: mark, comment, pinned"),
    "a mark": ((REMARK, "PUT", {"mark": 7}), {}, "mark is a text"),
    "a comment": ((REMARK, "PUT", {"comment": None}), {}, "comment is a text"),
    "pinned": ((REMARK, "PUT", {"pinned": 1}), {}, "pinned is true or false"),
    "pinned in words": ((REMARK, "PUT", {"pinned": "true"}), {}, "pinned is true or false"),
    "a mode": ((MODE, "PUT", {"mode": 7}), {}, "mode is a text"),
    "no mode": ((MODE, "PUT", {}), {}, "mode is a text"),
    "more than a mode": ((MODE, "PUT", {"mode": "all", "x": 1}), {}, "there is no member 'x'"),
    "no name": ((f"{ONE}/cassette", "PUT"), {}, "name is the name of a cassette"),
    "an empty name": ((f"{ONE}/cassette", "PUT"), {"name": ""}, "name is the name of a cassette"),
    "a force": ((ONE, "DELETE"), {"force": "yes"}, "force is 1 or 0"),
    "a parameter": ((ONE, "DELETE"), {"forced": 1}, "there is no parameter 'forced'"),
    "a parameter of a remark": ((REMARK, "PUT", {}), {"pinned": 1}, "there is no parameter 'pinned'"),
}


@pytest.mark.parametrize(("call", "parameters", "words"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named_and_changes_nothing(call, parameters, words):
    acts = FakeActs()
    status, value = act(acts, *call, **parameters)
    assert (status, value["error"][: len(words)]) == (400, words)
    assert acts.asked == []


@pytest.mark.parametrize("text", ["x", "f" * 17, "", "\ufffd"])
@pytest.mark.parametrize("name", [name for name in DONE if name != "mode"])
def test_what_is_no_id_is_no_exchange(name, text):
    call, parameters, _, _ = DONE[name]
    acts = FakeActs()
    path, method, *body = call
    assert act(acts, path, method, *body, text=text, **parameters) == (404, {"error": "there is no such exchange"})
    assert acts.asked == []
