"""Near misses by the child process: what it is asked, what is made of its answers, what follows later."""

import inspect

import pytest
from attrs import evolve
from near_rig import ANSWER, CHAT, OTHER, UPSTREAM, Rig, exchange, recording
from talk_rig import answering, chat, dialect_of, said

from proxy_daemon.core.cache_control import Directives
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Outcome
from proxy_daemon.core.pattern import Pattern
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.plugins.nearest import (
    BURST,
    EACH_SECOND,
    LARGEST_HERE,
    MANY,
    MOST_LATE,
    MOST_OCTETS,
    MOST_WAITING,
    OF_MANY,
    SLOW,
)
from proxy_daemon.settings import Settings

# --- a miss that is refused, or may be served ------------------------------------------------------------------------


def test_the_answer_becomes_a_near_miss():
    near = Rig().near(exchange())
    assert (near.recording.id, near.score, near.differences) == (5, 0.97, ("a: recorded 1 / incoming 2",))
    assert near.parts == (("model", 1.0), ("messages", 0.9))


def test_what_is_asked_has_no_secrets():
    rig = Rig()
    headers = Headers([(b"Authorization", b"Bearer hush"), (b"X-B\xe4r", b"\xfc")])
    rig.near(exchange(target=CHAT + b"?key=hush", body=b'{"client_secret": "hush"}', headers=headers))
    name, head, octets = rig.work.questions[0]
    assert (name, head["method"], head["target"]) == ("near", "POST", "/v1/chat/completions?key=REDACTED")
    assert "hush" not in str((head, octets))
    assert ("X-B\xe4r", "\xfc") in head["headers"]
    assert (head["upstream"], head["below"]) == (UPSTREAM.url, 0)


class Inline:
    async def run(self, function, *args):
        return function(*args)


@pytest.mark.parametrize("known", [False, True], ids=["nothing is near", "what carries a talk is near"])
def test_a_talk_is_told_in_its_own_words(known):
    """The child process knows its carrier only."""
    talk = answering(said("hello"), number=5, detail="line 3", fingerprint=b"")
    rig = Rig(found=talk)
    rig.work.answer = ANSWER if known else {"index": {}}
    services = rig.plugin._services
    services.worker, services.store.patterns = Inline(), lambda: (talk,)
    small, large = (exchange(body=chat("hello you").body.whole() + b" " * size) for size in (0, LARGEST_HERE))
    small.dialect = large.dialect = dialect_of(chat("hello"))
    near = rig.near(small)
    assert near.differences == ('message 1.says: recorded "hello" / incoming "hello you"',)
    assert (near.recording.id, near.answers) == (5, False)
    assert near.called.endswith("5, line 3")
    assert (rig.near(large) is None) is not known


def test_a_body_that_is_not_in_memory_is_told_by_its_size():
    class Spooled:
        size = 9_000_000

        def whole(self):
            return None

    rig = Rig()
    asked = exchange()
    asked.request = evolve(asked.request, body=Spooled())
    rig.near(asked)
    assert (rig.work.questions[0][1]["size"], rig.work.questions[0][2]) == (9_000_000, b"")
    rig.near(exchange(body=b"{}"))
    assert rig.work.questions[1][1]["size"] == 2


@pytest.mark.parametrize(("fuzzy", "judged"), [("diff", False), ("serve", True)])
def test_only_where_it_may_be_served_it_is_judged(fuzzy, judged):
    rig = Rig(fuzzy=fuzzy)
    rig.near(exchange())
    assert rig.work.questions[0][1]["judged"] is judged


def test_who_asks_again_for_the_refusal_gets_what_is_known():
    rig = Rig(**SERVE)
    rig.work.answer = {"index": {}}
    asked = exchange()
    assert [rig.near(asked), rig.near(asked)] == [None, None]
    assert len(rig.work.questions) == 1


def test_answers_that_come_at_once_do_not_pile_up_on_the_stack():
    rig = Rig()
    rig.work.post = lambda name, head, octets, then: rig.work.then.append(then)
    rig.end(*map(exchange, range(MOST_WAITING)))
    depths = []

    def post(name, head, octets, then):
        depths.append(len(inspect.stack(0)))
        then({"trouble": "the child is behind"})

    rig.work.post = post
    rig.answer()
    assert len(depths) == MOST_WAITING - 1
    assert max(depths) == min(depths)


def test_what_is_large_is_not_compared_in_the_daemon():
    rig = Rig(child=False)
    rig.services.store.similar = lambda *_: pytest.fail("it was read")
    assert rig.near(exchange(body=b" " * (LARGEST_HERE + 1))) is None


@pytest.mark.parametrize(
    "answer",
    [{"index": {}}, ANSWER | {"id": 6}, ANSWER | {"fingerprint": "00"}],
    ids=["none", "gone since", "another store's"],
)
def test_where_there_is_none_nothing_is_said(answer):
    rig = Rig()
    rig.work.answer = answer
    assert rig.near(exchange()) is None


def test_without_an_answer_the_newest_of_the_path_are_compared():
    rig = Rig()
    rig.work.answer = {"trouble": "the child process died"}
    asked = []
    rig.services.store.similar = lambda *arguments: asked.append(arguments) or []
    assert rig.near(exchange()) is None
    assert len(asked) == 1
    assert rig.numbers["trouble"] == "the child process died"


def test_while_the_index_is_made_it_is_said_of_how_many():
    rig = Rig()
    rig.work.answer = ANSWER | {"index": {"recordings": 30, "left": 70}}
    assert rig.near(exchange()).differences[0] == "(the index is being made: 30 of 100 recordings)"


def test_another_upstream_is_a_difference():
    near = Rig(recording(upstream=OTHER)).near(exchange())
    assert near.differences[0] == f"upstream: recorded {OTHER.url} / incoming {UPSTREAM.url}"


def test_nothing_is_asked_where_recordings_are_their_makers_own():
    rig = Rig()
    rig.services.life.scoped = True
    assert (rig.near(exchange()), rig.work.questions) == (None, [])


def test_under_no_store_it_is_told_and_never_served():
    near = Rig(**SERVE).near(exchange(directives=Directives(no_store=True)))
    assert (near.recording.id, near.answers) == (5, False)


SERVE = {"fuzzy": "serve", "fuzzy_threshold": 0.95}
ANSWERS = [
    ({}, {}, {}, True),
    ({"fuzzy": "diff"}, {}, {}, False),
    ({"mode": "none"}, {}, {}, False),
    ({"mode": "none", "fuzzy": "serve-none"}, {}, {}, True),
    ({"fuzzy": "serve-none"}, {}, {}, True),
    ({"fuzzy_threshold": 0.98}, {}, {}, False),
    ({"fuzzy_threshold": 0.97}, {}, {}, True),
    ({}, {"servable": "digits differ"}, {}, False),
    ({}, {}, {"upstream": OTHER}, False),
    ({}, {}, {"upstream": parse_upstream("other=http://127.0.0.1:1/v1")}, False),
    ({}, {}, {"replayable": False}, False),
    ({}, {}, {"response": None}, False),
    ({}, {}, {"scope": b"somebody"}, False),
    ({}, {}, {"written": True}, False),
    ({}, {}, {"pattern": Pattern(path="**")}, False),
    ({}, {"fingerprint": "aa"}, {"fingerprint": b"\xaa"}, False),  # the look-up has passed it over: `--repeat exhaust`
    ({}, {"fingerprint": "ab"}, {"fingerprint": b"\xab"}, True),
    ({"replay_max_age": 50.0}, {}, {}, False),
    ({"replay_max_age": 150.0}, {}, {}, True),
    ({"replay_max_age": 50.0, "mode": "none", "fuzzy": "serve-none"}, {}, {}, True),
]


@pytest.mark.parametrize(("settings", "answer", "found", "answers"), ANSWERS)
def test_what_may_be_served(settings, answer, found, answers):
    rig = Rig(recording(**found), **(SERVE | settings))
    rig.work.answer = ANSWER | answer
    assert rig.near(exchange(fingerprint=b"\xaa")).answers is answers


def test_a_reload_brings_another_age_limit():
    rig = Rig(**SERVE)
    rig.plugin.llmproxy_reload(Settings(**SERVE, replay_max_age=50.0))
    assert rig.near(exchange()).answers is False


# --- a miss that was forwarded ---------------------------------------------------------------------------------------


def test_a_miss_that_was_forwarded_is_explained_later():
    rig = Rig()
    rig.end(exchange(9))
    assert rig.told == []
    assert rig.work.questions[0][1]["below"] == 9  # not by itself, nor by what came after it
    rig.answer()
    text = "Nearest: exchange 0000000000000005 (97% alike; messages 90%). It differs in:\na: recorded 1 / incoming 2"
    assert rig.told == [(9, "explained", text)]
    assert (rig.numbers["explained"], rig.numbers["index"]["octets"]) == (1, 9)


@pytest.mark.parametrize("outcome", [each for each in Outcome if each is not Outcome.MISS])
def test_only_misses_are_explained(outcome):
    rig = Rig()
    rig.end(exchange(outcome=outcome))
    assert rig.work.questions == []
    assert rig.numbers["dropped"] == 0


@pytest.mark.parametrize(("settings", "child"), [({"fuzzy": "off"}, True), ({}, False)])
def test_nothing_is_explained_where_it_is_off_or_there_is_no_child(settings, child):
    rig = Rig(child=child, **settings)
    rig.end(exchange())
    assert rig.every == {}
    assert rig.numbers["waiting"] == 0


@pytest.mark.parametrize("scoped", [True, False])
def test_nothing_is_explained_for_no_store_nor_where_recordings_are_their_makers_own(scoped):
    rig = Rig()
    rig.services.life.scoped = scoped
    rig.end(exchange(directives=Directives(no_store=not scoped)))
    assert rig.work.questions == []


def test_a_reload_that_scopes_recordings_holds_for_those_that_wait():
    rig = Rig()
    rig.end(exchange(1), exchange(2))
    rig.services.life.scoped = True
    rig.answer(id=6)
    assert len(rig.work.questions) == 1


def test_one_is_asked_at_a_time_and_in_order():
    rig = Rig()
    rig.end(exchange(1), exchange(2), exchange(3))
    assert len(rig.work.questions) == 1
    for _ in range(3):
        rig.answer()
    assert [number for number, _, _ in rig.told] == [1, 2, 3]


def test_a_full_queue_drops_and_counts():
    rig = Rig()
    rig.plugin._tokens = 10_000
    rig.end(*(exchange(number) for number in range(1, MOST_WAITING + 10)))
    assert (rig.numbers["waiting"], rig.numbers["dropped"]) == (MOST_WAITING, 8)


def test_so_many_at_once_and_so_many_a_second():
    rig = Rig()
    for number in range(BURST + 20):
        rig.end(exchange(number))
        if rig.work.then:
            rig.answer()
    assert len(rig.told) == BURST
    assert rig.numbers["dropped"] == 20
    rig.every[1.0]()
    for number in range(EACH_SECOND + 1):
        rig.end(exchange(number))
        if rig.work.then:
            rig.answer()
    assert len(rig.told) == BURST + EACH_SECOND


def test_after_a_rest_it_is_one_burst_and_no_more():
    rig = Rig()
    for _ in range(1000):
        rig.every[1.0]()
    assert rig.plugin._tokens == BURST


def test_bodies_that_wait_take_bounded_memory():
    rig = Rig()
    large = bytes(MOST_OCTETS // 2)
    rig.end(exchange(1), *(exchange(number, body=large) for number in range(2, 6)))
    assert (rig.numbers["waiting"], rig.numbers["dropped"]) == (2, 2)
    for _ in range(3):
        rig.answer()
    assert rig.plugin._octets == 0


def test_trouble_is_counted_and_the_next_goes_on():
    rig = Rig()
    rig.end(exchange(1), exchange(2), exchange(3))
    rig.work.then.pop(0)({"trouble": "it died"})
    assert rig.numbers["trouble"] == "it died"
    rig.answer(id=6)
    rig.answer()
    assert [number for number, _, _ in rig.told] == [3]
    assert (rig.numbers["failed"], rig.numbers["none"], rig.numbers["trouble"]) == (1, 1, "")


def test_an_answer_that_breaks_us_does_not_hold_up_the_next():
    rig = Rig()
    rig.end(exchange(1), exchange(2))
    with pytest.raises(KeyError):
        rig.work.then.pop(0)({"id": 5})
    rig.answer()
    assert [number for number, _, _ in rig.told] == [2]


def test_what_was_asked_already_is_told_and_not_asked_again():
    rig = Rig(**SERVE | {"fuzzy_threshold": 1.0})
    one = exchange(7)
    assert rig.near(one).answers is False
    rig.end(one)
    assert len(rig.work.questions) == 1
    assert [number for number, _, _ in rig.told] == [7]


def test_slow_ones_are_named_as_late():
    rig = Rig()
    rig.end(exchange(1, duration=SLOW + 1), exchange(2, duration=SLOW))
    assert rig.work.questions[0][1]["late"] == [1]
    rig.answer()
    assert rig.work.questions[1][1]["late"] == []
    rig.plugin._late.extend(range(MOST_LATE + 5))
    assert len(rig.plugin._late) == MOST_LATE


def test_the_numbers_of_the_index_are_asked_for_now_and_then():
    rig = Rig()
    rig.every[5.0]()
    assert rig.work.questions == [("stats", {}, b"")]
    rig.work.then.pop(0)({"index": {"recordings": 8, "left": 0, "trouble": "the disk is full"}})
    assert (rig.numbers["index"]["recordings"], rig.numbers["trouble"]) == (8, "the disk is full")
    rig.work.stats = lambda: {"process": None}  # not started yet: a question would start it
    rig.every[5.0]()
    assert len(rig.work.questions) == 1


def test_a_miss_that_is_dropped_touches_nothing_but_a_count():
    """No question, no copy, no redaction: there may be thousands a second."""
    rig = Rig()
    rig.plugin._tokens = 0
    rig.services.redactor = None
    rig.end(*[exchange()] * 100)
    assert (rig.numbers["dropped"], rig.work.questions) == (100, [])


def test_while_many_come_few_are_explained():
    rig = Rig()
    rig.plugin._tokens = 0
    for number in range(MANY + 1):
        rig.end(exchange(number))
    rig.every[1.0]()
    assert rig.plugin._tokens == OF_MANY
    rig.every[1.0]()
    assert rig.plugin._tokens == OF_MANY + EACH_SECOND
