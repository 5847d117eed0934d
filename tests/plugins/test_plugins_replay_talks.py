"""Talks through the whole pipeline, in memory: what answers, what is refused and why, and at which pace."""

import json

import pytest
from attrs import evolve
from talk_rig import CHAT, MESSAGES, RESPONSES, answering, chat, said

from proxy_daemon.core.adopting import Adopter
from proxy_daemon.core.conversation import Answer, Choice, Finish, Text, ToolCall
from proxy_daemon.core.matching.sequence import parse_repeat
from proxy_daemon.core.messages import Outcome, id_text
from proxy_daemon.core.numbered import NumberedRequests
from proxy_daemon.core.pattern import Pattern, Said
from proxy_daemon.core.speed import parse_speed
from proxy_daemon.testing import Kit

KEY = "sk-proj-" + "aB3dE6gH9jK2mN5pQ8sT" * 2


def kit(*recordings, **settings):
    made = Kit(mode="none", **settings)
    made.store.recordings.update({each.id: each for each in recordings})
    return made


def ask(made, text, path=CHAT, **more):
    field = {"input": text} if path == RESPONSES else {"messages": [{"role": "user", "content": text}]}
    return made.send(path, {"model": "m"} | field | more)


def words(result):
    assert result.status == 200, result.body
    return result.json["choices"][0]["message"]["content"]


def test_equal_talks_follow_each_other_whoever_asks():
    made = kit(*(answering(said("hi"), text, number=at) for at, text in enumerate("abc", 1)))
    assert words(ask(made, "hi")) == "a"
    assert ask(made, "hi", MESSAGES, max_tokens=9).json["content"][0]["text"] == "b"
    assert words(ask(made, "hi  \n")) == "c"
    assert words(ask(made, "hi")) == "c"
    assert made.sent == []


@pytest.mark.parametrize(("repeat", "answers"), [("first", "aaa"), ("last", "bbb"), ("cycle", "aba")])
def test_as_repeat_says(repeat, answers):
    made = kit(
        *(answering(said("hi"), text, number=at) for at, text in enumerate("ab", 1)), repeat=parse_repeat(repeat)
    )
    assert "".join(words(ask(made, "hi")) for _ in answers) == answers


def test_with_exhaust_the_end_is_a_miss():
    made = kit(answering(said("hi")), repeat=parse_repeat("exhaust"))
    assert [ask(made, "hi").status for _ in range(2)] == [200, 424]


def test_other_parameters_are_another_sequence():
    warm = said("hi", parameters=(("temperature", "1"),))
    made = kit(
        answering(warm, "warm", number=1), answering(said("hi"), "a", number=2), answering(said("hi"), "b", number=3)
    )
    assert [words(ask(made, "hi")), words(ask(made, "hi", temperature=1)), words(ask(made, "hi"))] == ["a", "warm", "b"]


def test_the_request_that_carries_a_talk_answers_nothing():
    """It may look like a request of somebody."""
    request = chat("carried", model="m")
    recording = answering(said("hi"), request=request)
    adopted, why = Adopter(redactor=Kit().pipeline.keeper.redactor).adopt(recording)
    assert (why, adopted.fingerprint, adopted.pattern, adopted.asked) == ("", b"", recording.pattern, None)
    made = kit(adopted)
    assert ask(made, "carried").status == 424
    assert words(ask(made, "hi")) == "hello"


@pytest.mark.parametrize("status", [400, 429, 503])
def test_an_error_that_a_person_wrote_is_served(status):
    recording = answering(said("hi"), "slow", status=status)
    adopted, why = Adopter().adopt(recording)
    assert (why, adopted.replayable) == ("", True)
    assert Adopter().adopt(evolve(recording, written=False))[1] == f"status {status}"
    result = ask(kit(adopted), "hi", MESSAGES, stream=True)
    assert (result.status, result.json["error"]["message"]) == (status, "slow")


@pytest.mark.parametrize("numbers", [False, True], ids=["store", "cassette"])
def test_a_secret_in_a_talk_is_taken_out_and_found_all_the_same(numbers):
    call = ToolCall("c", "f", json.dumps({"api_key": KEY}))
    asked = Said((*said(f"my key is {KEY}").messages, evolve(said("", "x").messages[1], parts=(Text("ok"), call))))
    redactor = NumberedRequests() if numbers else Kit().pipeline.keeper.redactor
    adopted, why = Adopter(redactor=redactor).adopt(answering(asked, f"it is {KEY}"))
    assert why == ""
    assert KEY not in repr(adopted.pattern)
    assert KEY.encode() not in adopted.response.body.read(0, 9999)
    again, _ = Adopter(redactor=redactor).adopt(adopted)
    assert again.pattern == adopted.pattern
    adopted, _ = Adopter(redactor=redactor).adopt(answering(said(f"my key is {KEY}")))
    if not numbers:
        assert words(ask(kit(adopted), f"my key is {KEY}")) == "hello"


class TestMiss:
    def test_it_is_told_in_the_words_of_the_talk(self):
        made = kit(
            answering(said("hello"), number=1, detail="line 7", session="talk.md"),
            answering(said("good bye"), number=2),
        )
        result = ask(made, "hello you", MESSAGES)
        assert (result.status, result.exchange.outcome, made.sent) == (424, Outcome.REFUSED, [])
        message = result.json["error"]["message"]
        assert f"Nearest: exchange {id_text(1)}, talk.md, line 7 (" in message
        assert 'message 1.says: recorded "hello" / incoming "hello you"' in message
        assert not made.hooks.faults

    def test_no_secret_is_in_it(self):
        message = ask(kit(answering(said("hello"))), f"hello {KEY}").json["error"]["message"]
        assert "message 1.says" in message
        assert KEY not in message

    def test_where_fuzzy_is_off_nothing_is_told(self):
        message = ask(kit(answering(said("hello")), fuzzy="off"), "hello you").json["error"]["message"]
        assert "message 1" not in message

    def test_fuzzy_serves_no_talk(self):
        assert ask(kit(answering(said("hello")), fuzzy="serve-none", fuzzy_threshold=0.01), "hello you").status == 424

    def test_an_answer_without_words_in_that_api(self):
        call = Answer((Choice((ToolCall("c", "f", "{}"),), Finish.CALLS),))
        result = kit(answering(said("hi"), answer=call)).send("/v1/completions", {"model": "m", "prompt": "hi"})
        assert result.status == 424
        assert "An answer is there: " in result.json["error"]["message"]

    def test_beside_other_recordings_what_is_near_of_those_is_told_where_no_talk_is(self):
        result = kit(evolve(answering(said("x"), request=chat("hi")), pattern=Pattern("GET"))).send(
            CHAT, {"model": "m", "messages": [{"role": "user", "content": "ho"}]}
        )
        assert "messages[0].content" in result.json["error"]["message"]


class TestPace:
    @pytest.mark.parametrize("speed", ["0", "1", "1000", "500tps"])
    def test_words_come_one_by_one_at_any_speed(self, speed):
        made = kit(answering(said("hi"), "one two three", pace=0.5), replay_speed=parse_speed(speed))
        exchange, client, running = made.begin(CHAT, json.loads(chat("hi", stream=True).body.whole()))
        seen = []
        for _ in range(8):
            seen.append(sum(word in b"".join(client.pieces) for word in (b'"one', b" two", b" three")))
            assert running.called is (seen[-1] == 3)
            made.clock.advance(0.25)
        assert seen == [0, 0, 1, 1, 2, 2, 3, 3]
        assert exchange.status == 200

    def test_a_document_comes_at_once(self):
        made = kit(answering(said("hi"), "one two three", pace=60.0), replay_speed=parse_speed("1"))
        _, client, running = made.begin(CHAT, json.loads(chat("hi").body.whole()))
        assert running.called
        assert b"one two three" in b"".join(client.pieces)
