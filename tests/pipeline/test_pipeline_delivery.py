"""What clients get, beside what upstream sent: kept where it differs, without secrets and within the limits."""

import base64
import gzip

import pytest
from attrs import evolve
from exchanges import CHAT, PATH, Gate, answering, plugin, recordings
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Delivered, Ending, Exchange, Outcome, ResponseHead
from proxy_daemon.hookspecs import hookimpl
from proxy_daemon.net.bodies import Spool
from proxy_daemon.pipeline import delivery as module
from proxy_daemon.pipeline.delivery import Delivery
from proxy_daemon.pipeline.secret_watch import SecretWatch
from proxy_daemon.pipeline.tape import Tape
from proxy_daemon.testing import Kit, Script

HEAD = ResponseHead(200, b"OK")
LEFT = base64.b64encode(b"the key is sk-proj-" + b"aB3dE5fG7hJ9kL1m" * 3)
SECRET = b'{"access_token": "sk-12345"}'


def delivery(*pairs, limit=100, head_differs=False):
    made = Delivery(lambda: Tape(Spool(), limit), head_differs=head_differs)
    made.head = HEAD
    for came, went in pairs:
        made.piece(came, went)
    return made


def got(delivered):
    """(body, whether it is cut); None where nothing is told."""
    if delivered is None:
        return None
    body = delivered.body
    return body if body is None else body.read(0, body.size), delivered.cut


TOLD = {
    "nothing": ([], None),
    "as it came": ([(b"a", b"a"), (b"b", b"b")], None),
    "held back, then the same": ([(b"ab", b"a"), (b"c", b"b"), (b"", b"c")], None),
    "early": ([(b"a", b"ab"), (b"b", b"")], None),
    "another": ([(b"a", b"a"), (b"b", b"c")], (b"ac", False)),
    "more": ([(b"a", b"a"), (b"", b"!")], (b"a!", False)),
    "less": ([(b"a", b"a"), (b"b", b"")], (b"a", False)),
    "nothing of it": ([(b"a", b"")], (b"", False)),
    "the same octets in another order": ([(b"a", b"b"), (b"b", b"a")], (b"ba", False)),
    "too much": ([(b"a" * 99, b"a" * 99), (b"b", b"cc")], (b"a" * 99, True)),
    "too much, and the same": ([(b"a" * 99, b"a" * 99), (b"bb", b"bb")], None),
}


@pytest.mark.parametrize(("pairs", "expected"), TOLD.values(), ids=TOLD)
def test_a_body_is_told_where_it_differs(pairs, expected):
    assert got(delivery(*pairs).told()) == expected


@pytest.mark.parametrize(("pairs", "expected"), [([], (None, False)), ([(b"a", b"b")], (b"b", False))])
def test_a_head_is_told_without_the_body_that_is_upstreams(pairs, expected):
    assert got(delivery(*pairs, head_differs=True).told()) == expected


@given(st.lists(st.tuples(st.binary(max_size=3), st.binary(max_size=3)), max_size=8))
def test_it_is_told_just_where_the_bodies_differ(pairs):
    came, went = b"".join(pair[0] for pair in pairs), b"".join(pair[1] for pair in pairs)
    assert got(delivery(*pairs).told()) == (None if came == went else (went, False))


@pytest.mark.parametrize("limit", [10**6, 100_000, 70_000, 7, 0])
@pytest.mark.parametrize("size", [1, 999, 40_000, 70_000])
def test_many_pieces_are_kept_up_to_the_limit(limit, size):
    pieces = [bytes([at % 251]) * size for at in range(150_000 // size if size > 1 else 300)]
    made = delivery(*[(piece, piece) for piece in pieces], limit=limit)
    assert made.told() is None
    made.piece(b"", b"!")
    body, cut = got(made.told())
    whole = b"".join(pieces) + b"!"
    assert cut is (len(whole) > limit)
    assert whole.startswith(body)
    assert len(body) > limit - size if cut else body == whole


def test_nothing_is_taped_where_little_goes_on_as_it_came():
    made = Delivery(lambda: pytest.fail("taped"), head_differs=False)
    for _ in range(9):
        made.piece(b"a", b"a")
    assert made.told() is None


def test_as_long_as_all_goes_on_as_it_came_nothing_is_hashed(monkeypatch):
    monkeypatch.setattr(module, "blake2b", lambda: pytest.fail("hashed"))
    assert delivery(*[(b"a", b"a")] * 9).told() is None


# --- in an exchange --------------------------------------------------------------------------------------------------


class Swap:
    """A transform that puts one word for another and holds all back to the end. ``left``: how often it broke off."""

    def __init__(self, old=b"cat", new=b"dog"):
        self.old, self.new, self.left, self.held = old, new, 0, b""

    def piece(self, data):
        self.held += data
        return b""

    def end(self):
        return self.held.replace(self.old, self.new)

    def broken_off(self):
        self.left += 1


def swapping(*, old=b"cat", new=b"dog", name="swap", head=None):
    """A plugin that fires a rule, swaps a word, and changes the head by ``head(head)``."""

    def transform(self, exchange):
        exchange.fire(name)
        return Swap(old, new)

    more = {"llmproxy_response_head": hookimpl(lambda self, exchange, head: change(head))} if (change := head) else {}
    return type("Swapping", (), {"llmproxy_transform": hookimpl(transform), **more})()


def kept(kit, result):
    return kit.store.get(result.exchange.id)


def test_an_answer_and_its_hits_are_kept_as_upstream_sent_them_with_what_the_client_got():
    kit = Kit(swapping(), answer=answering(b'"a cat"'))
    live, hit = kit.send(PATH, CHAT), kit.send(PATH, CHAT)
    assert (live.body, hit.body, hit.exchange.outcome) == (b'"a dog"', b'"a dog"', Outcome.HIT)
    assert kept(kit, live).response.body.whole() == b'"a cat"'
    for each in (live, hit):
        assert got(kept(kit, each).delivered) == (b'"a dog"', False)
        assert kept(kit, each).rules == each.exchange.rules == ("swap",)
        assert b"content-length" not in kept(kit, each).delivered.head.headers


def test_a_transform_that_changes_nothing_leaves_nothing():
    kit = Kit(swapping(old=b"cow"), answer=answering(b'"a cat"'))
    for _ in range(2):
        assert kept(kit, kit.send(PATH, CHAT)).delivered is None


def test_without_transforms_nothing_is_kept_and_nobody_is_asked_for_a_tape():
    kit = Kit(answer=answering(b'"a cat"'))
    tapes, made = [], kit.pipeline.stage.tape
    kit.pipeline.stage.tape = lambda exchange: tapes.append(exchange) or made(exchange)
    amended = []
    kit.store.amend = amended.append
    for _ in range(2):
        assert kept(kit, kit.send(PATH, CHAT)).delivered is None
    assert len(tapes) == 1  # the one of the live answer itself
    assert amended == []


def test_a_status_and_a_head_are_followed():
    def busy(head):
        return evolve(head, status=429, reason=b"Busy", headers=head.headers.plus((b"Retry-After", b"5")))

    kit = Kit(plugin("llmproxy_response_head", lambda self, exchange, head: busy(head)), answer=answering(b'"a cat"'))
    for result in (kit.send(PATH, CHAT), kit.send(PATH, CHAT)):
        found = kept(kit, result)
        assert (result.status, result.exchange.status, found.status) == (429, 429, 429)
        assert got(found.delivered) == (None, False)
        assert (found.delivered.head.status, found.delivered.head.reason) == (429, b"Busy")
        assert found.delivered.head.headers.get(b"retry-after") == b"5"
    assert recordings(kit)[0].response.head.status == 200


def test_an_equal_head_is_no_other_head():
    same = plugin("llmproxy_response_head", lambda self, exchange, head: evolve(head, reason=bytes(head.reason)))
    kit = Kit(same, answer=answering())
    assert kept(kit, kit.send(PATH, CHAT)).delivered is None


def test_those_who_share_an_answer_have_a_copy_each():
    gate = Gate()
    kit = Kit(gate, swapping(), answer=answering(b'"a cat"'))
    first, second = (kit.begin(PATH, CHAT) for _ in range(2))
    gate.open()
    assert first[2].called
    assert second[2].called
    assert second[0].outcome is Outcome.COLLAPSED
    for exchange, client, _ in (first, second):
        assert b"".join(client.pieces) == b'"a dog"'
        assert got(kit.store.get(exchange.id).delivered) == (b'"a dog"', False)


@pytest.mark.parametrize(("new", "expected"), [(b"dog", (b'"a dog"', False)), (b"crocodile", (b"", True))])
def test_it_is_bounded(new, expected):
    kit = Kit(swapping(new=new), answer=answering(b'"a cat"'), record_max_body=8)
    result = kit.send("/v1/models")
    assert (got(kept(kit, result).delivered), result.whole) == (expected, True)
    assert (kept(kit, result).response.body.size, kept(kit, result).cut) == (7, False)


def test_secrets_are_taken_out():
    kit = Kit(swapping(old=b"CAT", new=SECRET), answer=answering(b"CAT"))
    result = kit.send(PATH, CHAT)
    assert result.body == SECRET
    body, cut = got(kept(kit, result).delivered)
    assert (b"sk-12345" in body, b"REDACTED" in body, cut, kept(kit, result).redacted) == (False, True, False, True)


@pytest.mark.parametrize("transforms", [False, True])
def test_secrets_are_taken_out_of_heads(transforms):
    def cookie(head):
        return evolve(head, headers=head.headers.plus((b"Set-Cookie", b"sid=sk-12345")))

    mine = plugin("llmproxy_response_head", lambda self, exchange, head: cookie(head))
    kit = Kit(*([swapping()] if transforms else []), mine, answer=answering(b'"a cat"'))
    found = kept(kit, kit.send(PATH, CHAT))
    assert found.delivered.head.headers.get(b"set-cookie") == b"REDACTED"
    assert (found.delivered.body is not None, found.redacted) == (transforms, True)


def test_what_cannot_be_shown_to_be_free_of_secrets_is_withheld():
    def coded(head):
        return evolve(head, headers=head.headers.plus((b"Content-Encoding", b"gzip")))

    broken = gzip.compress(SECRET * 100)[:-40]
    kit = Kit(swapping(old=b"CAT", new=broken, head=coded), answer=answering(b"CAT"))
    result = kit.send(PATH, CHAT)
    assert result.body == broken
    body, cut = got(kept(kit, result).delivered)
    assert (body, cut) == (b"", True)


@pytest.mark.parametrize(
    ("policy", "expected"), [("record", (LEFT, False)), ("redact", (LEFT, False)), ("refuse", (b"", True))]
)
def test_what_still_looks_like_a_secret_is_dealt_with_as_in_an_answer(policy, expected):
    kit = Kit(swapping(old=b"CAT", new=LEFT), answer=answering(b"CAT"))
    kit.pipeline.keeper.watch = SecretWatch(kit.pipeline.keeper.worker, policy)
    for _ in range(2):
        result = kit.send(PATH, CHAT)
        assert result.body == LEFT
        assert got(kept(kit, result).delivered) == expected
    assert recordings(kit)[0].response.body.whole() == b"CAT"


def test_no_store_leaves_the_rules_names_and_nothing_else():
    kit = Kit(swapping(), answer=answering(b'"a cat"'))
    result = kit.send(PATH, CHAT, headers={"Cache-Control": "no-store"})
    assert (kept(kit, result).delivered, kept(kit, result).rules) == (None, ("swap",))


def test_a_plugin_puts_nothing_there_past_redaction():
    def swap(self, exchange, recording):
        return evolve(recording, delivered=Delivered(HEAD, Bytes(SECRET)))

    kit = Kit(plugin("llmproxy_record", swap), answer=answering(b'"a cat"'))
    assert kept(kit, kit.send(PATH, CHAT)).delivered is None


@pytest.mark.parametrize("returned", [None, False], ids=["leaves it", "vetoes"])
def test_where_a_plugin_may_take_things_out_of_recordings_nothing_is_put_beside_them(returned):
    mine = plugin("llmproxy_record", lambda self, exchange, recording: returned)
    kit = Kit(swapping(), mine, answer=answering(b'"a cat"'))
    found = kept(kit, kit.send(PATH, CHAT))
    assert found is None if returned is False else (found.delivered, found.rules) == (None, ("swap",))


# --- answers without an end ------------------------------------------------------------------------------------------

STREAM = Script(
    ResponseHead(200, b"OK", Headers([(b"Content-Type", b"text/event-stream")])),
    ((0.5, b"data: one\n\n"), (0.5, b"data: two\n\n"), (0.5, b"data: [DONE]\n\n")),
)


class Shout:
    """A transform without `broken_off`."""

    def piece(self, data):
        return data.upper()

    def end(self):
        return b""


def left(kit, seconds=0.6):
    """An exchange whose client has gone after the first piece."""
    exchange, client, running = kit.begin(PATH, CHAT | {"stream": True})
    kit.clock.advance(seconds)
    running.cancel()
    return exchange, client


def test_a_client_that_left_has_got_what_it_got():
    kit = Kit(plugin("llmproxy_transform", lambda self, exchange: Shout()), answer=lambda request: STREAM)
    exchange, client = left(kit)
    assert exchange.ending is Ending.CLIENT_GONE
    found = kit.store.get(exchange.id)
    assert got(found.delivered) == (b"DATA: ONE\n\n", False) == (b"".join(client.pieces), False)


@pytest.mark.parametrize("settings", [{}, {"on_client_abort": "record"}], ids=["cancelled", "drained"])
def test_a_transform_is_told_that_its_answer_broke_off(settings):
    made = []

    def transform(self, exchange):
        made.append((exchange, Swap()))
        return Late(*made[-1])

    class Late:
        def __init__(self, exchange, inner):
            self.piece, self.end = inner.piece, inner.end
            self.broken_off = lambda: (inner.broken_off(), exchange.fire("late"))

    kit = Kit(plugin("llmproxy_transform", transform), answer=lambda request: STREAM, **settings)
    exchange, _ = left(kit)
    kit.clock.pump([0.5] * 10)
    assert made[0][1].left == 1
    found = kit.store.get(exchange.id)
    assert (exchange.rules, found.rules, got(found.delivered)) == (("late",), ("late",), (b"", False))
    assert (found.replayable, found.response.body.size) == (bool(settings), 36 if settings else 11)


def test_a_whole_answer_does_not_break_off():
    made = []
    kit = Kit(plugin("llmproxy_transform", lambda self, exchange: made.append(Swap()) or made[-1]), answer=answering())
    kit.send(PATH, CHAT)
    assert [each.left for each in made] == [0]


def test_a_raise_there_is_counted_and_hurts_nobody():
    class Bad(Shout):
        def broken_off(self):
            raise RuntimeError("no")

    kit = Kit(plugin("llmproxy_transform", lambda self, exchange: Bad()), answer=lambda request: STREAM)
    exchange, client = left(kit)
    assert (client.broken_off, exchange.ending, kit.hooks.faults) == (True, Ending.CLIENT_GONE, {"Plugin": 1})


def test_where_one_transform_fails_the_others_are_told():
    others = Swap()

    class Bad(Shout):
        def end(self):
            raise RuntimeError("no")

    first = type("First", (), {"llmproxy_transform": hookimpl(lambda self, exchange: others)})()
    kit = Kit(first, plugin("llmproxy_transform", lambda self, exchange: Bad()), answer=answering(b'"a cat"'))
    result = kit.send(PATH, CHAT)
    assert (result.whole, result.exchange.outcome, others.left) == (False, Outcome.FAILED, 1)


# --- the names of rules ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], ()),
        (["a"], ("a",)),
        (["b", "a", "b"], ("b", "a")),
        (["\ud800"], ("?",)),
        (["é\n"], ("é\n",)),
    ],
)
def test_a_rule_is_named_once_in_the_order_in_which_they_fired(names, expected):
    exchange = Exchange(1, None, None, None, 0.0)
    exchange.fire(*names)
    exchange.fire(*names)
    assert exchange.rules == expected


def test_rules_that_fire_behind_the_record_are_in_it_too():
    def transform(self, exchange):
        return type("Late", (), {"piece": lambda self, data: data, "end": lambda self: exchange.fire("late") or b""})()

    early = plugin("llmproxy_request", lambda self, exchange: exchange.fire("early"))
    kit = Kit(type("Late", (), {"llmproxy_transform": hookimpl(transform)})(), early, answer=answering(b"{}"))
    seen = []
    put = kit.store.put
    kit.store.put = lambda recording, **options: seen.append(recording.rules) or put(recording, **options)
    result = kit.send(PATH, CHAT)
    assert seen == [("early",)]
    assert (kept(kit, result).rules, kept(kit, result).delivered) == (("early", "late"), None)
