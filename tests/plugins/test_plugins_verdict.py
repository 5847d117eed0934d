"""The verdict plugin in the kit: what a run counts as, which recordings nobody used, and what a reset forgets."""

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred

from proxy_daemon.core import tally
from proxy_daemon.core.care.unused import moment
from proxy_daemon.core.dialects import GENERIC
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Exchange, Outcome, Request, ResponseHead, id_text
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.hookspecs import Event, hookimpl
from proxy_daemon.plugins import verdict as module
from proxy_daemon.plugins.verdict import Verdict
from proxy_daemon.testing import Kit, MemoryStore, Script, script

CHAT = "/v1/chat/completions"


def body(text):
    return {"model": "demo-fast", "messages": [{"role": "user", "content": text}]}


class Run:
    """A kit with a verdict of its own."""

    def __init__(self, *plugins, **settings):
        self.plugin = Verdict()
        self.kit = Kit(self.plugin, *plugins, block_plugin=("verdict",), **settings)
        self.store = self.kit.store

    def send(self, text, session="", **more):
        fields = {"X-LLMProxy-Session": session} if session else {}
        return self.kit.send(CHAT, body(text), headers=fields | more)

    def asked(self, answer):
        status, value = self.kit._now(answer)
        assert status == 200
        return {each.pop("session"): each for each in value["sessions"]}, value["beyond"]

    def shown(self, **parameters):
        return self.asked(self.plugin.shown(parameters))[0]

    def reset(self, **parameters):
        return self.asked(self.plugin.reset(parameters))[0]


def counts(said):
    return {name: said[name] for name in tally.Tally(0).counts if said[name] and name != "exchanges"}


def recorded(*texts, session=""):
    """A run in mode none on a store in which these are recorded since long ago."""
    first = Run()
    for text in texts:
        first.send(text, session)
    run = Run(mode="none")
    for number, recording in enumerate(first.store.recordings.values(), start=1):
        run.store.note(evolve(recording, id=number))  # long before this run
    return run


def test_a_run_of_everything():
    run = recorded("a", "b")
    assert [run.send(text).status for text in ("a", "a", "c")] == [200, 200, 424]
    said = run.shown()[""]
    assert counts(said) == {"hits": 2, "misses": 1, "refused": 1}
    assert said["exchanges"] == 3
    (report,) = said["reports"]
    assert (report["what"], report["method"], report["path"], report["model"]) == ("miss", "POST", CHAT, "demo-fast")
    assert 'recorded "a" / incoming "c"' in report["text"] or 'recorded "b" / incoming "c"' in report["text"]
    first = {"id": id_text(2), "method": "POST", "path": CHAT, "model": "demo-fast"}
    first["recorded"] = moment(run.store.recordings[2].started)
    assert said["unused"] == {"count": 1, "at_most": False, "first": [first]}


def test_a_recording_run():
    run = Run()
    run.send("a")
    run.send("a")
    run.kit.send("/v1/models")
    said = run.shown()[""]
    assert counts(said) == {"hits": 1, "misses": 1, "live": 2}
    assert said["unused"]["count"] == 0  # what this run recorded is new


def test_a_failure_is_kept_with_its_reason():
    class Breaks:
        @hookimpl
        def llmproxy_route(self, exchange):
            raise RuntimeError("no way out")

    run = Run(Breaks())
    assert run.send("a").status == 502
    said = run.shown()[""]
    assert counts(said) == {"misses": 1, "failed": 1}
    assert said["reports"][0]["what"] == "failed"
    assert "no way out" in said["reports"][0]["text"]


def test_an_answer_that_a_rule_refuses_is_a_miss_that_was_forwarded():
    run = Run(answer=lambda request: script("no", status=500), on_error_response="refuse")
    run.kit.clock.advance(1)
    exchange, _, running = run.kit.begin(CHAT, body("a"))
    run.kit.clock.advance(1)
    assert (exchange.status, running.called) == (424, True)
    assert counts(run.shown()[""]) == {"misses": 1, "refused": 1}
    assert run.shown()[""]["reports"][0]["what"] == "refused"


def test_a_client_that_leaves_before_it_is_refused_has_missed_all_the_same():
    class Thinks:
        @hookimpl
        def llmproxy_fuzzy_match(self, exchange):
            return Deferred()

    run = Run(Thinks(), mode="none")
    exchange, _, running = run.kit.begin(CHAT, body("a"))
    assert not running.called
    running.cancel()
    assert (exchange.outcome, exchange.ending) == (Outcome.REFUSED, Ending.CLIENT_GONE)
    assert counts(run.shown()[""]) == {"misses": 1, "refused": 1}


@pytest.mark.parametrize("mode", ["new_episodes", "all"])
def test_a_client_that_leaves_a_forwarded_request_takes_nothing_back(mode):
    run = Run(answer=lambda request: Script(ResponseHead(200, b"OK", Headers()), ((1000.0, b"x"),)), mode=mode)
    _, _, running = run.kit.begin(CHAT, body("a"))
    running.cancel()
    assert counts(run.shown()[""]) == {"live": 1} | ({"misses": 1} if mode == "new_episodes" else {})


def test_a_nearly_equal_recording_is_counted_apart():
    run = Run()
    tell = run.plugin.llmproxy_log
    made = Exchange(5, Request(b"POST", b"/"), parse_upstream("demo:"), GENERIC, 0.0)
    made.outcome, made.served_from, made.likeness = Outcome.HIT, 3, 0.97
    tell(made, Event("ended"))
    assert counts(run.shown()[""]) == {"near": 1}


def test_a_secret_in_an_address_is_not_shown():
    run = Run(mode="none")
    run.kit.send(f"{CHAT}?api_key=hush-hush", body("a"))
    assert "hush-hush" not in str(run.shown())


def test_nothing_of_a_no_store_request_is_shown():
    run = recorded("a recorded prompt")
    run.send("a secret prompt", **{"Cache-Control": "no-store"})
    said = run.shown()[""]
    assert said["misses"] == 1
    assert "secret prompt" not in str(said)


# --- sessions --------------------------------------------------------------------------------------------------------


def test_a_session_has_its_own_verdict_and_its_own_recordings():
    run = recorded("a", "b", "c", session="s")
    run.send("a", "s")
    run.send("b", "t")
    said = run.shown()
    assert set(said) == {"", "s", "t"}
    assert (counts(said["s"]), counts(said["t"]), counts(said[""])) == ({"hits": 1}, {"hits": 1}, {})
    # of the session: what it was not served itself... of the store: what nobody was
    assert {name: each["unused"]["count"] for name, each in said.items()} == {"": 1, "s": 1, "t": 0}
    assert run.shown(session="s") == {"s": said["s"]}


def test_a_session_that_nobody_knows():
    run = recorded("a", session="s")
    said = run.shown(session="x")
    assert (said["x"]["exchanges"], said["x"]["unused"]["count"]) == (0, 0)
    assert set(run.shown()) == {""}


def test_the_session_without_a_name():
    run = recorded("a")
    run.send("a")
    assert set(run.shown(session="")) == {""}


def test_sessions_beyond_the_limit(monkeypatch):
    monkeypatch.setattr(tally, "MOST_SESSIONS", 2)
    run = recorded("a")
    for session in ("s", "t", "u"):
        run.send("b", session)
    _, beyond = run.asked(run.plugin.shown({}))
    assert (beyond["exchanges"], beyond["misses"]) == (2, 2)
    assert run.asked(run.plugin.shown({"session": "s"}))[1] is None
    assert run.asked(run.plugin.shown({"session": "t"}))[1] == beyond  # it may be any of these


@pytest.mark.parametrize("method", ["shown", "reset"])
@pytest.mark.parametrize("parameters", [{"sesion": "s"}, {"session": "s", "x": ""}, {"": ""}])
def test_a_typing_error_resets_nothing(method, parameters):
    run = recorded()
    run.send("a")
    status, value = run.kit._now(getattr(run.plugin, method)(parameters))
    assert (status, "the parameters are session" in value["error"]) == (400, True)
    assert run.shown()[""]["misses"] == 1


# --- reset -----------------------------------------------------------------------------------------------------------


def test_a_reset_tells_and_forgets():
    run = recorded("a", "b")
    run.send("a", "s")
    run.send("c")
    before = run.shown()
    assert run.reset() == before
    after = run.shown()
    assert set(after) == {""}
    assert (counts(after[""]), after[""]["reports"], after[""]["unused"]["count"]) == ({}, [], 2)


def test_a_reset_of_one_session_leaves_the_others():
    run = recorded("a", "b")
    run.send("a", "s")
    run.send("c", "t")
    assert counts(run.reset(session="s")["s"]) == {"hits": 1}
    said = run.shown()
    assert (counts(said["s"]), counts(said["t"])) == ({}, {"misses": 1, "refused": 1})
    assert said[""]["unused"]["count"] == 2


def test_what_was_recorded_before_a_reset_can_be_unused_after_it():
    run = Run()
    run.send("a")
    run.kit.clock.advance(1)
    run.reset()
    assert run.shown()[""]["unused"]["count"] == 1
    run.send("a")
    assert run.shown()[""]["unused"]["count"] == 0


# --- many recordings -------------------------------------------------------------------------------------------------


def test_many_recordings_are_read_in_slices_and_a_few_are_shown(monkeypatch):
    monkeypatch.setattr(module, "SLICE", 7)
    run = recorded(*(f"text {number}" for number in range(50)))
    run.send("text 3")
    unused = run.shown()[""]["unused"]
    assert unused["count"] == 49
    assert [each["id"] for each in unused["first"]] == [id_text(n) for n in range(1, 22) if n != 4]


@pytest.mark.parametrize(("asked", "shown"), [("0", 0), ("1", 1), ("25", 25), ("999999", 25), ("", 20)])
def test_so_many_unused_are_listed_as_are_asked_for(asked, shown):
    run = recorded(*(f"text {number}" for number in range(25)))
    run.send("text 99")
    said = run.shown(**({"unused": asked} if asked else {}))[""]["unused"]
    assert (said["count"], len(said["first"])) == (25, shown)


@pytest.mark.parametrize("asked", ["", "-1", "many", "1" * 10, "\u0661"])
def test_a_number_that_is_none(asked):
    run = recorded("a")
    status, value = run.kit._now(run.plugin.reset({"unused": asked}))
    assert status == 400
    assert "unused" in value["error"]


def test_all_sessions_together_show_a_bounded_number(monkeypatch):
    monkeypatch.setattr(module, "MOST_SHOWN", 3)
    run = recorded("a", "b", session="s")
    run.send("c", "s")
    said = run.shown()
    assert [len(each["unused"]["first"]) for each in said.values()] == [2, 1]
    assert [each["unused"]["count"] for each in said.values()] == [2, 2]


def test_where_served_ids_had_no_room_it_says_so(monkeypatch):
    monkeypatch.setattr(tally, "MOST_SERVED", 0)
    run = recorded("a")
    run.send("a")
    assert run.shown()[""]["unused"] | {"first": []} == {"count": 1, "at_most": True, "first": []}


def test_what_was_removed_meanwhile_is_not_shown():
    run = recorded("a", "b")
    run.store.page = lambda limit, before=0: MemoryStore.page(run.store, limit, 2) if before == 3 else []
    unused = run.shown()[""]["unused"]
    assert (unused["count"], unused["first"]) == (2, [])


# --- explanations ----------------------------------------------------------------------------------------------------


def test_an_explanation_that_comes_late():
    run = Run()
    exchange = run.send("a").exchange
    assert run.shown()[""]["reports"][0]["text"] == ""
    run.kit.hooks.tell(exchange, Event("explained", "model: a / b"))
    assert run.shown()[""]["reports"][0]["text"] == "model: a / b"


def test_an_explanation_that_comes_after_a_reset_is_dropped():
    run = Run()
    exchange = run.send("a").exchange
    run.reset()
    run.kit.hooks.tell(exchange, Event("explained", "model: a / b"))
    assert run.shown()[""]["reports"] == []


def test_the_plugin_does_no_harm():
    run = recorded("a")
    run.send("a")
    run.send("b")
    assert run.kit.hooks.faults == {}


@pytest.mark.parametrize(
    ("field", "status", "begun", "counted"),
    [
        (b"Origin", 403, False, 0),
        (b"Sec-Fetch-Site", 403, False, 0),
        (b"X-Other", 403, False, 1),  # a client that named the daemon wrongly has failed, and its run with it
        (b"Origin", 413, False, 1),
        (b"Origin", 403, True, 1),  # what upstream or a rule refuses
    ],
)
def test_what_a_web_page_elsewhere_was_refused_is_no_part_of_a_run(field, status, begun, counted):
    run = Run()
    request = Request(b"POST", CHAT.encode(), Headers(((field, b"http://evil.example"),)))
    exchange = Exchange(1, request, parse_upstream("http://up.example"), GENERIC, 0.0, outcome=Outcome.REFUSED)
    exchange.status, exchange.shelf = status, run.plugin._shelves.default if begun else None
    run.plugin.llmproxy_log(exchange, Event("ended"))
    assert run.shown()[""]["refused"] == counted
