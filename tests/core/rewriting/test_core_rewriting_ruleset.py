"""`core/rewriting/ruleset.py`, `passage.py` and `explaining.py`: which rules are for a request, and what they do."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.bodies import Bytes
from proxy_daemon.core.dialects import BUILT_IN, GENERIC, recognise
from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import Request, ResponseHead
from proxy_daemon.core.rewriting.explaining import MOST_CHANGES, body_changes, explain_answer, explain_request
from proxy_daemon.core.rewriting.passage import Passage
from proxy_daemon.core.rewriting.reading import read_rules
from proxy_daemon.core.rewriting.ruleset import LONGEST_JUDGED, MOST_KNOWN, NOTHING, RuleSet, fights

REMOVE = 'request.remove = "user"'
SWAP = 'text = { replace = "cat", by = "dog" }'
JSON = (b"Content-Type", b"application/json")


def rules(*bodies):
    texts = [f'[[rule]]\nname = "r{number}"\n{body}\n' for number, body in enumerate(bodies, 1)]
    return read_rules("".join(texts), "f")


def chat(body=b'{"model":"m","user":"u"}', path=b"/v1/chat/completions"):
    return Request(b"POST", path, Headers([JSON]), Bytes(body))


def answer(text="a cat", **more):
    return json.dumps({"model": "m", "choices": [{"index": 0, "message": {"content": text}}]} | more).encode()


def passage(*bodies, asked=None):
    asked = asked or chat()
    dialect = recognise(asked, BUILT_IN)
    made = Passage(RuleSet(rules(*bodies)).chosen(asked, dialect, "default"), dialect)
    return made, made.request(asked)


# --- which rules -----------------------------------------------------------------------------------------------------


def test_those_whose_conditions_hold_by_what_they_change():
    found = RuleSet(rules(REMOVE, 'when = { path = "/x" }\n' + REMOVE, "response.status = 200", SWAP))
    chosen = found.chosen(chat(), recognise(chat(), BUILT_IN), "default")
    assert [rule.name for rule in (*chosen.requests, *chosen.responses, *chosen.texts)] == ["r1", "r3", "r4"]
    assert chosen.shapes_answers


MAPPED = 'when = { model = "m*" }\nrequest.model = { "m1" = "m2" }'
BY_HEADER = 'when = { header = { x-team = "red" } }\n' + REMOVE


@pytest.mark.parametrize(
    ("body", "asked", "upstream", "expected"),
    [
        (MAPPED, chat(b'{"model":"m1"}'), "default", (1, True)),
        (MAPPED, chat(b'{"model":"m2"}'), "default", (1, False)),
        (MAPPED, chat(b'{"model":"other"}'), "default", (0, False)),
        (MAPPED, chat(b'{"model":"m1"}' + b" " * LONGEST_JUDGED), "default", (1, True)),
        (BY_HEADER, chat(), "default", (0, False)),
        (BY_HEADER, Request(b"POST", b"/v1", Headers([JSON, (b"X-Team", b"red")])), "default", (1, True)),
        (BY_HEADER, Request(b"POST", b"/v1", Headers([JSON, (b"X-Team", b"blue")])), "default", (0, False)),
        ('when = { upstream = "here" }\n' + REMOVE, chat(), "here", (1, True)),
        ('when = { upstream = "here" }\n' + REMOVE, chat(), "there", (0, False)),
        ('when = { path = "/a" }\n' + REMOVE, chat(path=b"/a?b"), "default", (1, True)),
        ('when = { path = "/a" }\n' + REMOVE, chat(path=b"/b?a"), "default", (0, False)),
        ('when = { method = "GET" }\n' + REMOVE, chat(), "default", (0, False)),
    ],
)
def test_what_is_remembered_of_a_request_is_what_was_decided(body, asked, upstream, expected):
    found = RuleSet(rules(body, 'when = { model = "nobody" }\n' + REMOVE))
    dialect = recognise(asked, BUILT_IN)
    for near in (chat(b'{"model":"m3"}'), chat(path=b"/c"), Request(b"GET", b"/a")):  # others do not mix with it
        found.judged(near, recognise(near, BUILT_IN), "default")
    for _ in range(4):
        again = Request(asked.method, asked.target, Headers(asked.headers.pairs), Bytes(asked.body.data))
        chosen, may_change = found.judged(again, dialect, upstream)
        assert (len(chosen.requests), may_change) == expected


def test_a_request_that_comes_again_is_not_parsed_again():
    found, asked = RuleSet(rules(MAPPED)), chat(b'{"model":"m1"}')
    dialect = recognise(asked, BUILT_IN)
    for _ in range(2):
        found.judged(asked, dialect, "default")
    again = chat(b'{"model":"m1"}')
    assert found.judged(again, dialect, "default")[1]
    assert "json" not in vars(again)


@pytest.mark.parametrize("bodies", [(), ('when = { path = "/x" }\n' + REMOVE,)])
def test_none(bodies):
    found = RuleSet(rules(*bodies) if bodies else ())
    assert found.chosen(chat(), GENERIC, "default") is NOTHING
    assert not NOTHING.shapes_answers


def test_what_is_remembered_of_a_place_is_bounded_and_right():
    found = RuleSet(rules('when = { path = "/a*", method = "POST" }\n' + REMOVE))
    for number in range(3000):
        for path, expected in ((b"/a%d" % number, 1), (b"/b%d" % number, 0), (b"/a" * 200 + b"%d" % number, 1)):
            assert len(found.chosen(chat(path=path), GENERIC, "default").requests) == expected
            assert len(found.chosen(chat(path=path), GENERIC, "default").requests) == expected
        assert len(found._known) <= MOST_KNOWN
    assert found.chosen(Request(b"GET", b"/a1"), GENERIC, "default") is NOTHING
    assert max(len(path) for path, *_ in found._known) < 300


FIGHTS = [
    ((REMOVE, 'request.remove = "name"'), ""),
    ((REMOVE, "response.remove = 'user'"), ""),
    ((REMOVE, SWAP), ""),
    ((REMOVE, 'request.set = { user = "x" }'), "rule 'r1' changes the field user too"),
    (('when = { path = "/a" }\n' + REMOVE, 'request.set = { user = "x" }'), ""),
    (
        ('when = { path = "/a" }\n' + REMOVE, 'when = { path = "/a" }\n' + REMOVE),
        "rule 'r1' changes the field user too",
    ),
    (("response.status = 200", "response.status = 201"), "rule 'r1' changes the status too"),
    (('request.model = {a = "b"}', 'request.model = {c = "d"}'), "rule 'r1' changes the model too"),
    (
        ('request.path = { prefix = "/a", to = "/b" }', 'request.path = { prefix = "/a/", to = "/c" }'),
        "rule 'r1' changes paths below '/a' too",
    ),
    (
        ('request.path = { expression = "^/a", to = "/b" }', 'request.path = { expression = "^/a", to = "/c" }'),
        "rule 'r1' changes paths like '^/a' too",
    ),
    (('request.path = { prefix = "/a", to = "/b" }', 'request.path = { prefix = "/b", to = "/c" }'), ""),
    (('request.headers.set = {X = "1"}', 'request.headers.remove = "x"'), "rule 'r1' changes the header field x too"),
    (('request.headers.add = {X = "1"}', 'request.headers.add = {X = "2"}'), ""),
    ((SWAP, 'text = { replace = "cat", by = "cow" }'), "rule 'r1' comes first and changes 'cat'"),
    ((SWAP, 'text = { replace = "cats", by = "cow" }'), "rule 'r1' comes first and changes 'cats'"),
    (('when = { dialect = "anthropic" }\n' + SWAP, 'when = { dialect = "ollama" }\n' + SWAP), ""),
    (('when = { dialect = "anthropic" }\n' + SWAP, SWAP), "rule 'r1' comes first"),
]


@pytest.mark.parametrize(("bodies", "why"), FIGHTS, ids=range(len(FIGHTS)))
def test_rules_that_fight(bodies, why):
    found = list(fights(rules(*bodies)))
    assert len(found) == bool(why)
    if why:
        assert (found[0][0].name, found[0][0].place) == ("r2", f"f:{4 + bodies[0].count(chr(10))}")
        assert why in found[0][1]


def test_two_of_one_name():
    found = list(fights((*rules(REMOVE), *rules(SWAP))))
    assert [(rule.name, why) for rule, why in found] == [("r1", "two rules have this name, the other at f:1")]


# --- a passage -------------------------------------------------------------------------------------------------------


def test_a_request_and_its_answer():
    made, asked = passage(REMOVE, SWAP, 'response.set = { model = "ours" }\nresponse.headers.add = { X-A = "1" }')
    assert asked.body.whole() == b'{"model":"m"}'
    head = made.head(ResponseHead(200, b"OK", Headers([JSON])))
    assert head.headers.pairs == (JSON, (b"X-A", b"1"))
    assert made.transform.piece(answer()) + made.transform.end() == answer("a dog", model="ours")
    assert (made.fired, made.problems) == (["r1", "r3", "r2"], [])


@pytest.mark.parametrize("bodies", [(SWAP,), ('response.set = { model = "ours" }',), (SWAP, 'response.remove = "x"')])
def test_a_coded_answer_goes_on_uncoded(bodies):
    made, _ = passage(*bodies)
    coded = Headers([JSON, (b"Content-Encoding", b"gzip"), (b"Content-MD5", b"x")])
    head = made.head(ResponseHead(200, b"OK", coded))
    assert head.headers.pairs == (JSON,)
    body = made.transform.piece(gzip.compress(answer())) + made.transform.end()
    assert json.loads(body) == json.loads(
        answer("a dog" if SWAP in bodies else "a cat", model="ours" if SWAP not in bodies else "m")
    )


def test_an_answer_that_no_rule_touches_keeps_its_head():
    made, asked = passage('response.remove = "x"')
    head = ResponseHead(200, b"OK", Headers([(b"Content-Type", b"image/png"), (b"Content-Encoding", b"gzip")]))
    assert made.head(head) is head
    assert made.transform is None
    assert asked is not None


@pytest.mark.parametrize(
    ("bodies", "path", "shapes"),
    [
        ((SWAP,), b"/v1/chat/completions", True),
        ((SWAP,), b"/v1/embeddings", False),
        ((SWAP,), b"/unknown", False),
        ((REMOVE,), b"/v1/chat/completions", False),
        (("response.status = 200",), b"/unknown", True),
    ],
)
def test_whether_the_answer_is_touched_is_known_before_it_comes(bodies, path, shapes):
    made, _ = passage(*bodies, asked=chat(path=path))
    assert made.shapes() is shapes


def test_a_mapped_path_has_the_api_of_the_new_one():
    made, asked = passage('request.path = { prefix = "/llm", to = "/v1" }', SWAP, asked=chat(path=b"/llm/completions"))
    assert (asked.path, made.shapes()) == (b"/v1/completions", True)


@pytest.mark.parametrize(
    ("path", "to", "shapes"),
    [(b"/mine", "/v1/chat/completions", True), (b"/mine", "/yours", False), (b"/v1/messages", "/v1/embeddings", False)],
)
def test_a_path_of_no_api_mapped_to_one_of_some(path, to, shapes):
    made, asked = passage(f'request.path = {{ prefix = "{path.decode()}", to = "{to}" }}', SWAP, asked=chat(path=path))
    assert (asked.path, made.shapes()) == (to.encode(), shapes)


def test_problems_are_said_once_and_are_few():
    made, _ = passage(*[f'request.remove = "a{number}"' for number in range(12)], asked=chat(b"no JSON"))
    assert len(made.problems) == 10
    assert made.problems[0].startswith("rule 'r1': the request is left as it came: not JSON")


# --- what is explained -----------------------------------------------------------------------------------------------


def test_a_request_is_explained_rule_by_rule():
    asked = chat()
    made = rules(
        REMOVE,
        'when = { path = "/x" }\n' + REMOVE,
        SWAP,
        'request.remove = "no"',
        'request.path = {prefix="/v1", to="/v2"}',
    )
    found, request = explain_request(made, asked, recognise(asked, BUILT_IN), "default")
    told = [(each.why, [(change.where, change.before, change.after) for change in each.changes]) for each in found]
    assert told == [
        ("", [("user", '"u"', "nothing")]),
        ("its conditions do not hold", []),
        ("it is for answers", []),
        ("it finds nothing to change", []),
        ("", [("target", "/v1/chat/completions", "/v2/chat/completions")]),
    ]
    assert (request.target, request.body.whole()) == (b"/v2/chat/completions", b'{"model":"m"}')


def test_an_answer_is_explained_rule_by_rule():
    asked, made = (
        chat(),
        rules("response.status = 201", SWAP, 'response.set = {"choices.0.message.content" = "x"}', REMOVE),
    )
    head = ResponseHead(200, b"", Headers([JSON]))
    found, (new, body) = explain_answer(made, asked, recognise(asked, BUILT_IN), "default", (head, answer()))
    told = [(each.why, [(change.where, change.before, change.after) for change in each.changes]) for each in found]
    assert told == [
        ("", [("status", "200", "201")]),
        ("", [("choices.0.message.content", '"a cat"', '"a dog"')]),
        ("", [("choices.0.message.content", '"a dog"', '"x"')]),
        ("it is for requests", []),
    ]
    assert (new.status, body) == (201, answer("x"))


def test_many_changes_are_counted():
    asked = chat(json.dumps({"l": [{"n": number} for number in range(50)]}).encode())
    found, _ = explain_request(rules('request.remove = "l.*.n"'), asked, GENERIC, "default")
    assert (len(found[0].changes), found[0].left_off) == (MOST_CHANGES, 30)


CHANGES = [
    (b"[1,2]", b"[1]", [("body", "[1,2]", "[1]")]),
    (b'{"a":[1,{"b":1}]}', b'{"a":[1,{"b":2}]}', [("a.1.b", "1", "2")]),
    (b'{"a":1}', b'{"a":1.0}', [("a", "1", "1.0")]),
    (b'{"a":true}', b'{"a":1}', [("a", "true", "1")]),
    (b'{"a":1}', b'{ "a":1}', []),
    (b"data: a\n\ndata: b\n\n", b"data: a\n\ndata: c\n\n", [("line 2", "data: b", "data: c")]),
    (b"a\n", b"a\nb\n", [("line 2", "nothing", "b")]),
    (b"", b'{"a":1}', [("line 1", "nothing", '{"a":1}')]),
    (b"\xff", b"\xfe", []),
]


@pytest.mark.parametrize(("before", "after", "expected"), CHANGES, ids=range(len(CHANGES)))
def test_what_is_different(before, after, expected):
    assert [(change.where, change.before, change.after) for change in body_changes(before, after)] == expected


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_any_two_bodies_are_compared(one, other):
    assert all(len(change.before) < 300 for change in body_changes(one, other))


def test_deep_and_long_bodies_are_compared():
    deep = b'{"a":' * 900 + b"1" + b"}" * 900
    assert len(list(body_changes(deep, deep.replace(b"1", b"2")))) == 1
    (change,) = body_changes(b"x\n" * 30_000, b"y\n" * 30_000)
    assert (change.where, change.before) == ("body", "30000 lines")
