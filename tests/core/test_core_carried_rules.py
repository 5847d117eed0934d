"""Rules that go from one process to another find the same there, and what is none is refused."""

from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_daemon.core.carried_rules import carried, carried_back
from proxy_daemon.core.redact import Redactor
from proxy_daemon.core.secret_rules import NO_RULES, Rule, Rules

OWN = Rules((Rule("tenant", "acme-([0-9]{6})"), Rule("mail", header=("X-Mail",), json=("user.*.email", "phone"))))
KEY = "sk-ant-api03-" + "Ab1Cd2Ef3Gh4" * 4


@pytest.mark.parametrize("rules", [NO_RULES, OWN], ids=["none", "own"])
def test_there_and_back(rules):
    back = carried_back(orjson.loads(orjson.dumps(carried(rules))))
    assert back == rules
    assert (back.fields, back.members, back.paths) == (rules.fields, rules.members, rules.paths)
    assert Redactor(back).text("acme-123456") == Redactor(rules).text("acme-123456")


def test_keys_are_shown_nowhere_also_where_they_are_recorded():
    recording = Rules(OWN.rules, by_shape=False)
    assert KEY in Redactor(recording).text(f"the key {KEY}")
    assert KEY not in Redactor(carried_back(carried(recording))).text(f"the key {KEY}")
    assert KEY not in Redactor(recording.for_showing).text(f"the key {KEY}")
    assert OWN.for_showing is OWN


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "pattern", "header", "query", "form", "json"]), inner, max_size=6)
    ),
    max_leaves=12,
)


@given(ANY)
def test_what_is_none_is_a_value_error(value):
    with suppress(ValueError):
        assert isinstance(carried_back(value), Rules)
