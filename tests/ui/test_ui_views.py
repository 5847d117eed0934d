"""The views of one exchange: what the child is asked, what is wrong with a request, and the same without a child."""

import base64
import json

import pytest
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from ui_parts import CHAT, FakeWork, answered, asked, asking, recording, services

from proxy_daemon.core.messages import id_text
from proxy_daemon.ui.views import Views

ID = id_text(5)
ONE = "api/exchanges/{id}"
FOUND = {"status": 200, "value": {"x": 1}}


def view(found, what, text=ID, **parameters):
    return asked(Views(found).pages()[f"{ONE}/{what}"], segments={"id": text}, **parameters)


BODY = {"form": "pretty", "offset": 0, "limit": 262144}
ASKED = {
    "chat": ("chat", {}, {}),
    "request": ("request", {}, BODY),
    "response": ("response", {"form": "raw", "offset": 7, "limit": 9}, {"form": "raw", "offset": 7, "limit": 9}),
    "delivered": ("delivered", {"form": "hex", "limit": 1 << 30}, BODY | {"form": "hex", "limit": 1 << 20}),
    "least": ("request", {"offset": -7, "limit": 0}, BODY | {"limit": 1}),
    "stream": ("stream", {}, {"offset": 0, "limit": 500}),
    "a part of a stream": ("stream", {"offset": 500, "limit": 9999}, {"offset": 500, "limit": 2000}),
    "diff": ("diff", {}, {"with": "nearest", "all": False}),
    "the turn before": ("diff", {"with": "previous", "all": 1}, {"with": "previous", "all": True}),
    "diff with one": ("diff", {"with": "A", "all": 0}, {"with": id_text(10), "all": False}),
    "copy": ("copy", {}, {"as": "curl"}),
    "copy as": ("copy", {"as": "python"}, {"as": "python"}),
}


@pytest.mark.parametrize(("what", "parameters", "head"), ASKED.values(), ids=ASKED)
def test_what_the_child_is_asked(what, parameters, head):
    work = FakeWork({"view": FOUND})
    assert view(services(work=work), what, **parameters) == (200, {"x": 1})
    assert work.asked == [("view", {"id": ID, "what": what, **head})]


WRONG = {
    "a form": ("request", {"form": "xml"}, "form is one of pretty, raw, hex"),
    "an offset": ("response", {"offset": "x"}, "offset is a whole number"),
    "a limit": ("stream", {"limit": "1e3"}, "limit is a whole number"),
    "an empty one": ("stream", {"offset": ""}, "offset is a whole number"),
    "another exchange": ("diff", {"with": "newest"}, "with is nearest, previous or an exchange's id"),
    "all": ("diff", {"all": "yes"}, "all is 1 or 0"),
    "a language": ("copy", {"as": "cobol"}, "as is one of curl, python, javascript"),
    "unknown": ("chat", {"offset": 1}, "there is no parameter 'offset' here; there are: none"),
    "of another view": ("stream", {"form": "raw"}, "there is no parameter 'form' here; there are: offset, limit"),
}


@pytest.mark.parametrize(("what", "parameters", "words"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named_and_nobody_is_asked(what, parameters, words):
    work = FakeWork()
    status, value = view(services(work=work), what, **parameters)
    assert (status, value["error"][: len(words)]) == (400, words)
    assert work.asked == []


@pytest.mark.parametrize("text", ["", "x", "f" * 17, "f" * 5000, "-1", "\ufffd", "'--", "1_0"])
@pytest.mark.parametrize("what", ["chat", "request", "stream", "diff", "copy", "media/{n}"])
def test_what_is_no_id_is_no_exchange(what, text):
    work = FakeWork()
    assert view(services(work=work), what, text) == (404, {"error": "there is no such exchange"})
    assert work.asked == []


SAID = {
    "unknown": ({"status": 404, "value": {"error": "there is no such exchange"}}, 404),
    "wrong": ({"status": 400, "value": {"error": "offset"}}, 400),
    "trouble": ({"trouble": "the child process died: killed; it is started again"}, 503),
    "nothing": ({"number": 7}, 503),
}


@pytest.mark.parametrize(("answer", "status"), SAID.values(), ids=SAID)
@pytest.mark.parametrize("what", ["chat", "media/{n}"])
def test_what_the_child_says_is_handed_on(what, answer, status):
    found, value = view(services(work=FakeWork({"view": answer})), what)
    assert (found, bool(value["error"])) == (status, True)


def test_who_leaves_takes_the_question_along():
    work = FakeWork({"view": None})
    request = asking(Views(services(work=work)).pages()[f"{ONE}/chat"], segments={"id": ID})
    assert answered(request) == (None, None)
    request.processingFailed(Failure(ConnectionDone()))
    assert len(work.left) == 1


# --- media -----------------------------------------------------------------------------------------------------------

TYPES = {
    "image/png": ("image/png", "inline"),
    "IMAGE/PNG; q=1": ("image/png", "inline"),
    "audio/mpeg": ("audio/mpeg", "inline"),
    "image/svg+xml": ("application/octet-stream", "attachment"),
    "text/html": ("application/octet-stream", "attachment"),
    "application/pdf": ("application/octet-stream", "attachment"),
    "image/png\r\nX: y": ("application/octet-stream", "attachment"),
    "": ("application/octet-stream", "attachment"),
}


@pytest.mark.parametrize(("said", "shown"), TYPES.items(), ids=TYPES)
def test_media_are_shown_or_are_downloads_and_never_run(said, shown):
    value = {"type": said, "size": 3, "data": base64.b64encode(b"\0<\xff").decode()}
    work = FakeWork({"view": {"status": 200, "value": value}})
    page = Views(services(work=work)).pages()[f"{ONE}/media/{{n}}"]
    request = asking(page, segments={"id": ID, "n": "3"})
    assert answered(request) == (200, b"\0<\xff")
    fields = {
        name: request.responseHeaders.getRawHeaders(name)[0] for name in (b"content-type", b"content-disposition")
    }
    assert tuple(each.decode() for each in fields.values()) == shown
    assert work.asked == [("view", {"id": ID, "what": "media", "n": 3})]


@pytest.mark.parametrize("text", ["x", "", "1.5", "\ufffd"])
def test_media_of_no_number(text):
    page = Views(services(work=FakeWork())).pages()[f"{ONE}/media/{{n}}"]
    assert asked(page, segments={"id": ID, "n": text}) == (400, {"error": "n is a whole number"})


# --- without a child -------------------------------------------------------------------------------------------------


@pytest.fixture
def here():
    """Two chats in a store that no child reads, the second with an image."""
    pixel = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n123").decode()
    parts = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": pixel}}]
    messages = [{"role": "user", "content": parts}, {"role": "user", "content": "bye"}]
    return services(recording(5), recording(6, CHAT | {"messages": messages}, fingerprint=b"g" * 32))


def test_the_views_without_a_child(here):
    assert view(here, "chat")[1]["messages"] == [{"role": "user", "parts": [{"type": "Text", "text": "hi"}]}]
    assert json.loads(view(here, "request")[1]["text"]) == CHAT
    assert view(here, "response", form="raw", limit=5)[1]["next"] == 5
    assert view(here, "stream")[1]["total"] >= 0
    assert "curl" in view(here, "copy")[1]["text"]


def test_media_without_a_child(here):
    page = Views(here).pages()[f"{ONE}/media/{{n}}"]
    assert asked(page, segments={"id": id_text(6), "n": "0"}) == (200, b"\x89PNG\r\n\x1a\n123")
    assert asked(page, segments={"id": id_text(6), "n": "1"})[0] == 404


def test_a_diff_without_a_child(here):
    status, value = view(here, "diff", with_=id_text(6))
    assert (status, value["with"], value["problem"]) == (200, id_text(6), "")
    assert any("bye" in line["old"] for line in value["lines"])
    for word in ("nearest", "previous"):
        value = view(here, "diff", with_=word)[1]
        assert (value["with"], value["lines"], "is not known in this store" in value["problem"]) == (None, [], True)
    assert view(here, "diff", with_="9")[1]["problem"] == "there is no such exchange"


def test_what_is_not_there_without_a_child(here):
    assert view(here, "chat", "9") == (404, {"error": "there is no such exchange"})
    assert view(here, "delivered") == (404, {"error": "the exchange has no delivered of that kind"})


def test_a_body_that_is_lost_is_told_of(here, monkeypatch):
    def lost(exchange_id):
        raise OSError("the store has lost octets")

    monkeypatch.setattr(here.store, "get", lambda exchange_id: recording(5))
    monkeypatch.setattr("proxy_daemon.core.inspecting.opened.opened", lambda recording, rules: lost(5))
    assert view(here, "chat") == (503, {"error": "the store has lost octets"})
