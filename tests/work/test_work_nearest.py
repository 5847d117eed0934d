"""The answer to a question: which recording, how alike, what differs; and which recordings are not meant."""

from contextlib import closing

import pytest
from stores import CHAT, OTHER, STEP, UPSTREAM, body, recording

from proxy_daemon.store.made_anew import TEMPORARY
from proxy_daemon.work import nearest as module
from proxy_daemon.work.catching_up import CatchingUp
from proxy_daemon.work.index import opened
from proxy_daemon.work.nearest import COMPARED, LEAST_COMPARED, MOST_SHOWN, nearest
from proxy_daemon.work.recorded import Recorded

TEXT = "the quick brown fox jumps over the lazy dog and sleeps in the warm sun until the evening comes"


@pytest.fixture
def ask(store, ticks):
    """`ask(octets, **head)` is the answer."""
    with closing(Recorded(store.path)) as reader, closing(opened(TEMPORARY, reader.key, 1)) as index:
        catching_up = CatchingUp(reader, index, ticks)

        def run(octets, **head):
            fields = {
                "method": "POST",
                "target": CHAT.decode(),
                "headers": [("Content-Type", "application/json")],
                "upstream": UPSTREAM.url,
                "shown": 5,
                "judged": True,
            }
            return nearest(catching_up, fields | head, octets)

        run.catching_up = catching_up
        yield run


def test_the_most_alike_is_found_and_what_differs_is_said(store, ask):
    store.put(recording(1, "something else"), recording(2, TEXT), recording(3, "and again, other words"))
    answer = ask(body(TEXT.replace("lazy", "sleepy"), seed=7))
    assert answer["id"] == 2 * STEP
    assert 0 < answer["score"] < 1
    assert any("seed: recorded <absent> / incoming 7" in line for line in answer["differences"])
    assert {"model", "messages"} <= {name for name, _ in answer["parts"]}
    assert answer["index"]["recordings"] == 3
    assert answer["making"] is False


def test_an_equal_one_is_wholly_alike_and_may_be_served(store, ask):
    store.put(recording(1, TEXT))
    answer = ask(body(TEXT))
    assert (answer["score"], answer["differences"], answer["servable"]) == (1.0, [], "")


def test_it_is_judged_only_where_that_is_asked(store, ask):
    store.put(recording(1, TEXT))
    assert ask(body(TEXT), judged=False)["servable"] == "not asked"


def test_which_recording_it_was_can_be_told_by_the_daemon(store, ask):
    store.put(recording(7, TEXT))
    assert ask(body(TEXT))["fingerprint"] == (7).to_bytes(32, "big").hex()


def test_a_body_that_is_too_large_to_be_sent_is_not_an_empty_one(store, ask):
    store.put(recording(1, data=b""))
    assert ask(b"")["servable"] == ""
    answer = ask(b"", size=9_000_000)
    assert answer["servable"] == "body: too large to be compared"
    assert answer["score"] < 1
    assert answer["differences"] == ["body: 0 octets recorded / 9000000 incoming, too large to compare"]


def test_digits_are_no_small_edit(store, ask):
    store.put(recording(1, "what is 12 times 12"))
    assert ask(body("what is 12 times 13"))["servable"] != ""


def test_nothing_recorded_gives_no_id(ask):
    answer = ask(body(TEXT))
    assert "id" not in answer
    assert answer["index"]["recordings"] == 0


def test_of_equal_ones_this_upstreams_is_taken_then_the_newest(store, ask):
    store.put(recording(1, TEXT), recording(2, TEXT), recording(3, TEXT, upstream=OTHER))
    assert ask(body(TEXT))["id"] == 2 * STEP
    assert ask(body(TEXT), upstream=OTHER.url)["id"] == 3 * STEP


def test_recordings_from_below_on_are_not_meant(store, ask):
    store.put(recording(1, TEXT), recording(2, TEXT), recording(3, TEXT))
    assert ask(body(TEXT), below=2 * STEP)["id"] == STEP
    assert "id" not in ask(body(TEXT), below=STEP)
    assert ask(body(TEXT), below=0)["id"] == 3 * STEP


def test_another_path_is_not_near_but_another_model_in_the_path_is(store, ask):
    gemini = "/v1beta/models/{}:generateContent"
    data = b'{"contents": [{"parts": [{"text": "%s"}]}]}' % TEXT.encode()
    store.put(recording(1, target=b"/v1/responses", data=body(TEXT)))
    store.put(recording(2, target=gemini.format("gemini-a").encode(), data=data))
    assert "id" not in ask(body(TEXT))
    assert ask(data, target=gemini.format("gemini-b"))["id"] == 2 * STEP
    assert "id" not in ask(data, target=gemini.format("gemini-b").replace("generate", "embed"))


def test_of_an_unknown_api_the_path_must_be_equal(store, ask):
    store.put(recording(1, target=b"/own/api", data=b'{"q": "x"}'))
    assert ask(b'{"q": "y"}', target="/own/api")["id"] == STEP
    assert "id" not in ask(b'{"q": "y"}', target="/own/other")


def test_what_is_gone_from_the_store_is_dropped_and_the_next_is_taken(store, ask):
    store.put(recording(1, TEXT), recording(2, TEXT))
    ask(body(TEXT))
    store.drop(2 * STEP)
    assert ask(body(TEXT))["id"] == STEP
    assert ask.catching_up.index.ids() == {STEP}


def test_where_all_that_are_much_alike_are_gone_others_are_looked_for(store, ask):
    store.put(recording(1, "quite another"), recording(2, TEXT), recording(3, TEXT))
    assert ask(body(TEXT))["id"] == 3 * STEP
    store.drop(2 * STEP, 3 * STEP)
    assert ask(body(TEXT))["id"] == STEP


def test_a_recording_of_the_request_itself_hides_no_others(store, ask):
    store.put(recording(1, "quite another"), recording(2, TEXT))
    assert ask(body(TEXT), below=2 * STEP)["id"] == STEP


def test_what_was_recorded_a_moment_ago_is_found(store, ask):
    assert "id" not in ask(body(TEXT))
    store.put(recording(1, TEXT))
    assert ask(body(TEXT))["id"] == STEP


def test_late_ones_are_named_by_the_daemon(store, ask):
    store.put(recording(90_000, "other"))
    ask(body("x"))
    store.put(recording(1, TEXT))
    assert ask(body(TEXT), late=[STEP, "x", None, True])["id"] == STEP


def test_while_the_index_is_made_it_says_so(store, ask, ticks):
    store.put(*(recording(number, f"{TEXT} {number}") for number in range(1, 101)))
    ticks.step = 1.0
    answer = ask(body(TEXT))
    assert answer["making"] is True
    assert 0 < answer["index"]["left"] < 100
    assert answer["index"]["left"] + answer["index"]["recordings"] == 100


@pytest.mark.parametrize("shown", [0, 2, 10**9])
def test_so_many_lines_are_shown_and_no_more(store, ask, shown):
    store.put(recording(1, TEXT, data=body(TEXT, **{f"k{i}": 1 for i in range(50)})))
    lines = ask(body(TEXT, **{f"k{i}": 2 for i in range(50)}), shown=shown)["differences"]
    assert sum(" / incoming " in line for line in lines) == min(shown, MOST_SHOWN)


def test_no_more_are_compared_than_is_worth_it(store, ask, monkeypatch):
    compared = []
    real = module.likeness_of
    monkeypatch.setattr(module, "likeness_of", lambda *args: compared.append(1) or real(*args))
    store.put(*(recording(number, f"{TEXT} {number * 7}") for number in range(1, 60)))
    while ask.catching_up.take(1.0):
        pass
    ask(body(TEXT))
    assert len(compared) == LEAST_COMPARED  # one is so alike that no better is looked for
    compared.clear()
    ask(body("the fox and the dog", temperature=1, seed=1, top_p=1, n=3))
    assert len(compared) == COMPARED


def test_large_requests_are_compared_as_far_as_time_allows(store, ask, ticks):
    store.put(*(recording(number, f"{TEXT} {number * 7}") for number in range(1, 30)))
    while ask.catching_up.take(1.0):
        pass
    ticks.step = 1.0
    assert "id" in ask(body("the fox"))


@pytest.mark.parametrize("octets", [b"", b"{", b"[" * 5000, b"\xff\xfe", b"null", b"[]", b'"x"', b'{"messages": 7}'])
def test_any_body_has_an_answer(store, ask, octets):
    store.put(recording(1, data=octets), recording(2, TEXT))
    assert "index" in ask(octets)


@pytest.mark.parametrize(
    "head",
    [
        {"method": 7},
        {"headers": [["a"]]},
        {"headers": None},
        {"target": "/\N{SNOWMAN}"},
        {"shown": "many"},
        {"late": 7},
        {"below": "x"},
    ],
)
def test_a_head_that_is_none_raises_what_it_says(ask, head):
    with pytest.raises((ValueError, TypeError, AttributeError, KeyError)):
        ask(body(TEXT), **head)
