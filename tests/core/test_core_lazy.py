"""A lazy attribute is computed once for each instance, when it is first read, and not at all where it is not."""

import pytest
from attrs import evolve, frozen

from proxy_daemon.core.lazy import lazy


class Counted:
    def __init__(self, value):
        self.value = value
        self.calls = 0

    @lazy
    def answer(self):
        """What it says."""
        self.calls += 1
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


@frozen(slots=False)
class Point:
    x: int

    @lazy
    def double(self):
        return [self.x * 2]


@pytest.mark.parametrize("value", [1, None, 0, b"", False, [], "text"])
def test_it_is_computed_once_whatever_the_value_is(value):
    counted = Counted(value)
    assert counted.calls == 0
    assert counted.answer is value
    assert counted.answer is value
    assert counted.calls == 1


def test_each_instance_has_its_own():
    first, second = Counted(1), Counted(2)
    assert (first.answer, second.answer, first.answer) == (1, 2, 1)
    assert (first.calls, second.calls) == (1, 1)


def test_a_raise_is_not_kept():
    counted = Counted(ValueError("not yet"))
    with pytest.raises(ValueError, match="not yet"):
        _ = counted.answer
    counted.value = 3
    assert (counted.answer, counted.calls) == (3, 2)


def test_the_class_shows_the_descriptor_with_its_words():
    assert isinstance(Counted.answer, lazy)
    assert Counted.answer.__doc__ == "What it says."


def test_a_frozen_value_stays_frozen_and_equal():
    read, unread = Point(1), Point(1)
    assert read.double == [2]
    assert read.double is read.double
    assert read == unread
    assert hash(read) == hash(unread)
    with pytest.raises(AttributeError):
        read.x = 2


def test_a_changed_copy_does_not_inherit_what_was_computed():
    point = Point(1)
    assert point.double == [2]
    assert evolve(point, x=5).double == [10]


def test_subclasses_may_compute_otherwise():
    class Half(Counted):
        @lazy
        def answer(self):
            return super().answer / 2

    assert Half(8).answer == 4
