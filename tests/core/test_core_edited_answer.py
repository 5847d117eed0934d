"""An edited answer as a new recording: in every dialect it says what was written, and the original stays as it was."""

import orjson
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.acts import Refused
from proxy_daemon.core.bodies import EMPTY, Bytes
from proxy_daemon.core.cassettes.llmproxy.checking import recorded
from proxy_daemon.core.conversation import Finish
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.edited_answer import SHARED, edited_answer, section_of, why_not_edited
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Delivered, Ending, Outcome, Recording, Request, Response, ResponseHead, Unknown
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.upstreams import parse_upstream

UPSTREAM = parse_upstream("work=https://api.example.com/v1")
JSON = Headers([(b"Content-Type", b"application/json")])
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"a":1}'}}
CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m-1",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "length"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "c-1",
    "content": [{"type": "text", "text": "Hello."}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 3, "output_tokens": 2},
}


def recording(path=b"/v1/chat/completions", answer=CHAT, **changes):
    request = Request(b"POST", path, JSON, Bytes(orjson.dumps({"model": "m-1", "messages": []})))
    response = Response(ResponseHead(200, b"OK", JSON), Bytes(orjson.dumps(answer)))
    fields = {"id": 7, "request": request, "response": response, "upstream": UPSTREAM, "started": 5.0, "status": 200}
    fields |= {"ending": Ending.COMPLETE, "outcome": Outcome.MISS, "fingerprint": b"f" * 32, "session": "s"}
    return Recording(**(fields | changes))


def calling(content=None):
    message = {"role": "assistant", "content": content, "tool_calls": [CALL]}
    return CHAT | {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}


def edit(each, section):
    return edited_answer(each, section, BUILT_IN, Redactor())


def read(each):
    return recorded(each, recognise(each.request, BUILT_IN))


def test_the_new_one_has_all_that_finds_it_and_says_whose_place_it_has():
    old = recording(rules=("a",), delivered=Delivered(ResponseHead(200)), detail="x", served_from=3, scope=b"s" * 32)
    new = edit(old, {"text": "Goodbye."})
    assert (new.request, new.fingerprint, new.session, new.scope) == (old.request, old.fingerprint, "s", old.scope)
    assert (new.written, new.pinned, new.replayable, new.edits) == (True, True, True, 7)
    assert (new.rules, new.delivered, new.detail, new.served_from) == ((), None, "", 0)
    assert edit(evolve(new, id=8), {"text": "Again."}).edits == 7, "its place is that of the first"


DIALECTS = {"chat": (b"/v1/chat/completions", CHAT), "messages": (b"/v1/messages", MESSAGE)}


@pytest.mark.parametrize(("path", "answer"), DIALECTS.values(), ids=DIALECTS)
def test_what_is_not_named_stays(path, answer):
    old = recording(path, answer)
    new = read(edit(old, {"text": "Goodbye."}))
    before = read(old)
    assert (new.choices[0].text, new.choices[0].finish) == ("Goodbye.", before.choices[0].finish)
    assert (new.model, new.usage) == (before.model, before.usage)


@pytest.mark.parametrize(("path", "answer"), DIALECTS.values(), ids=DIALECTS)
def test_an_edit_begins_with_what_is_there(path, answer):
    old = recording(path, answer)
    section = section_of(old, BUILT_IN)
    assert orjson.loads(orjson.dumps(section)) == section
    assert section["text"] == "Hello."
    assert type(section["text"]) is str
    assert read(edit(old, section)).choices == read(old).choices


def test_the_end_follows_calls_of_tools():
    old = recording(answer=calling())
    assert read(edit(old, {"text": "No tool."})).choices[0].finish is Finish.STOP
    again = read(edit(old, {"parts": [{"call": "look", "id": "call_1", "arguments": '{"a":2}'}]}))
    assert again.choices[0].finish is Finish.CALLS
    first = read(edit(recording(), {"parts": [{"call": "look", "id": "c", "arguments": "{}"}]}))
    assert first.choices[0].finish is Finish.CALLS
    assert read(edit(recording(), {"text": "a", "finish": "stop"})).choices[0].finish is Finish.STOP


def test_an_answer_that_broke_off_is_made_whole():
    old = recording(ending=Ending.BROKEN_OFF, replayable=False)
    new = edit(old, {"text": "All of it."})
    assert (new.ending, new.replayable, read(new).complete) == (Ending.COMPLETE, True, True)
    assert why_not_edited(old) == ""


WHY_NOT = {
    "no answer": ({"response": None}, "no answer was recorded"),
    "shared": ({"response": None, "outcome": Outcome.COLLAPSED}, SHARED),
    "cut": ({"cut": True}, "not recorded whole"),
    "an error": ({"response": Response(ResponseHead(503))}, "an error (status 503)"),
    "not to be found": ({"fingerprint": b""}, "to be found again"),
}


@pytest.mark.parametrize(("changes", "words"), WHY_NOT.values(), ids=WHY_NOT)
def test_why_not(changes, words):
    assert words in why_not_edited(recording(**changes))


REFUSED = {
    "a list": [],
    "a text": "x",
    "none": None,
    "a number": 1e400,
    "no parts": {"parts": 5},
    "a part that is none": {"parts": [5]},
    "a choice that is none": {"choices": ["x"]},
    "too deep": {"parts": [{"call": {"call": {}}}]},
    "another kind of usage": {"text": "x", "usage": "lots"},
    "an error": {"text": "x", "error": "no"},
    "a result": {"parts": [{"result": "x", "id": "1", "name": "n"}]},
}


@pytest.mark.parametrize("section", REFUSED.values(), ids=REFUSED)
def test_what_is_no_answer_is_refused_with_its_place(section):
    with pytest.raises(Refused, match=r"^answer") as refused:
        edit(recording(), section)
    assert refused.value.status == 400


def test_an_api_that_cannot_be_written_is_refused():
    old = recording(b"/v1/files", {"id": "file-1"})
    with pytest.raises(Refused, match="cannot be served"):
        edit(old, {"text": "x"})
    assert section_of(old, BUILT_IN) == {}
    assert section_of(recording(response=None), BUILT_IN) == {}


def test_secrets_do_not_stay():
    key = "sk-ant-api03-" + "aB3" * 31 + "AA"
    new = edit(recording(), {"text": f"Take {key}."})
    assert key.encode() not in new.response.body.whole()
    assert new.redacted
    assert not edit(recording(), {"text": "Take it."}).redacted


def test_of_an_import_what_is_known_of_the_answer_now_is_known():
    unknown = frozenset((Unknown.HOST, Unknown.PIECES, Unknown.RESPONSE_HEADERS, Unknown.RESPONSE_OCTETS))
    assert edit(recording(unknown=unknown), {"text": "x"}).unknown == {Unknown.HOST}


def test_a_dialect_that_fails_is_named():
    class Broken(type(BUILT_IN[0])):
        name = "broken"

        def recognises(self, request):
            return True

        def render(self, *_):
            raise SystemExit

    with pytest.raises(Refused, match="the dialect broken failed"):
        edited_answer(recording(), {"text": "x"}, [Broken()], Redactor())


def test_without_a_body_there_is_nothing_to_begin_with():
    old = recording(response=Response(ResponseHead(200, b"OK", JSON), EMPTY))
    assert section_of(old, BUILT_IN) == {}
    assert read(edit(old, {"text": "x", "finish": "stop"})).choices[0].text == "x"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["text", "parts", "choices", "finish", "call", "id", "arguments", "usage", "reasoning", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(VALUES)
def test_any_section_is_served_as_it_says_or_refused(section):
    try:
        new = edit(recording(), section)
    except Refused:
        return
    assert new.written
    assert isinstance(section, dict)
    if "text" in section:
        assert read(new).choices[0].text == section["text"]
