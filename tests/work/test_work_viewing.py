"""The question `view`, asked of a store's file: each view, what differs from which other, and what is not there."""

import base64
from array import array

import orjson
import pytest
from stores import CHAT, STEP, body, recording

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Outcome, Pieces, Request, Response, ResponseHead, id_text
from proxy_daemon.core.secret_rules import Rule, Rules
from proxy_daemon.core.work_frames import packed
from proxy_daemon.work.serving import Work

JSON = Headers([(b"Content-Type", b"application/json")])
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def answered(number, text="hi", said="Hello", **changes):
    answer = {"choices": [{"message": {"role": "assistant", "content": said}, "finish_reason": "stop"}]}
    response = Response(ResponseHead(200, b"OK", JSON), Bytes(orjson.dumps(answer)), Pieces(array("Q"), array("Q")))
    return recording(number, text, **({"response": response} | changes))


@pytest.fixture
def work(store):
    work = Work(store.path)
    yield work
    work.close()


def asked(work, number, what, **more):
    answer = work.answer({"name": "view", "id": id_text(number * STEP), "what": what, **more}, b"")
    packed(answer)
    return answer.get("status"), answer.get("value", answer)


@pytest.mark.parametrize(
    ("what", "more", "member"),
    [
        ("chat", {}, "messages"),
        ("request", {"form": "raw"}, "text"),
        ("response", {"form": "hex", "offset": 0, "limit": 100}, "text"),
        ("stream", {"offset": 0, "limit": 10}, "events"),
        ("copy", {"as": "python"}, "text"),
        ("diff", {"with": "nearest", "all": False}, "lines"),
    ],
)
def test_each_view(store, work, what, more, member):
    store.put(answered(1))
    status, value = asked(work, 1, what, **more)
    assert status == 200
    assert member in value


def test_what_is_said_is_in_the_chat(store, work):
    store.put(answered(1, "the question", "the answer"))
    value = asked(work, 1, "chat")[1]
    assert value["messages"][0]["parts"][0]["text"] == "the question"
    assert value["answer"]["choices"][0]["parts"][0]["text"] == "the answer"


def test_own_rules_hold_in_all_that_is_shown_of_older_recordings_too(store, work):
    old, new = "acme-123456", "acme-654321"
    store.put(answered(1, f"I am {old}", f"Hello {old}"), answered(2, f"I am {new}", f"Hello {new}"))
    assert old in str(asked(work, 1, "chat")[1])
    work.learn(Rules((Rule("tenant", "acme-[0-9]{6}"),)))
    shown = [asked(work, 1, what, form=form) for what in ("chat", "request", "response") for form in ("raw", "hex")]
    shown += [asked(work, 2, "diff", **{"with": id_text(STEP)}), asked(work, 1, "copy", **{"as": "curl"})]
    shown += [
        work.answer({"name": "told", "ids": [id_text(STEP)]}, b""),
        work.answer({"name": "list", "q": "~all"}, b""),
    ]
    assert all(old not in str(each) and new not in str(each) for each in shown)
    assert [each[0] for each in shown[:8]] == [200] * 8


def test_own_rules_hold_in_why_a_request_is_a_miss(store, work):
    store.put(recording(1, "I am acme-123456"))
    head = {"name": "near", "method": "POST", "target": CHAT.decode(), "headers": [], "upstream": "", "shown": 5}
    assert "acme-123456" in str(work.answer(head, body("I am TENANT"))["differences"])
    work.learn(Rules((Rule("tenant", "acme-[0-9]{6}"),)))
    assert "acme-123456" not in str(work.answer(head, body("I am nobody"))["differences"])


def test_what_was_told_before_there_was_a_rule_is_told_without_secrets_too(store, work):
    store.put(answered(1, "I am acme-123456"))
    assert "acme-123456" in str(work.answer({"name": "list", "q": "~all"}, b""))
    work.learn(Rules((Rule("tenant", "acme-[0-9]{6}"),)))
    found = work.answer({"name": "list", "q": "~all"}, b"")["value"]["exchanges"][0]["told"]["asked"]
    assert "acme" not in found
    assert found.startswith("I am ")


def test_what_was_not_kept_for_replay_is_shown_too(store, work):
    store.put(answered(1, replayable=False, outcome=Outcome.FAILED))
    assert asked(work, 1, "chat")[0] == 200


def test_large_bodies_come_out_of_their_parts(store, work):
    text = "word " * 40_000
    store.put(answered(1, text))
    rows = [store.connection.execute("SELECT request_body FROM exchange").fetchone()[0]]
    if rows == [None]:  # bodies over `INLINE` stand in parts
        octets = body(text)
        for start in range(0, len(octets), 65536):
            part = octets[start : start + 65536]
            store.connection.execute("INSERT INTO body_part VALUES (?, 0, ?, ?)", (STEP, start, part))
    value = asked(work, 1, "chat")[1]
    assert value["messages"][0]["parts"][0]["text"] == text


def test_media_are_octets_in_base64(store, work):
    url = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    content = [{"type": "image_url", "image_url": {"url": url}}]
    store.put(answered(1, content))
    assert asked(work, 1, "chat")[1]["messages"][0]["parts"][0]["href"] == "media/0"
    status, value = asked(work, 1, "media", n=0)
    assert (status, value["type"], base64.b64decode(value["data"])) == (200, "image/png", PNG)
    assert asked(work, 1, "media", n=1) == (404, {"error": "the exchange has no media of that kind"})


def test_an_image_of_four_megabytes_fits_into_a_frame(store, work):
    image = PNG + bytes(3_100_000)
    octets = body([{"type": "image_url", "image_url": {"url": f"data:x;base64,{base64.b64encode(image).decode()}"}}])
    store.put(answered(1, data=octets))
    for start in range(0, len(octets), 65536):
        values = (STEP, start, octets[start : start + 65536])
        store.connection.execute("INSERT INTO body_part VALUES (?, 0, ?, ?)", values)
    assert base64.b64decode(asked(work, 1, "media", n=0)[1]["data"]) == image


def test_the_nearest_is_an_earlier_one_and_never_itself(store, work):
    store.put(
        answered(1, "one two three four five six"),
        answered(2, "one two three four five seven"),
        answered(3, "one two three four five seven"),
    )
    found = asked(work, 2, "diff", **{"with": "nearest"})[1]
    assert found["with"] == id_text(STEP)
    assert 0.5 < found["score"] < 1
    assert found["lines"][0]["words"] == [["=", "one two three four five "], ["-", "six"], ["+", "seven"]]
    assert asked(work, 3, "diff")[1]["with"] == id_text(2 * STEP)


def test_of_the_first_one_the_nearest_is_a_later_one(store, work):
    store.put(answered(1, "one two three"), answered(2, "one two four"))
    assert asked(work, 1, "diff")[1]["with"] == id_text(2 * STEP)


def test_where_there_is_no_other(store, work):
    store.put(answered(1))
    value = asked(work, 1, "diff")[1]
    assert (value["with"], value["score"], value["lines"]) == (None, None, [])
    assert value["problem"] == "no other recording is like it"


def test_another_one_by_its_id(store, work):
    store.put(answered(1, "a"), answered(2, "b"))
    value = asked(work, 2, "diff", **{"with": id_text(STEP), "all": True})[1]
    assert value["with"] == id_text(STEP)
    assert [line["section"] for line in value["lines"]] == ["prompt"]
    assert asked(work, 2, "diff", **{"with": id_text(77)})[1]["problem"] == "there is no such exchange"


def test_the_turn_before(store, work):
    first = [{"role": "user", "content": "first"}]
    second = [*first, {"role": "assistant", "content": "Hello"}, {"role": "user", "content": "second"}]
    head = Headers([(b"Content-Type", b"application/json")])
    one, other = (
        Request(b"POST", CHAT, head, Bytes(orjson.dumps({"model": "m-1", "messages": each})))
        for each in (first, second)
    )
    store.put(answered(1, request=one), answered(2, request=other))
    assert asked(work, 2, "diff", **{"with": "previous"})[1]["with"] == id_text(STEP)
    value = asked(work, 1, "diff", **{"with": "previous"})[1]
    assert (value["with"], value["problem"] != "") == (None, True)


@pytest.mark.parametrize(
    ("what", "more"),
    [
        ("", {}),
        ("nothing", {}),
        ("request", {"form": "x"}),
        ("request", {"offset": -1}),
        ("stream", {"limit": "x"}),
        ("copy", {"as": "ruby"}),
        ("media", {"n": "x"}),
        ("diff", {"with": "nobody"}),
    ],
)
def test_questions_that_are_none(store, work, what, more):
    store.put(answered(1))
    status, value = asked(work, 1, what, **more)
    assert status == 400
    assert value["error"]


def test_exchanges_that_are_not_there(store, work):
    assert asked(work, 1, "chat") == (404, {"error": "there is no such exchange"})
    assert work.answer({"name": "view", "id": "x", "what": "chat"}, b"")["status"] == 400
    assert work.answer({"name": "view"}, b"")["status"] == 400
    store.put(answered(1, response=None))
    assert asked(work, 1, "response") == (404, {"error": "the exchange has no response of that kind"})
    assert asked(work, 1, "delivered")[0] == 404
    assert asked(work, 1, "chat")[1]["answer"] is None


def test_one_that_is_deleted_while_it_is_shown(store, work):
    store.put(answered(1))
    assert asked(work, 1, "chat")[0] == 200
    store.drop(STEP)
    assert asked(work, 1, "chat")[0] == 404


def test_one_that_is_changed_is_read_anew(store, work):
    store.put(answered(1, said="old"))
    assert "old" in str(asked(work, 1, "chat"))
    store.drop(STEP)
    store.put(answered(1, said="new"))
    assert "new" in str(asked(work, 1, "chat"))


def test_it_is_read_once_for_several_views(store, work, monkeypatch):
    store.put(answered(1))
    asked(work, 1, "chat")
    monkeypatch.setattr(work._viewing, "_got", lambda _: pytest.fail("it was read again"))
    assert asked(work, 1, "stream")[0] == 200


def test_a_damaged_row_is_trouble_and_the_next_question_is_answered(store, work):
    store.put(answered(1), answered(2))
    store.connection.execute("UPDATE exchange SET facts = x'00' WHERE id = ?", (STEP,))
    assert "cannot be read" in asked(work, 1, "chat")[1]["trouble"]
    assert asked(work, 2, "chat")[0] == 200


def test_a_hit_is_seen_with_what_answered_it(store, work):
    hit = recording(2, data=b"", response=None, outcome=Outcome.HIT, served_from=STEP, replayable=False)
    store.put(answered(1, "the question", "the answer"), hit)
    value = asked(work, 2, "chat")[1]
    assert value["messages"][0]["parts"][0]["text"] == "the question"
    assert value["answer"]["choices"][0]["parts"][0]["text"] == "the answer"
    assert "the question" in asked(work, 2, "request", form="raw", offset=0, limit=1000)[1]["text"]
    withheld = Request(b"POST", CHAT, Headers(), Bytes(b""))
    store.put(recording(3, request=withheld, response=None, served_from=STEP))
    assert asked(work, 3, "chat")[1]["messages"] == []
