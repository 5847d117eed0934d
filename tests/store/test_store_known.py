"""The filter of known fingerprints never says no to one that is there."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import fingerprint

from proxy_daemon.store.known import Known

fingerprints = st.binary(min_size=16, max_size=40)


@settings(max_examples=40)
@given(st.lists(fingerprints, max_size=50))
def test_says_maybe_to_all_that_is_there(added):
    known = Known()
    known.add_all(added)
    assert [each for each in added if not known.may_hold(each)] == []


def test_says_maybe_to_each_of_many():
    known = Known()
    known.add_all(fingerprint(number) for number in range(20_000))
    assert all(known.may_hold(fingerprint(number)) for number in range(20_000))


def test_says_no_to_nearly_all_that_is_not_there():
    known = Known()
    known.add_all(fingerprint(number) for number in range(1000))
    assert sum(known.may_hold(fingerprint(f"other {number}")) for number in range(5000)) < 10


@settings(max_examples=20)
@given(fingerprints)
def test_says_no_while_empty(asked):
    assert not Known().may_hold(asked)


@pytest.mark.parametrize("octet", [0, 1, 2, 8, 9, 10, 11])
def test_each_octet_that_is_looked_at_counts(octet):
    known, here = Known(), bytes(16)
    known.add(here)
    assert not known.may_hold(here[:octet] + b"\1" + here[octet + 1 :])


def test_one_unknown_in_a_thousand_is_looked_up_in_vain_with_a_million():
    known = Known()
    for number in range(1_000_000):
        known.add(sha256(b"%d" % number).digest())
    assert sum(known.may_hold(fingerprint(f"other {number}")) for number in range(10_000)) < 30


@pytest.mark.parametrize("short", [b"", b"x", b"123456789012345"])
def test_what_is_no_fingerprint_is_not_there(short):
    known = Known()
    known.add_all([short, fingerprint(1)])
    assert not known.may_hold(short)
    assert known.may_hold(fingerprint(1))
