"""Replay: which recording answers, from what age on none does, retries, patterns, written answers and renamed ids."""

from types import SimpleNamespace

import orjson
import pytest
from attrs import evolve

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import BUILT_IN as DIALECTS
from proxy_daemon.core.dialects import GENERIC, recognise
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.matching import answers
from proxy_daemon.core.matching.either_form import EitherForm
from proxy_daemon.core.matching.sequence import OUTDATED, Repeat, parse_repeat
from proxy_daemon.core.messages import Ending, Exchange, Outcome, Recording, Request, Response, ResponseHead
from proxy_daemon.core.modes import MODES
from proxy_daemon.core.pattern import Pattern
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.shelves import OnlyStore, Shelf
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.plugins.replay import Replay
from proxy_daemon.settings import Settings
from proxy_daemon.testing import START, Kit, MemoryStore, script

CHAT = "/v1/chat/completions"
BODY = {"model": "demo-fast", "messages": [{"role": "user", "content": "hi"}]}
DEMO = parse_upstream("demo:")
ASKED = Request(b"POST", b"/")


def recording(number=7, age=0.0, whole=True, **changes):
    answer = Response(ResponseHead(200), Bytes(b"{}")) if whole else None
    fields = {"fingerprint": b"print", "replayable": True, "status": 200} | changes
    made = Recording(number, ASKED, answer, DEMO, Ending.COMPLETE, Outcome.MISS, 1000.0 - age)
    return evolve(made, **fields)


def plugin(*found, either_form=EitherForm(), **settings):  # noqa: B008  (a value)
    """The plugin over a store with these recordings, at second 1000."""
    store = MemoryStore()
    store.recordings = {each.id: each for each in found}
    made, facts = Replay(), {}
    clock = SimpleNamespace(wall=lambda: 1000.0)
    parts = {"store": store, "clock": clock, "redactor": Redactor(), "facts": facts, "either_form": either_form}
    known = Settings(**settings)
    shelves = OnlyStore(Shelf(store, MODES[known.mode]))
    made.llmproxy_configure(known, SimpleNamespace(**parts, shelves=shelves))
    made.store = store
    made.facts = facts
    return made


def asking(request=ASKED, fingerprint=b"print", dialect=GENERIC, **more):
    return Exchange(900, request, DEMO, dialect, 1000.0, fingerprint=fingerprint, **more)


def ids(made, times, **more):
    found = [made.llmproxy_lookup(asking(**more)) for _ in range(times)]
    return [each and each.id for each in found]


def test_the_recording_with_the_fingerprint_answers():
    found = recording()
    assert plugin(found).llmproxy_lookup(asking()) is found
    assert plugin(found).llmproxy_lookup(asking(fingerprint=b"other")) is None


def test_nothing_to_serve():
    assert ids(plugin(recording(whole=False)), 1) == [None]
    assert ids(plugin(), 1) == [None]


@pytest.mark.parametrize(
    ("age", "limit", "mode", "served"),
    [
        (60, 60, "new_episodes", True),
        (60.001, 60, "new_episodes", False),
        (-5, 60, "new_episodes", True),
        (1e9, Settings().replay_max_age, "new_episodes", True),
        (60.001, 60, "none", True),
        (1e9, 1, "none", True),
    ],
    ids=["just young enough", "too old", "clock set back", "no limit", "none has no limit", "none never has"],
)
def test_the_age_limit(age, limit, mode, served):
    exchange = asking()
    found = plugin(recording(age=age), replay_max_age=limit, mode=mode).llmproxy_lookup(exchange)
    assert (found is not None, OUTDATED in exchange.notes) == (served, not served)


def test_what_is_too_old_does_not_count():
    made = plugin(recording(1, age=100), recording(2, age=10), recording(3, age=5), replay_max_age=60)
    assert ids(made, 3) == [2, 3, 3]


def test_one_that_is_gone_or_damaged_gives_its_turn_to_the_next():
    made = plugin(recording(1, whole=False), recording(2), recording(3))
    assert ids(made, 3) == [2, 3, 3]
    broken = [recording(number, whole=False) for number in range(answers.TRIES + 1)]
    assert ids(plugin(*broken, recording(99)), 1) == [None], "not without end"


RETRY = Request(b"POST", b"/", Headers([(b"X-Stainless-Retry-Count", b"1")]))


@pytest.mark.parametrize(
    ("count", "again"), [(b"1", True), (b"12", True), (b"0", False), (b"00", False), (b"", False), (b"x", False)]
)
def test_an_sdks_own_retry_gets_the_same_answer(count, again):
    made = plugin(recording(1), recording(2))
    request = Request(b"POST", b"/", Headers([(b"X-Stainless-Retry-Count", count)]))
    assert ids(made, 1) + ids(made, 1, request=request) == [1, 1 if again else 2]


def test_a_retry_after_an_error_gets_the_next_answer():
    made = plugin(recording(1, status=500), recording(2))
    assert ids(made, 1) + ids(made, 2, request=RETRY) == [1, 2, 2]


def test_a_retry_of_what_was_recorded_once_in_exhaust():
    made = plugin(recording(1), repeat=Repeat("exhaust"), mode="none")
    assert ids(made, 1) + ids(made, 1, request=RETRY) + ids(made, 1) == [1, 1, None]


def test_sessions_and_numbers_for_people():
    made = plugin(recording(1), recording(2))
    assert [ids(made, 1, session=name) for name in ("a", "b", "a", "")] == [[1], [1], [2], [1]]
    assert made.facts["repeats"]() == {"sessions": 3, "requests": 3, "forgotten_sessions": 0, "forgotten_requests": 0}


def test_a_reload_brings_another_policy():
    made = plugin(recording(1), recording(2))
    assert ids(made, 1) == [1]
    made.llmproxy_reload(Settings(repeat=parse_repeat("last")))
    assert ids(made, 2) == [2, 2]


# --- patterns --------------------------------------------------------------------------------------------------------


def patterned(number, pattern, **more):
    return recording(number, fingerprint=b"", pattern=pattern, **more)


def test_patterns_are_asked_in_order_behind_what_is_equal():
    made = plugin(
        patterned(1, Pattern(path="/other")), patterned(2, Pattern(path="/")), patterned(3, Pattern()), recording(4)
    )
    assert ids(made, 1) == [4]
    assert ids(made, 1, fingerprint=b"x") == [2]
    assert ids(made, 1, fingerprint=b"x", request=Request(b"GET", b"/third")) == [3]


def test_recordings_of_one_pattern_follow_each_other():
    """As the log of an ASGI server that names no requests: any request gets the answers in order."""
    made = plugin(*[patterned(number, Pattern()) for number in (1, 2, 3)])
    found = [ids(made, 1, fingerprint=b"%d" % n, request=Request(b"GET", b"/%d" % n))[0] for n in range(4)]
    assert found == [1, 2, 3, 3]


def test_patterns_of_the_same_session_first():
    made = plugin(patterned(1, Pattern(), session="a"), patterned(2, Pattern(path="/"), session="b"))
    assert [ids(made, 1, fingerprint=b"x", session=name) for name in "abc"] == [[1], [2], [1]]


def test_what_nobodys_credential_recorded_is_for_those_without_one():
    made, exchange = plugin(patterned(1, Pattern())), asking(fingerprint=b"x")
    exchange.notes[answers.SCOPE] = b"somebody"
    assert made.llmproxy_lookup(exchange) is None
    exchange.notes[answers.SCOPE] = b""
    assert made.llmproxy_lookup(exchange).id == 1


def test_new_patterns_are_seen():
    made = plugin()
    assert ids(made, 1, fingerprint=b"x") == [None]
    made.store.recordings[5] = patterned(5, Pattern())
    assert ids(made, 1, fingerprint=b"x") == [5]


# --- what is made of a recording -------------------------------------------------------------------------------------


def chat(call, **more):
    told = {"role": "tool", "tool_call_id": call, "content": "4"}
    asked = {"role": "assistant", "tool_calls": [{"id": call, "type": "function", "function": {"name": "f"}}]}
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}, asked, told]} | more
    return Request(b"POST", CHAT.encode(), Headers([(b"Content-Type", b"application/json")]), Bytes(orjson.dumps(body)))


class OnDisk(Bytes):
    """A body that the store leaves on the disk."""

    def whole(self):
        return None


@pytest.mark.parametrize("kind", [Bytes, OnDisk])
def test_ids_of_this_conversation_are_in_the_answer(kind):
    recorded, live = chat("call_old"), chat("call_new")
    body = b'{"choices": [{"message": {"content": "x", "tool_call_id": "call_old"}}]}'
    answer = Response(ResponseHead(200, b"OK", Headers([(b"Content-Type", b"application/json")])), kind(body))
    found = recording(1, request=evolve(recorded, body=kind(recorded.body.data)), response=answer)
    made, dialect = plugin(found), recognise(live, DIALECTS)
    served = made.llmproxy_lookup(asking(live, dialect=dialect))
    assert served.response.body.whole() == body.replace(b"call_old", b"call_new")
    assert made.llmproxy_lookup(asking(recorded, dialect=dialect)) is found, "nothing to rename"


def test_a_written_answer_comes_as_it_is_asked_for():
    body = orjson.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}}]})
    head = ResponseHead(200, b"OK", Headers([(b"Content-Type", b"application/json")]))
    found = patterned(1, Pattern(path=CHAT), written=True, response=Response(head, Bytes(body)))
    whole, stream = chat("c"), chat("c", stream=True)
    made, dialect = plugin(found), recognise(whole, DIALECTS)
    assert made.llmproxy_lookup(asking(whole, b"x", dialect)).response.body.whole() == body
    streamed = made.llmproxy_lookup(asking(stream, b"y", dialect))
    assert b"text/event-stream" in streamed.response.head.headers.get(b"content-type")
    assert b"hello" in streamed.response.body.whole()


# --- through the pipeline --------------------------------------------------------------------------------------------


def numbered():
    """An upstream whose answers are counted."""
    numbers = iter(range(1, 100))
    return lambda request: script(orjson.dumps({"n": next(numbers)}).decode())


def send(kit, times=1, **headers):
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return [kit.send(CHAT, BODY, headers=fields).json["n"] for _ in range(times)]


def test_what_was_recorded_is_served_octet_by_octet():
    kit = Kit()
    first, second = kit.send(CHAT, BODY), kit.send(CHAT, BODY)
    assert (first.exchange.outcome, second.exchange.outcome) == (Outcome.MISS, Outcome.HIT)
    assert second.body == first.body
    assert second.exchange.served_from == first.exchange.id
    assert len(kit.sent) == 1


def test_what_is_too_old_is_forwarded_and_replaced():
    kit = Kit(answer=numbered(), replay_max_age=3600)
    assert send(kit) == [1]
    kit.clock.advance(3600 + 1)
    assert send(kit, 3) == [2, 2, 2]
    assert [each.id for each in kit.store.recordings.values() if each.id in kit.store._replaced] != []


def test_a_forced_answer_takes_the_place_of_the_old_one():
    kit = Kit(answer=numbered())
    assert send(kit, 2) == [1, 1]
    assert send(kit, Cache_Control="no-cache") == [2]
    assert send(kit, 2) == [2, 2]


def test_a_run_in_mode_all_replaces_the_run_before_it_and_not_itself():
    """A job is polled three times, in each of two runs: the second run's three answers are served."""
    before, again = Kit(answer=numbered(), mode="all"), Kit(answer=numbered(), mode="all")
    for session in ("a", "b"):
        assert send(before, 3, X_LLMProxy_Session=session) == ([1, 2, 3] if session == "a" else [4, 5, 6])
    again.clock.advance(before.clock.seconds() + 1)
    again.pipeline.keeper.run = max(before.store.recordings) + 1
    again.store.recordings.update(before.store.recordings)
    assert send(again, 2, X_LLMProxy_Session="a") == [1, 2]
    served = [each.id for each in again.store.candidates(next(iter(before.store.recordings.values())).fingerprint)]
    sessions = [again.store.get(each).session for each in served]
    assert sessions == ["b", "b", "b", "a", "a"], "another session keeps what it had"
    assert [again.store.get(each).response.body.whole() for each in served[3:]] == [b'{"n":1}', b'{"n":2}']


def test_exhaust_records_a_sequence_and_plays_it():
    """Each session goes to the end of what is recorded, then on to the upstream; what comes live is behind it."""
    kit = Kit(answer=numbered(), repeat=Repeat("exhaust"))
    assert send(kit, 3, X_LLMProxy_Session="a") == [1, 2, 3]
    kit.send(CHAT, BODY | {"seed": 1}, headers={"X-LLMProxy-Session": "a"})
    assert send(kit, 3, X_LLMProxy_Session="b") == [1, 2, 3], "recorded in another session"
    assert send(kit, 1, X_LLMProxy_Session="b") == [5]
    assert send(kit, 1, X_LLMProxy_Session="b") == [6], "its own are served already"


def test_exhaust_in_mode_none_ends_with_a_miss():
    kit = Kit(answer=numbered(), repeat=Repeat("exhaust"), mode="none")
    recorder = Kit(answer=numbered(), mode="new_episodes")
    recorder.send(CHAT, BODY)
    kit.store.recordings.update(recorder.store.recordings)
    assert [kit.send(CHAT, BODY).status for _ in range(2)] == [200, 424]


def test_a_recording_knows_its_session():
    kit = Kit()
    kit.send(CHAT, BODY, headers={"X-LLMProxy-Session": "tests/a.py::test_b"})
    assert [each.session for each in kit.store.recordings.values()] == ["tests/a.py::test_b"]


def test_age_is_told_to_the_client():
    kit = Kit()
    kit.send(CHAT, BODY)
    kit.clock.advance(90)
    assert 90 <= int(kit.send(CHAT, BODY).headers.get(b"age")) <= 92
    assert kit.store.recordings[min(kit.store.recordings)].started >= START


@pytest.mark.parametrize(("mode", "sent"), [("new_episodes", 1), ("off", 2), ("all", 2)])
def test_only_modes_that_look_up_are_answered(mode, sent):
    kit = Kit(mode=mode)
    kit.send(CHAT, BODY)
    kit.send(CHAT, BODY)
    assert len(kit.sent) == sent


def test_with_the_plugin_blocked_nothing_is_served():
    kit = Kit(block_plugin=("replay",))
    kit.send(CHAT, BODY)
    assert kit.send(CHAT, BODY).exchange.outcome is Outcome.MISS
