"""A talk's answer in the words, and in the form, that a request asks for; at the pace that a person wrote."""

from array import array

import pytest
from attrs import evolve
from talk_rig import CHAT, GEMINI, GEMINI_STREAM, MESSAGES, RESPONSES, answering, chat, dialect_of, post, said

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.conversation import Answer, Choice, Finish, Media, Text, ToolCall, Usage
from proxy_daemon.core.dialects import GENERIC
from proxy_daemon.core.dialects.dialect import CannotRender
from proxy_daemon.core.dialects.reading import read_answer
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching.patterns.written import as_asked
from proxy_daemon.core.messages import Pieces, ResponseHead

ANSWER = Answer(
    (Choice((Text("It is sunny in Zürich."), ToolCall("call_1", "weather", '{"city": "Paris"}')), Finish.CALLS),),
    id="id_1",
    usage=Usage(3, 4),
)
# (path for a document, path for a stream, the body's member that asks for it)
APIS = {
    "openai-chat": (CHAT, CHAT, True),
    "openai-responses": (RESPONSES, RESPONSES, True),
    "anthropic": (MESSAGES, MESSAGES, True),
    "google": (GEMINI, GEMINI_STREAM, False),
    "ollama": ("/api/chat", "/api/chat", True),
    "bedrock": ("/model/m/converse", "/model/m/converse-stream", False),
}


def asking(api, streams):
    document, stream, by_body = APIS[api]
    return post(stream if streams else document, {"model": "m"} | ({"stream": streams} if by_body else {}))


def served(recording, request):
    dialect = dialect_of(request)
    return as_asked(recording, request, dialect, dialect_of(recording.request))


def read(found, request):
    answer, problem = read_answer(dialect_of(request), request, found.response)
    assert (problem, answer.complete, answer.error) == ("", True, "")
    return answer


@pytest.mark.parametrize("streams", [False, True], ids=["document", "stream"])
@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("own", APIS)
def test_each_api_gets_it_in_its_own_words(own, api, streams):
    carrier = asking(own, False)
    request = asking(api, streams)
    found = served(answering(said("hi"), answer=ANSWER, request=carrier), request)
    answer = read(found, request)
    assert answer.text == "It is sunny in Zürich."
    assert [(part.name, part.arguments.replace(" ", "")) for part in answer.choices[0].parts[1:]] == [
        ("weather", '{"city":"Paris"}')
    ]
    assert answer.choices[0].finish is (Finish.STOP if api == "ollama" else Finish.CALLS)  # it has one word for both
    assert found.fitted
    assert (len(found.response.pieces.sizes) > 3) is streams
    assert sum(found.response.pieces.sizes) == found.response.body.size


class TestIdentity:
    def document(self, recording, request):
        return served(recording, request).response.body.read(0, 9999)

    def test_the_model_is_the_one_that_is_asked_for(self):
        answer = read(served(answering(said("hi")), chat("hi", model="gpt-9")), chat("hi", model="gpt-9"))
        assert answer.model == "gpt-9"

    def test_unless_the_talk_names_one(self):
        named = evolve(ANSWER, model="gpt-5-2026")
        asked = said("hi", parameters=(("model", '"gpt-{{*}}"'),))
        for talk, request in ((asked, chat("c", model="m")), (said("hi", parameters=(("model", '"m"'),)), chat("c"))):
            found = served(answering(talk, answer=named, request=request), chat("hi", model="gpt-9"))
            assert read(found, chat("hi")).model == "gpt-5-2026"

    def test_a_carrier_that_must_name_one_names_none(self):
        carrier = post("/v1beta/models/any:generateContent", {})
        found = served(answering(said("hi"), request=carrier), chat("hi", model="gpt-9"))
        assert read(found, chat("hi")).model == "gpt-9"

    def test_ids_are_the_same_for_the_same_answer_and_of_no_other_api(self):
        one, same, other = (self.document(answering(said("hi"), text), chat("hi")) for text in ("a", "a", "b"))
        assert one == same != other
        kept = read(served(answering(said("hi"), answer=ANSWER), chat("hi")), chat("hi"))
        moved = read(
            served(answering(said("hi"), answer=ANSWER), asking("anthropic", False)), asking("anthropic", False)
        )
        assert (kept.id, moved.id[:5]) == ("id_1", "talk-")


class TestErrors:
    @pytest.mark.parametrize("api", APIS)
    @pytest.mark.parametrize("status", [400, 401, 429, 500, 529])
    def test_in_the_words_of_the_api_with_its_fields(self, api, status):
        fields = Headers(((b"Content-Type", b"application/json"), (b"retry-after", b"2")))
        recording = answering(said("hi"), "slow down", status=status)
        recording = evolve(recording, response=evolve(recording.response, head=ResponseHead(status, b"", fields)))
        request = asking(api, True)
        found = served(recording, request)
        answer, _ = read_answer(dialect_of(request), request, found.response)
        assert "slow down" in answer.error
        assert found.response.head.status == status
        assert found.response.head.headers.get(b"retry-after") == b"2"
        assert found.response.head.headers.all(b"content-type") == [b"application/json"]

    def test_what_is_written_in_the_words_of_the_api_stays(self):
        recording = answering(said("hi"), "x", status=429)
        own = Bytes(b'{"error": {"message": "x", "code": "mine"}}')
        recording = evolve(recording, response=evolve(recording.response, body=own))
        assert served(recording, chat("hi")).response.body == own

    def test_what_no_api_wrote_is_the_message(self):
        recording = answering(said("hi"), "x", status=503)
        recording = evolve(recording, response=evolve(recording.response, body=Bytes(b"overloaded")))
        assert b'"message": "overloaded"' in served(recording, chat("hi")).response.body.read(0, 999)


class TestUnfit:
    @pytest.mark.parametrize(
        ("recording", "request_", "why"),
        [
            (answering(said("hi")), post("/v1/unknown/chat", {}), "writes no answers"),
            (
                answering(said("hi"), answer=Answer((Choice((Media("audio", "audio/wav", data=b"x"),), Finish.STOP),)),
                          request=post(GEMINI, {})),
                asking("anthropic", False),
                "has no media",
            ),
            (evolve(answering(said("hi")), response=evolve(answering(said("hi")).response, body=Bytes(b"{"))),
             chat("hi"), "cannot be read"),
            (evolve(answering(said("hi")), response=evolve(answering(said("hi")).response, body=Bytes(b"{}"))),
             chat("hi"), "openai-chat"),
        ],
    )  # fmt: skip
    def test_it_is_said(self, recording, request_, why):
        with pytest.raises(CannotRender, match=why):
            served(recording, request_)

    def test_the_generic_dialect(self):
        with pytest.raises(CannotRender):
            as_asked(answering(said("hi")), chat("hi"), GENERIC, dialect_of(chat("hi")))


class TestPace:
    def times(self, recording, request):
        return served(recording, request).response.pieces

    @pytest.mark.parametrize("api", APIS)
    def test_each_word_of_a_stream_takes_its_time(self, api):
        pieces = self.times(answering(said("hi"), "one two three", pace=0.05), asking(api, True))
        assert max(pieces.times) == 3 * 50_000
        assert sorted(pieces.times) == list(pieces.times)
        assert len(pieces.times) == len(pieces.sizes)

    @pytest.mark.parametrize("api", APIS)
    def test_a_document_comes_at_once(self, api):
        assert set(self.times(answering(said("hi"), "one two", pace=0.05), asking(api, False)).times) == {0}

    def test_without_a_pace_nothing_waits(self):
        assert set(self.times(answering(said("hi"), "one two"), asking("anthropic", True)).times) == {0}

    def test_a_pace_beyond_all_bounds_is_bounded(self):
        assert max(self.times(answering(said("hi"), "x", pace=1e30), asking("anthropic", True)).times) == 3600 * 10**6

    def test_a_stream_that_was_written_as_such_keeps_its_octets(self):
        request = chat("hi", stream=True)
        rendered = dialect_of(request).render(ANSWER, request)
        recording = evolve(answering(said("hi")), pattern=None, pace=0.5, request=request)
        head = ResponseHead(200, b"", Headers(((b"Content-Type", b"text/event-stream"),)))
        sizes = array("Q", [len(rendered.body) - 9, 9])
        recording = evolve(recording, response=evolve(
            recording.response, head=head, body=Bytes(rendered.body), pieces=Pieces(sizes, array("Q", [1, 2])),
        ))  # fmt: skip
        found = served(recording, request)
        assert found.response.body is recording.response.body
        assert list(found.response.pieces.times) == [500_000, 1_000_000]
        assert not found.fitted
