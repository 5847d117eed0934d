"""`--match-on`: narrower, wider, by path; and what is remembered."""

import pytest
from bodies_of_requests import BY_NAME, chat, taken

from proxy_daemon.core.matching.counting.match_on import MatchOn, PathMatch, parse_match_on, parse_tables, together
from proxy_daemon.core.matching.fingerprint import Matcher
from proxy_daemon.core.matching.kept import Kept

RULES = ("rules", b"")
TEAM = [(b"X-Team", b"search")]
CASES = [
    ("model,messages", chat(temperature=1), chat(n=5), True),
    ("model,messages", chat(), chat(model="other"), False),
    ("messages", chat(), chat(model="other"), True),
    ("-temperature", chat(temperature=1), chat(temperature=2), True),
    ("-temperature", chat(temperature=1), chat(top_p=1), False),
    ("-temperature,-top_p", chat(temperature=1), chat(top_p=1), True),
    ("-messages.*.name", chat(messages=[{"name": "a"}, {"name": "b"}]), chat(messages=[{}, {}]), True),
    ("-messages.*.name", chat(messages=[{"name": "a"}]), chat(messages=[{"role": "a"}]), False),
    (
        "-tools.*.function.description",
        chat(tools=[{"function": {"description": "a"}}]),
        chat(tools=[{"function": {"description": "b"}}]),
        True,
    ),
    ("model,messages,-messages.*.name", chat(messages=[{"name": "a"}], n=1), chat(messages=[{}]), True),
    ("-messages.*.tool_call_id", chat(messages=[{"tool_call_id": "a"}]), chat(messages=[{}]), True),
    ("model", [1], [2], False),
]


@pytest.mark.parametrize(("text", "one", "other", "same"), CASES, ids=range(len(CASES)))
def test_what_counts(text, one, other, same):
    matcher = Matcher(on=parse_match_on(text))
    assert (taken(one, matcher=matcher) == taken(other, matcher=matcher)) is same


def test_a_header_field_counts_where_it_is_named():
    matcher = Matcher(on=parse_match_on("+header:X-Team"))
    found = [taken(chat(), matcher=matcher, fields=fields) for fields in ([], TEAM, [(b"x-team", b"ads")])]
    assert len(set(found)) == 3
    assert taken(chat(), fields=TEAM) == taken(chat(), fields=[])


def test_the_first_table_that_covers_a_path_rules():
    tables = [
        {"path": "/v1/embeddings", "on": ["input"]},
        {"path": "/v1/*", "on": "model,+header:x-team"},
    ]
    matcher = Matcher(on=parse_match_on("-n"), paths=parse_tables(tables))
    embeddings = BY_NAME["openai-embeddings"]

    def found(body, target):
        return taken(body, embeddings, matcher, target=target)

    assert found({"model": "a", "input": "x"}, b"/v1/embeddings") == found(
        {"model": "b", "input": "x"}, b"/v1/embeddings"
    )
    assert found({"model": "a", "n": 1}, b"/v1/x?y") == found({"model": "a", "n": 2}, b"/v1/x?y")
    assert found({"model": "a"}, b"/v1/x") != found({"model": "b"}, b"/v1/x")
    assert found({"model": "a", "n": 1}, b"/v2/x") == found({"model": "a", "n": 2}, b"/v2/x")


def test_several_are_one():
    found = together([parse_match_on("model"), parse_match_on("messages,-a.b"), parse_match_on("+header:A")])
    assert found == MatchOn(frozenset(("model", "messages")), ("a.b",), (b"a",))
    assert together([]) == MatchOn()


REFUSED = [
    ("", "is no part of a request: write a member's name"),
    ("model,", "is no part of a request"),
    ("a b", "is no part of a request"),
    ("-", "is no part of a request"),
    ("-a..b", "is no part of a request"),
    ("-" + "a." * 40 + "a", "is no part of a request"),
    ("+temperature", "adds nothing that is known"),
    ("+header:", "is not the name of a header field"),
    ("+header:a b", "is not the name of a header field"),
    ("messages.*.name", "to leave one out, write -messages"),
    ("*", "only members of the body itself"),
    ("--x", "is no part of a request"),
    ("-messages.*", "'-messages.\\*': write -messages"),
    ("-*", "only a member can be left out"),
    ("+header:Authorization", "is a credential: .*--replay-scope key"),
    ("+header:x-api-key", "is a credential"),
]


@pytest.mark.parametrize(("text", "said"), REFUSED, ids=range(len(REFUSED)))
def test_an_error_names_the_choices(text, said):
    with pytest.raises(ValueError, match=said):
        parse_match_on(text)


WRONG_TABLES = [
    ("x", "must be tables"),
    ([5], "must be tables"),
    ([{}], "path must be a path"),
    ([{"path": "v1", "on": "model"}], "path must be a path"),
    ([{"path": "/v1/*/x", "on": "model"}], "with . at its end"),
    ([{"path": "/v1"}], r"\[\[match\]\] 1: on must be a list"),
    ([{"path": "/v1", "on": []}], "on must be a list"),
    ([{"path": "/v1", "on": [5]}], "on must be a list"),
    ([{"path": "/v1", "on": "+x"}], r"\[\[match\]\] 1: on: '\+x' adds nothing"),
    ([{"path": "/v1", "on": "x", "of": "y"}], "unknown key 'of'"),
    ([{"path": "/v1/x?y=1", "on": "model"}], "path must be a path"),
    ([{"path": "/v1/x#y", "on": "model"}], "path must be a path"),
    ([{"path": "/v1/x y", "on": "model"}], "path must be a path"),
    ([{"path": "/v1/x\n", "on": "model"}], "path must be a path"),
]


@pytest.mark.parametrize(("tables", "said"), WRONG_TABLES, ids=range(len(WRONG_TABLES)))
def test_a_table_that_is_wrong_says_what_to_do(tables, said):
    with pytest.raises(ValueError, match=said):
        parse_tables(tables)


@pytest.mark.parametrize(("path", "covered"), [(b"/v1/a", True), (b"/v1/", True), (b"/v1", False), (b"/v2/a", False)])
def test_a_star_covers_what_begins_so(path, covered):
    assert PathMatch("/v1/*", MatchOn()).covers(path) is covered
    assert PathMatch("/v1/a", MatchOn()).covers(path) is (path == b"/v1/a")


@pytest.mark.parametrize(
    ("mine", "path", "covered"),
    [
        ("/model/a:0/converse", b"/model/a%3A0/converse", True),
        ("/model/a%3a0/converse", b"/model/a:0/converse", True),
        ("/model/a:*", b"/model/a%3A0/converse", True),
        ("/model/a%3A*", b"/model/a:0/converse", True),
        ("/models/a/b", b"/models/a%2Fb", False),
    ],
)
def test_a_path_covers_itself_however_it_is_encoded(mine, path, covered):
    assert PathMatch(mine, MatchOn()).covers(path) is covered


def test_settings_that_differ_have_another_digest():
    found = {
        Matcher().digest,
        Matcher(on=parse_match_on("model")).digest,
        Matcher(on=parse_match_on("-model")).digest,
        Matcher(on=parse_match_on("+header:model")).digest,
        Matcher(paths=parse_tables([{"path": "/a", "on": "model"}])).digest,
        Matcher(keys="promptecho-2").digest,
    }
    assert len(found) == 6
    assert Matcher(on=parse_match_on("b,a")).digest == Matcher(on=parse_match_on("a,b")).digest


def ask(kept, data, answer, rules=RULES):
    return kept.of(data, rules, lambda: answer)


def test_what_is_remembered_stays_within_its_limit():
    kept = Kept(limit=20_000, longest=1000)
    assert [ask(kept, b"x" * 1001, answer) for answer in (1, 2)] == [1, 2]
    for number in range(1000):
        assert [ask(kept, b"%0900d" % number, answer) for answer in (number, "anew")] == [number, number]
        assert sum(len(key[0]) for part in (kept._young, kept._old) for key, _ in part.values()) <= 20_000
    assert ask(kept, b"%0900d" % 0, "anew") == "anew"
    assert ask(kept, b"%0900d" % 999, "anew", ("other rules", b"")) == "anew"


def test_what_is_asked_for_again_stays():
    kept = Kept(limit=20_000)
    ask(kept, b"often", 1)
    for number in range(1000):
        ask(kept, b"%0900d" % number, number)
        assert ask(kept, b"often", "anew") == 1


def test_where_asked_only_what_comes_twice_is_kept():
    kept = Kept(second=True)
    assert [ask(kept, b"a", answer) for answer in (1, 2, 3)] == [1, 2, 2]
    for number in range(10_000):
        ask(kept, b"%d" % number, number)
    assert ask(kept, b"5", "anew") == "anew"
    assert len(kept._seen) <= 4096


class Same(bytes):
    """Octets that all have one hash."""

    def __hash__(self):
        return 7


@pytest.mark.parametrize("limit", [20_000, 8])
def test_two_keys_with_one_hash_are_never_taken_for_each_other(limit):
    kept = Kept(limit=limit)
    for number in range(100):
        assert ask(kept, Same(b"%d" % number), number) == number
    assert ask(kept, Same(b"5"), "anew") == "anew"
