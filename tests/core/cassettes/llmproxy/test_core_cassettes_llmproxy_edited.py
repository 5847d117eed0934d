"""The decoded answer: checked, and served where a person has changed it and says so."""

import json

import pytest
from attrs import evolve

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.cassettes.llmproxy import HEADER, checked, read
from proxy_daemon.core.conversation import Answer, Choice, Finish, Text, ToolCall
from proxy_daemon.core.dialects import BUILT_IN, recognise
from proxy_daemon.core.dialects.dialect import Dialect
from proxy_daemon.core.dialects.reading import read_answer
from proxy_daemon.core.matching.patterns.written import as_asked
from proxy_daemon.core.messages import Request
from tests.core.cassettes.llmproxy.cassette_files import JSON, QUESTION, damaged, entry, file_of, recording

MESSAGES = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
GOOGLE = {"contents": [{"parts": [{"text": "hi"}]}]}
APIS = {
    "openai-chat": ("/v1/chat/completions", MESSAGES),
    "openai-completions": ("/v1/completions", {"model": "m", "prompt": "hi"}),
    "openai-responses": ("/v1/responses", {"model": "m", "input": "hi"}),
    "anthropic": ("/v1/messages", MESSAGES | {"max_tokens": 9}),
    "ollama": ("/api/chat", MESSAGES),
    "cohere": ("/v2/chat", MESSAGES),
    "google": ("/v1beta/models/m:generateContent", GOOGLE),
}


def asking(api, *, streams):
    """A request of an API, for a document or a stream."""
    path, body = APIS[api]
    if api == "google":
        path = path.replace(":generate", ":streamGenerate") + "?alt=sse" if streams else path
    else:
        body = body | {"stream": streams}
    return Request(b"POST", path.encode(), JSON, Bytes(json.dumps(body).encode()))


def answered(api, answer, *, streams):
    """A recording of that answer."""
    request = asking(api, streams=streams)
    rendered = recognise(request, BUILT_IN).render(answer, request)
    found = recording(request.body.whole(), rendered.body, path=request.target, kind=rendered.content_type)
    return evolve(found, request=request)


def said(found):
    """The answer that a recording gives, read by its dialect."""
    answer, problem = read_answer(recognise(found.request, BUILT_IN), found.request, found.response)
    assert not problem
    return answer


def edit(data, *changes, mark=b"edited: true\n"):
    """The file with its decoded answer changed, and the mark set."""
    head, between, rest = data.partition(b"answer:\n")
    section, response, rest = rest.partition(b"response:\n")
    for old, new in changes:
        assert old in section, section
        section = section.replace(old, new)
    return head.replace(b"request:\n", mark + b"request:\n") + between + section + response + rest


PARIS = Answer((Choice((Text("Paris."),), Finish.STOP),), model="m-1", id="x")
CALLS = Answer((Choice((Text("Look:"), ToolCall("c1", "find", '{"q": 1}')), Finish.CALLS),), model="m-1", id="x")


@pytest.mark.parametrize("streams", [False, True], ids=["document", "stream"])
@pytest.mark.parametrize("api", APIS)
def test_an_edited_answer_is_served_as_a_document_and_as_a_stream(api, streams):
    data = file_of(answered(api, PARIS, streams=streams))
    found = entry(edit(data, (b"    Paris.\n", b"    London.\n    Or \xc3\xa9lsewhere.\n")))
    assert found.edited
    assert found.recording.written
    assert not checked(found)
    assert said(found.recording).text == "London.\nOr élsewhere."
    other = asking(api, streams=not streams)
    served = as_asked(evolve(found.recording, request=other), other, recognise(other, BUILT_IN))
    assert said(served).text == "London.\nOr élsewhere."
    assert served.response.body != found.recording.response.body
    assert said(evolve(found.recording, response=served.response, request=other)).choices[0].finish is Finish.STOP


@pytest.mark.parametrize("api", ["openai-chat", "openai-responses", "anthropic", "ollama", "cohere"])
@pytest.mark.parametrize("streams", [False, True], ids=["document", "stream"])
def test_an_edited_call_is_served(api, streams):
    data = file_of(answered(api, CALLS, streams=streams))
    arguments = next(line for line in data.split(b"\n") if b"arguments: '" in line).strip()
    found = entry(
        edit(data, (b"Look:", b"Listen:"), (b"call: find", b"call: hear"), (arguments, b"""arguments: '{"q":2}'"""))
    )
    answer = said(found.recording)
    (call,) = [part for part in answer.choices[0].parts if isinstance(part, ToolCall)]
    assert (answer.text, call.name, json.loads(call.arguments)) == ("Listen:", "hear", {"q": 2})


@pytest.mark.parametrize("api", APIS)
def test_what_was_not_edited_stays_what_it_was(api):
    before = answered(api, PARIS, streams=False)
    after = said(entry(edit(file_of(before), (b"Paris", b"Rome"))).recording)
    expected = said(before)
    assert (after.id, after.model, after.usage) == (expected.id, expected.model, expected.usage)
    assert after.choices[0].finish is Finish.STOP


def test_an_answer_can_be_edited_where_nothing_is_left_of_the_recorded_one():
    data = edit(file_of(recording()), (b"Paris", b"Rome"))
    head, _, response = data.partition(b"response:\n")
    lines = [line for line in response.split(b"\n") if b"chatcmpl" not in line and b"text:" not in line]
    found = entry(head + b"response:\n" + b"\n".join(lines))
    assert said(found.recording).text == "Rome."


def test_an_edited_head_stays_and_fits_the_new_body():
    found = entry(edit(file_of(recording()), (b"Paris", b"Rome"))).recording
    assert found.response.head.status == 200
    assert found.response.head.headers.get(b"content-type") == b"application/json"
    assert sum(found.response.pieces.sizes) == found.response.body.size


CHANGES = [
    ((b"Paris", b"Rome"), "answer.text"),
    ((b"finish: stop", b"finish: length"), "answer.finish"),
    ((b"in 14", b"in 15"), "answer.usage"),
    ((b"gpt-4o-2024", b"gpt-5"), "answer.model"),
    ((b"  finish: stop\n", b""), "answer.finish"),
    ((b"  finish: stop\n", b"  finish: stop\n  more: 1\n"), "answer.more"),
]


@pytest.mark.parametrize(("change", "path"), CHANGES, ids=range(len(CHANGES)))
def test_a_change_without_the_mark_is_an_error_that_says_what_to_write(change, path):
    data = edit(file_of(recording()), change, mark=b"")
    line, reason = damaged(data)
    assert reason.startswith(f"{path}: not what was recorded: write `edited: true`")
    name = path.removeprefix("answer.").encode()
    lines = data.split(b"\n")
    assert lines[line - 1].startswith((b"  " + name, b"answer:"))


def test_a_change_of_the_recorded_octets_is_an_error_too():
    line, reason = damaged(file_of(recording()).replace(b'"content":"Paris."', b'"content":"Rome."'))
    assert "answer.text: not what was recorded" in reason
    assert line > 10


def test_an_answer_that_was_taken_out_is_not_missed():
    head, _, rest = file_of(recording()).partition(b"answer:\n")
    data = head + b"response:\n" + rest.partition(b"response:\n")[2]
    assert entry(data).recording == entry(file_of(recording())).recording


def test_a_document_whose_seal_was_forged_is_found_when_it_is_asked():
    found = entry(file_of(recording()))
    assert found.sealed
    forged = evolve(found, answer=found.answer | {"text": "Rome."})
    assert checked(forged).startswith("answer.text: not what was recorded")
    assert not checked(
        evolve(found, answer=found.answer | {"finish": "length"})
    )  # a later version may say it otherwise


WRONG = [
    ((b"text: |-\n    Paris.", b"text: 12"), "answer.text: no text"),
    ((b"finish: stop", b"finish: [a]"), "answer.finish: no text"),
    ((b"usage: in 14", b"usage: input 14"), "answer.usage: no numbers such as in 14, out 2"),
    ((b"  finish", b"  choices: []\n  finish"), "answer.choices: choices are a list"),
    ((b"  finish", b"  parts: []\n  finish"), "answer.parts: text or parts, not both"),
    ((b"text: |-\n    Paris.", b"parts: 1"), "answer.parts: no list"),
    ((b"text: |-\n    Paris.", b"parts: [a]"), "answer.parts: of the parts, text"),
    ((b"text: |-\n    Paris.", b"parts: [{media: image}]"), "answer.parts: of the parts, text"),
    ((b"text: |-\n    Paris.", b"parts: [{call: a, arguments: {}}]"), "answer.arguments: no text"),
    ((b"  finish", b"  complete: false\n  finish"), "answer.complete: an answer that failed"),
    ((b"  finish", b"  error: broken\n  finish"), "answer.error: an answer that failed"),
    ((b"  finish", b"  colour: red\n  finish"), "answer.colour: no member of this name"),
]


@pytest.mark.parametrize(("change", "reason"), WRONG, ids=range(len(WRONG)))
def test_an_edit_that_cannot_be_served_says_why(change, reason):
    assert reason in damaged(edit(file_of(recording()), change))[1]


def test_an_edit_without_a_response_or_of_an_unknown_api_says_why():
    assert "there is no response" in damaged(HEADER + b"---\nedited: true\nanswer: {text: a}\n...\n")[1]
    text = b"---\nedited: true\nrequest: {method: GET, target: /x}\nanswer: {text: a}\nresponse: {status: 200}\n...\n"
    assert "the dialect generic writes no answers" in damaged(HEADER + text)[1]
    assert "answer: no mapping" in damaged(HEADER + text.replace(b"answer: {text: a}\n", b""))[1]


class Lossy(Dialect):
    """Of a plugin: it forgets what it should write, or fails."""

    name = "lossy"

    def __init__(self, fault):
        self.fault = fault

    def render(self, answer, request):
        if self.fault is not None:
            raise self.fault
        return recognise(request, BUILT_IN).render(PARIS, request)

    def whole(self, document):
        return recognise(recording().request, BUILT_IN).whole(document)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(None, "lossy has no words for what was edited"), (KeyError("x"), "the dialect lossy failed with KeyError")],
    ids=range(2),
)
def test_a_dialect_that_does_not_write_what_was_edited_is_found_out(fault, reason):
    data = edit(file_of(recording(QUESTION)), (b"Paris", b"Rome"))
    (found,) = read("c.yaml", data, dict.__getitem__, [Lossy(fault)])
    assert reason in found.reason
