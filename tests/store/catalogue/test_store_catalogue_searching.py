"""Searching finds what a filter selects, and nothing else: as asking each exchange by itself would."""

import sqlite3

import pytest
from catalogued import JSON, STEP, Store, Ticks, answered, asked, assistant, chat, hit, numbers, response, user
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.filtering import holds, parse
from proxy_daemon.core.filtering.tree import FARTHEST
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Ending, Outcome, Request, Unknown
from proxy_daemon.core.secret_rules import Rule, Rules
from proxy_daemon.store.catalogue import searching, terms, texts
from proxy_daemon.store.catalogue.asking import Asked, Asking
from proxy_daemon.store.catalogue.terms import Compiler

TERMS = (
    "invoice",
    "chat",
    "STRASSE",
    "'two words'",
    "~said hi",
    "~said 'the invoice'",
    "~said zzzz",
    "~said ''",
    "~u completions",
    "~u embeddings",
    "~d example",
    "~m get",
    "~c 200",
    "~c <400",
    "~c >=400",
    "~q",
    "~s",
    "~e",
    "~b invoice",
    "~bq seed",
    "~bs total_tokens",
    "~h x-mine",
    "~hq 'x-mine: 1'",
    "~hs retry",
    "~t json",
    "~tq json",
    "~ts plain",
    "~model ^m-1$",
    "~dialect openai",
    "~outcome hit",
    "~outcome failed",
    "~tool weather",
    "~tool ^$",
    "~tokens >10",
    "~tokens <=10",
    "~slow >1",
    "~slow",
    "~session ^$",
    "~session nightly",
    "~cassette x",
    "~marked",
    "~marker red",
    "~comment ^$",
    "~comment look",
    "~pinned",
    "~edited",
    "~all",
)
TOOL = [(0, ("get_weather", '{"place": "Ulm"}'))]
ODD = Headers([(b"X-Mine", b"1"), (b"Content-Type", b"application/json"), (b"Content-Type", b"text/plain")])


def exchanges():
    """One of each kind."""
    first = [user("the Invoice of May")]
    yield chat(1, first, "which one?")
    yield chat(2, [*first, assistant("which one?"), user("two words, Straße 7")], answered("ok", TOOL, tokens=20))
    yield chat(3, asked([user("hi")], seed=7), answered("hi there", tokens=7), session="nightly", pinned=True)
    yield hit(4, 1)
    yield chat(5, "broken", None, status=0, ending=Ending.FAILED, outcome=Outcome.FAILED, detail="no route")
    bare = Request(b"POST", b"/elsewhere", Headers(), Bytes(b"\xff{"))
    yield chat(6, request=bare, response=response(b"\0\1\2", 500, Headers()), status=500, duration=20_000_000)
    plain = response(b"wait", 429, Headers([(b"Content-Type", b"text/plain"), (b"Retry-After", b"7")]))
    yield chat(7, "again", response=plain, status=429, written=True, cassette="x.yaml")
    models = {"request": Request(b"GET", b"/v1/models?limit=2", ODD), "response": response(b'{"data": []}')}
    yield chat(8, model="", imported=1_800_000_000.0, unknown=frozenset({Unknown.DURATION}), **models)
    yield chat(9, "x\0y \ud800 invoice", "\u202e invoice")


def fill(path):
    store = Store(path)
    store.put(*exchanges())
    store.remark(2, "red", "look here")
    store.remark(3, "", "looked")
    return store


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """(a store with one of each kind, its questions, its exchanges as filters see them)"""
    store = fill(tmp_path_factory.mktemp("searching") / "s.db")
    asking = Asking(store.path, Ticks())
    yield store, asking, list(store.subjects())
    asking.close()
    store.close()


def found(asking, q, **more):
    return numbers(row["id"] for row in asking.listing(Asked(q=q, **more))["exchanges"])


def right(subjects, q):
    return numbers(number for number, subject in subjects if holds(parse(q), subject))


@pytest.mark.parametrize("q", [*TERMS, *(f"!{term}" for term in TERMS)])
def test_each_term_and_its_contrary(filled, q):
    _, asking, subjects = filled
    assert found(asking, q) == right(subjects, q)


def test_the_terms_of_this_test_tell_exchanges_apart(filled):
    subjects = filled[2]
    useless = {"~said zzzz", "~u embeddings", "~all", "~tool ^$", "~d example"}
    assert [q for q in TERMS if q not in useless and len(right(subjects, q)) in (0, 9)] == []


trees = st.recursive(
    st.sampled_from(TERMS),
    lambda inner: st.one_of(
        inner.map(lambda q: f"!({q})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}) & ({two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}) | ({two[1]})"),
    ),
    max_leaves=6,
)


@given(q=trees, limit=st.integers(1, 10))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
def test_any_filter_finds_what_it_selects(filled, q, limit):
    _, asking, subjects = filled
    wanted, value = right(subjects, q), asking.listing(Asked(q=q, limit=limit))
    assert numbers(row["id"] for row in value["exchanges"]) == wanted[:limit]
    assert (value["next"] is not None) == (len(wanted) > limit)
    assert not value["partial"]


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [(texts, "MOST_FOUND", 0), (terms, "MOST_FOUND", 0), (terms, "MOST_WORDS", 0), (searching, "MOST_FOUND", 0)],
)
@pytest.mark.parametrize("q", ["invoice", "~said invoice", "!invoice", "~u models", "~said inv | ~c 500", "~tool get"])
def test_what_is_common_is_found_as_what_is_rare(filled, monkeypatch, q, module, name, value):
    _, asking, subjects = filled
    monkeypatch.setattr(module, name, value)
    assert found(asking, q) == right(subjects, q)


@pytest.mark.parametrize("q", ["invoice", "~c 200", "!~b zzz", "~s"])
@pytest.mark.parametrize("sizes", [(1, 1), (3, 2)])
def test_pages_and_slices_leave_nothing_out(filled, monkeypatch, q, sizes):
    _, asking, subjects = filled
    monkeypatch.setattr(searching, "SLICE", sizes[0])
    monkeypatch.setattr(searching, "SLOW_SLICE", sizes[0])
    monkeypatch.setattr(searching, "CHUNK", sizes[1])
    together, before = [], 0
    while before is not None:
        value = asking.listing(Asked(q=q, limit=2, before=before))
        together += numbers(row["id"] for row in value["exchanges"])
        before = None if value["next"] is None else int(value["next"], 16)
    assert together == right(subjects, q)


def test_ids_bound_it_and_are_not_among_what_is_found(filled):
    asking = filled[1]
    assert found(asking, "~all", before=7 * STEP, after=4 * STEP) == [6, 5]
    assert found(asking, "invoice", before=9 * STEP, after=1 * STEP) == [4]
    assert found(asking, "~all", before=1 * STEP) == []


def test_a_search_whose_time_is_over_gets_on_all_the_same(tmp_path):
    ticks = Ticks()
    store = fill(tmp_path / "s.db")
    asking = Asking(store.path, ticks)
    assert asking.listing(Asked(q="~all"))["indexed"] == {"done": 9, "total": 9}
    ticks.step = 1.0  # each look at the clock: there is time for one exchange
    together, before, calls = [], 0, 0
    while before is not None:
        value = asking.listing(Asked(q="!~b zzz", before=before))
        together += numbers(row["id"] for row in value["exchanges"])
        assert value["partial"] == (value["next"] is not None)
        before = None if value["next"] is None else int(value["next"], 16)
        calls += 1
    assert together == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert calls > 3
    asking.close()
    store.close()


def test_what_is_too_long_to_be_kept_is_looked_up(tmp_path, monkeypatch):
    monkeypatch.setattr("proxy_daemon.store.catalogue.reading.LONGEST_TEXT", 10)
    monkeypatch.setattr("proxy_daemon.store.catalogue.file.LONGEST_TEXT", 10)
    store = fill(tmp_path / "s.db")
    asking = Asking(store.path, Ticks())
    subjects = list(store.subjects())
    for q in ("'of may'", "!'of may'", "~said 'of may' ~c 200"):
        assert found(asking, q) == right(subjects, q)
    monkeypatch.setattr(searching, "MOST_FOUND", 0)
    assert found(asking, "'of may'") == right(subjects, "'of may'")
    asking.close()
    store.close()


def test_rows_that_cannot_be_read_are_left_out(filled, tmp_path):
    store = fill(tmp_path / "s.db")
    asking = Asking(store.path, Ticks())
    assert len(found(asking, "~all")) == 9
    store.execute("UPDATE exchange SET facts = x'00' WHERE id = ?", 2 * STEP)
    store.execute("DELETE FROM body_part")
    assert found(asking, "~all") == [9, 8, 7, 6, 5, 4, 3, 1]
    assert found(asking, "~b invoice") == [9, 4, 1]
    asking.close()
    store.close()


@pytest.mark.parametrize(
    "q", ["~b tenant-7", "~bq tenant-7", "~said tenant-7", "tenant-7", "~hq tenant-7", "~u tenant-7"]
)
def test_what_a_rule_of_ones_own_calls_a_secret_is_not_found(tmp_path, q):
    """The rule may be younger than the exchange."""
    store = Store(tmp_path / "s.db")
    headers = Headers([(b"X-Tenant", b"tenant-7"), (b"Content-Type", b"application/json")])
    body = Bytes(asked([user("I am tenant-7, they say")]))
    store.put(chat(1, request=Request(b"POST", b"/v1/chat/completions?x=tenant-7", headers, body)))
    asking = Asking(store.path, Ticks(), Rules((Rule("tenant", r"tenant-\d+", header=("x-tenant",)),)))
    assert found(asking, "they say") == [1]
    assert found(asking, q) == []
    asking.close()
    store.close()


def test_texts_that_are_long_together_are_looked_at_one_by_one(tmp_path, monkeypatch):
    """What looks less far would not see all of them at once."""
    store = fill(tmp_path / "s.db")
    asking = Asking(store.path, Ticks())
    large = "~u '(c|h)*(a|t){2,400}/completions$'"
    assert parse(large).operand.reach < FARTHEST
    every = found(asking, large)
    each = Compiler._each
    calls = []
    monkeypatch.setattr(Compiler, "_each", lambda *given: calls.append(given) or each(*given))
    monkeypatch.setattr("proxy_daemon.core.filtering.operands.STEPS", 60 * parse(large).operand.compiled.programsize)
    assert found(asking, large) == every == right(list(store.subjects()), large)
    assert calls
    asking.close()
    store.close()


def test_no_filter_makes_a_question_that_is_too_long_for_sqlite(tmp_path):
    store = Store(tmp_path / "s.db")
    for each in range(1, 400):
        store.put(chat(each, request=Request(b"GET", b"/v1/batches/%d" % each, JSON, Bytes(b"")), model=""))
        store.remark(each, "red")
    asking = Asking(store.path, Ticks())
    asking.begin()
    while asking.idle(1.0):
        pass
    before = asking._filling.catalogue.connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 6000)
    for q in ("~u batches & ~u v1", "~u batches | !~u v1", "!~u 7 ~marked", "~marked ~marker red ~u /[0-9]*$"):
        assert found(asking, q, limit=500) == right(list(store.subjects()), q)
    asking._filling.catalogue.connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, before)
    asking.close()
    store.close()
