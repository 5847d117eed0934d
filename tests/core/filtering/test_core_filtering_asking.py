"""Asking whole trees: what joins terms, what is read, and what time it takes."""

import pytest
from attrs import evolve
from filter_subject import TREES, Plain
from hypothesis import given

from proxy_daemon.core.filtering import And, Not, Or, explain, holds, parse

PLAIN = Plain()
YES, NO = "~all", "~q"


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        (f"{YES} & {YES}", True),
        (f"{YES} & {NO}", False),
        (f"{NO} {YES}", False),
        (f"{NO} | {YES}", True),
        (f"{NO} | {NO}", False),
        (f"!{NO}", True),
        (f"!{YES}", False),
        (f"!!{YES}", True),
        (f"{NO} & {NO} | {YES}", True),
        (f"{NO} & ({NO} | {YES})", False),
        (f"{YES} | {YES} {NO}", False),
        (f"{YES} | ({YES} {NO})", True),
        (f"!{NO} & {YES}", True),
        (f"!({NO} & {YES})", True),
        ("~m post ~d openai !~e (~c 200 | ~c 429) invoice", True),
    ],
)
def test_signs(text, selected):
    assert holds(parse(text), PLAIN) is selected


def ready(tree):
    """With its patterns compiled."""
    return parse(explain(tree))


@given(TREES, TREES)
def test_de_morgan(one, other):
    one, other = ready(one), ready(other)
    for subject in (PLAIN, evolve(PLAIN, has_response=False, tokens=None, mark="red", said=())):
        assert holds(Not(And((one, other))), subject) == holds(Or((Not(one), Not(other))), subject)
        assert holds(Not(Or((one, other))), subject) == holds(And((Not(one), Not(other))), subject)
        assert holds(Not(one), subject) is not holds(one, subject)


@given(TREES, TREES)
def test_order_does_not_matter(one, other):
    one, other = ready(one), ready(other)
    assert (
        holds(And((one, other)), PLAIN)
        == (holds(one, PLAIN) and holds(other, PLAIN))
        == holds(And((other, one)), PLAIN)
    )
    assert (
        holds(Or((one, other)), PLAIN) == (holds(one, PLAIN) or holds(other, PLAIN)) == holds(Or((other, one)), PLAIN)
    )


class Guarded:
    """Its bodies must not be read."""

    status, url, said, has_response = 200, "https://host/v1", (), True

    @property
    def request_body(self):
        raise AssertionError("was read")

    response_body = request_lines = response_lines = request_body


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("~b x & ~c 404", False),
        ("~b x | ~c 200", True),
        ("(~h x | ~bs y) ~c 404", False),
        ("!(~b x | ~c 200)", False),
        ("(~c 200 | ~b x) & (~b y | ~s)", True),
    ],
)
def test_bodies_are_read_only_where_they_decide(text, selected):
    assert holds(parse(text), Guarded()) is selected


def test_the_second_body_is_read_only_where_the_first_does_not_decide():
    class Half(Guarded):
        request_body = b"here"

    assert holds(parse("~b here"), Half())
    with pytest.raises(AssertionError, match="was read"):
        holds(parse("~b there"), Half())


@pytest.mark.parametrize(
    "text",
    ["~b '(a+)+$'", "~b '(a|a)*b'", "~b '(a*)*Z'", "~b '(.*)(.*)(.*)(.*)x'", "~b 'a*a*a*a*a*b'", "'(a+)+!'"],
)
def test_hostile_patterns_are_linear(text):
    """Each would take centuries where it is tried out."""
    assert not holds(
        parse(text), evolve(PLAIN, request_body=b"a" * 200_000 + b"!?", url="a" * 5000, said=("a" * 5000,))
    )


@pytest.mark.parametrize("body", [b"\xff\xfe\x00a needle\x80", b"\xc3needle", b"\x89PNG\r\nneedle" + bytes(range(256))])
def test_octets_that_are_no_text(body):
    subject = evolve(PLAIN, response_body=body, response_lines=(b"x: \xff",), said=("\ud800 half",), url="\udcff")
    assert holds(parse("~bs NEEDLE"), subject)
    assert holds(parse("~hs '^x: '"), subject)
    assert holds(parse("~said half"), subject)
    assert not holds(parse("~u needle"), subject)
