"""An entry has all that filters ask and the list tells, whatever the bodies hold."""

import gzip
import json

import orjson
import pytest
from catalogued import STEP, answered, asked, assistant, chat, hit, response, user
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import JSON_LIMIT, Ending
from proxy_daemon.store.catalogue.entry import LONGEST_TEXT, MOST_TEXT
from proxy_daemon.store.catalogue.layout import Kind
from proxy_daemon.store.catalogue.reading import LARGEST, entry


def test_a_chat():
    messages = [user("First"), assistant("second"), user("Third, STRASSE"), user("fourth")]
    made = entry(chat(3, messages, answered("Fifth", [(0, ("get_x", '{"Y": 1}'))], tokens=12), session="n"), None)
    assert made.said == ("third, strasse", "fourth", 'fifth\nget_x {"y": 1}')
    assert (made.id, made.status, made.total, made.seconds, made.source) == (3 * STEP, 200, 12, 1.5, 0)
    assert (made.readable, made.whole, made.has_response, made.failed, made.edited) == (True, True, True, False, False)
    assert made.words == {
        Kind.URL: "https://api.example.com/v1/chat/completions",
        Kind.METHOD: "POST",
        Kind.HOST: "api.example.com",
        Kind.ASK_TYPE: "application/json",
        Kind.ANSWER_TYPE: "application/json",
        Kind.MODEL: "m-1",
        Kind.DIALECT: "openai-chat",
        Kind.OUTCOME: "miss",
        Kind.SESSION: "n",
        Kind.TOOLS: "get_x",
        Kind.CASSETTE: "",
    }
    told = orjson.loads(made.told)
    assert (told["asked"], told["said"], told["tools"], told["messages"]) == ("fourth", "Fifth", ["get_x"], 4)


def test_a_hit_has_the_words_of_what_answered_it():
    made = entry(hit(2, 1), chat(1, "asked before", "said before"))
    assert (made.said, made.source, made.words[Kind.OUTCOME]) == (("asked before", "said before"), STEP, "hit")
    alone = entry(hit(2, 1), None)
    assert (alone.said, alone.source, alone.chain) == ((), 0, None)


def test_the_chain_is_that_of_all_messages():
    one, two = chat(1, [user("a")]), chat(2, [user("a"), assistant("b")])
    assert entry(one, None).chain == entry(chat(9, [user("a")], None), None).chain
    assert entry(one, None).chain != entry(two, None).chain
    assert entry(chat(1, b"{}"), None).chain is None


@pytest.mark.parametrize(
    ("changes", "failed"),
    [({"status": 404}, True), ({"ending": Ending.BROKEN_OFF}, True), ({"says": b'{"error": {"message": "no"}}'}, True)],
)
def test_what_went_wrong(changes, failed):
    assert entry(chat(1, **changes), None).failed == failed


CODED = Headers([(b"Content-Type", b"application/json"), (b"Content-Encoding", b"gzip")])
DEEP = b'{"messages": ' + b"[" * 100_000
LIES = {
    "coded": response(gzip.compress(answered("deep down")), headers=CODED),
    "not coded": response(answered("deep down"), headers=CODED),
    "cut": response(gzip.compress(answered("x" * 9999))[:60], headers=CODED),
    "no JSON": response(b"\xff\xfe\0"),
    "a bomb": response(gzip.compress(bytes(50_000_000)), headers=CODED),
    "events": response(b"data: {\n\ndata: \xff\n\n", headers=Headers([(b"Content-Type", b"text/event-stream")])),
    "too deep": response(DEEP),
    "no type": response(b"words", headers=Headers()),
    "a large number": response(answered("x", tokens=10**30)),
}


@pytest.mark.parametrize("name", LIES)
def test_answers_that_lie(name):
    made = entry(chat(1, "asked", response=LIES[name]), None)
    assert (made.said[0], made.readable) == ("asked", True)
    assert made.total is None or abs(made.total) <= LARGEST
    assert orjson.loads(made.told)["asked"] == "asked"
    assert ("deep down" in made.said) == (name in ("coded", "not coded"))


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b'{"messages": 7}', b'{"messages": [null, {"role": 7, "content": {}}]}', DEEP, b"\xff", b"{"],
)
def test_requests_that_lie(body):
    made = entry(chat(1, body, "an answer"), None)
    assert "an answer" in made.said
    assert made.told


def test_a_body_that_is_too_large_to_be_parsed():
    made = entry(chat(1, asked([user("x" * JSON_LIMIT)]), "an answer"), None)
    assert (made.said, made.whole) == (("an answer",), True)


def test_more_than_is_kept_is_marked(monkeypatch):
    assert entry(chat(1, "x" * 2_000_000), None).whole is False
    assert entry(chat(1, [user(str(each)) for each in range(1100)]), None).whole is False
    assert entry(chat(1, session="x" * 10_000), None).whole is False
    assert entry(chat(1, "x" * LONGEST_TEXT), None).whole is True
    long = [user(sign * LONGEST_TEXT) for sign in "abc"]
    made = entry(chat(1, long, "d"), None)
    assert made.whole is False
    assert list(map(len, made.said)) == [LONGEST_TEXT, MOST_TEXT - LONGEST_TEXT]


def test_what_is_told_is_small_whatever_names_there_are():
    tools = [(each, ("n" * 100_000, "{}")) for each in range(100)]
    assert len(entry(chat(1, "x" * 100_000, answered("y" * 100_000, tools)), None).told) < 20_000


def test_lone_surrogates_and_nul():
    made = entry(chat(1, "a\0b", "x \ud800"), None)
    assert orjson.loads(made.told)["asked"] == "a\0b"
    assert made.said[0] == "a\0b"


@given(st.recursive(st.none() | st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_any_json(value):
    body = json.dumps({"messages": value, "tools": value, "model": value}).encode()
    made = entry(chat(1, body, body), None)
    assert orjson.loads(made.told)["dialect"] == "openai-chat"
    assert all(isinstance(each, str) for each in (*made.said, *made.words.values()))
