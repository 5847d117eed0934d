"""A script is a value: equal where its parts are, and changed by nobody."""

import attrs
import pytest

from proxy_daemon.core.headers import Headers
from proxy_daemon.core.messages import ResponseHead
from proxy_daemon.core.script import Script

HEAD = ResponseHead(200, b"OK", Headers([(b"Content-Type", b"text/plain")]))
PIECES = ((0.0, b"a"), (0.5, b""), (0.0, b"\xff"))


def test_equal_parts_make_equal_scripts():
    other = ResponseHead(200, b"OK", Headers([(b"Content-Type", b"text/plain")]))
    assert Script(HEAD, PIECES) == Script(other, PIECES)
    assert hash(Script(HEAD, PIECES)) == hash(Script(other, PIECES))


@pytest.mark.parametrize(
    "other",
    [
        Script(ResponseHead(201, b"OK", HEAD.headers), PIECES),
        Script(HEAD, ()),
        Script(HEAD, PIECES[:2]),
        Script(HEAD, ((0.1, b"a"), *PIECES[1:])),
    ],
)
def test_other_parts_make_another(other):
    assert Script(HEAD, PIECES) != other


@pytest.mark.parametrize("name", ["head", "pieces", "more"])
def test_nobody_changes_one(name):
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(Script(HEAD, PIECES), name, ())


def test_a_changed_copy_leaves_the_first_alone():
    first = Script(HEAD, PIECES)
    assert attrs.evolve(first, pieces=()).head is first.head
    assert first.pieces == PIECES
