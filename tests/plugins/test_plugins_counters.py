"""The counters: every exchange is counted once, by its outcome and its ending."""

import pytest

from proxy_daemon.core.dialects import GENERIC
from proxy_daemon.core.messages import Ending, Exchange, Outcome, Request
from proxy_daemon.core.upstreams import parse_upstream
from proxy_daemon.hookspecs import Event
from proxy_daemon.plugins.counters import Counters
from proxy_daemon.testing import Kit

CHAT = "/v1/chat/completions"
BODY = {"model": "demo-fast", "messages": [{"role": "user", "content": "hi"}]}


def exchange(outcome=Outcome.LIVE, ending=None):
    return Exchange(1, Request(b"GET", b"/"), parse_upstream("demo:"), GENERIC, 0.0, outcome=outcome, ending=ending)


def tell(counters, kinds, *args):
    for kind in kinds.split():
        counters.llmproxy_log(exchange(*args), Event(kind))


@pytest.fixture
def counted():
    """A kit, and the numbers of its own counters."""

    def make(**settings):
        counters = Counters()
        kit = Kit(counters, block_plugin=("counters",), **settings)
        return kit, counters.numbers

    return make


def test_nothing_yet():
    assert Counters().numbers() == {"outcomes": {}, "endings": {}, "under_way": 0}


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_counted_by_its_word(outcome):
    counters = Counters()
    tell(counters, "begun matched first_byte ended", outcome, Ending.COMPLETE)
    assert counters.numbers() == {"outcomes": {outcome.value: 1}, "endings": {"complete": 1}, "under_way": 0}


@pytest.mark.parametrize("ending", Ending)
def test_every_ending_is_counted_by_its_word(ending):
    counters = Counters()
    tell(counters, "begun failed", Outcome.FAILED, ending)
    assert counters.numbers()["endings"] == {ending.value: 1}


def test_an_exchange_without_an_ending_is_counted_all_the_same():
    counters = Counters()
    tell(counters, "begun failed")
    assert counters.numbers() == {"outcomes": {"live": 1}, "endings": {}, "under_way": 0}


def test_what_has_begun_is_under_way_until_it_ends():
    counters = Counters()
    tell(counters, "begun begun matched first_byte")
    assert counters.numbers()["under_way"] == 2
    tell(counters, "ended failed")
    assert counters.numbers()["under_way"] == 0


def test_numbers_are_a_copy():
    counters = Counters()
    counters.numbers()["outcomes"]["hit"] = 5
    assert counters.numbers()["outcomes"] == {}


def test_real_exchanges(counted):
    kit, numbers = counted()
    for _ in range(3):
        kit.send(CHAT, BODY)
    kit.send("/v1/models")
    assert numbers()["outcomes"] == {"miss": 1, "hit": 2, "live": 1}
    assert numbers()["endings"] == {"complete": 4}


def test_a_client_that_hangs_up_is_not_under_way_any_more(counted):
    kit, numbers = counted()
    _, _, running = kit.begin(CHAT, BODY | {"model": "demo-1", "stream": True})
    assert numbers()["under_way"] == 1
    running.cancel()
    kit.clock.advance(60)
    assert numbers() == {"outcomes": {"miss": 1}, "endings": {"client gone": 1}, "under_way": 0}


def test_refused_and_failed(counted):
    kit, numbers = counted(mode="none")
    assert kit.send(CHAT, BODY).status == 424
    assert numbers()["outcomes"] == {"refused": 1}
